//! What a `pcap_t` of ours is, and how it is told from one of the system's libpcap.
//!
//! A handle begins with the address of a private static. A foreign one begins with libpcap's first member, which
//! cannot be that address: so one load and one comparison tell them apart, without a lock or a table.
//!
//! pcap's manual allows one thread at a time per handle, except for `pcap_breakloop`, which may also come from a
//! signal handler. So the part that breakloop needs is shared and everything else is in cells; and because a callback
//! may call any function on the handle that is calling it, no borrow of a cell is alive while a callback runs.

use std::cell::UnsafeCell;
use std::ffi::{c_char, c_int};
use std::sync::Arc;
use std::time::Duration;

use super::error::{self, Failed};
use super::guard::{Failure, guard};
use super::types::*;
use crate::capture::{Device, LinkType, Options, ReaderThread, SNAPLEN_MAX, Session, Stamp, Stop};
use crate::environment;

/// Its address marks our handles. It has a value so that no other static can share the address.
static MARKER: u64 = 0x6e66_6c6f_6700_0001;

/// A `pcap_t` of ours.
#[repr(C)]
pub(super) struct Handle {
    marker: *const u64,
    pub stop: Arc<Stop>,
    errbuf: UnsafeCell<[c_char; PCAP_ERRBUF_SIZE]>,
    /// What `pcap_next_ex` points the caller to.
    pub header: UnsafeCell<pcap_pkthdr>,
    /// What `pcap_setsampling` points the caller to.
    pub sampling: UnsafeCell<pcap_samp>,
    state: UnsafeCell<State>,
}

/// What changes in a handle's life.
pub(super) struct State {
    pub device: Device,
    pub name: String,
    pub options: Options,
    pub rfmon: bool,
    /// Whether the user wants immediate mode, though the program may not.
    pub immediate: bool,
    pub nonblocking: bool,
    pub timeout_is_negative: bool,
    /// Whether the caller chose the buffer's size.
    pub buffer_chosen: bool,
    pub precision: Precision,
    /// The capture, once activated.
    pub session: Option<Session>,
}

/// The unit of a stamp's fraction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    Micro,
    Nano,
}

impl Precision {
    /// A stamp as pcap has it: the fraction is in `tv_usec`, whatever its unit.
    #[inline]
    pub fn timeval(self, stamp: Stamp) -> timeval {
        let fraction = match self {
            Precision::Micro => stamp.nanoseconds / 1000,
            Precision::Nano => stamp.nanoseconds,
        };
        timeval { tv_sec: stamp.seconds as libc::time_t, tv_usec: fraction as _ }
    }
}

/// The handle behind `p` if it is ours; `None` if it is the system's, or null.
///
/// # Safety
///
/// `p` is null, or a handle of ours or of the system's libpcap that was not closed.
#[inline]
pub(super) unsafe fn ours<'a>(p: *const pcap_t) -> Option<&'a Handle> {
    // SAFETY: either kind of handle is larger than a pointer and aligned for one; its first member is a pointer.
    if p.is_null() || unsafe { *p.cast::<*const u64>() } != &raw const MARKER {
        return None;
    }
    // SAFETY: the marker's address is private to this module, which puts it only into handles; the caller promises
    // that this one was not closed.
    Some(unsafe { &*p.cast::<Handle>() })
}

/// The switch that is called `name`, in any case.
fn switch(name: &str) -> Option<bool> {
    [("1", true), ("on", true), ("0", false), ("off", false)]
        .into_iter()
        .find_map(|(known, on)| known.eq_ignore_ascii_case(name).then_some(on))
}

/// What the environment variable `name` chooses, if it is set.
fn chosen<T>(name: &str, from_name: impl Fn(&str) -> Option<T>, names: &str) -> Result<Option<T>, Failed> {
    let Some(value) = environment::variable(name) else { return Ok(None) };
    let value = value.to_string_lossy();
    match from_name(&value) {
        Some(choice) => Ok(Some(choice)),
        None => Err(Failed::new(PCAP_ERROR, format!("{name}={value}: not one of {names}"))),
    }
}

impl Handle {
    /// A handle for a device name that [`Device::claims`].
    pub fn create(name: &str) -> Result<*mut pcap_t, Failed> {
        let device = Device::parse(name).map_err(|error| Failed::new(PCAP_ERROR, error.to_string()))?;
        let options = Options {
            link_type: chosen("PCAP_NFLOG_LINKTYPE", LinkType::from_name, &LinkType::names())?,
            reader_thread: chosen("PCAP_NFLOG_READER_THREAD", ReaderThread::from_name, ReaderThread::NAMES)?
                .unwrap_or_default(),
            ..Options::default()
        };
        let immediate = chosen("PCAP_NFLOG_IMMEDIATE", switch, "1, on, 0, off")?.unwrap_or_default();
        let stop = Stop::new().map_err(|e| Failed::new(PCAP_ERROR, format!("{name}: making an eventfd: {e}")))?;
        let state = State {
            device,
            name: name.to_owned(),
            options,
            rfmon: false,
            immediate,
            nonblocking: false,
            timeout_is_negative: false,
            buffer_chosen: false,
            precision: Precision::Micro,
            session: None,
        };
        let header = pcap_pkthdr { ts: timeval { tv_sec: 0, tv_usec: 0 }, caplen: 0, len: 0 };
        let handle = Handle {
            marker: &raw const MARKER,
            stop: Arc::new(stop),
            errbuf: UnsafeCell::new([0; PCAP_ERRBUF_SIZE]),
            header: UnsafeCell::new(header),
            sampling: UnsafeCell::new(pcap_samp { method: PCAP_SAMP_NOSAMP, value: 0 }),
            state: UnsafeCell::new(state),
        };
        Ok(Box::into_raw(Box::new(handle)).cast())
    }

