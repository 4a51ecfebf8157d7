//! What a handle can be told before it is activated: pcap_set_*(3PCAP).

use std::ffi::c_int;

use super::error::Failed;
use super::handle::{State, ours};
use super::types::*;
use crate::system::forward;

/// The error value of a function whose handle is neither ours nor the system's.
const NO_HANDLE: c_int = PCAP_ERROR;

/// Stores a setting in a handle that is not activated.
fn set(state: &mut State, store: impl FnOnce(&mut State)) -> Result<c_int, Failed> {
    store(state.inactive()?);
    Ok(0)
}

/// Sets the most bytes to capture of each packet, its link header included (of link type NFLOG: of its payload).
/// What is not from 1 to 262,144 means 262,144.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 0, or `PCAP_ERROR_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_set_snaplen(p: *mut pcap_t, snaplen: c_int) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| set(state, |state| state.set_snaplen(snaplen))),
        None => forward!(pcap_set_snaplen(p, snaplen) else NO_HANDLE),
    }
}

/// Sets promiscuous mode, which means nothing for NFLOG: rules choose the packets.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 0, or `PCAP_ERROR_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_set_promisc(p: *mut pcap_t, promisc: c_int) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| set(state, |_| {})),
        None => forward!(pcap_set_promisc(p, promisc) else NO_HANDLE),
    }
}

/// Says whether monitor mode can be set, before activation: not for NFLOG.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 0 for no, 1 for yes, `PCAP_ERROR_ACTIVATED`, or another `PCAP_ERROR_` value.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_can_set_rfmon(p: *mut pcap_t) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| set(state, |_| {})),
        None => forward!(pcap_can_set_rfmon(p) else NO_HANDLE),
    }
}

/// Sets monitor mode. NFLOG has none: activation then fails with `PCAP_ERROR_RFMON_NOTSUP`.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 0, or `PCAP_ERROR_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_set_rfmon(p: *mut pcap_t, rfmon: c_int) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| set(state, |state| state.rfmon = rfmon != 0)),
        None => forward!(pcap_set_rfmon(p, rfmon) else NO_HANDLE),
    }
}

/// Sets how long a read waits for a packet, in milliseconds. 0 waits for ever; a negative value is non-blocking mode, as
/// in libpcap. It also bounds how long the kernel gathers packets before it hands them over, which is at most 10 ms.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 0, or `PCAP_ERROR_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_set_timeout(p: *mut pcap_t, to_ms: c_int) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| set(state, |state| state.set_timeout(to_ms))),
        None => forward!(pcap_set_timeout(p, to_ms) else NO_HANDLE),
    }
}

/// Sets immediate mode: each packet is handed over at once, at the cost of a wake-up for each. Where the environment
/// variable `PCAP_NFLOG_IMMEDIATE` is `1` or `on`, NFLOG devices are in immediate mode whatever is set here.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 0, or `PCAP_ERROR_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_set_immediate_mode(p: *mut pcap_t, immediate: c_int) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| set(state, |state| state.options.immediate = immediate != 0)),
        None => forward!(pcap_set_immediate_mode(p, immediate) else NO_HANDLE),
    }
}

/// Sets the size of the buffer between the kernel and the reader, in bytes; the default is 16 MiB. What is not
/// positive is ignored, as in libpcap.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 0, or `PCAP_ERROR_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_set_buffer_size(p: *mut pcap_t, buffer_size: c_int) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| {
            set(state, |state| {
                if buffer_size > 0 {
                    state.options.buffer_size = buffer_size as u32;
                    state.buffer_chosen = true;
                }
            })
        }),
        None => forward!(pcap_set_buffer_size(p, buffer_size) else NO_HANDLE),
    }
}

/// Sets the protocol of a packet socket, which means nothing for NFLOG.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 0, or `PCAP_ERROR_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_set_protocol_linux(p: *mut pcap_t, protocol: c_int) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| set(state, |_| {})),
        None => forward!(pcap_set_protocol_linux(p, protocol) else NO_HANDLE),
    }
}
