//! What can be captured: pcap_findalldevs(3PCAP), pcap_lookupdev(3PCAP), pcap_lookupnet(3PCAP). The NFLOG devices
//! follow the system's.

use std::collections::HashSet;
use std::ffi::{CStr, c_char, c_int};
use std::ptr;

use super::error::Failed;
use super::guard::guard;
use super::memory;
use super::open::{nflog_name, report};
use super::types::*;
use crate::capture::{Device, Ruleset, printable};
use crate::environment;
use crate::system::forward;

/// The NFLOG devices to list, each with a description: group 0, as libpcap lists it, the groups that the ruleset logs
/// to, and those that the user names.
fn nflog_devices() -> Vec<(String, String)> {
    let mut devices = vec![("nflog".into(), "Linux netfilter log (NFLOG) interface".into())];
    for (group, places) in Ruleset::read().groups() {
        devices.push((format!("nflog:{group}"), format!("Linux netfilter log (NFLOG), group {group}: {places}")));
    }
    let named = environment::variable("PCAP_NFLOG_DEVICES").unwrap_or_default();
    for name in named.to_string_lossy().split_whitespace() {
        let description = match Device::parse(name) {
            Ok(device) => {
                let mut groups = device.groups();
                match (groups.next(), groups.count()) {
                    (Some(group), 0) => format!("Linux netfilter log (NFLOG), group {group}"),
                    (_, others) => format!("Linux netfilter log (NFLOG), {} groups", others + 1),
                }
            }
            // An error would cost the user the whole list, and programs show no warning: the list itself says it.
            Err(error) => format!("PCAP_NFLOG_DEVICES: {error}"),
        };
        devices.push((printable(name).into_owned(), description));
    }
    devices
}

/// Adds the NFLOG devices that a list of `pcap_findalldevs` does not have yet, after what was there. `text` makes the
/// name and the description that this list has for a device.
///
/// # Safety
///
/// `*list` is null or such a list.
pub(super) unsafe fn add_nflog(
    list: &mut *mut pcap_if_t,
    text: impl Fn(&str, &str) -> (String, String),
) -> Result<(), Failed> {
    let mut end: *mut *mut pcap_if_t = list;
    let mut listed = HashSet::new();
    // SAFETY: `end` is the list's first link, then each node's link to the next; names are C strings.
    unsafe {
        while !(*end).is_null() {
            listed.insert(CStr::from_ptr((**end).name).to_bytes().to_vec());
            end = &raw mut (**end).next;
        }
    }
    for (name, description) in nflog_devices() {
        let (name, description) = text(&name, &description);
        if listed.insert(name.clone().into_bytes()) {
            // SAFETY: as above; a new node's link is the list's end.
            unsafe {
                *end = node(&name, &description)?;
                end = &raw mut (**end).next;
            }
        }
    }
    Ok(())
}

/// A list of one device.
fn node(name: &str, description: &str) -> Result<*mut pcap_if_t, Failed> {
    let node: *mut pcap_if_t = memory::zeros(1)?;
    // SAFETY: it is a new node; no pointer and no flag is a valid one.
    unsafe {
        (*node).flags = PCAP_IF_CONNECTION_STATUS_NOT_APPLICABLE;
        let filled = memory::string(name).and_then(|name| {
            (*node).name = name;
            (*node).description = memory::string(description)?;
            Ok(node)
        });
        if filled.is_err() {
            pcap_freealldevs(node);
        }
        filled
    }
}

/// Fills `*alldevsp` by `list`. When that fails, it is null, what was listed is freed and the text is in `errbuf`.
///
/// # Safety
///
/// `alldevsp` is null or can be written; `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
pub(super) unsafe fn listed(
    alldevsp: *mut *mut pcap_if_t,
    errbuf: *mut c_char,
    list: impl FnOnce(&mut *mut pcap_if_t) -> Result<c_int, Failed>,
) -> c_int {
    let body = || {
        let mut devices = ptr::null_mut();
        let result = if alldevsp.is_null() { Err(Failed::null("alldevsp")) } else { list(&mut devices) };
        // SAFETY: as the caller promises.
        let code = result.unwrap_or_else(|failed| unsafe { report(errbuf, &failed) });
        // SAFETY: the list was made just now; the caller promises that `alldevsp` can be written.
        unsafe {
            if code < 0 {
                pcap_freealldevs(devices);
                devices = ptr::null_mut();
            }
            if !alldevsp.is_null() {
                *alldevsp = devices;
            }
        }
        code
    };
    // SAFETY: as the caller promises.
    unsafe { guard(errbuf, body) }
}

/// Lists the devices that can be captured: those of the system's libpcap, then `nflog`, one for each group that the
/// running ruleset logs to, as far as this process may read it (CAP_NET_ADMIN), and those that the environment variable
/// `PCAP_NFLOG_DEVICES` names, separated by spaces. A wrong name among those is listed with what is wrong for its
/// description.
///
/// # Safety
///
/// `alldevsp` can be written; `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// 0, with `*alldevsp` a list to be freed by `pcap_freealldevs`; `PCAP_ERROR` and a text in `errbuf`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_findalldevs(alldevsp: *mut *mut pcap_if_t, errbuf: *mut c_char) -> c_int {
    // SAFETY: as the caller promises; a system list is a list, and without libpcap it is null.
    unsafe {
        listed(alldevsp, errbuf, |devices| {
            let place: *mut *mut pcap_if_t = devices;
            let code: c_int = forward!(pcap_findalldevs(place, errbuf) else 0);
            if code < 0 {
                // The text is in the buffer already, and a list that failed is freed.
                *devices = ptr::null_mut();
                return Ok(code);
            }
            add_nflog(devices, |name, description| (name.into(), description.into()))?;
            Ok(code)
        })
    }
}

/// Frees a list of `pcap_findalldevs` or `pcap_findalldevs_ex`.
///
/// # Safety
///
/// `alldevs` is null, or such a list that was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_freealldevs(alldevs: *mut pcap_if_t) {
    forward!(pcap_freealldevs(alldevs) else {
        let mut next = alldevs;
        while !next.is_null() {
            // SAFETY: a node of the list; ours have no addresses, and there are no others without libpcap.
            unsafe {
                let node = next;
                next = (*node).next;
                libc::free((*node).name.cast());
                libc::free((*node).description.cast());
                libc::free(node.cast());
            }
        }
    })
}

/// The first device that can be captured; deprecated by libpcap.
///
/// # Safety
///
/// `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// A C string that must not be written, and stays until the next call; "nflog" without libpcap. Null and a text in
/// `errbuf` when there is no device.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_lookupdev(errbuf: *mut c_char) -> *mut c_char {
    forward!(pcap_lookupdev(errbuf) else c"nflog".as_ptr().cast_mut())
}

/// The IPv4 network of a device and its mask, both in network byte order; 0 and 0 for NFLOG, which has none.
///
/// # Safety
///
/// `device` is null (libpcap's `any`) or a C string; `netp` and `maskp` can be written; `errbuf` has room for
/// `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// 0; `PCAP_ERROR` and a text in `errbuf`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_lookupnet(
    device: *const c_char,
    netp: *mut bpf_u_int32,
    maskp: *mut bpf_u_int32,
    errbuf: *mut c_char,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        if nflog_name(device).is_none() {
            return forward!(pcap_lookupnet(device, netp, maskp, errbuf) else {
                report(errbuf, &Failed::missing("pcap_lookupnet"))
            });
        }
        *netp = 0;
        *maskp = 0;
    }
    0
}
