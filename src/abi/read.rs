//! Reading packets: pcap_loop(3PCAP), pcap_next_ex(3PCAP), pcap_breakloop(3PCAP).

use std::ffi::{c_int, c_uchar};
use std::ptr;

use super::error::Failed;
use super::guard::guard;
use super::handle::{Handle, State, ours};
use super::types::*;
use crate::capture::{Fetched, Wait};
use crate::system::forward;

/// How long a read goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// A batch was handed over, or the timeout passed: `pcap_dispatch`.
    Batch,
    /// The count is reached, an error, or `pcap_breakloop`: `pcap_loop`.
    Count,
}

/// The header and the bytes of the next record of the batch in hand.
#[inline(always)]
fn take(state: &mut State) -> Option<(pcap_pkthdr, *const c_uchar)> {
    let record = state.session.as_mut()?.take()?;
    let ts = state.precision.timeval(record.stamp);
    Some((pcap_pkthdr { ts, caplen: record.data.len() as u32, len: record.len }, record.data.as_ptr()))
}

/// Receives the next batch; `None` goes on, otherwise the read ends with the value.
#[inline(always)]
fn fetch(state: &mut State, wait: Wait) -> Result<Option<c_int>, Failed> {
    Ok(match state.active()?.fetch(wait)? {
        Fetched::Batch => None,
        Fetched::Nothing => Some(0),
        Fetched::Stopped => Some(PCAP_ERROR_BREAK),
    })
}

/// Ends a loop: no packet is being delivered any more. Passes the loop's result on.
fn ended(handle: &Handle, result: c_int) -> c_int {
    // SAFETY: no callback runs here, and no other borrow is alive.
    if let Some(session) = &mut unsafe { handle.state() }.session {
        session.release();
    }
    settled(handle, result)
}

/// Makes the selectable descriptor tell the truth, and passes the read's result on.
fn settled(handle: &Handle, result: c_int) -> c_int {
    // SAFETY: no callback runs here, and no other borrow is alive.
    if let Some(session) = &mut unsafe { handle.state() }.session {
        session.settle();
    }
    result
}

/// The loop of `pcap_loop` and `pcap_dispatch`.
///
/// # Safety
///
/// `callback` may be called with `user`.
unsafe fn deliver(handle: &Handle, count: c_int, callback: pcap_handler, user: *mut c_uchar, until: Until) -> c_int {
    let Some(callback) = callback else {
        return handle.fail(&Failed::null("the callback"));
    };
    // SAFETY (of each borrow below): it ends before the callback runs.
    let wait = match unsafe { handle.state() }.active() {
        Ok(_) if until == Until::Count => Wait::Forever,
        Ok(session) => session.wait(),
        Err(failed) => return handle.fail(&failed),
    };
    let mut delivered: c_int = 0;
    loop {
        while !handle.stop.is_wanted() {
            // SAFETY: as above.
            let Some((header, bytes)) = take(unsafe { handle.state() }) else { break };
            // SAFETY: the caller promises that it may be called; the header is on this stack, and the bytes stay
            // until the next record is taken.
            unsafe { callback(user, &header, bytes) };
            // One that is without end has more packets than a number can count.
            delivered = delivered.saturating_add(1);
            if delivered == count {
                return if until == Until::Count { 0 } else { delivered };
            }
        }
        // What was delivered is told first; a request to stop then ends the next read.
        if delivered > 0 && until == Until::Batch {
            return delivered;
        }
        if handle.stop.is_wanted() {
            handle.stop.take();
            return PCAP_ERROR_BREAK;
        }
        // SAFETY: as above.
        match fetch(unsafe { handle.state() }, wait) {
            Ok(None) => {}
            Ok(Some(result)) => return result,
            Err(failed) => return handle.fail(&failed),
        }
    }
}

/// Takes one record: 1 and the record, or what `pcap_next_ex` returns when there is none.
fn next(handle: &Handle) -> Result<(pcap_pkthdr, *const c_uchar), c_int> {
    // SAFETY: nothing of the user's is called here.
    let state = unsafe { handle.state() };
    let mut wait = None;
    loop {
        if handle.stop.is_wanted() && handle.stop.take() {
            return Err(PCAP_ERROR_BREAK);
        }
        if let Some(record) = take(state) {
            return Ok(record);
        }
        let until = match (wait, state.active()) {
            (Some(until), _) => until,
            (None, Ok(session)) => *wait.insert(session.wait()),
            (None, Err(failed)) => return Err(handle.fail(&failed)),
        };
        match fetch(state, until) {
            Ok(None) => {}
            Ok(Some(result)) => return Err(result),
            Err(failed) => return Err(handle.fail(&failed)),
        }
    }
}

