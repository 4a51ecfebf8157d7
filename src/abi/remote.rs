//! What remote-enabled builds of libpcap export: sources that name a savefile, a device of this host or one of another
//! host. Devices of NFLOG and source strings work here with any libpcap; the rest is forwarded to one that has it.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;

use super::devices::{add_nflog, listed, pcap_findalldevs};
use super::error::Failed;
use super::guard::guard;
use super::handle::ours;
use super::memory;
use super::open::{activated, create, nflog_name, report};
use super::source::Source;
use super::types::*;
use crate::system::forward;

/// Writes `text` into a buffer of `PCAP_BUF_SIZE` bytes as a C string, cut off where it is too long. A null buffer is
/// left alone.
///
/// # Safety
///
/// `buffer` is null or has room for `PCAP_BUF_SIZE` bytes.
unsafe fn write(buffer: *mut c_char, text: &[u8]) {
    if !buffer.is_null() {
        let text = &text[..text.len().min(PCAP_BUF_SIZE - 1)];
        // SAFETY: the text and its end are at most PCAP_BUF_SIZE bytes; a new text cannot overlap with C's buffer.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr().cast(), buffer, text.len());
            *buffer.add(text.len()) = 0;
        }
    }
}

/// The bytes of a C string, none for a null pointer.
///
/// # Safety
///
/// `text` is null or a C string that stays for as long as the result is used.
unsafe fn bytes<'a>(text: *const c_char) -> &'a [u8] {
    // SAFETY: as the caller promises.
    if text.is_null() { b"" } else { unsafe { CStr::from_ptr(text) }.to_bytes() }
}

/// The NFLOG device that a source names, if it does.
///
/// # Safety
///
/// `source` is null or a C string.
unsafe fn nflog_source(source: *const c_char) -> Option<CString> {
    // SAFETY: as the caller promises; the name is a C string.
    unsafe {
        match Source::parse(bytes(source)) {
            Ok(Source::Local(name)) => CString::new(name).ok().filter(|name| nflog_name(name.as_ptr()).is_some()),
            _ => None,
        }
    }
}

/// Opens a source: `nflog:5`, `rpcap://nflog:5`, or what the system's libpcap opens: `file://PATH`, `rpcap://DEVICE`,
/// `rpcap://HOST[:PORT]/DEVICE`. For NFLOG, `snaplen` and `read_timeout` are as in `pcap_set_snaplen` and
/// `pcap_set_timeout`, `PCAP_OPENFLAG_MAX_RESPONSIVENESS` is immediate mode, and `auth` is not used.
///
/// # Safety
///
/// `source` is null (libpcap's `any`) or a C string; `auth` is null or points to a `pcap_rmtauth`; `errbuf` has room
/// for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// The active handle; null and a text in `errbuf` when it fails.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_open(
    source: *const c_char,
    snaplen: c_int,
    flags: c_int,
    read_timeout: c_int,
    auth: *mut pcap_rmtauth,
    errbuf: *mut c_char,
) -> *mut pcap_t {
    // SAFETY: as the caller promises; what `create` returns is null or a handle of ours.
    unsafe {
        let Some(name) = nflog_source(source) else {
            return forward!(pcap_open(source, snaplen, flags, read_timeout, auth, errbuf) else {
                report(errbuf, &Failed::missing("pcap_open"));
                ptr::null_mut()
            });
        };
        let p = create(&name, errbuf);
        let Some(handle) = ours(p) else { return ptr::null_mut() };
        let _: c_int = handle.call(|state| {
            state.set_snaplen(snaplen);
            state.set_timeout(read_timeout);
            state.options.immediate = flags & PCAP_OPENFLAG_MAX_RESPONSIVENESS != 0;
            Ok(0)
        });
        activated(p, errbuf)
    }
}

/// A local device's name and description as `pcap_findalldevs_ex` lists them.
fn as_source(name: &str, description: &str) -> (String, String) {
    (format!("{PCAP_SRC_IF_STRING}{name}"), format!("Network adapter '{description}' on local host"))
}

/// Makes the names of a list of local devices sources.
///
/// # Safety
///
/// `node` is null or a list of `pcap_findalldevs`.
unsafe fn make_sources(mut node: *mut pcap_if_t) -> Result<(), Failed> {
    // SAFETY: as the caller promises; names and descriptions are C strings from malloc(3), a description may be null.
    unsafe {
        while let Some(device) = node.as_mut() {
            let name = String::from_utf8_lossy(bytes(device.name)).into_owned();
            let description = String::from_utf8_lossy(bytes(device.description)).into_owned();
            let (source, description) = as_source(&name, if description.is_empty() { &name } else { &description });
            libc::free(std::mem::replace(&mut device.name, memory::string(&source)?).cast());
            libc::free(std::mem::replace(&mut device.description, memory::string(&description)?).cast());
            node = device.next;
        }
    }
    Ok(())
}

