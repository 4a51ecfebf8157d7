//! Which libpcap the program would have without this library: what `PCAP_NFLOG_LIBPCAP` names, one that is loaded,
//! or the one that the dynamic linker would have found had it not been led to this library in its place.

use std::ffi::{CStr, CString, OsStr, c_void};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;

use super::asked;
use super::linker::{Handle, Module, SearchList, modules};
use crate::environment;

/// libpcap's names, those of the drop-in folder: Debian's SONAME, everybody else's, and what a compiler is told.
const NAMES: [&str; 3] = ["libpcap.so.0.8", "libpcap.so.1", "libpcap.so"];

/// Where libpcap's own `make install` puts it, whether or not the dynamic linker looks there.
const LAST_RESORT: &str = "/usr/local/lib";

/// A symbol that only this library has: whatever has it is a copy of this library, not libpcap.
const OURS: &CStr = c"pcap_nflog_version";

/// A loaded libpcap.
pub(crate) struct Library {
    /// What dlsym(3) takes: a handle, or `RTLD_NEXT`.
    source: *mut c_void,
    name: String,
}

// SAFETY: dlsym(3) may be called from any thread with any handle; the library is never closed.
unsafe impl Send for Library {}
// SAFETY: as above.
unsafe impl Sync for Library {}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Library {
    /// Whether a libpcap would be loaded by now, were this library not here.
    pub fn is_due() -> bool {
        let is_libpcap = |name: &CString| NAMES.iter().any(|libpcap| name.to_bytes() == libpcap.as_bytes());
        modules().iter().flat_map(|module| &module.needed).any(is_libpcap) || asked::names().iter().any(is_libpcap)
    }

    /// Finds the program's libpcap, or says where it was sought.
    pub fn find() -> Result<Library, String> {
        if let Some(path) = environment::variable("PCAP_NFLOG_LIBPCAP") {
            return Library::open(&path).map_err(|why| {
                format!("system libpcap not found: PCAP_NFLOG_LIBPCAP={}: {why}", path.to_string_lossy())
            });
        }
        let modules = modules();
        if let Some(library) = Library::loaded_or_shadowed(&modules) {
            return Ok(library);
        }
        // Nothing is linked with it: the program, or one of its libraries, opens it by its name.
        let mut list = SearchList::of(c"");
        modules.iter().skip(1).for_each(|module| list.extend(SearchList::of(&module.path)));
        let names = asked::names();
        let asked = names.iter().map(|name| OsStr::from_bytes(name.to_bytes()));
        let asked: Vec<_> = asked.filter(|name| NAMES.iter().any(|libpcap| name == libpcap)).collect();
        // Another name's is better than none.
        let files = list.files(&asked).into_iter().chain(list.files(&NAMES.map(OsStr::new)));
        if let Some(library) = Library::first_of(files.collect()) {
            return Ok(library);
        }
        let rest = NAMES.map(PathBuf::from).into_iter().chain(NAMES.map(|name| Path::new(LAST_RESORT).join(name)));
        Library::first_of(rest.collect()).ok_or_else(|| {
            let mut folders: Vec<_> = list.folders().chain([Path::new(LAST_RESORT)]).collect();
            let mut seen = std::collections::HashSet::new();
            folders.retain(|folder| folder.is_dir() && seen.insert(*folder));
            let folders: Vec<_> = folders.iter().map(|folder| folder.to_string_lossy()).collect();
            let names = NAMES.join(", ");
            format!("system libpcap not found: install libpcap (tried {names} in {})", folders.join(" "))
        })
    }

    /// The libpcap that symbols would be found in: the first one in the order of symbol lookup. Where a module is
    /// linked with libpcap and was given this library instead, what it would have been given is opened.
    fn loaded_or_shadowed(modules: &[Module]) -> Option<Library> {
        let asked = || modules.iter().flat_map(|module| module.needed.iter().map(move |name| (module, name)));
        let next = Library::next();
        // The next one's module, if the dynamic linker has it under that name.
        let module =
            next.as_ref().and_then(|library| modules.iter().find(|m| m.path.to_bytes() == library.name.as_bytes()));
        let loaded = module.and_then(|module| Handle::of_loaded(&module.path));
        let is_next = |name: &CStr| {
            module.is_some_and(|module| module.may_be_called(name))
                && Handle::of_loaded(name).is_some_and(|named| loaded.as_ref().is_some_and(|next| next.0 == named.0))
        };
        if next.is_some() && !asked().any(|(_, name)| is_next(name)) {
            // Nobody is linked with it: the user preloads it.
            return next;
        }
        for (module, name) in asked() {
            if is_next(name) {
                return next;
            }
            let name = OsStr::from_bytes(name.to_bytes());
            if !NAMES.iter().any(|libpcap| name == *libpcap) {
                continue;
            }
            if let Some(library) = Library::loaded(name) {
                return Some(library);
            }
            if let Some(library) = Library::first_of(SearchList::of(&module.path).files(&[name])) {
                return Some(library);
            }
        }
        // The program, or one of its libraries, has opened one by its path.
        next.or_else(|| modules.iter().skip(1).find_map(|m| Library::loaded(OsStr::from_bytes(m.path.to_bytes()))))
    }

