//! Which of libpcap's names this library was opened by. A program that opens `libpcap.so.1` would have had another
//! library than one that opens `libpcap.so.0.8`, where a system has both.

use std::ffi::CString;

/// The names that this library goes by in the dynamic linker, in the order in which they were asked for; empty where
/// it does not tell.
#[cfg(not(target_env = "gnu"))]
pub(super) fn names() -> Vec<CString> {
    Vec::new()
}

/// As above. A file that is preloaded and then opened by another name keeps its path. That it was asked for by that
/// name stands in the part of `struct link_map` that glibc keeps to itself, which has looked the same since glibc 2.3;
/// it is believed only if it agrees with everything else that is known.
#[cfg(target_env = "gnu")]
pub(super) fn names() -> Vec<CString> {
    use std::ffi::{CStr, c_char, c_long, c_void};
    use std::{mem, ptr};

    /// `struct link_map`, link.h; from `real` on, include/link.h of glibc's source.
    #[repr(C)]
    struct LinkMap {
        base: usize,
        path: *const c_char,
        dynamic: *const c_void,
        next: *const LinkMap,
        previous: *const LinkMap,
        real: *const LinkMap,
        namespace: c_long,
        names: *const Name,
    }
    /// `struct libname_list`.
    #[repr(C)]
    struct Name {
        text: *const c_char,
        next: *const Name,
    }
    /// dlfcn.h.
    const RTLD_DL_LINKMAP: libc::c_int = 2;
    /// More than a library can be asked for by.
    const MOST: usize = 64;

    let mut names = Vec::new();
    // SAFETY: Dl_info is pointers, for which zeros are valid.
    let mut info: libc::Dl_info = unsafe { mem::zeroed() };
    let mut map: *mut c_void = ptr::null_mut();
    let here = is_mapped as fn(*const c_void) -> bool as *const c_void;
    // SAFETY: dladdr1 takes any address, and writes both.
    if unsafe { libc::dladdr1(here, &mut info, &mut map, RTLD_DL_LINKMAP) } == 0 || map.is_null() {
        return names;
    }
    let map = map.cast::<LinkMap>();
    // SAFETY: glibc's structure is far larger than what is read of it here.
    let LinkMap { path, real, namespace, names: mut next, .. } = unsafe { map.read() };
    // The first namespace is the program's; in another one, opened by dlmopen(3), nothing is shadowed.
    if !ptr::eq(real, map) || namespace != 0 || path.is_null() {
        return names;
    }
    // SAFETY: a module's path is a C string.
    let path = unsafe { CStr::from_ptr(path) };
    let file = |path: &CStr| path.to_bytes().rsplit(|&byte| byte == b'/').next().map(<[u8]>::to_vec);
    while is_mapped(next.cast()) && names.len() < MOST {
        // SAFETY: it is mapped, and as far as everything above tells, it is a list's element.
        let name = unsafe { next.read() };
        if !is_mapped(name.text.cast()) {
            return Vec::new();
        }
        // SAFETY: as above; the names of a module are C strings that stay as long as it does.
        let text = unsafe { CStr::from_ptr(name.text) };
        // The first is what it was loaded by: the end of its path.
        if names.is_empty() && file(text) != file(path) {
            return Vec::new();
        }
        names.push(text.to_owned());
        next = name.next;
    }
    names
}

/// Whether there is memory at an address.
#[cfg(target_env = "gnu")]
fn is_mapped(address: *const std::ffi::c_void) -> bool {
    // SAFETY: sysconf(3) takes a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
    let mut resident = 0;
    let start = address.wrapping_byte_sub(address as usize % page);
    // SAFETY: mincore(2) takes any address and says whether it is mapped; one page is one byte of the answer.
    !address.is_null() && unsafe { libc::mincore(start.cast_mut(), 1, &mut resident) } == 0
}