/// Lists the devices or savefiles of a source: `rpcap://` those of this host, NFLOG's among them; with a libpcap that
/// can, `rpcap://HOST/` those of another host, `file://FOLDER/` the savefiles of a folder.
///
/// # Safety
///
/// `source` is null or a C string; `auth` is null or points to a `pcap_rmtauth`; `alldevs` can be written; `errbuf`
/// has room for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// 0, with `*alldevs` a list of sources to be freed by `pcap_freealldevs`; `PCAP_ERROR` and a text in `errbuf`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_findalldevs_ex(
    source: *const c_char,
    auth: *mut pcap_rmtauth,
    alldevs: *mut *mut pcap_if_t,
    errbuf: *mut c_char,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        let local = matches!(Source::parse(bytes(source)), Ok(Source::Local(b"")));
        listed(alldevs, errbuf, |devices| {
            let place: *mut *mut pcap_if_t = devices;
            let code: c_int = forward!(pcap_findalldevs_ex(source, auth, place, errbuf) else {
                if !local {
                    return Err(Failed::missing("pcap_findalldevs_ex"));
                }
                let code = pcap_findalldevs(place, errbuf);
                make_sources(*place)?;
                code
            });
            if code < 0 {
                // The text is in the buffer already, and a list that failed is freed.
                *devices = ptr::null_mut();
            } else if local {
                add_nflog(devices, as_source)?;
            }
            Ok(code)
        })
    }
}

/// Makes a source string: `type` is `PCAP_SRC_FILE`, `PCAP_SRC_IFLOCAL` or `PCAP_SRC_IFREMOTE`, `name` the path or
/// the device.
///
/// # Safety
///
/// `source` has room for `PCAP_BUF_SIZE` bytes; `host`, `port` and `name` are each null or a C string; `errbuf` has
/// room for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// 0; `PCAP_ERROR` and a text in `errbuf` when the path or the host is missing, or the type is none of these.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_createsrcstr(
    source: *mut c_char,
    r#type: c_int,
    host: *const c_char,
    port: *const c_char,
    name: *const c_char,
    errbuf: *mut c_char,
) -> c_int {
    forward!(pcap_createsrcstr(source, r#type, host, port, name, errbuf) else {
        // SAFETY: as the caller promises.
        unsafe {
            guard(errbuf, || match created(r#type, bytes(host), bytes(port), bytes(name)) {
                Ok(text) => {
                    write(source, &text);
                    0
                }
                Err(problem) => report(errbuf, &Failed::new(PCAP_ERROR, problem)),
            })
        }
    })
}

/// The source string of its parts; the error is what is wrong with them.
fn created(kind: c_int, host: &[u8], port: &[u8], name: &[u8]) -> Result<Vec<u8>, &'static str> {
    match kind {
        PCAP_SRC_FILE if name.is_empty() => Err("a source string for a file needs its path"),
        PCAP_SRC_FILE => Ok([PCAP_SRC_FILE_STRING.as_bytes(), name].concat()),
        PCAP_SRC_IFLOCAL => Ok([PCAP_SRC_IF_STRING.as_bytes(), name].concat()),
        PCAP_SRC_IFREMOTE if host.is_empty() => Err("a source string for another host needs the host"),
        PCAP_SRC_IFREMOTE => {
            let (open, close): (&[u8], &[u8]) = if host.contains(&b':') { (b"[", b"]") } else { (b"", b"") };
            let colon: &[u8] = if port.is_empty() { b"" } else { b":" };
            Ok([PCAP_SRC_IF_STRING.as_bytes(), open, host, close, colon, port, b"/", name].concat())
        }
        _ => Err("a source is one of PCAP_SRC_FILE, PCAP_SRC_IFLOCAL, PCAP_SRC_IFREMOTE"),
    }
}

