//! What the dynamic linker knows and where it looks: the loaded modules and what each of them needs, the folders that
//! it searches on a module's behalf, and its cache. ld.so(8), dlinfo(3), dl_iterate_phdr(3).
//!
//! Where it was led to this library in libpcap's place it cannot be asked again: LD_LIBRARY_PATH is read once, at the
//! start. So its search is gone through here, folder by folder, on lists that are its own.

use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int, c_void};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::ptr;

/// A loaded library, or the program itself.
pub(super) struct Module {
    /// As the dynamic linker has it; empty for the program.
    pub path: CString,
    /// The names of the libraries that it is linked with (DT_NEEDED), in their order.
    pub needed: Vec<CString>,
    /// Its own name (DT_SONAME), if it has one.
    pub soname: Option<CString>,
}

impl Module {
    /// Whether whoever is linked with a library called `name` may have been given this module.
    pub fn may_be_called(&self, name: &CStr) -> bool {
        let path = self.path.to_bytes();
        let file = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
        self.soname.as_deref() == Some(name) || path == name.to_bytes() || file == name.to_bytes()
    }
}

/// The program and its libraries, in the order in which symbols are looked up; then what was opened later.
pub(super) fn modules() -> Vec<Module> {
    let mut modules: Vec<Module> = Vec::new();
    // SAFETY: `visit` gets the pointer to `modules`, which outlives the call and is used by nothing else meanwhile.
    unsafe { libc::dl_iterate_phdr(Some(visit), ptr::from_mut(&mut modules).cast()) };
    modules
}

/// Adds a module to the list. The dynamic linker holds its lock meanwhile: no module goes away.
unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, modules: *mut c_void) -> c_int {
    // SAFETY: dl_iterate_phdr passes a valid structure, and the pointer that it was given.
    let (info, modules) = unsafe { (&*info, &mut *modules.cast::<Vec<Module>>()) };
    if info.dlpi_phdr.is_null() {
        return 0;
    }
    // SAFETY: the program headers of a loaded module are readable, and there are dlpi_phnum of them.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    let path = match info.dlpi_name.is_null() {
        true => CString::default(),
        // SAFETY: a module's name is a C string.
        false => unsafe { CStr::from_ptr(info.dlpi_name) }.to_owned(),
    };
    let mut module = Module { path, needed: Vec::new(), soname: None };
    if let Some(dynamic) = headers.iter().find(|header| header.p_type == libc::PT_DYNAMIC) {
        let base = info.dlpi_addr as usize;
        // SAFETY: the dynamic section of a loaded module is mapped where this header says, and ends with DT_NULL.
        unsafe { read_dynamic(&mut module, base, base.wrapping_add(dynamic.p_vaddr as usize) as *const Entry) };
    }
    modules.push(module);
    0
}

/// `ElfW(Dyn)`, and its tags, elf.h.
#[repr(C)]
struct Entry {
    tag: usize,
    value: usize,
}
const DT_NULL: usize = 0;
const DT_NEEDED: usize = 1;
const DT_STRTAB: usize = 5;
const DT_SONAME: usize = 14;

/// Takes the names out of a dynamic section.
///
/// # Safety
///
/// `section` is the dynamic section of a module that is loaded at `base`.
unsafe fn read_dynamic(module: &mut Module, base: usize, section: *const Entry) {
    let entries = |wanted: usize| {
        // SAFETY: as the caller promises; a section ends with DT_NULL.
        (0..)
            .map(move |at| unsafe { &*section.add(at) })
            .take_while(|entry| entry.tag != DT_NULL)
            .filter_map(move |entry| (entry.tag == wanted).then_some(entry.value))
    };
    let Some(strings) = entries(DT_STRTAB).next() else { return };
    // The dynamic linker has made it an address, but where the section is read-only: there it is an offset still.
    let strings = if strings < base { strings + base } else { strings };
    // SAFETY: the offsets are those of C strings in the module's string table.
    let string = |offset: usize| unsafe { CStr::from_ptr((strings + offset) as *const c_char) }.to_owned();
    module.needed = entries(DT_NEEDED).map(string).collect();
    module.soname = entries(DT_SONAME).next().map(string);
}

