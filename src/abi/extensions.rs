//! What pcap-nflog adds to libpcap: pcap_nflog_*.

use std::ffi::{c_char, c_int, c_uint, c_ushort};

use super::error::Failed;
use super::guard::catch;
use super::handle::{State, ours};
use super::info::fill;
pub use super::info::pcap_nflog_info;
use super::types::*;
use crate::capture::{BATCH_BYTES, ReaderThread, Statistics};

/// What a capture has seen so far. Later versions may add members at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pcap_nflog_stat {
    /// The size of this struct in bytes, set by the caller: `sizeof(struct pcap_nflog_stat)`.
    pub size: u64,
    /// Packets received from the kernel.
    pub received: u64,
    /// Packets delivered to the program.
    pub delivered: u64,
    /// Packets that the filter or the direction rejected.
    pub filtered: u64,
    /// Packets that the link type cannot hold: ARP in `DLT_RAW`, say.
    pub unrepresentable: u64,
    /// Packets lost between the rule and this process, exactly, up to the last packet received: from the kernel's
    /// sequence numbers.
    pub lost: u64,
    /// Datagrams that the kernel dropped because the receive buffer was full: from the socket's own counter. Each was
    /// a batch of packets. It tells of a loss at the very end too, which no later packet has shown yet.
    pub overruns: u64,
    /// Datagrams received.
    pub batches: u64,
    /// Bytes of the datagrams received.
    pub bytes: u64,
    /// Datagrams and messages that were not well formed, and were skipped.
    pub malformed: u64,
}

/// A reader thread where the kernel grants less buffer than was asked for.
pub const PCAP_NFLOG_READER_AUTO: c_int = 0;
/// A reader thread in any case.
pub const PCAP_NFLOG_READER_ON: c_int = 1;
/// No reader thread.
pub const PCAP_NFLOG_READER_OFF: c_int = 2;

/// The version of this library; a program that finds this function has pcap-nflog and not libpcap alone.
///
/// # Returns
///
/// A C string, "0.1.0", that stays for ever.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pcap_nflog_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The body of a function on a handle that must be of an NFLOG device.
///
/// # Safety
///
/// `p` is null or a handle that was not closed.
unsafe fn on_nflog(p: *mut pcap_t, body: impl FnOnce(&mut State) -> Result<c_int, Failed>) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { ours(p) }.map_or(PCAP_ERROR, |handle| handle.call(body))
}

/// What the kernel said of the packet being delivered: in a callback, of the callback's packet; after `pcap_next` and
/// `pcap_next_ex`, of theirs, until the next read.
///
/// # Safety
///
/// `p` is null or a handle that was not closed; `info` points to a struct whose `size` is set and true.
///
/// # Returns
///
/// 0; `PCAP_ERROR_NOT_ACTIVATED`; `PCAP_ERROR` when no packet is being delivered, when `size` is not that of a
/// version of the struct that this library knows, and for a handle that is not of an NFLOG device (which has no text).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nflog_packet(p: *mut pcap_t, info: *mut pcap_nflog_info) -> c_int {
    let body = |state: &mut State| {
        let session = state.active()?;
        if info.is_null() {
            return Err(Failed::null("the pcap_nflog_info"));
        }
        // SAFETY: as the caller promises.
        check_size("pcap_nflog_info", unsafe { (*info).size }.into(), size_of::<pcap_nflog_info>())?;
        let Some(message) = session.message() else {
            let text = "no packet is being delivered: call pcap_nflog_packet in the callback, or after pcap_next_ex";
            return Err(Failed::new(PCAP_ERROR, text));
        };
        // SAFETY: the struct has the size of ours.
        unsafe { *info = fill(&message) };
        Ok(0)
    };
    // No call in it is a cancellation point, and it is made for each packet.
    // SAFETY: as the caller promises; the error buffer is the handle's, and no other borrow of its state is alive.
    unsafe {
        let Some(handle) = ours(p) else { return PCAP_ERROR };
        let call = || body(handle.state()).unwrap_or_else(|failed| handle.fail(&failed));
        catch(handle.errbuf(), call).unwrap_or_else(|code| code)
    }
}