/// Takes a source string apart, into what `pcap_createsrcstr` makes it of. What it does not have is an empty string.
///
/// # Safety
///
/// `source` is null or a C string; `type` is null or can be written; `host`, `port` and `name` are each null or have
/// room for `PCAP_BUF_SIZE` bytes; `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// 0; `PCAP_ERROR` and a text in `errbuf` for what is not a source string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_parsesrcstr(
    source: *const c_char,
    r#type: *mut c_int,
    host: *mut c_char,
    port: *mut c_char,
    name: *mut c_char,
    errbuf: *mut c_char,
) -> c_int {
    forward!(pcap_parsesrcstr(source, r#type, host, port, name, errbuf) else {
        let body = || {
            // SAFETY: as the caller promises.
            unsafe {
                let parsed = Source::parse(bytes(source));
                let parts: (c_int, &[u8], &[u8], &[u8]) = match &parsed {
                    Ok(Source::File(path)) => (PCAP_SRC_FILE, b"", b"", path),
                    Ok(Source::Local(device)) => (PCAP_SRC_IFLOCAL, b"", b"", device),
                    Ok(Source::Remote { host, port, device }) => (PCAP_SRC_IFREMOTE, host, port, device),
                    Err(problem) => return report(errbuf, &Failed::new(PCAP_ERROR, *problem)),
                };
                if !r#type.is_null() {
                    *r#type = parts.0;
                }
                write(host, parts.1);
                write(port, parts.2);
                write(name, parts.3);
            }
            0
        };
        // SAFETY: as the caller promises.
        unsafe { guard(errbuf, body) }
    })
}

/// The sampling of a remote capture, to be read and set. On NFLOG, as on any device of this host, it has no effect.
///
/// # Safety
///
/// `p` is a handle that was not closed.
///
/// # Returns
///
/// It stays until the handle is closed; null where the system's libpcap has no remote captures.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_setsampling(p: *mut pcap_t) -> *mut pcap_samp {
    // SAFETY: as the caller promises.
    match unsafe { ours(p) } {
        Some(handle) => handle.sampling.get(),
        None => forward!(pcap_setsampling(p) else ptr::null_mut()),
    }
}

/// Waits for a host that offers its devices.
///
/// # Safety
///
/// `address` and `hostlist` are each null or a C string; `port` is a C string; `connectinghost` has room for
/// `RPCAP_HOSTLIST_SIZE` bytes; `auth` is null or points to a `pcap_rmtauth`; `errbuf` has room for
/// `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// A socket, with the host's name in `connectinghost`; a negative value and a text in `errbuf` when it fails.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_remoteact_accept(
    address: *const c_char,
    port: *const c_char,
    hostlist: *const c_char,
    connectinghost: *mut c_char,
    auth: *mut pcap_rmtauth,
    errbuf: *mut c_char,
) -> c_int {
    // SAFETY: as the caller promises.
    forward!(pcap_remoteact_accept(address, port, hostlist, connectinghost, auth, errbuf)
        else unsafe { report(errbuf, &Failed::missing("pcap_remoteact_accept")) })
}

/// As `pcap_remoteact_accept`; with TLS where `uses_ssl` is not 0.
///
/// # Safety
///
/// As for `pcap_remoteact_accept`.
///
/// # Returns
///
/// As for `pcap_remoteact_accept`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_remoteact_accept_ex(
    address: *const c_char,
    port: *const c_char,
    hostlist: *const c_char,
    connectinghost: *mut c_char,
    auth: *mut pcap_rmtauth,
    uses_ssl: c_int,
    errbuf: *mut c_char,
) -> c_int {
    // SAFETY: as the caller promises.
    forward!(pcap_remoteact_accept_ex(address, port, hostlist, connectinghost, auth, uses_ssl, errbuf)
        else unsafe { report(errbuf, &Failed::missing("pcap_remoteact_accept_ex")) })
}

/// Lists the hosts that were accepted by `pcap_remoteact_accept`, separated by `sep`.
///
/// # Safety
///
/// `hostlist` has room for `size` bytes; `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// 0; a negative value and a text in `errbuf` when it fails.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_remoteact_list(
    hostlist: *mut c_char,
    sep: c_char,
    size: c_int,
    errbuf: *mut c_char,
) -> c_int {
    // SAFETY: as the caller promises.
    forward!(pcap_remoteact_list(hostlist, sep, size, errbuf)
        else unsafe { report(errbuf, &Failed::missing("pcap_remoteact_list")) })
}

/// Ends the connection with a host that was accepted by `pcap_remoteact_accept`.
///
/// # Safety
///
/// `host` is a C string; `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// 0; a negative value and a text in `errbuf` when it fails.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_remoteact_close(host: *const c_char, errbuf: *mut c_char) -> c_int {
    // SAFETY: as the caller promises.
    forward!(pcap_remoteact_close(host, errbuf)
        else unsafe { report(errbuf, &Failed::missing("pcap_remoteact_close")) })
}

/// Stops waiting for hosts.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pcap_remoteact_cleanup() {
    forward!(pcap_remoteact_cleanup() else ())
}