/// Where the dynamic linker looks on a module's behalf.
pub(super) struct SearchList {
    /// DT_RPATH, LD_LIBRARY_PATH and DT_RUNPATH: before the cache.
    own: Vec<PathBuf>,
    /// What it has built in: after the cache.
    standard: Vec<PathBuf>,
}

impl SearchList {
    /// The list for the module at `path`, the program's for an empty one.
    pub fn of(path: &CStr) -> SearchList {
        // Two do not stand in the list apart: what is built in comes last, each folder once.
        let mut own = search_info(path).unwrap_or_default();
        let mut first = own.len();
        while first > 0 && is_standard(&own[first - 1]) && !own[first..].contains(&own[first - 1]) {
            first -= 1;
        }
        let standard = own.split_off(first);
        SearchList { own, standard }
    }

    /// Adds the folders that are another module's own.
    pub fn extend(&mut self, other: SearchList) {
        for folder in other.own {
            if !self.own.contains(&folder) {
                self.own.push(folder);
            }
        }
    }

    /// The files that the linker would try for a library that has one of `names`, in its order. They may not exist.
    pub fn files(&self, names: &[&OsStr]) -> Vec<PathBuf> {
        let in_folders = |folders: &[PathBuf]| -> Vec<PathBuf> {
            let folders = folders.iter().flat_map(|folder| with_levels(folder));
            folders.flat_map(|folder| names.iter().map(move |name| folder.join(name))).collect()
        };
        let mut files = in_folders(&self.own);
        files.extend(names.iter().flat_map(|name| cached(name)));
        files.extend(in_folders(&self.standard));
        files
    }

    /// The folders, for an error's text.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.own.iter().chain(&self.standard).map(PathBuf::as_path)
    }
}

/// The folders of a module's search list, as dlinfo(3) has them.
#[cfg(target_env = "gnu")]
fn search_info(path: &CStr) -> Option<Vec<PathBuf>> {
    /// `Dl_serinfo` without its array, dlfcn.h.
    #[repr(C)]
    struct Head {
        size: usize,
        count: u32,
    }
    /// `Dl_serpath`, dlfcn.h.
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Folder {
        name: *const c_char,
        flags: u32,
    }
    const HEAD: usize = size_of::<Head>().next_multiple_of(align_of::<Folder>());

    let module = Handle::of_loaded(path)?;
    let mut head = Head { size: 0, count: 0 };
    // SAFETY: the handle is open; the request writes a `Dl_serinfo`'s head.
    if unsafe { libc::dlinfo(module.0, libc::RTLD_DI_SERINFOSIZE, ptr::from_mut(&mut head).cast()) } != 0 {
        return None;
    }
    // Of words, for the alignment.
    let mut buffer = vec![0usize; head.size.div_ceil(size_of::<usize>()).max(HEAD)];
    let info = buffer.as_mut_ptr().cast::<u8>();
    // SAFETY: the buffer has room for the head, and for what it says that the whole takes; the second request looks
    // at the head for that.
    unsafe {
        info.cast::<Head>().write(head);
        if libc::dlinfo(module.0, libc::RTLD_DI_SERINFO, info.cast()) != 0 {
            return None;
        }
        let count = info.cast::<Head>().read().count as usize;
        let folders = std::slice::from_raw_parts(info.add(HEAD).cast::<Folder>(), count);
        let folder = |folder: &Folder| PathBuf::from(OsStr::from_bytes(CStr::from_ptr(folder.name).to_bytes()));
        Some(folders.iter().map(folder).collect())
    }
}

#[cfg(not(target_env = "gnu"))]
fn search_info(_: &CStr) -> Option<Vec<PathBuf>> {
    None
}

