//! Savefiles, read and written: pcap_open_offline(3PCAP), pcap_dump_open(3PCAP), and what is known of a handle as of
//! a savefile. All of it is the system's libpcap's work, also for the packets of our handles.

use std::ffi::{c_char, c_int, c_long, c_uchar, c_uint};
use std::ptr;

use super::dead::Dead;
use super::error::Failed;
use super::handle::{State, ours};
use super::open::report;
use super::types::*;
use crate::system::forward;

/// Says in `errbuf` that the system's `function` is missing; the value is null.
///
/// # Safety
///
/// `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
unsafe fn missing(function: &str, errbuf: *mut c_char) -> *mut pcap_t {
    // SAFETY: as the caller promises.
    unsafe { report(errbuf, &Failed::missing(function)) };
    ptr::null_mut()
}

/// Opens a savefile, pcap or pcapng; "-" is standard input.
///
/// # Safety
///
/// `fname` is null or a C string; `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// The handle; null and a text in `errbuf` when it fails.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_open_offline(fname: *const c_char, errbuf: *mut c_char) -> *mut pcap_t {
    // SAFETY: as the caller promises.
    forward!(pcap_open_offline(fname, errbuf) else unsafe { missing("pcap_open_offline", errbuf) })
}

/// Opens a savefile whose stamps are to be delivered as `PCAP_TSTAMP_PRECISION_MICRO` or
/// `PCAP_TSTAMP_PRECISION_NANO`.
///
/// # Safety
///
/// As for `pcap_open_offline`.
///
/// # Returns
///
/// The handle; null and a text in `errbuf` when it fails.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_open_offline_with_tstamp_precision(
    fname: *const c_char,
    precision: c_uint,
    errbuf: *mut c_char,
) -> *mut pcap_t {
    // SAFETY: as the caller promises.
    forward!(pcap_open_offline_with_tstamp_precision(fname, precision, errbuf)
        else unsafe { missing("pcap_open_offline_with_tstamp_precision", errbuf) })
}

/// Opens a savefile on a stream, which `pcap_close` closes.
///
/// # Safety
///
/// `fp` is a stream open for reading; `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// The handle; null and a text in `errbuf` when it fails.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_fopen_offline(fp: *mut FILE, errbuf: *mut c_char) -> *mut pcap_t {
    // SAFETY: as the caller promises.
    forward!(pcap_fopen_offline(fp, errbuf) else unsafe { missing("pcap_fopen_offline", errbuf) })
}

/// Opens a savefile on a stream, its stamps to be delivered as `PCAP_TSTAMP_PRECISION_MICRO` or
/// `PCAP_TSTAMP_PRECISION_NANO`.
///
/// # Safety
///
/// As for `pcap_fopen_offline`.
///
/// # Returns
///
/// The handle; null and a text in `errbuf` when it fails.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_fopen_offline_with_tstamp_precision(
    fp: *mut FILE,
    precision: c_uint,
    errbuf: *mut c_char,
) -> *mut pcap_t {
    // SAFETY: as the caller promises.
    forward!(pcap_fopen_offline_with_tstamp_precision(fp, precision, errbuf)
        else unsafe { missing("pcap_fopen_offline_with_tstamp_precision", errbuf) })
}

/// Makes a handle without a capture, to compile filters and write savefiles for a link type.
///
/// # Returns
///
/// The handle; null when there is no memory or no libpcap.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pcap_open_dead(linktype: c_int, snaplen: c_int) -> *mut pcap_t {
    forward!(pcap_open_dead(linktype, snaplen) else ptr::null_mut())
}

/// Makes a handle without a capture, for stamps in `PCAP_TSTAMP_PRECISION_MICRO` or `PCAP_TSTAMP_PRECISION_NANO`.
///
/// # Returns
///
/// The handle; null when there is no memory or no libpcap.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pcap_open_dead_with_tstamp_precision(
    linktype: c_int,
    snaplen: c_int,
    precision: c_uint,
) -> *mut pcap_t {
    forward!(pcap_open_dead_with_tstamp_precision(linktype, snaplen, precision) else ptr::null_mut())
}

/// A savefile for the packets of a handle of ours: `open` has the system's libpcap open it, for a handle without a
/// capture that has the same link type, snapshot length and precision.
fn dumper(
    state: &mut State,
    open: impl FnOnce(*mut pcap_t) -> Result<*mut pcap_dumper_t, Failed>,
) -> Result<*mut pcap_dumper_t, Failed> {
    let dead = Dead::of(state)?;
    let dumper = open(dead.as_ptr())?;
    if dumper.is_null() { Err(Failed::new(PCAP_ERROR, dead.error())) } else { Ok(dumper) }
}

/// Opens a savefile to be written, for the packets of `p`; "-" is standard output.
///
/// # Safety
///
/// `p` is a handle that was not closed; `fname` is a C string, or null on a handle for NFLOG.
///
/// # Returns
///
/// What `pcap_dump` takes; null and a text in `pcap_geterr` when it fails, or when `p` was not activated.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_dump_open(p: *mut pcap_t, fname: *const c_char) -> *mut pcap_dumper_t {
    // SAFETY: as the caller promises.
    let Some(handle) = (unsafe { ours(p) }) else {
        return forward!(pcap_dump_open(p, fname) else ptr::null_mut());
    };
    handle.call(|state| {
        dumper(state, |dead| {
            Ok(forward!(pcap_dump_open(dead, fname) else return Err(Failed::missing("pcap_dump_open"))))
        })
    })
}

