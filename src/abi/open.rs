//! Opening and closing: pcap_create(3PCAP), pcap_activate(3PCAP), pcap_open_live(3PCAP), pcap_close(3PCAP).

use std::ffi::{CStr, c_char, c_int};
use std::ptr;

use super::error::{self, Failed};
use super::guard::guard;
use super::handle::{Handle, ours};
use super::types::*;
use crate::capture::Device;
use crate::system::{self, forward};

/// The name of an NFLOG device, well formed or not; `None` for every other device. A libpcap that opens one by its own
/// functions wants a handle of its own.
///
/// # Safety
///
/// `device` is null or a C string that stays for as long as the result is used.
pub(super) unsafe fn nflog_name<'a>(device: *const c_char) -> Option<&'a CStr> {
    if device.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    let name = unsafe { CStr::from_ptr(device) };
    (Device::claims(name.to_bytes()) && !system::called_by_libpcap()).then_some(name)
}

/// A handle for an NFLOG device, or null and a text in `errbuf`.
///
/// # Safety
///
/// `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
pub(super) unsafe fn create(name: &CStr, errbuf: *mut c_char) -> *mut pcap_t {
    // SAFETY: as the caller promises.
    unsafe {
        guard(errbuf, || match Handle::create(&name.to_string_lossy()) {
            Ok(handle) => handle,
            Err(failed) => {
                error::write(errbuf, &failed.text);
                ptr::null_mut()
            }
        })
    }
}

/// Activates a handle that was just created, with a warning or an empty text in `errbuf`; closes it and returns null and
/// a text there when that fails.
///
/// # Safety
///
/// `p` is a handle of ours; `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
pub(super) unsafe fn activated(p: *mut pcap_t, errbuf: *mut c_char) -> *mut pcap_t {
    // SAFETY: as the caller promises; after `close` the handle is not used.
    unsafe {
        let result = pcap_activate(p);
        let Some(handle) = ours(p) else { return ptr::null_mut() };
        match result {
            0 => error::write(errbuf, ""),
            _ => error::write(errbuf, &CStr::from_ptr(handle.errbuf()).to_string_lossy()),
        }
        if result >= 0 {
            return p;
        }
        handle.close();
    }
    ptr::null_mut()
}

/// Makes a handle for a device: `nflog[:GROUPS][@LINKTYPE]`, or whatever the system's libpcap knows.
///
/// # Safety
///
/// `device` is null (libpcap's `any`) or a C string; `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// The handle, to be activated or closed; null and a text in `errbuf` when the name is wrong.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_create(device: *const c_char, errbuf: *mut c_char) -> *mut pcap_t {
    // SAFETY: as the caller promises.
    unsafe {
        match nflog_name(device) {
            Some(name) => create(name, errbuf),
            None => forward!(pcap_create(device, errbuf) else {
                error::write(errbuf, &system::missing("pcap_create"));
                ptr::null_mut()
            }),
        }
    }
}

/// Opens the capture: binds and configures the groups of the handle's device.
///
/// A group that another handle of this process has is bound by the first read, not now; `pcap_get_selectable_fd` counts as
/// a read. A handle that was never read gives the group up then, with what was logged to it until then. One that was read
/// keeps it until it is closed: reads of this handle fail with `PCAP_ERROR` meanwhile, as they do where CAP_NET_ADMIN is
/// gone by the first one. Nothing is lost by such a failure, and the next read tries again.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// 0; a `PCAP_WARNING` value for success with a remark; `PCAP_ERROR_PERM_DENIED` without CAP_NET_ADMIN,
/// `PCAP_ERROR_NO_SUCH_DEVICE` where the kernel has no NFLOG, `PCAP_ERROR_RFMON_NOTSUP`, `PCAP_ERROR_ACTIVATED` or
/// `PCAP_ERROR`, each with a text in `pcap_geterr`. The handle can be activated again then.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_activate(p: *mut pcap_t) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.call(|state| {
            let warning = state.activate(handle.stop.clone())?;
            Ok(warning.map_or(0, |warning| handle.fail(&warning)))
        }),
        None => forward!(pcap_activate(p) else PCAP_ERROR),
    }
}

/// Makes and activates a handle in one: `pcap_create`, `pcap_set_snaplen`, `pcap_set_promisc`, `pcap_set_timeout`,
/// `pcap_activate`.
///
/// # Safety
///
/// `device` is null (libpcap's `any`) or a C string; `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// The active handle, with a warning or an empty text in `errbuf`; null and a text in `errbuf` when it fails.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_open_live(
    device: *const c_char,
    snaplen: c_int,
    promisc: c_int,
    to_ms: c_int,
    errbuf: *mut c_char,
) -> *mut pcap_t {
    // SAFETY: as the caller promises; what `create` returns is null or a handle of ours.
    unsafe {
        let Some(name) = nflog_name(device) else {
            return forward!(pcap_open_live(device, snaplen, promisc, to_ms, errbuf) else {
                error::write(errbuf, &system::missing("pcap_open_live"));
                ptr::null_mut()
            });
        };
        let p = create(name, errbuf);
        let Some(handle) = ours(p) else { return ptr::null_mut() };
        let _: c_int = handle.call(|state| {
            state.set_snaplen(snaplen);
            state.set_timeout(to_ms);
            Ok(0)
        });
        activated(p, errbuf)
    }
}

/// Closes a handle and frees what it holds: its groups are torn down.
///
/// # Safety
///
/// `p` is null, or a handle that was not closed and is used no more.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_close(p: *mut pcap_t) {
    if p.is_null() {
        return;
    }
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        // SAFETY: as the caller promises; a panic has no errbuf left to go to.
        Some(handle) => unsafe { guard(ptr::null_mut(), || handle.close()) },
        None => forward!(pcap_close(p) else ()),
    }
}

/// The text of a failed `Failed`, for functions that report into the caller's buffer.
///
/// # Safety
///
/// `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
pub(super) unsafe fn report(errbuf: *mut c_char, failed: &Failed) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { error::write(errbuf, &failed.text) };
    failed.code
}
