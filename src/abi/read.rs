//! Reading packets: pcap_loop(3PCAP), pcap_next_ex(3PCAP), pcap_breakloop(3PCAP).
//!
//! A read is made of steps, none of which can be cancelled or left: each runs under the panic guard, and returns plain
//! data. Between them, in frames that own nothing, callbacks run and the thread blocks: there a cancelled thread, a C++
//! exception or a jump passes through.

use std::ffi::{c_int, c_uchar};
use std::ptr;

use super::error::Failed;
use super::guard::catch;
use super::handle::{Handle, State, ours};
use super::types::*;
use crate::capture::{Fetch, Fetched, Progress, Wait, cancellation_point};
use crate::system::forward;

/// How long a read goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// A batch was handed over, or the timeout passed: `pcap_dispatch`.
    Batch,
    /// The count is reached, an error, or `pcap_breakloop`: `pcap_loop`.
    Count,
}

/// A record as pcap hands it over.
type Packet = (pcap_pkthdr, *const c_uchar);

/// A step of a read, which makes no call in which the thread can be cancelled. Its failure, or a panic in it, becomes what
/// the read returns.
///
/// # Safety
///
/// No other borrow of the state is alive.
#[inline(always)]
unsafe fn step<T: Copy>(handle: &Handle, body: impl FnOnce(&mut State) -> Result<T, Failed>) -> Result<T, c_int> {
    // SAFETY: as the caller promises; the error buffer is the handle's.
    unsafe {
        catch(handle.errbuf(), || body(handle.state()).map_err(|failed| handle.fail(&failed))).unwrap_or_else(Err)
    }
}

/// The next record of the batch in hand.
#[inline(always)]
fn take(state: &mut State) -> Option<Packet> {
    let record = state.session.as_mut()?.take()?;
    let ts = state.precision.timeval(record.stamp);
    Some((pcap_pkthdr { ts, caplen: record.data.len() as u32, len: record.len }, record.data.as_ptr()))
}

/// Receives the next batch; the error is what the read returns. If it is for callbacks, the selectable descriptor is
/// readable from then on. A cancellation point: nothing is borrowed or owned where the thread may be cancelled.
///
/// # Safety
///
/// No borrow of the handle's state is alive.
#[inline(always)]
unsafe fn fetch(handle: &Handle, wait: Wait, for_callbacks: bool) -> Result<(), c_int> {
    let settle = |state: &mut State| {
        if let Some(session) = &mut state.session {
            session.settle();
        }
        Ok(())
    };
    if for_callbacks {
        // SAFETY: as the caller promises, here and below.
        unsafe { step(handle, settle) }?;
    }
    // Also where it need not block: a reader that is never idle could not be cancelled otherwise. The batch in hand is used
    // up here, and the selectable descriptor tells the truth.
    cancellation_point();
    let mut fetch = Fetch::new(wait);
    loop {
        let progress = |state: &mut State| {
            let session = state.active()?;
            let progress = session.progress(&mut fetch)?;
            if for_callbacks && matches!(progress, Progress::Done(Fetched::Batch)) {
                session.unsettle();
            }
            Ok(progress)
        };
        match unsafe { step(handle, progress) }? {
            Progress::Done(Fetched::Batch) => return Ok(()),
            Progress::Done(Fetched::Nothing) => return Err(0),
            Progress::Done(Fetched::Stopped) => return Err(PCAP_ERROR_BREAK),
            Progress::Block(blocking) => {
                if let Some(session) = unsafe { handle.state() }.session.as_mut() {
                    session.block(&mut fetch, blocking);
                }
            }
        }
    }
}

/// Ends a read: makes the selectable descriptor tell the truth. After a loop no packet is being delivered any more.
/// Passes the read's result on.
fn ended(handle: &Handle, result: c_int, was_loop: bool) -> c_int {
    let end = |state: &mut State| {
        if let Some(session) = &mut state.session {
            if was_loop {
                session.release();
            }
            session.settle();
        }
        Ok(result)
    };
    // SAFETY: no callback runs here, and no other borrow is alive.
    unsafe { step(handle, end) }.unwrap_or_else(|failed| failed)
}

