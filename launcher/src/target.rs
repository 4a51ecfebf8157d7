//! The program to run: found as a shell finds it, and whether the dynamic linker will give it the library.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
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

    /// Whether the dynamic linker will give it the library.
    pub fn takes_a_library(&self) -> Result<()> {
        match self.obstacle() {
            Some(why) => Err(Failure::not_runnable(format!("{}: {why}", self.name.to_string_lossy()))),
            None => Ok(()),
        }
    }

    /// Why it cannot be given the library, and what to do.
    pub fn obstacle(&self) -> Option<String> {
        obstacle(&self.path, 0)
    }
}

fn obstacle(path: &Path, depth: usize) -> Option<String> {
    // SAFETY: geteuid(2) takes nothing and cannot fail.
    let user = unsafe { libc::geteuid() };
    let metadata = fs::metadata(path).ok()?;
    let mode = metadata.permissions().mode();
    let another_user = mode & 0o4000 != 0 && metadata.uid() != user;
    if another_user || mode & 0o2000 != 0 && metadata.gid() != group() {
        return Some(
            "it is set-user-ID or set-group-ID, and such programs ignore LD_PRELOAD; \
             become that user first, as in: sudo pcap-nflog tcpdump"
                .into(),
        );
    }
    if user != 0 && has_capabilities(path) {
        return Some(
            "it has file capabilities, and such programs ignore LD_PRELOAD; run it as root, or a copy of it".into(),
        );
    }
    let mut start = Vec::new();
    File::open(path).ok()?.take(4096).read_to_end(&mut start).ok()?;
    if let Some(script) = start.strip_prefix(b"#!") {
        let line = script.split(|&byte| byte == b'\n').next().unwrap_or(script).trim_ascii();
        let interpreter = line.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or(line);
        return if depth < 4 { obstacle(Path::new(OsStr::from_bytes(interpreter)), depth + 1) } else { None };
    }
    if !start.starts_with(b"\x7fELF") {
        return None;
    }
    // The class (32 or 64 bits), the byte order and the machine: of a program of the same kind as this one.
    let mut own = Vec::new();
    File::open("/proc/self/exe").ok()?.take(20).read_to_end(&mut own).ok()?;
    if start.len() < 20 || start[4..6] != own[4..6] || start[18..20] != own[18..20] {
        return Some("it is for another kind of machine than the library".into());
    }
    match names_an_interpreter(&start) {
        Some(false) => {
            Some("it is statically linked: no library can be put under it; build it with a shared libpcap".into())
        }
        _ => None,
    }
}

/// Whether an ELF program is started by the dynamic linker; `None` where its start does not tell.
fn names_an_interpreter(elf: &[u8]) -> Option<bool> {
    /// `PT_INTERP`, elf.h.
    const INTERP: u32 = 3;
    // Where e_phoff, e_phentsize and e_phnum stand.
    let wide = elf[4] == 2;
    let number = |at: usize, size: usize| -> Option<usize> {
        let bytes = elf.get(at..at + size)?;
        let number = bytes.iter().rev().fold(0u64, |number, &byte| (number << 8) | u64::from(byte));
        let swapped = bytes.iter().fold(0u64, |number, &byte| (number << 8) | u64::from(byte));
        usize::try_from(if cfg!(target_endian = "big") { swapped } else { number }).ok()
    };
    let (table, size, count) = match wide {
        true => (number(32, 8)?, number(54, 2)?, number(56, 2)?),
        false => (number(28, 4)?, number(42, 2)?, number(44, 2)?),
    };
    for index in 0..count {
        if number(table.checked_add(index * size)?, 4)? == INTERP as usize {
            return Some(true);
        }
    }
    Some(false)
}

fn group() -> u32 {
    // SAFETY: getegid(2) takes nothing and cannot fail.
    unsafe { libc::getegid() }
}

fn has_capabilities(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: both names are C strings; with no room to write to, only the length is returned.
    unsafe { libc::getxattr(path.as_ptr(), c"security.capability".as_ptr(), std::ptr::null_mut(), 0) > 0 }
}