/// Counts of the capture so far.
///
/// # Safety
///
/// `p` is null or a handle that was not closed; `stats` points to a struct whose `size` is set and true.
///
/// # Returns
///
/// 0; `PCAP_ERROR_NOT_ACTIVATED`; `PCAP_ERROR` when `size` is not that of a version of the struct that this library
/// knows, and for a handle that is not of an NFLOG device (which has no text).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nflog_stats(p: *mut pcap_t, stats: *mut pcap_nflog_stat) -> c_int {
    let body = |state: &mut State| {
        let statistics = state.active()?.statistics();
        if stats.is_null() {
            return Err(Failed::null("the pcap_nflog_stat"));
        }
        // SAFETY: as the caller promises.
        check_size("pcap_nflog_stat", unsafe { (*stats).size }, size_of::<pcap_nflog_stat>())?;
        // SAFETY: the struct has the size of ours.
        unsafe { *stats = counted(&statistics) };
        Ok(0)
    };
    // SAFETY: as the caller promises.
    unsafe { on_nflog(p, body) }
}

fn counted(statistics: &Statistics) -> pcap_nflog_stat {
    pcap_nflog_stat {
        size: size_of::<pcap_nflog_stat>() as u64,
        received: statistics.received,
        delivered: statistics.delivered,
        filtered: statistics.filtered,
        unrepresentable: statistics.unrepresentable,
        lost: statistics.lost,
        overruns: statistics.overruns,
        batches: statistics.batches,
        bytes: statistics.bytes,
        malformed: statistics.malformed,
    }
}

/// A struct's size must be that of a version that is known: this is the first.
fn check_size(name: &str, given: u64, known: usize) -> Result<(), Failed> {
    if given == known as u64 {
        return Ok(());
    }
    let wrong = if given == 0 {
        "its size is 0: set it to its sizeof before the call".to_owned()
    } else if given < known as u64 {
        format!("its size is {given}, less than the {known} bytes of its first version")
    } else {
        format!("its size is {given}, but this is pcap-nflog {} and knows {known} bytes", env!("CARGO_PKG_VERSION"))
    };
    Err(Failed::new(PCAP_ERROR, format!("struct {name}: {wrong}")))
}

/// Packets lost of one group, exactly, up to the last packet of it that was received.
///
/// # Safety
///
/// `p` is null or a handle that was not closed; `lost` can be written.
///
/// # Returns
///
/// 0; `PCAP_ERROR_NOT_ACTIVATED`; `PCAP_ERROR` when the handle does not read the group, and for a handle that is not
/// of an NFLOG device (which has no text).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nflog_lost(p: *mut pcap_t, group: c_ushort, lost: *mut u64) -> c_int {
    let body = |state: &mut State| {
        let name = state.name.clone();
        let Some(count) = state.active()?.lost_of_group(group) else {
            return Err(Failed::new(PCAP_ERROR, format!("{name} does not read group {group}")));
        };
        if lost.is_null() {
            return Err(Failed::null("the count"));
        }
        // SAFETY: as the caller promises.
        unsafe { *lost = count };
        Ok(0)
    };
    // SAFETY: as the caller promises.
    unsafe { on_nflog(p, body) }
}

/// Sets how the kernel gathers packets: it hands a batch over after `packets` of them, or when they fill `bytes`
/// (4,096 to 131,072). 0 leaves either as it is. Before activation.
///
/// # Safety
///
/// `p` is null or a handle that was not closed.
///
/// # Returns
///
/// 0, `PCAP_ERROR_ACTIVATED`, or `PCAP_ERROR` when `bytes` is out of range, and for a handle that is not of an NFLOG
/// device (which has no text).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nflog_set_batch(p: *mut pcap_t, packets: c_uint, bytes: c_uint) -> c_int {
    let body = |state: &mut State| {
        let options = &mut state.inactive()?.options;
        if bytes != 0 && !BATCH_BYTES.contains(&bytes) {
            let (least, most) = (BATCH_BYTES.start(), BATCH_BYTES.end());
            return Err(Failed::new(PCAP_ERROR, format!("a batch of {bytes} bytes is not from {least} to {most}")));
        }
        if packets != 0 {
            options.batch_packets = packets;
        }
        if bytes != 0 {
            options.batch_bytes = bytes;
        }
        Ok(0)
    };
    // SAFETY: as the caller promises.
    unsafe { on_nflog(p, body) }
}