    /// Closes a handle: its memory and descriptors are gone.
    ///
    /// # Safety
    ///
    /// The handle is used no more, by any thread.
    pub unsafe fn close(&self) {
        let handle = std::ptr::from_ref(self).cast_mut();
        // SAFETY: handles are made by Box in `create` only; the caller promises that this is the last use.
        drop(unsafe { Box::from_raw(handle) });
    }

    /// The handle's error buffer.
    pub fn errbuf(&self) -> *mut c_char {
        self.errbuf.get().cast()
    }

    /// Puts a failure's text where `pcap_geterr` shows it, and returns its code.
    pub fn fail(&self, failed: &Failed) -> c_int {
        // SAFETY: the buffer has PCAP_ERRBUF_SIZE bytes.
        unsafe { error::write(self.errbuf(), &failed.text) };
        failed.code
    }

    /// The handle's state, for as long as no callback runs.
    ///
    /// # Safety
    ///
    /// No other borrow of the state is alive: the caller is the thread that uses the handle, and lets go of this one
    /// before it calls anything of the user's.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn state(&self) -> &mut State {
        // SAFETY: as the caller promises.
        unsafe { &mut *self.state.get() }
    }

    /// The body of an exported function that works on the state and calls nothing of the user's. Its failure goes to
    /// `pcap_geterr` and becomes the function's error value; so does a panic.
    pub fn call<T: Failure>(&self, body: impl FnOnce(&mut State) -> Result<T, Failed>) -> T {
        // SAFETY: the buffer has PCAP_ERRBUF_SIZE bytes. The manual allows one thread per handle, and a callback
        // runs only while no borrow is alive (see `state`).
        unsafe {
            guard(self.errbuf(), || match body(self.state()) {
                Ok(value) => value,
                Err(failed) => T::failure(self.fail(&failed)),
            })
        }
    }
}

impl State {
    /// The capture of an activated handle.
    pub fn active(&mut self) -> Result<&mut Session, Failed> {
        self.session.as_mut().ok_or_else(Failed::not_activated)
    }

    /// The settings of a handle that is not activated yet.
    pub fn inactive(&mut self) -> Result<&mut State, Failed> {
        if self.session.is_some() { Err(Failed::activated()) } else { Ok(self) }
    }

    /// Opens the capture. The value is a warning, if there is one.
    pub fn activate(&mut self, stop: Arc<Stop>) -> Result<Option<Failed>, Failed> {
        self.inactive()?;
        if self.rfmon {
            let text = format!("{}: NFLOG has no monitor mode", self.name);
            return Err(Failed::new(PCAP_ERROR_RFMON_NOTSUP, text));
        }
        self.options.immediate |= self.immediate;
        let mut session = Session::open_with(&self.device, &self.options, stop).map_err(|error| {
            let failed = Failed::from(error);
            Failed { text: format!("{}: {}", self.name, failed.text), ..failed }
        })?;
        session.set_nonblocking(self.nonblocking || self.timeout_is_negative);
        let (granted, asked) = (session.buffer_size(), self.options.buffer_size);
        self.session = Some(session);
        Ok((self.buffer_chosen && granted < asked).then(|| {
            let text = format!(
                "{}: the kernel granted {granted} of {asked} bytes of buffer: raise net.core.rmem_max",
                self.name
            );
            Failed::new(PCAP_WARNING, text)
        }))
    }

    /// What `pcap_set_snaplen` stored, as activation takes it: what is out of range means the most, as in libpcap.
    pub fn set_snaplen(&mut self, snaplen: c_int) {
        self.options.snaplen = match u32::try_from(snaplen) {
            Ok(1..=SNAPLEN_MAX) => snaplen as u32,
            _ => SNAPLEN_MAX,
        };
    }

    /// What `pcap_set_timeout` stored: 0 waits for ever. Less is non-blocking mode from activation on, and the timeout's
    /// complement once that is left, as in libpcap's captures on Linux.
    pub fn set_timeout(&mut self, milliseconds: c_int) {
        self.timeout_is_negative = milliseconds < 0;
        let milliseconds = if milliseconds < 0 { !milliseconds } else { milliseconds };
        self.options.timeout = u64::try_from(milliseconds).ok().filter(|&ms| ms > 0).map(Duration::from_millis);
    }

    /// The handle's snapshot length: never below a record's caplen. A record of link type NFLOG has the message's
    /// other attributes besides the packet.
    pub fn snapshot(&mut self) -> Result<c_int, Failed> {
        const ATTRIBUTES_MAX: u32 = 8192;
        let snaplen = self.options.snaplen;
        Ok(match self.active()?.link_type() {
            LinkType::Nflog => (snaplen + ATTRIBUTES_MAX).min(SNAPLEN_MAX) as c_int,
            _ => snaplen as c_int,
        })
    }
}
