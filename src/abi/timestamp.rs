//! Time stamp types and precision: pcap_set_tstamp_type(3PCAP), pcap_set_tstamp_precision(3PCAP), and the types'
//! names. NFLOG has one type, the host's clock, in microseconds or nanoseconds.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;

use super::error::Failed;
use super::handle::{Precision, ours};
use super::memory::array;
use super::types::*;
use crate::system::forward;

/// The only type whose name is known where there is no libpcap.
const HOST: &CStr = c"host";

/// Chooses whose clock stamps the packets. NFLOG has `PCAP_TSTAMP_HOST` only.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 0; `PCAP_WARNING_TSTAMP_TYPE_NOTSUP` for a type that the device does not have, which changes nothing; or
/// `PCAP_ERROR_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_set_tstamp_type(p: *mut pcap_t, tstamp_type: c_int) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| {
            state.inactive()?;
            Ok(if tstamp_type == PCAP_TSTAMP_HOST { 0 } else { PCAP_WARNING_TSTAMP_TYPE_NOTSUP })
        }),
        None => forward!(pcap_set_tstamp_type(p, tstamp_type) else PCAP_ERROR),
    }
}

/// Lists the time stamp types of a handle, activated or not.
///
/// # Safety
///
/// `p` is a handle that was not closed; `tstamp_typesp` can be written.
///
/// # Returns
///
/// How many there are, with `*tstamp_typesp` an array to be freed by `pcap_free_tstamp_types`; or `PCAP_ERROR`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_list_tstamp_types(p: *mut pcap_t, tstamp_typesp: *mut *mut c_int) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        // SAFETY: as the caller promises.
        Some(handle) => handle.call(|_| unsafe { array(&[PCAP_TSTAMP_HOST], tstamp_typesp) }),
        None => forward!(pcap_list_tstamp_types(p, tstamp_typesp) else PCAP_ERROR),
    }
}

/// Frees an array of `pcap_list_tstamp_types`.
///
/// # Safety
///
/// `tstamp_types` is null, or such an array that was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_free_tstamp_types(tstamp_types: *mut c_int) {
    // SAFETY: as the caller promises; such an array comes from malloc(3), whoever made it.
    unsafe { libc::free(tstamp_types.cast()) }
}

/// The time stamp type of a name, "host" for example, in any case.
///
/// # Safety
///
/// `name` is a C string.
///
/// # Returns
///
/// `PCAP_TSTAMP_*`, or `PCAP_ERROR` for an unknown name.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_tstamp_type_name_to_val(name: *const c_char) -> c_int {
    forward!(pcap_tstamp_type_name_to_val(name) else {
        // SAFETY: as the caller promises; both are C strings.
        if unsafe { libc::strcasecmp(name, HOST.as_ptr()) } == 0 { PCAP_TSTAMP_HOST } else { PCAP_ERROR }
    })
}

/// The name of a time stamp type.
///
/// # Returns
///
/// A C string that stays for ever, or null for an unknown type.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pcap_tstamp_type_val_to_name(tstamp_type: c_int) -> *const c_char {
    forward!(pcap_tstamp_type_val_to_name(tstamp_type) else {
        if tstamp_type == PCAP_TSTAMP_HOST { HOST.as_ptr() } else { ptr::null() }
    })
}

/// What a time stamp type is, in words.
///
/// # Returns
///
/// A C string that stays for ever, or null for an unknown type.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pcap_tstamp_type_val_to_description(tstamp_type: c_int) -> *const c_char {
    forward!(pcap_tstamp_type_val_to_description(tstamp_type) else {
        if tstamp_type == PCAP_TSTAMP_HOST { c"Host".as_ptr() } else { ptr::null() }
    })
}

/// Chooses the unit of a stamp's fraction: `PCAP_TSTAMP_PRECISION_MICRO`, the default, or
/// `PCAP_TSTAMP_PRECISION_NANO`.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 0, `PCAP_ERROR_TSTAMP_PRECISION_NOTSUP` or `PCAP_ERROR_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_set_tstamp_precision(p: *mut pcap_t, tstamp_precision: c_int) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| {
            let state = state.inactive()?;
            state.precision = match tstamp_precision {
                PCAP_TSTAMP_PRECISION_MICRO => Precision::Micro,
                PCAP_TSTAMP_PRECISION_NANO => Precision::Nano,
                other => {
                    let text = format!("time stamp precision {other} is neither microseconds (0) nor nanoseconds (1)");
                    return Err(Failed::new(PCAP_ERROR_TSTAMP_PRECISION_NOTSUP, text));
                }
            };
            Ok(0)
        }),
        None => forward!(pcap_set_tstamp_precision(p, tstamp_precision) else PCAP_ERROR),
    }
}

/// The unit of a stamp's fraction, before and after activation.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// `PCAP_TSTAMP_PRECISION_MICRO` or `PCAP_TSTAMP_PRECISION_NANO`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_get_tstamp_precision(p: *mut pcap_t) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| {
            Ok(match state.precision {
                Precision::Micro => PCAP_TSTAMP_PRECISION_MICRO,
                Precision::Nano => PCAP_TSTAMP_PRECISION_NANO,
            })
        }),
        None => forward!(pcap_get_tstamp_precision(p) else PCAP_ERROR),
    }
}