/// Sets how long a packet may wait in the kernel for its batch to fill, in milliseconds. The kernel counts in
/// hundredths of a second, rounded down here; less than 10 ms is its next tick. Before activation.
///
/// # Safety
///
/// `p` is null or a handle that was not closed.
///
/// # Returns
///
/// 0, `PCAP_ERROR_ACTIVATED`, or `PCAP_ERROR` for a negative time, and for a handle that is not of an NFLOG device
/// (which has no text).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nflog_set_flush_ms(p: *mut pcap_t, milliseconds: c_int) -> c_int {
    let body = |state: &mut State| {
        let options = &mut state.inactive()?.options;
        let Ok(milliseconds) = u64::try_from(milliseconds) else {
            return Err(Failed::new(PCAP_ERROR, format!("a flush time of {milliseconds} ms is negative")));
        };
        options.flush = Some(std::time::Duration::from_millis(milliseconds));
        Ok(0)
    };
    // SAFETY: as the caller promises.
    unsafe { on_nflog(p, body) }
}

/// Makes a capture strict (1) or not (0): when packets were lost, the read ends with `PCAP_ERROR` and a text that
/// says how many, before the first packet behind the loss is delivered; the next read goes on with it. May be set at
/// any time.
///
/// # Safety
///
/// `p` is null or a handle that was not closed.
///
/// # Returns
///
/// 0, or `PCAP_ERROR` for a handle that is not of an NFLOG device (which has no text).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nflog_set_strict(p: *mut pcap_t, strict: c_int) -> c_int {
    let body = |state: &mut State| {
        state.options.strict = strict != 0;
        if let Some(session) = &mut state.session {
            session.set_strict(strict != 0);
        }
        Ok(0)
    };
    // SAFETY: as the caller promises.
    unsafe { on_nflog(p, body) }
}

/// Asks the kernel for the conntrack entry of each packet (1) or not (0): `pcap_nflog_packet` then has its id, mark
/// and state. Before activation, which fails where the kernel has no nf_conntrack_netlink.
///
/// # Safety
///
/// `p` is null or a handle that was not closed.
///
/// # Returns
///
/// 0, `PCAP_ERROR_ACTIVATED`, or `PCAP_ERROR` for a handle that is not of an NFLOG device (which has no text).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nflog_set_conntrack(p: *mut pcap_t, conntrack: c_int) -> c_int {
    let body = |state: &mut State| {
        state.inactive()?.options.conntrack = conntrack != 0;
        Ok(0)
    };
    // SAFETY: as the caller promises.
    unsafe { on_nflog(p, body) }
}

/// Chooses whether a thread of this library reads the socket into this process's memory while the program is busy, as
/// far as `pcap_set_buffer_size` allows: `PCAP_NFLOG_READER_AUTO`, the default, where the kernel grants less buffer
/// than was asked for; `PCAP_NFLOG_READER_ON`; `PCAP_NFLOG_READER_OFF`. The thread starts at the first read, takes no
/// signals, and ends with `pcap_close`. Before activation.
///
/// # Safety
///
/// `p` is null or a handle that was not closed.
///
/// # Returns
///
/// 0, `PCAP_ERROR_ACTIVATED`, or `PCAP_ERROR` for an unknown mode, and for a handle that is not of an NFLOG device
/// (which has no text).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nflog_set_reader_thread(p: *mut pcap_t, mode: c_int) -> c_int {
    let body = |state: &mut State| {
        let options = &mut state.inactive()?.options;
        options.reader_thread = match mode {
            PCAP_NFLOG_READER_AUTO => ReaderThread::Auto,
            PCAP_NFLOG_READER_ON => ReaderThread::On,
            PCAP_NFLOG_READER_OFF => ReaderThread::Off,
            _ => return Err(Failed::new(PCAP_ERROR, format!("reader thread mode {mode} is none of AUTO, ON, OFF"))),
        };
        Ok(0)
    };
    // SAFETY: as the caller promises.
    unsafe { on_nflog(p, body) }
}
