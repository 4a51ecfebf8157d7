//! Names into numbers and back, and the library's initialization: pcap_init(3PCAP), pcap_strerror(3PCAP), and the name
//! look-ups of `<pcap/namedb.h>`.

use std::ffi::{CStr, c_char, c_int, c_uchar, c_uint, c_ushort};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use libc::addrinfo;

use super::error::Failed;
use super::memory::until_next;
use super::open::report;
use super::types::*;
use crate::system::{self, forward};

/// Initializes the library: `opts` is the encoding of strings, `PCAP_CHAR_ENC_LOCAL` or `PCAP_CHAR_ENC_UTF_8`, which are
/// the same on Linux, or `PCAP_MMAP_32BIT`, which libpcap knows since 1.11.
///
/// # Safety
///
/// `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
///
/// # Returns
///
/// 0; `PCAP_ERROR` and a text in `errbuf` for other options, and for another encoding than an earlier call's.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_init(opts: c_uint, errbuf: *mut c_char) -> c_int {
    const UNSET: u32 = u32::MAX;
    static ENCODING: AtomicU32 = AtomicU32::new(UNSET);
    forward!(pcap_init(opts, errbuf) else {
        let problem = match opts {
            PCAP_MMAP_32BIT => return 0,
            PCAP_CHAR_ENC_LOCAL | PCAP_CHAR_ENC_UTF_8 => {
                match ENCODING.compare_exchange(UNSET, opts, Ordering::Relaxed, Ordering::Relaxed) {
                    Err(earlier) if earlier != opts => "pcap_init was called with another encoding before",
                    _ => return 0,
                }
            }
            _ => "pcap_init knows PCAP_CHAR_ENC_LOCAL, PCAP_CHAR_ENC_UTF_8 and PCAP_MMAP_32BIT only",
        };
        // SAFETY: as the caller promises.
        unsafe { report(errbuf, &Failed::new(PCAP_ERROR, problem)) }
    })
}

/// The text of an errno value.
///
/// # Returns
///
/// A C string that stays until this thread's next call.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pcap_strerror(error: c_int) -> *const c_char {
    forward!(pcap_strerror(error) else {
        let mut text = [0u8; 256];
        // SAFETY: the buffer is as long as is said; strerror_r(3) ends what it writes with a NUL.
        unsafe { libc::strerror_r(error, text.as_mut_ptr().cast(), text.len()) };
        until_next(text.split(|&byte| byte == 0).next().unwrap_or_default()).cast_const()
    })
}

/// The text of a `PCAP_ERROR` or `PCAP_WARNING` value.
///
/// # Returns
///
/// A C string that stays until this thread's next call.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pcap_statustostr(error: c_int) -> *const c_char {
    forward!(pcap_statustostr(error) else {
        match status(error) {
            Some(text) => text.as_ptr(),
            None => until_next(format!("Unknown error: {error}")).cast_const(),
        }
    })
}

/// Status values in few words, where there is no libpcap to ask.
fn status(value: c_int) -> Option<&'static CStr> {
    Some(match value {
        PCAP_WARNING => c"Warning",
        PCAP_WARNING_PROMISC_NOTSUP => c"Promiscuous mode is not supported",
        PCAP_WARNING_TSTAMP_TYPE_NOTSUP => c"Time stamp type is not supported",
        PCAP_ERROR => c"Error",
        PCAP_ERROR_BREAK => c"Reading was ended by pcap_breakloop",
        PCAP_ERROR_NOT_ACTIVATED => c"Handle is not activated",
        PCAP_ERROR_ACTIVATED => c"Handle is activated already",
        PCAP_ERROR_NO_SUCH_DEVICE => c"No such device",
        PCAP_ERROR_RFMON_NOTSUP => c"Monitor mode is not supported",
        PCAP_ERROR_NOT_RFMON => c"Handle is not in monitor mode",
        PCAP_ERROR_PERM_DENIED => c"Permission denied",
        PCAP_ERROR_IFACE_NOT_UP => c"Interface is down",
        PCAP_ERROR_CANTSET_TSTAMP_TYPE => c"Time stamp type cannot be set",
        PCAP_ERROR_PROMISC_PERM_DENIED => c"Permission denied for promiscuous mode",
        PCAP_ERROR_TSTAMP_PRECISION_NOTSUP => c"Time stamp precision is not supported",
        PCAP_ERROR_CAPTURE_NOTSUP => c"Capture mechanism is not available",
        _ => return None,
    })
}

/// The IPv4 addresses of a host; deprecated by libpcap.
///
/// # Safety
///
/// `name` is a C string.
///
/// # Returns
///
/// An array that ends with a null pointer, of addresses in host byte order, and stays until the next call; null for
/// an unknown host, and without libpcap.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nametoaddr(name: *const c_char) -> *mut *mut bpf_u_int32 {
    forward!(pcap_nametoaddr(name) else ptr::null_mut())
}

/// The addresses of a host.
///
/// # Safety
///
/// `name` is a C string.
///
/// # Returns
///
/// A list to be freed by freeaddrinfo(3); null for an unknown host, and without libpcap.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nametoaddrinfo(name: *const c_char) -> *mut addrinfo {
    forward!(pcap_nametoaddrinfo(name) else ptr::null_mut())
}

/// The number of a network, networks(5).
///
/// # Safety
///
/// `name` is a C string.
///
/// # Returns
///
/// The number in host byte order; 0 for an unknown network, and without libpcap.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nametonetaddr(name: *const c_char) -> bpf_u_int32 {
    forward!(pcap_nametonetaddr(name) else 0)
}

