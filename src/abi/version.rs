//! The library's version, as programs parse it: pcap_lib_version(3PCAP), and the variable of old.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU8, Ordering};

use once_cell::sync::Lazy;

use super::guard::guard;
use crate::system::{self, forward};

/// The libpcap whose interface this library has: its version where there is no other to tell.
const INTERFACE: &str = "1.10.0";

/// The variable's size in Debian's libpcap 1.10, which is that of every version with one digit for the last number.
const SIZE: usize = INTERFACE.len() + 1;

/// libpcap's version in numbers. Programs of old read this variable: it has libpcap's own size, since the linker copies
/// it into programs that are not position-independent.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static pcap_version: [AtomicU8; SIZE] = {
    let mut version = [const { AtomicU8::new(0) }; SIZE];
    let mut at = 0;
    while at < INTERFACE.len() {
        version[at] = AtomicU8::new(INTERFACE.as_bytes()[at]);
        at += 1;
    }
    version
};

/// Runs when the library is loaded: a program that reads a variable calls nothing first.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C-unwind" fn() = {
    extern "C-unwind" fn at_load() {
        // SAFETY: the name is a C string. The libpcap behind this one, in the order of the search, is loaded already.
        let behind = unsafe { libc::dlsym(libc::RTLD_NEXT, c"pcap_version".as_ptr()) };
        // SAFETY: every libpcap's variable of that name is a C string that stays for as long as the library.
        unsafe { show(behind.cast()) };
    }
    at_load
};

/// Shows the version of the libpcap that was found, now that it is known.
pub(crate) fn found(library: &system::Library) {
    // SAFETY: as above; the library is never closed.
    unsafe { show(library.function(c"pcap_version").cast()) };
}

/// Puts a version into the variable, and into the program's copy of it.
///
/// # Safety
///
/// `version` is null or a C string.
unsafe fn show(version: *const c_char) {
    if version.is_null() {
        return;
    }
    // SAFETY: as the caller promises.
    let version = unsafe { CStr::from_ptr(version) }.to_bytes();
    let before = pcap_version.each_ref().map(|byte| byte.load(Ordering::Relaxed));
    // A pre-release says more than fits in.
    let version = &version[..version.len().min(SIZE - 1)];
    for (at, byte) in pcap_version.iter().enumerate() {
        byte.store(version.get(at).copied().unwrap_or(0), Ordering::Relaxed);
    }
    // Not RTLD_DEFAULT: for a library that is linked with -Bsymbolic, that begins with itself.
    // SAFETY: the name is a C string; dlopen of no name gives the program, which is never closed.
    let first = unsafe { libc::dlsym(libc::dlopen(ptr::null(), libc::RTLD_LAZY), c"pcap_version".as_ptr()) };
    let first = first.cast::<[AtomicU8; SIZE]>();
    if first.is_null() || !is_programs(first.cast()) {
        return;
    }
    // SAFETY: the program's variable of that name is as large as the libpcap's that it was linked with, and can be
    // written, as that can.
    let copy = unsafe { &*first };
    if copy.each_ref().map(|byte| byte.load(Ordering::Relaxed)) == before {
        copy.iter().zip(&pcap_version).for_each(|(to, from)| to.store(from.load(Ordering::Relaxed), Ordering::Relaxed));
    }
}

/// Whether an address lies in the program itself, not in a library.
fn is_programs(address: *const c_void) -> bool {
    let base = |address: *const c_void| {
        // SAFETY: Dl_info is pointers, for which zeros are valid.
        let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
        // SAFETY: dladdr takes any address, and writes `info`.
        let found = unsafe { libc::dladdr(address, &mut info) };
        (found != 0).then_some(info.dli_fbase)
    };
    // SAFETY: getauxval(3) takes any number. The program's headers are part of it.
    let headers = unsafe { libc::getauxval(libc::AT_PHDR) } as *const c_void;
    base(headers).is_some_and(|program| base(address) == Some(program))
}

/// What `pcap_lib_version` gives.
static VERSION: Lazy<CString> = Lazy::new(|| {
    let system: *const c_char = forward!(pcap_lib_version() else ptr::null());
    // SAFETY: libpcap's version is a C string that stays for ever.
    let system = (!system.is_null()).then(|| unsafe { CStr::from_ptr(system) }.to_string_lossy());
    CString::new(version(system.as_deref())).unwrap_or_default()
});

/// The system's version with ours behind it: programs parse its beginning, as its manual lets them.
fn version(system: Option<&str>) -> String {
    let ours = concat!("pcap-nflog ", env!("CARGO_PKG_VERSION"));
    match system.map(|system| (system, system.split_once(" ("))) {
        Some((_, Some((number, more)))) => format!("{number} ({ours}, {more}"),
        Some((number, None)) => format!("{number} ({ours})"),
        None => format!("libpcap version {INTERFACE} ({ours}, without libpcap)"),
    }
}

/// The version of the system's libpcap and that of this library: "libpcap version 1.10.3 (pcap-nflog 0.1.0, with
/// TPACKET_V3)". Without a libpcap it is that of the interface: "libpcap version 1.10.0 (pcap-nflog 0.1.0, without
/// libpcap)".
///
/// # Returns
///
/// A C string that stays for ever.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pcap_lib_version() -> *const c_char {
    // SAFETY: a null buffer is allowed.
    unsafe { guard(ptr::null_mut(), || VERSION.as_ptr()) }
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_version_begins_as_the_systems_does() {
        let ours = concat!("pcap-nflog ", env!("CARGO_PKG_VERSION"));
        let told = "libpcap version 1.10.3 (with TPACKET_V3)";
        assert_eq!(version(Some(told)), format!("libpcap version 1.10.3 ({ours}, with TPACKET_V3)"));
        assert_eq!(version(Some("libpcap version 1.11.0")), format!("libpcap version 1.11.0 ({ours})"));
        assert_eq!(version(None), format!("libpcap version 1.10.0 ({ours}, without libpcap)"));
    }
}