/// Whether a folder can be one that is built into the dynamic linker: /lib, /usr/lib64, /lib/x86_64-linux-gnu.
fn is_standard(folder: &Path) -> bool {
    let mut parts = folder.strip_prefix("/usr").or_else(|_| folder.strip_prefix("/")).unwrap_or(folder).iter();
    let first = parts.next().is_some_and(|part| part.as_bytes().starts_with(b"lib"));
    let triplet = parts.next().is_none_or(|part| part.as_bytes().windows(7).any(|bytes| bytes == b"-linux-"));
    folder.is_absolute() && first && triplet && parts.next().is_none()
}

/// A folder, after those in it that have libraries for better processors, if this one is such.
fn with_levels(folder: &Path) -> Vec<PathBuf> {
    let levels = folder.join(LEVELS);
    let mut found = Vec::new();
    if levels.is_dir() {
        found.extend(supported_levels().iter().map(|level| levels.join(level)));
    }
    found.push(folder.to_owned());
    found
}

/// Where libraries for better processors are, in a folder of any search list: ld.so(8).
const LEVELS: &str = "glibc-hwcaps";

/// What this processor can do, the most first: the names of the psABI of x86-64. Other machines have such names, too;
/// their libraries that are for every processor do there.
fn supported_levels() -> &'static [&'static str] {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        let v2 = has!("cmpxchg16b") && has!("popcnt") && has!("sse3") && has!("sse4.2") && has!("ssse3");
        let v3 = has!("avx2") && has!("bmi1") && has!("bmi2") && has!("f16c") && has!("fma") && has!("lzcnt");
        let v4 = has!("avx512f") && has!("avx512bw") && has!("avx512cd") && has!("avx512dq") && has!("avx512vl");
        match (v2, v2 && v3 && has!("movbe"), v4) {
            (_, true, true) => &["x86-64-v4", "x86-64-v3", "x86-64-v2"],
            (_, true, false) => &["x86-64-v3", "x86-64-v2"],
            (true, ..) => &["x86-64-v2"],
            _ => &[],
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    &[]
}

/// What the dynamic linker's cache has under a name, for better processors first. Some may be for other machines.
fn cached(name: &OsStr) -> Vec<PathBuf> {
    let mut paths = in_cache(&fs::read("/etc/ld.so.cache").unwrap_or_default(), name.as_bytes());
    let level = |path: &Path| {
        let level = path.iter().skip_while(|part| *part != LEVELS).nth(1)?;
        Some(supported_levels().iter().position(|supported| level == *supported).unwrap_or(usize::MAX))
    };
    paths.retain(|path| level(path) != Some(usize::MAX));
    paths.sort_by_key(|path| level(path).unwrap_or(usize::MAX));
    paths
}

/// The paths of a name in a cache: dl-cache.h of glibc.
fn in_cache(cache: &[u8], name: &[u8]) -> Vec<PathBuf> {
    const OLD: &[u8] = b"ld.so-1.7.0\0";
    const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
    const HEADER: usize = 48;
    const ENTRY: usize = 24;
    let number = |bytes: &[u8], at: usize| {
        let bytes: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_ne_bytes(bytes)).ok()
    };
    // Where ldconfig writes the old format as well, the new one follows it.
    let start = match cache.starts_with(OLD) {
        // A count that no address space holds ends behind the cache, where nothing is.
        true => number(cache, 12).map_or(0, |count| count.saturating_mul(12).saturating_add(16 + 7) & !7),
        false => 0,
    };
    let cache = cache.get(start..).unwrap_or_default();
    // Its byte order, where it says so: 2 is little-endian, 3 big-endian. An emulated system may have one of another's.
    let is_foreign = cache.get(28).map(|flags| flags & 3) == Some(if cfg!(target_endian = "big") { 2 } else { 3 });
    if !cache.starts_with(MAGIC) || is_foreign {
        return Vec::new();
    }
    let string = |offset: usize| cache.get(offset..)?.split(|&byte| byte == 0).next();
    let entries = cache.get(HEADER..).unwrap_or_default().chunks_exact(ENTRY);
    let found = entries.take(number(cache, 20).unwrap_or(0)).filter_map(|entry| {
        // flags, key, value
        let (key, value) = (string(number(entry, 4)?)?, string(number(entry, 8)?)?);
        (key == name).then(|| PathBuf::from(OsString::from_vec(value.to_vec())))
    });
    found.collect()
}

