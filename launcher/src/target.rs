//! A program: found as a shell finds it, and what stands in the way of giving it the library.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// A program.
#[derive(Debug)]
pub struct Target {
    /// What the user calls it.
    pub name: OsString,
    pub path: PathBuf,
}

impl Target {
    /// Looks in PATH, for a name without a slash.
    pub fn find(name: &OsStr) -> Result<Target> {
        let shown = name.to_string_lossy();
        let target = |path| Ok(Target { name: name.to_owned(), path });
        if name.as_bytes().contains(&b'/') {
            let path = PathBuf::from(name);
            return match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => Err(Failure::not_runnable(format!("{shown}: is a directory"))),
                Ok(metadata) if metadata.permissions().mode() & 0o111 == 0 => {
                    Err(Failure::not_runnable(format!("{shown}: permission denied: it is not executable")))
                }
                Ok(_) => target(path),
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                    Err(Failure::not_runnable(format!("{shown}: {error}")))
                }
                Err(_) => Err(Failure::not_found(format!("{shown}: no such file"))),
            };
        }
        let paths = env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        let mut found = env::split_paths(&paths).map(|folder| folder.join(name)).filter(|path| path.is_file());
        let runnable = |path: &PathBuf| fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o111 != 0);
        match (name.is_empty(), found.next()) {
            (true, _) | (_, None) => Err(Failure::not_found(format!("{shown}: command not found"))),
            (_, Some(first)) => match std::iter::once(first).chain(found).find(runnable) {
                Some(path) => target(path),
                None => Err(Failure::not_runnable(format!("{shown}: permission denied: it is not executable"))),
            },
        }
    }

    /// Why the dynamic linker ignores what its environment says, whoever started it with how many privileges: ld.so(8),
    /// secure-execution mode.
    pub fn privileges(&self) -> Option<&'static str> {
        // SAFETY: getuid(2), getgid(2) and this request of prctl(2) take no pointers.
        let (user, group, no_more) =
            unsafe { (libc::getuid(), libc::getgid(), libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)) };
        let metadata = fs::metadata(&self.path).ok()?;
        if matches!(self.kind(), Kind::Script(_)) || is_ignored(&self.path) {
            return None;
        }
        let mode = metadata.permissions().mode();
        let another_user = mode & 0o4000 != 0 && metadata.uid() != user;
        let another_group = mode & 0o2000 != 0 && metadata.gid() != group;
        if (another_user || another_group) && no_more != 1 {
            Some("is set-user-ID or set-group-ID")
        } else if user != 0 && has_capabilities(&self.path) {
            Some("has file capabilities")
        } else {
            None
        }
    }

    /// Why there is no way to give it the library, and what to do.
    pub fn obstacle(&self) -> Option<&'static str> {
        match self.kind() {
            Kind::Foreign => Some("it is for another kind of machine than the library"),
            Kind::Static => {
                Some("it is statically linked: no library can be put under it; build it with a shared libpcap")
            }
            Kind::Script(_) | Kind::Dynamic(_) | Kind::Unknown => None,
        }
    }

    /// What the kernel will make of it.
    pub fn kind(&self) -> Kind {
        kind(&self.path).unwrap_or(Kind::Unknown)
    }
}

/// What a program's file is.
#[derive(Debug, PartialEq)]
pub enum Kind {
    /// The interpreter and its argument, as its first line has them.
    Script(Vec<OsString>),
    /// The dynamic linker that it names.
    Dynamic(PathBuf),
    Static,
    /// Of another word size, byte order or machine.
    Foreign,
    /// It may not be read, or it is something else.
    Unknown,
}

fn kind(path: &Path) -> Option<Kind> {
    let file = File::open(path).ok()?;
    let mut start = Vec::new();
    (&file).take(4096).read_to_end(&mut start).ok()?;
    if let Some(script) = start.strip_prefix(b"#!") {
        let line = script.split(|&byte| byte == b'\n').next().unwrap_or(script).trim_ascii();
        // All behind the interpreter is one argument.
        let mut words = line.splitn(2, |byte| byte.is_ascii_whitespace()).map(<[u8]>::trim_ascii);
        let words = words.by_ref().filter(|word| !word.is_empty()).map(|word| OsStr::from_bytes(word).to_owned());
        return Some(Kind::Script(words.collect()));
    }
    if !start.starts_with(b"\x7fELF") {
        return None;
    }
    // The class (32 or 64 bits), the byte order and the machine: of a program of the same kind as this one.
    let mut own = Vec::new();
    File::open("/proc/self/exe").ok()?.take(20).read_to_end(&mut own).ok()?;
    if start.len() < 20 || start[4..6] != own[4..6] || start[18..20] != own[18..20] {
        return Some(Kind::Foreign);
    }
    let Some((offset, length)) = interpreter(&start)? else { return Some(Kind::Static) };
    let mut name = vec![0; length.min(libc::PATH_MAX as usize)];
    file.read_exact_at(&mut name, offset as u64).ok()?;
    let name = name.split(|&byte| byte == 0).next()?;
    Some(Kind::Dynamic(OsStr::from_bytes(name).into()))
}

/// Where an ELF program names the dynamic linker that starts it, and in how many bytes; nothing where none does.
fn interpreter(elf: &[u8]) -> Option<Option<(usize, usize)>> {
    /// `PT_INTERP`, elf.h.
    const INTERP: usize = 3;
    let number = |at: usize, size: usize| -> Option<usize> {
        let bytes = elf.get(at..at.checked_add(size)?)?;
        let number = bytes.iter().rev().fold(0u64, |number, &byte| (number << 8) | u64::from(byte));
        let swapped = bytes.iter().fold(0u64, |number, &byte| (number << 8) | u64::from(byte));
        usize::try_from(if cfg!(target_endian = "big") { swapped } else { number }).ok()
    };
    // e_phoff, e_phentsize and e_phnum; then p_offset and p_filesz.
    let wide = elf[4] == 2;
    let (table, size, count) = match wide {
        true => (number(32, 8)?, number(54, 2)?, number(56, 2)?),
        false => (number(28, 4)?, number(42, 2)?, number(44, 2)?),
    };
    for index in 0..count {
        let header = table.checked_add(index * size)?;
        if number(header, 4)? == INTERP {
            let word = if wide { 8 } else { 4 };
            let (offset, length) = if wide { (header + 8, header + 32) } else { (header + 4, header + 16) };
            return Some(Some((number(offset, word)?, number(length, word)?)));
        }
    }
    Some(None)
}

/// Whether the kernel ignores what a file says of privileges, since the file system is mounted so.
fn is_ignored(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: statvfs is plain data, for which zeros are valid.
    let mut system: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path is a C string, and `system` is written to.
    unsafe { libc::statvfs(path.as_ptr(), &mut system) == 0 && system.f_flag & libc::ST_NOSUID != 0 }
}

fn has_capabilities(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: both names are C strings; with no room to write to, only the length is returned.
    unsafe { libc::getxattr(path.as_ptr(), c"security.capability".as_ptr(), std::ptr::null_mut(), 0) > 0 }
}
