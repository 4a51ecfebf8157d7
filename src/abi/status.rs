//! What a handle tells of itself: pcap_stats(3PCAP), pcap_snapshot(3PCAP), pcap_fileno(3PCAP),
//! pcap_get_selectable_fd(3PCAP), pcap_setnonblock(3PCAP), pcap_setdirection(3PCAP), pcap_geterr(3PCAP).

use std::ffi::{CStr, c_char, c_int};
use std::io::Write;
use std::ptr;

use super::error::Failed;
use super::guard::guard;
use super::handle::ours;
use super::types::*;
use crate::capture::{DATAGRAM_MAX, Direction};
use crate::system::forward;

/// Counts of the capture so far: `ps_recv` packets delivered, `ps_drop` packets lost between the rule and the
/// reader, exactly, up to the last packet received; `ps_ifdrop` is 0. Each wraps around at 32 bits. Of two processes that
/// read one handle after a fork, each counts the other's packets as lost.
///
/// # Safety
///
/// `p` is a handle that was not closed; `ps` can be written.
///
/// # Returns
///
/// 0, `PCAP_ERROR_NOT_ACTIVATED` or `PCAP_ERROR`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_stats(p: *mut pcap_t, ps: *mut pcap_stat) -> c_int {
    // SAFETY: as the caller promises.
    let Some(handle) = (unsafe { ours(p) }) else {
        return forward!(pcap_stats(p, ps) else PCAP_ERROR);
    };
    handle.call(|state| {
        let statistics = state.active()?.statistics();
        if ps.is_null() {
            return Err(Failed::null("the pcap_stat"));
        }
        let ps_recv = statistics.delivered as u32;
        // SAFETY: as the caller promises.
        unsafe { *ps = pcap_stat { ps_recv, ps_drop: statistics.lost as u32, ps_ifdrop: 0 } };
        Ok(0)
    })
}

/// The snapshot length: no record's caplen is larger. For link type NFLOG it has room for the attributes besides
/// the packet.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// The length in bytes, or `PCAP_ERROR_NOT_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_snapshot(p: *mut pcap_t) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| state.snapshot()),
        None => forward!(pcap_snapshot(p) else PCAP_ERROR),
    }
}

/// The size of the buffer that a batch is received into.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// The size in bytes, or `PCAP_ERROR_NOT_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_bufsize(p: *mut pcap_t) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| state.active().map(|_| DATAGRAM_MAX as c_int)),
        None => forward!(pcap_bufsize(p) else PCAP_ERROR),
    }
}

/// The netlink socket's descriptor. To wait on, take `pcap_get_selectable_fd`: packets may be in the process while
/// the socket has none.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// The descriptor, or -1 before activation.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_fileno(p: *mut pcap_t) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| Ok(state.session.as_mut().map_or(-1, |session| session.descriptor()))),
        None => forward!(pcap_fileno(p) else PCAP_ERROR),
    }
}

/// A descriptor for select(2), poll(2) and epoll(7): readable while a read would find a packet, in the kernel or
/// among those of the last batch.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// The descriptor, or -1 before activation and when the process has no descriptor left.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_get_selectable_fd(p: *mut pcap_t) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| match &mut state.session {
            Some(session) => Ok(session.selectable()?),
            None => Ok(PCAP_ERROR),
        }),
        None => forward!(pcap_get_selectable_fd(p) else PCAP_ERROR),
    }
}

/// How often a read must be tried whatever the selectable descriptor says: never for NFLOG.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// Null for no such need, or the time.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_get_required_select_timeout(p: *mut pcap_t) -> *const timeval {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(_) => ptr::null(),
        None => forward!(pcap_get_required_select_timeout(p) else ptr::null()),
    }
}

/// Sets non-blocking mode: reads return at once. Before activation it is remembered.
///
/// # Safety
///
/// `p` is a handle that was not closed; `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// 0, or `PCAP_ERROR` and a text in `errbuf`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_setnonblock(p: *mut pcap_t, nonblock: c_int, errbuf: *mut c_char) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| {
            state.nonblocking = nonblock != 0;
            if let Some(session) = &mut state.session {
                session.set_nonblocking(nonblock != 0);
            }
            Ok(0)
        }),
        None => forward!(pcap_setnonblock(p, nonblock, errbuf) else PCAP_ERROR),
    }
}

/// Whether the handle is in non-blocking mode.
///
/// # Safety
///
/// `p` is a handle that was not closed; `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// 0 or 1, `PCAP_ERROR_NOT_ACTIVATED`, or `PCAP_ERROR` and a text in `errbuf`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_getnonblock(p: *mut pcap_t, errbuf: *mut c_char) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| state.active().map(|session| session.nonblocking().into())),
        None => forward!(pcap_getnonblock(p, errbuf) else PCAP_ERROR),
    }
}

/// Chooses packets by their way: `PCAP_D_IN` those of the hooks PREROUTING, INPUT and ingress, `PCAP_D_OUT` those of
/// OUTPUT and POSTROUTING, `PCAP_D_INOUT` all. Forwarded packets go both ways.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 0, `PCAP_ERROR_NOT_ACTIVATED`, or `PCAP_ERROR` for an unknown direction.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_setdirection(p: *mut pcap_t, d: pcap_direction_t) -> c_int {
    // SAFETY: as the caller promises.
    let Some(handle) = (unsafe { ours(p) }) else {
        return forward!(pcap_setdirection(p, d) else PCAP_ERROR);
    };
    handle.call(|state| {
        let session = state.active()?;
        session.set_direction(match d {
            PCAP_D_INOUT => Direction::Both,
            PCAP_D_IN => Direction::In,
            PCAP_D_OUT => Direction::Out,
            _ => return Err(Failed::new(PCAP_ERROR, format!("direction {d} is none of PCAP_D_INOUT, IN, OUT"))),
        });
        Ok(0)
    })
}

/// The text of the handle's last error.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// A C string that stays until the handle is closed; its text changes with the next error.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_geterr(p: *mut pcap_t) -> *mut c_char {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.errbuf(),
        None => forward!(pcap_geterr(p) else ptr::null_mut()),
    }
}

/// Prints the text of the handle's last error on standard error, after `prefix` and a colon.
///
/// # Safety
///
/// `p` is a handle that was not closed; `prefix` is null or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_perror(p: *mut pcap_t, prefix: *const c_char) {
    // SAFETY: as the caller promises.
    let Some(handle) = (unsafe { ours(p) }) else {
        return forward!(pcap_perror(p, prefix) else ());
    };
    // SAFETY: the error buffer is always a C string; the prefix is one as the caller promises.
    let (text, prefix) = unsafe {
        let prefix = if prefix.is_null() { c"" } else { CStr::from_ptr(prefix) };
        (CStr::from_ptr(handle.errbuf()), prefix)
    };
    let print = || {
        let line = [prefix.to_bytes(), b": ", text.to_bytes(), b"\n"].concat();
        // There is nobody to tell that standard error cannot be written.
        let _ = std::io::stderr().write_all(&line);
    };
    // SAFETY: a null buffer is allowed.
    unsafe { guard(std::ptr::null_mut(), print) };
}
