//! Link types: pcap_datalink(3PCAP), pcap_list_datalinks(3PCAP), pcap_set_datalink(3PCAP), and their names.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;

use once_cell::sync::Lazy;

use super::error::Failed;
use super::handle::ours;
use super::memory::{array, until_next};
use super::types::*;
use crate::capture::LinkType;
use crate::system::forward;

/// Name and description of each link type of NFLOG, for C, where there is no libpcap to ask.
static KNOWN: Lazy<Vec<(LinkType, CString, CString)>> = Lazy::new(|| {
    let text = |text| CString::new(text).unwrap_or_default();
    LinkType::ALL.map(|known| (known, text(known.name()), text(known.description()))).into()
});

/// The link type of the records that a handle delivers.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// A `DLT_` value; `PCAP_ERROR_NOT_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_datalink(p: *mut pcap_t) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| Ok(state.active()?.link_type().dlt())),
        None => forward!(pcap_datalink(p) else PCAP_ERROR),
    }
}

/// What more is known of the link type: the length of a frame check sequence, for savefiles of some kinds.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 0 for nothing, as for NFLOG, or bits for `LT_FCS_LENGTH_PRESENT` and `LT_FCS_LENGTH`;
/// `PCAP_ERROR_NOT_ACTIVATED`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_datalink_ext(p: *mut pcap_t) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| state.active().map(|_| 0)),
        None => forward!(pcap_datalink_ext(p) else PCAP_ERROR),
    }
}

/// Chooses the link type of the records, from the next one on. A filter in force stays in force as it is: compile
/// and set it again for the new link type.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 0; `PCAP_ERROR_NOT_ACTIVATED`; `PCAP_ERROR` for a link type that the device does not have.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_set_datalink(p: *mut pcap_t, dlt: c_int) -> c_int {
    // SAFETY: as the caller promises.
    let Some(handle) = (unsafe { ours(p) }) else {
        return forward!(pcap_set_datalink(p, dlt) else PCAP_ERROR);
    };
    handle.call(|state| {
        let session = state.active()?;
        let link_type = LinkType::from_dlt(dlt).ok_or_else(|| unsupported(dlt))?;
        session.set_link_type(link_type);
        Ok(0)
    })
}

/// NFLOG has no such link type.
fn unsupported(dlt: c_int) -> Failed {
    let name = pcap_datalink_val_to_name(dlt);
    let name = match name.is_null() {
        true => format!("DLT {dlt}"),
        // SAFETY: it is not null, hence a C string that stays for ever.
        false => unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned(),
    };
    Failed::new(PCAP_ERROR, format!("{name} is not one of NFLOG's link types: {}", LinkType::names()))
}

/// Lists the link types that `pcap_set_datalink` takes.
///
/// # Safety
///
/// `p` is a handle that was not closed; `dlt_buffer` can be written.
///
/// # Returns
///
/// How many there are, with `*dlt_buffer` an array to be freed by `pcap_free_datalinks`; `PCAP_ERROR_NOT_ACTIVATED`
/// or `PCAP_ERROR`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_list_datalinks(p: *mut pcap_t, dlt_buffer: *mut *mut c_int) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| {
            state.active()?;
            // SAFETY: as the caller promises.
            unsafe { array(&LinkType::ALL.map(LinkType::dlt), dlt_buffer) }
        }),
        None => forward!(pcap_list_datalinks(p, dlt_buffer) else PCAP_ERROR),
    }
}

/// Frees an array of `pcap_list_datalinks`.
///
/// # Safety
///
/// `dlt_list` is null, or such an array that was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_free_datalinks(dlt_list: *mut c_int) {
    // SAFETY: as the caller promises; such an array comes from malloc(3), whoever made it.
    unsafe { libc::free(dlt_list.cast()) }
}

/// The link type of a name, "RAW" for example, in any case and without `DLT_`.
///
/// # Safety
///
/// `name` is a C string.
///
/// # Returns
///
/// A `DLT_` value, or -1 for an unknown name. Without libpcap, the link types of NFLOG are known.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_datalink_name_to_val(name: *const c_char) -> c_int {
    forward!(pcap_datalink_name_to_val(name) else {
        // SAFETY: as the caller promises.
        let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
        LinkType::from_name(&name).map_or(PCAP_ERROR, LinkType::dlt)
    })
}

/// The name of a link type, without `DLT_`.
///
/// # Returns
///
/// A C string that stays for ever, or null for an unknown value. Without libpcap, the link types of NFLOG are known.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pcap_datalink_val_to_name(dlt: c_int) -> *const c_char {
    forward!(pcap_datalink_val_to_name(dlt) else {
        KNOWN.iter().find(|known| known.0.dlt() == dlt).map_or(ptr::null(), |known| known.1.as_ptr())
    })
}

/// What a link type is, in words.
///
/// # Returns
///
/// A C string that stays for ever, or null for an unknown value. Without libpcap, the link types of NFLOG are known.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pcap_datalink_val_to_description(dlt: c_int) -> *const c_char {
    forward!(pcap_datalink_val_to_description(dlt) else {
        KNOWN.iter().find(|known| known.0.dlt() == dlt).map_or(ptr::null(), |known| known.2.as_ptr())
    })
}

/// What a link type is, in words, or "DLT" and the value.
///
/// # Returns
///
/// A C string that stays until this thread's next call.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pcap_datalink_val_to_description_or_dlt(dlt: c_int) -> *const c_char {
    forward!(pcap_datalink_val_to_description_or_dlt(dlt) else {
        let known = pcap_datalink_val_to_description(dlt);
        if known.is_null() { until_next(format!("DLT {dlt}")).cast_const() } else { known }
    })
}