/// The port of a service, services(5), and its protocol: IPPROTO_TCP, IPPROTO_UDP, or `PROTO_UNDEF` for both.
///
/// # Safety
///
/// `name` is a C string; `port` and `proto` can be written.
///
/// # Returns
///
/// 1; 0 for an unknown service, and without libpcap.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nametoport(name: *const c_char, port: *mut c_int, proto: *mut c_int) -> c_int {
    forward!(pcap_nametoport(name, port, proto) else 0)
}

/// The ports of a range, "ftp-data-ftp" or "1000-2000", and their protocol as in `pcap_nametoport`.
///
/// # Safety
///
/// `name` is a C string; `port1`, `port2` and `proto` can be written.
///
/// # Returns
///
/// 1; 0 for what is not a range, and without libpcap.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nametoportrange(
    name: *const c_char,
    port1: *mut c_int,
    port2: *mut c_int,
    proto: *mut c_int,
) -> c_int {
    forward!(pcap_nametoportrange(name, port1, port2, proto) else 0)
}

/// The number of an IP protocol, protocols(5).
///
/// # Safety
///
/// `name` is a C string.
///
/// # Returns
///
/// The number; `PROTO_UNDEF` for an unknown protocol, and without libpcap.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nametoproto(name: *const c_char) -> c_int {
    forward!(pcap_nametoproto(name) else PROTO_UNDEF)
}

/// The ethertype of a protocol, "ip6" for example.
///
/// # Safety
///
/// `name` is a C string.
///
/// # Returns
///
/// The ethertype; `PROTO_UNDEF` for an unknown protocol, and without libpcap.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nametoeproto(name: *const c_char) -> c_int {
    let value: c_int = forward!(pcap_nametoeproto(name) else PROTO_UNDEF);
    if value != PROTO_UNDEF {
        return value;
    }
    // Where this library comes first, libpcap looks into the table here, which may have less than its own.
    let table = system::library().map_or(ptr::null_mut(), |library| library.function(c"eproto_db"));
    // SAFETY: as the caller promises; libpcap's variable is such a table.
    unsafe { find(table.cast_const().cast(), CStr::from_ptr(name)) }.map_or(PROTO_UNDEF, c_int::from)
}

/// An entry of [`eproto_db`].
#[repr(C)]
pub struct Ethertype {
    name: *const c_char,
    value: c_ushort,
}

// SAFETY: the names are C strings that stay for ever, and nothing writes to an entry.
unsafe impl Sync for Ethertype {}

const fn ethertype(name: &'static CStr, value: c_ushort) -> Ethertype {
    Ethertype { name: name.as_ptr(), value }
}

/// libpcap 1.10's table of ethertypes, which ends with a null name. No header declares it: it is here for programs that
/// import it. The linker copies it into them, as much as their libpcap had: no less than 1.10's, or they would miss its end.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static eproto_db: [Ethertype; 13] = [
    ethertype(c"aarp", 0x80f3),
    ethertype(c"arp", 0x0806),
    ethertype(c"atalk", 0x809b),
    ethertype(c"decnet", 0x6003),
    ethertype(c"ip", 0x0800),
    ethertype(c"ip6", 0x86dd),
    ethertype(c"lat", 0x6004),
    ethertype(c"loopback", 0x9000),
    ethertype(c"mopdl", 0x6001),
    ethertype(c"moprc", 0x6002),
    ethertype(c"rarp", 0x8035),
    ethertype(c"sca", 0x6007),
    Ethertype { name: ptr::null(), value: 0 },
];

/// The value of a name in a table.
///
/// # Safety
///
/// `table` is null or ends with a null name; the other names are C strings.
unsafe fn find(mut table: *const Ethertype, name: &CStr) -> Option<c_ushort> {
    // SAFETY: as the caller promises: the table goes on behind every entry that has a name.
    unsafe {
        while !table.is_null() && !(*table).name.is_null() {
            if CStr::from_ptr((*table).name) == name {
                return Some((*table).value);
            }
            table = table.add(1);
        }
    }
    None
}

/// The LLC service access point of a protocol, "stp" for example.
///
/// # Safety
///
/// `name` is a C string.
///
/// # Returns
///
/// The number; `PROTO_UNDEF` for an unknown protocol, and without libpcap.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nametollc(name: *const c_char) -> c_int {
    forward!(pcap_nametollc(name) else PROTO_UNDEF)
}

/// The Ethernet address of a host, ethers(5).
///
/// # Safety
///
/// `name` is a C string.
///
/// # Returns
///
/// Six bytes to be freed by free(3); null for an unknown host, and without libpcap.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_ether_hostton(name: *const c_char) -> *mut c_uchar {
    forward!(pcap_ether_hostton(name) else ptr::null_mut())
}

/// An Ethernet address from text, "00:1b:2c:3d:4e:5f" for example.
///
/// # Safety
///
/// `s` is a C string.
///
/// # Returns
///
/// Six bytes to be freed by free(3); null for what is not an address, and without libpcap.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_ether_aton(s: *const c_char) -> *mut c_uchar {
    forward!(pcap_ether_aton(s) else ptr::null_mut())
}

/// The next entry of a file in the form of ethers(5).
///
/// # Safety
///
/// `fp` is a stream open for reading.
///
/// # Returns
///
/// The entry, which stays until this thread's next call; null at the end, and without libpcap.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_next_etherent(fp: *mut FILE) -> *mut pcap_etherent {
    forward!(pcap_next_etherent(fp) else ptr::null_mut())
}