    /// The definitions behind ours, if they are somebody else's.
    fn next() -> Option<Library> {
        let source = libc::RTLD_NEXT;
        let name = file_of(symbol(source, c"pcap_create"))?;
        // A second copy of this library may be next (preloaded, and in libpcap's place): look further.
        match Handle::of_loaded(&name) {
            Some(handle) if !symbol(handle.0, OURS).is_null() => None,
            _ => Some(Library { source, name: name.to_string_lossy().into_owned() }),
        }
    }

    /// The libpcap that is loaded under a name or from a path.
    fn loaded(name: &OsStr) -> Option<Library> {
        let handle = Handle::of_loaded(&CString::new(name.as_bytes()).ok()?)?;
        // A handle finds what a module is linked with, too.
        let file = file_of(symbol(handle.0, c"pcap_create"))?;
        let own = Handle::of_loaded(&file)?;
        if own.0 != handle.0 || !symbol(handle.0, OURS).is_null() {
            return None;
        }
        Some(Library { source: handle.keep(), name: file.to_string_lossy().into_owned() })
    }

    /// The first of these files that is a libpcap.
    fn first_of(files: Vec<PathBuf>) -> Option<Library> {
        // A path that does not exist needs no attempt; a name is looked up by the dynamic linker.
        let files = files.into_iter().filter(|file| file.parent() == Some(Path::new("")) || file.exists());
        files.filter_map(|file| Library::open(file.as_os_str()).ok()).next()
    }

    /// Opens the library at a name or path, unless it is a copy of this one.
    fn open(path: &OsStr) -> Result<Library, String> {
        let name = CString::new(path.as_bytes()).map_err(|_| "it has a NUL byte".to_owned())?;
        // SAFETY: `name` is a C string. Opening a library runs its constructors: that is what opening libpcap means.
        let source = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        if source.is_null() {
            return Err(load_error());
        }
        let refused = if !symbol(source, OURS).is_null() {
            "that is pcap-nflog itself"
        } else if symbol(source, c"pcap_create").is_null() {
            "that is not libpcap: it has no pcap_create"
        } else {
            return Ok(Library { source, name: path.to_string_lossy().into_owned() });
        };
        // SAFETY: the handle came from dlopen just now, and nothing of the library was taken.
        unsafe { libc::dlclose(source) };
        Err(refused.into())
    }

    /// The address of the library's function `name`, or null.
    pub fn function(&self, name: &CStr) -> *mut c_void {
        symbol(self.source, name)
    }
}

/// The file that an address was loaded from, as the dynamic linker knows it.
fn file_of(address: *mut c_void) -> Option<CString> {
    let info = module_of(address).filter(|info| !info.dli_fname.is_null())?;
    // SAFETY: dladdr set it to the path of a loaded library, which stays loaded meanwhile.
    Some(unsafe { CStr::from_ptr(info.dli_fname) }.to_owned())
}

fn symbol(source: *mut c_void, name: &CStr) -> *mut c_void {
    // SAFETY: `source` is RTLD_NEXT or a handle of dlopen that was not closed; `name` is a C string.
    let found = unsafe { libc::dlsym(source, name.as_ptr()) };
    // With RTLD_NEXT, a library that is linked into the program itself may find its own definition again.
    if is_our_own(found) { ptr::null_mut() } else { found }
}

/// Whether an address lies in a libpcap. What is put in front of a few of its functions is none. Nothing is allocated
/// here: a device is to be opened, or to fail with a text, where there is no memory left.
pub(super) fn is_in_libpcap(address: *mut c_void) -> bool {
    let Some(info) = module_of(address).filter(|info| !info.dli_fname.is_null()) else { return false };
    // SAFETY: dladdr set it to the path of a loaded library, which stays loaded while its code waits for an answer.
    let Some(handle) = Handle::of_loaded(unsafe { CStr::from_ptr(info.dli_fname) }) else { return false };
    let has = |name: &CStr| module_of(symbol(handle.0, name)).is_some_and(|found| found.dli_fbase == info.dli_fbase);
    has(c"pcap_create") && has(c"pcap_compile") && !has(OURS)
}

/// Whether an address lies in the same library as this code.
pub(super) fn is_our_own(address: *mut c_void) -> bool {
    let base = |address| module_of(address).map(|info| info.dli_fbase);
    !address.is_null() && base(address) == base(is_our_own as *mut c_void)
}

/// What the dynamic linker knows of the module that an address lies in.
fn module_of(address: *mut c_void) -> Option<libc::Dl_info> {
    // SAFETY: Dl_info is pointers, for which zeros are valid.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: dladdr takes any address, and writes `info`.
    let found = !address.is_null() && unsafe { libc::dladdr(address, &mut info) } != 0;
    found.then_some(info)
}

/// What dlopen(3) says of its last failure.
fn load_error() -> String {
    // SAFETY: dlerror returns null or a C string that stays until this thread's next dl call.
    unsafe {
        let text = libc::dlerror();
        if text.is_null() { "unknown error".into() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
    }
}