/// Hands packets to `callback` until `cnt` were handed over (0 and less: without end), an error occurs or
/// `pcap_breakloop` is called. In non-blocking mode, too, it waits for packets without using the CPU.
///
/// # Safety
///
/// `p` is a handle that was not closed and that no other thread uses; `callback` may be called with `user`, and does
/// not close the handle.
///
/// # Returns
///
/// 0 when `cnt` is reached (of a savefile: at its end, too), `PCAP_ERROR_BREAK`, `PCAP_ERROR_NOT_ACTIVATED` or
/// `PCAP_ERROR`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_loop(p: *mut pcap_t, cnt: c_int, callback: pcap_handler, user: *mut c_uchar) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        // SAFETY: as the caller promises; the error buffer is the handle's.
        Some(handle) => unsafe {
            guard(handle.errbuf(), || ended(handle, deliver(handle, cnt, callback, user, Until::Count)))
        },
        None => forward!(pcap_loop(p, cnt, callback, user) else PCAP_ERROR),
    }
}

/// Hands the packets of one batch to `callback`, at most `cnt` (0 and less: all). Waits for a batch as long as
/// `pcap_set_timeout` said, in non-blocking mode not at all.
///
/// # Safety
///
/// As for `pcap_loop`.
///
/// # Returns
///
/// The number of packets, which is 0 when the time passed with none; `PCAP_ERROR_BREAK` if `pcap_breakloop` was
/// called before any was handed over, `PCAP_ERROR_NOT_ACTIVATED` or `PCAP_ERROR`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_dispatch(
    p: *mut pcap_t,
    cnt: c_int,
    callback: pcap_handler,
    user: *mut c_uchar,
) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        // SAFETY: as the caller promises; the error buffer is the handle's.
        Some(handle) => unsafe {
            guard(handle.errbuf(), || ended(handle, deliver(handle, cnt, callback, user, Until::Batch)))
        },
        None => forward!(pcap_dispatch(p, cnt, callback, user) else PCAP_ERROR),
    }
}

/// The next packet; its bytes stay until the next read.
///
/// # Safety
///
/// `p` is a handle that was not closed and that no other thread uses; `h` can be written.
///
/// # Returns
///
/// The packet's bytes, with `*h` filled in; null when there is none, for whatever reason.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_next(p: *mut pcap_t, h: *mut pcap_pkthdr) -> *const c_uchar {
    // SAFETY: as the caller promises.
    let Some(handle) = (unsafe { ours(p) }) else {
        return forward!(pcap_next(p, h) else ptr::null());
    };
    let body = || {
        let record = next(handle);
        settled(handle, 0);
        let Ok((header, bytes)) = record else { return ptr::null() };
        // SAFETY: as the caller promises.
        unsafe { *h = header };
        bytes
    };
    // SAFETY: the error buffer is the handle's.
    unsafe { guard(handle.errbuf(), body) }
}

/// The next packet: `*pkt_header` and `*pkt_data` point to it until the next read.
///
/// # Safety
///
/// `p` is a handle that was not closed and that no other thread uses; `pkt_header` and `pkt_data` can be written.
///
/// # Returns
///
/// 1; 0 when the time of `pcap_set_timeout` passed with no packet; `PCAP_ERROR_BREAK` after `pcap_breakloop` and at
/// a savefile's end; `PCAP_ERROR_NOT_ACTIVATED` or `PCAP_ERROR`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_next_ex(
    p: *mut pcap_t,
    pkt_header: *mut *mut pcap_pkthdr,
    pkt_data: *mut *const c_uchar,
) -> c_int {
    // SAFETY: as the caller promises.
    let Some(handle) = (unsafe { ours(p) }) else {
        return forward!(pcap_next_ex(p, pkt_header, pkt_data) else PCAP_ERROR);
    };
    let body = || {
        let record = next(handle);
        let result = match record {
            Ok((header, bytes)) => {
                // SAFETY: as the caller promises; the header's cell is borrowed by nobody.
                unsafe {
                    *handle.header.get() = header;
                    *pkt_header = handle.header.get();
                    *pkt_data = bytes;
                }
                1
            }
            Err(result) => result,
        };
        settled(handle, result)
    };
    // SAFETY: the error buffer is the handle's.
    unsafe { guard(handle.errbuf(), body) }
}

/// Ends a read on the handle, also one that is waiting. May be called from a callback, from a signal handler and
/// from another thread. Packets that were received stay for the next read.
///
/// It wakes a read by write(2) to an eventfd and by send(2) to the capture's own socket, which needs no privilege: a
/// program that forbids itself system calls must leave it these two.
///
/// # Safety
///
/// `p` is a handle that was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_breakloop(p: *mut pcap_t) {
    // SAFETY: as the caller promises. `Stop::request` cannot panic.
    match unsafe { ours(p) } {
        Some(handle) => handle.stop.request(),
        None => forward!(pcap_breakloop(p) else ()),
    }
}