/// A module that stays loaded for as long as this is held.
pub(super) struct Handle(pub *mut c_void);

impl Handle {
    /// The module that is loaded from `path` or under that name; the program itself for an empty one.
    pub fn of_loaded(path: &CStr) -> Option<Handle> {
        let path = if path.is_empty() { ptr::null() } else { path.as_ptr() };
        // SAFETY: `path` is null or a C string; RTLD_NOLOAD looks among the modules that are loaded.
        let handle = unsafe { libc::dlopen(path, libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
        (!handle.is_null()).then(|| Handle(handle))
    }

    /// Keeps the module for ever.
    pub fn keep(self) -> *mut c_void {
        let handle = self.0;
        std::mem::forget(self);
        handle
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it came from dlopen, and is closed once.
        unsafe { libc::dlclose(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_needs_libc_and_comes_first() {
        let modules = modules();
        assert!(modules[0].path.is_empty() && modules[0].needed.contains(&c"libc.so.6".to_owned()));
        let libc = modules.iter().find(|module| module.soname.as_deref() == Some(c"libc.so.6")).unwrap();
        assert!(Path::new(OsStr::from_bytes(libc.path.to_bytes())).is_file());
    }

    #[test]
    fn the_cache_has_what_ldconfig_prints() {
        let printed = std::process::Command::new("/sbin/ldconfig").arg("-p").output().unwrap();
        let printed = String::from_utf8(printed.stdout).unwrap();
        let printed: Vec<_> = printed.lines().filter(|line| line.contains(" => ")).map(str::trim).collect();
        let mut names: Vec<_> = printed.iter().map(|line| line.split(" (").next().unwrap()).collect();
        assert!(names.len() > 10, "{printed:?}");
        names.dedup();
        let cache = fs::read("/etc/ld.so.cache").unwrap();
        let mut foreign = cache.clone();
        foreign[28] = if cfg!(target_endian = "big") { 2 } else { 3 };
        assert!(in_cache(&foreign, b"libc.so.6").is_empty());
        if cache == foreign {
            return;
        }
        for name in names {
            let lines = printed.iter().filter(|line| line.starts_with(&format!("{name} (")));
            let paths: Vec<_> = lines.map(|line| PathBuf::from(line.split_once(" => ").unwrap().1)).collect();
            assert_eq!(in_cache(&cache, name.as_bytes()), paths, "{name}");
        }
    }

    #[test]
    fn a_cache_that_is_none_has_nothing() {
        let cache = fs::read("/etc/ld.so.cache").unwrap();
        for wrong in
            [&b""[..], b"ld.so-1.7.0\0", b"glibc-ld.so.cache1.1", b"ld.so-1.7.0\0\xff\xff\xff\xff", &cache[..60]]
        {
            assert!(in_cache(wrong, b"libc.so.6").is_empty());
        }
    }

    #[test]
    fn folders_that_are_built_in_are_told_from_others() {
        for folder in ["/lib", "/usr/lib", "/lib64", "/usr/lib/x86_64-linux-gnu"] {
            assert!(is_standard(Path::new(folder)), "{folder}");
        }
        for folder in ["/usr/local/lib", "/opt/lib", "lib", "/usr/lib/x/y", "/usr/lib/pcap-nflog", "/"] {
            assert!(!is_standard(Path::new(folder)), "{folder}");
        }
        let standard = SearchList::of(c"").standard;
        assert!(!standard.is_empty() && standard.iter().all(|folder| is_standard(folder)));
    }
}
