//! Sending packets: pcap_inject(3PCAP). NFLOG only listens.

use std::ffi::{c_int, c_uchar, c_void};

use super::error::Failed;
use super::handle::{State, ours};
use super::types::*;
use crate::system::forward;

/// Why nothing is sent on a handle of ours. As in libpcap, an empty packet is wrong before anything else is.
fn refused(state: &mut State, empty: bool) -> Result<c_int, Failed> {
    if empty {
        return Err(Failed::new(PCAP_ERROR, "a packet without bytes cannot be sent"));
    }
    state.active()?;
    let text = format!("{}: packets cannot be sent: NFLOG only reads what rules log", state.name);
    Err(Failed::new(PCAP_ERROR, text))
}

/// Sends a packet; refused on NFLOG.
///
/// # Safety
///
/// `p` is a handle that was not closed; `buf` points to `size` bytes.
///
/// # Returns
///
/// The number of bytes sent; `PCAP_ERROR_NOT_ACTIVATED` or `PCAP_ERROR`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_inject(p: *mut pcap_t, buf: *const c_void, size: usize) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| refused(state, size == 0)),
        None => forward!(pcap_inject(p, buf, size) else PCAP_ERROR),
    }
}

/// Sends a packet; refused on NFLOG.
///
/// # Safety
///
/// `p` is a handle that was not closed; `buf` points to `size` bytes.
///
/// # Returns
///
/// 0; `PCAP_ERROR_NOT_ACTIVATED` or `PCAP_ERROR`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_sendpacket(p: *mut pcap_t, buf: *const c_uchar, size: c_int) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| refused(state, size <= 0)),
        None => forward!(pcap_sendpacket(p, buf, size) else PCAP_ERROR),
    }
}