/// Opens a savefile to be written on a stream, which `pcap_dump_close` closes.
///
/// # Safety
///
/// `p` is a handle that was not closed; `fp` is a stream open for writing.
///
/// # Returns
///
/// What `pcap_dump` takes; null and a text in `pcap_geterr` when it fails, or when `p` was not activated.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_dump_fopen(p: *mut pcap_t, fp: *mut FILE) -> *mut pcap_dumper_t {
    // SAFETY: as the caller promises.
    let Some(handle) = (unsafe { ours(p) }) else {
        return forward!(pcap_dump_fopen(p, fp) else ptr::null_mut());
    };
    handle.call(|state| {
        dumper(state, |dead| {
            if fp.is_null() {
                return Err(Failed::null("the stream"));
            }
            Ok(forward!(pcap_dump_fopen(dead, fp) else return Err(Failed::missing("pcap_dump_fopen"))))
        })
    })
}

/// Opens a savefile to add packets to its end: its link type, snapshot length and precision must be the handle's.
/// One that is missing or empty is begun.
///
/// # Safety
///
/// `p` is a handle that was not closed; `fname` is a C string, or null on a handle for NFLOG.
///
/// # Returns
///
/// What `pcap_dump` takes; null and a text in `pcap_geterr` when it fails, or when `p` was not activated.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_dump_open_append(p: *mut pcap_t, fname: *const c_char) -> *mut pcap_dumper_t {
    // SAFETY: as the caller promises.
    let Some(handle) = (unsafe { ours(p) }) else {
        return forward!(pcap_dump_open_append(p, fname) else ptr::null_mut());
    };
    handle.call(|state| {
        dumper(state, |dead| {
            Ok(forward!(pcap_dump_open_append(dead, fname) else return Err(Failed::missing("pcap_dump_open_append"))))
        })
    })
}

/// Writes a packet to a savefile. May be given to `pcap_loop` and `pcap_dispatch` as their callback.
///
/// # Safety
///
/// `user` is a `pcap_dumper_t` that was not closed; `h` and `sp` are a packet's header and its `caplen` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_dump(user: *mut c_uchar, h: *const pcap_pkthdr, sp: *const c_uchar) {
    forward!(pcap_dump(user, h, sp) else ())
}

/// The stream of a savefile being written.
///
/// # Safety
///
/// `p` is a savefile that was not closed.
///
/// # Returns
///
/// The stream.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_dump_file(p: *mut pcap_dumper_t) -> *mut FILE {
    forward!(pcap_dump_file(p) else ptr::null_mut())
}

/// How many bytes a savefile has, those included that were not flushed yet.
///
/// # Safety
///
/// `p` is a savefile that was not closed.
///
/// # Returns
///
/// The position in bytes, or -1.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_dump_ftell(p: *mut pcap_dumper_t) -> c_long {
    forward!(pcap_dump_ftell(p) else -1)
}

/// How many bytes a savefile has, those included that were not flushed yet, also above 2 GiB where long has 32 bits.
///
/// # Safety
///
/// `p` is a savefile that was not closed.
///
/// # Returns
///
/// The position in bytes, or -1.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_dump_ftell64(p: *mut pcap_dumper_t) -> i64 {
    forward!(pcap_dump_ftell64(p) else -1)
}

/// Hands what was written to the kernel.
///
/// # Safety
///
/// `p` is a savefile that was not closed.
///
/// # Returns
///
/// 0, or `PCAP_ERROR`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_dump_flush(p: *mut pcap_dumper_t) -> c_int {
    forward!(pcap_dump_flush(p) else PCAP_ERROR)
}

/// Closes a savefile that was written.
///
/// # Safety
///
/// `p` is a savefile that was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_dump_close(p: *mut pcap_dumper_t) {
    forward!(pcap_dump_close(p) else ())
}

/// The stream that a handle reads a savefile from.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// The stream; null for a capture.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_file(p: *mut pcap_t) -> *mut FILE {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(_) => ptr::null_mut(),
        None => forward!(pcap_file(p) else ptr::null_mut()),
    }
}

/// Whether a savefile's byte order is not this host's.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 1 if it is not, 0 if it is and for a capture; `PCAP_ERROR_NOT_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_is_swapped(p: *mut pcap_t) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| state.active().map(|_| 0)),
        None => forward!(pcap_is_swapped(p) else PCAP_ERROR),
    }
}

/// The major number of a savefile's format.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// The number; 0 for a capture; `PCAP_ERROR_NOT_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_major_version(p: *mut pcap_t) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| state.active().map(|_| 0)),
        None => forward!(pcap_major_version(p) else PCAP_ERROR),
    }
}

/// The minor number of a savefile's format.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// The number; 0 for a capture; `PCAP_ERROR_NOT_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_minor_version(p: *mut pcap_t) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| state.active().map(|_| 0)),
        None => forward!(pcap_minor_version(p) else PCAP_ERROR),
    }
}
