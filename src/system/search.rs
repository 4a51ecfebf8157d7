//! Where the system's libpcap is looked for: `PCAP_NFLOG_LIBPCAP`, behind this library in the search order, by
//! name, and in the folders of the dynamic linker.

use std::ffi::{CStr, CString, OsStr, OsString, c_void};
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;

use crate::environment;

/// libpcap's SONAMEs: Debian's, and everybody else's.
const NAMES: [&str; 2] = ["libpcap.so.0.8", "libpcap.so.1"];

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
    /// Finds the system's libpcap, or says where it was sought.
    pub fn find() -> Result<Library, String> {
        if let Some(path) = environment::variable("PCAP_NFLOG_LIBPCAP") {
            return Library::open(&path).map_err(|why| {
                format!("system libpcap not found: PCAP_NFLOG_LIBPCAP={}: {why}", path.to_string_lossy())
            });
        }
        if let Some(library) = Library::next() {
            return Ok(library);
        }
        let folders = folders();
        let paths = folders.iter().flat_map(|folder| NAMES.map(|name| folder.join(name).into_os_string()));
        for candidate in NAMES.map(OsString::from).into_iter().chain(paths) {
            // A path that does not exist needs no attempt; a name is looked up by the dynamic linker.
            let path = Path::new(&candidate);
            if path.is_absolute() && !path.exists() {
                continue;
            }
            if let Ok(library) = Library::open(&candidate) {
                return Ok(library);
            }
        }
        let tried: Vec<_> = folders.iter().map(|folder| folder.to_string_lossy()).collect();
        Err(format!("system libpcap not found: install libpcap (tried {} in {})", NAMES.join(", "), tried.join(" ")))
    }

    /// The definitions behind ours, if they are somebody else's.
    fn next() -> Option<Library> {
        let source = libc::RTLD_NEXT;
        let function = symbol(source, c"pcap_create");
        if function.is_null() {
            return None;
        }
        // SAFETY: Dl_info is pointers, for which zeros are valid.
        let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
        // SAFETY: dladdr takes any address, and writes `info`.
        if unsafe { libc::dladdr(function, &mut info) } == 0 || info.dli_fname.is_null() {
            return None;
        }
        // SAFETY: dladdr set it to the path of a loaded library, which stays loaded.
        let name = unsafe { CStr::from_ptr(info.dli_fname) }.to_string_lossy().into_owned();
        // A second copy of this library may be next (preloaded, and in libpcap's place): look further.
        // SAFETY: the path is a C string; RTLD_NOLOAD only looks among the libraries that are loaded.
        let handle = unsafe { libc::dlopen(info.dli_fname, libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
        if !handle.is_null() && !symbol(handle, OURS).is_null() {
            return None;
        }
        Some(Library { source, name })
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

fn symbol(source: *mut c_void, name: &CStr) -> *mut c_void {
    // SAFETY: `source` is RTLD_NEXT or a handle of dlopen that was not closed; `name` is a C string.
    let found = unsafe { libc::dlsym(source, name.as_ptr()) };
    // With RTLD_NEXT, a library that is linked into the program itself may find its own definition again.
    if is_our_own(found) { ptr::null_mut() } else { found }
}

/// Whether an address lies in the same library as this code.
fn is_our_own(address: *mut c_void) -> bool {
    if address.is_null() {
        return false;
    }
    let base = |address: *const c_void| {
        // SAFETY: Dl_info is pointers, for which zeros are valid.
        let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
        // SAFETY: dladdr takes any address, and writes `info`.
        let found = unsafe { libc::dladdr(address, &mut info) };
        (found != 0).then_some(info.dli_fbase)
    };
    base(address) == base(is_our_own as *const c_void)
}

/// What dlopen(3) says of its last failure.
fn load_error() -> String {
    // SAFETY: dlerror returns null or a C string that stays until this thread's next dl call.
    unsafe {
        let text = libc::dlerror();
        if text.is_null() { "unknown error".into() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
    }
}

/// The folders that the dynamic linker looks in: those of /etc/ld.so.conf, then its own.
fn folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    configured(Path::new("/etc/ld.so.conf"), &mut folders, 0);
    let triplet =
        format!("{}-linux-gnu{}", std::env::consts::ARCH, if cfg!(target_arch = "arm") { "eabihf" } else { "" });
    let triplet = triplet.replace("x86-", "i386-");
    for parent in ["/lib", "/usr/lib"] {
        folders.push(Path::new(parent).join(&triplet));
    }
    let own = if cfg!(target_pointer_width = "64") { ["/lib64", "/usr/lib64"] } else { ["/lib32", "/usr/lib32"] };
    folders.extend(own.iter().chain(&["/lib", "/usr/lib", "/usr/local/lib"]).map(PathBuf::from));
    let mut seen = std::collections::HashSet::new();
    folders.retain(|folder| folder.is_dir() && seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())));
    folders
}

/// Adds the folders that a file of ld.so.conf(5)'s form names, following its includes.
fn configured(file: &Path, folders: &mut Vec<PathBuf>, depth: usize) {
    let Ok(text) = fs::read_to_string(file) else { return };
    for line in text.lines().map(|line| line.split('#').next().unwrap_or("").trim()) {
        match line.strip_prefix("include") {
            // An include names files by a pattern; the only one in use is `/some/folder/*.conf`.
            Some(pattern) if depth < 4 => {
                let Some(parent) = Path::new(pattern.trim()).parent() else { continue };
                let mut files: Vec<_> =
                    fs::read_dir(parent).into_iter().flatten().flatten().map(|f| f.path()).collect();
                files.retain(|path| path.extension() == Some(OsStr::new("conf")));
                files.sort();
                for file in files {
                    configured(&file, folders, depth + 1);
                }
            }
            _ if line.starts_with('/') => folders.push(line.into()),
            _ => {}
        }
    }
}