/// The loop of `pcap_loop` and `pcap_dispatch`. A callback may leave it without a return, by a C++ exception, a jump, or
/// the end of its thread: so nothing is owned or borrowed here while it runs.
///
/// # Safety
///
/// `callback` may be called with `user`.
unsafe fn deliver(handle: &Handle, count: c_int, callback: pcap_handler, user: *mut c_uchar, until: Until) -> c_int {
    let begin = |state: &mut State| match (callback, state.active()?) {
        (None, _) => Err(Failed::null("the callback")),
        (Some(callback), _) if until == Until::Count => Ok((callback, Wait::Forever)),
        (Some(callback), session) => Ok((callback, session.wait())),
    };
    // SAFETY (of each step): its borrow of the state ends with it, before the callback runs.
    let (callback, wait) = match unsafe { step(handle, begin) } {
        Ok(begun) => begun,
        Err(failed) => return failed,
    };
    let mut delivered: c_int = 0;
    loop {
        while !handle.stop.is_wanted() {
            // SAFETY: as above.
            let (header, bytes) = match unsafe { step(handle, |state| Ok(take(state))) } {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                Err(failed) => return failed,
            };
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
        if let Err(result) = unsafe { fetch(handle, wait, true) } {
            return result;
        }
    }
}

/// Takes one record, and puts its header where the handle keeps it: the record's bytes, or what `pcap_next_ex` returns
/// when there is none.
///
/// # Safety
///
/// No borrow of the handle's state is alive.
#[inline(always)]
unsafe fn next(handle: &Handle) -> Result<*const c_uchar, c_int> {
    let mut wait = None;
    loop {
        if handle.stop.is_wanted() && handle.stop.take() {
            return Err(ended(handle, PCAP_ERROR_BREAK, false));
        }
        let taken = |state: &mut State| {
            let taken = take(state);
            let session = state.active()?;
            let Some((header, bytes)) = taken else {
                wait.get_or_insert_with(|| session.wait());
                return Ok(ptr::null());
            };
            // SAFETY: the header's cell is borrowed by nobody.
            unsafe { *handle.header.get() = header };
            session.settle();
            Ok(bytes)
        };
        // SAFETY: as the caller promises; the borrow ends with the step.
        let bytes = unsafe { step(handle, taken) }?;
        if !bytes.is_null() {
            return Ok(bytes);
        }
        // SAFETY: as above.
        if let Err(result) = unsafe { fetch(handle, wait.unwrap_or(Wait::No), false) } {
            return Err(ended(handle, result, false));
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
pub unsafe extern "C-unwind" fn pcap_loop(
    p: *mut pcap_t,
    cnt: c_int,
    callback: pcap_handler,
    user: *mut c_uchar,
) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        // SAFETY: as the caller promises.
        Some(handle) => ended(handle, unsafe { deliver(handle, cnt, callback, user, Until::Count) }, true),
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
pub unsafe extern "C-unwind" fn pcap_dispatch(
    p: *mut pcap_t,
    cnt: c_int,
    callback: pcap_handler,
    user: *mut c_uchar,
) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        // SAFETY: as the caller promises.
        Some(handle) => ended(handle, unsafe { deliver(handle, cnt, callback, user, Until::Batch) }, true),
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
pub unsafe extern "C-unwind" fn pcap_next(p: *mut pcap_t, h: *mut pcap_pkthdr) -> *const c_uchar {
    // SAFETY: as the caller promises.
    let Some(handle) = (unsafe { ours(p) }) else {
        return forward!(pcap_next(p, h) else ptr::null());
    };
    // SAFETY: nothing of the state is borrowed.
    let Ok(bytes) = (unsafe { next(handle) }) else { return ptr::null() };
    // SAFETY: as the caller promises; the header's cell is borrowed by nobody.
    unsafe { *h = *handle.header.get() };
    bytes
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
pub unsafe extern "C-unwind" fn pcap_next_ex(
    p: *mut pcap_t,
    pkt_header: *mut *mut pcap_pkthdr,
    pkt_data: *mut *const c_uchar,
) -> c_int {
    // SAFETY: as the caller promises.
    let Some(handle) = (unsafe { ours(p) }) else {
        return forward!(pcap_next_ex(p, pkt_header, pkt_data) else PCAP_ERROR);
    };
    // SAFETY: nothing of the state is borrowed.
    match unsafe { next(handle) } {
        Ok(bytes) => {
            // SAFETY: as the caller promises.
            unsafe {
                *pkt_header = handle.header.get();
                *pkt_data = bytes;
            }
            1
        }
        Err(result) => result,
    }
}

/// Ends a read on the handle, also one that is waiting. May be called from a callback, from a signal handler and
/// from another thread. Packets that were received stay for the next read.
///
/// It wakes a read by write(2) to an eventfd and to the capture's own socket, which needs no privilege: a program that
/// forbids itself system calls must leave it this one.
///
/// # Safety
///
/// `p` is a handle that was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_breakloop(p: *mut pcap_t) {
    // SAFETY: as the caller promises. `Stop::request` cannot panic.
    match unsafe { ours(p) } {
        Some(handle) => handle.stop.request(),
        None => forward!(pcap_breakloop(p) else ()),
    }
}
