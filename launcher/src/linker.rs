//! What the dynamic linker says of a program before it runs: whether it takes the library, and what would be missing.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::library::Library;
use crate::run;
use crate::target::{Kind, Target};

/// The dynamic linker's answer.
#[derive(Debug)]
pub struct Trace {
    /// Whether it loads the library; what it says where it does not.
    pub takes_the_library: Result<(), String>,
    /// The libpcap that the program is linked with, itself or through a library. This one in its place does not show.
    pub libpcap: Option<PathBuf>,
    /// The symbols that nothing which it loads has.
    pub undefined: Vec<String>,
}

/// Asks the dynamic linker; nothing where it cannot be asked. The program does not run: those are left out of which the
/// linker might run more than it was asked, which have privileges beyond their user's, or another linker than glibc's.
pub fn trace(target: &Target, library: &Library) -> Option<Trace> {
    let Kind::Dynamic(linker) = target.kind() else { return None };
    let linker = linker.file_name()?.to_str()?;
    let is_glibcs = ["ld-linux", "ld64.so", "ld.so"].iter().any(|name| linker.starts_with(name));
    if !is_glibcs || target.privileges().is_some() {
        return None;
    }
    let mut command = Command::new(&target.path);
    command.envs(run::environment(library));
    // As ldd(1) does it, with -r.
    command.env("LD_TRACE_LOADED_OBJECTS", "1").env("LD_WARN", "1").env("LD_BIND_NOW", "1").env_remove("LD_DEBUG");
    let output = command.stdin(Stdio::null()).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let (listed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let path = library.path.to_string_lossy();
    let mut lines = listed.lines().map(str::trim_start);
    let takes_the_library = match lines.clone().any(|line| line.starts_with(path.as_ref())) {
        true => Ok(()),
        false => {
            let why = said.lines().find(|line| line.contains(path.as_ref()));
            Err(why.unwrap_or("it does not list it").trim_start_matches("ERROR: ").to_owned())
        }
    };
    let undefined =
        listed.lines().chain(said.lines()).filter_map(|line| line.trim().strip_prefix("undefined symbol: "));
    let undefined = undefined.filter_map(|rest| rest.split(['\t', ' ', ',']).next()).map(str::to_owned).collect();
    // libpcap.so.1 => /usr/lib/libpcap.so.1 (0x00007f1234567000)
    let libpcap = lines.find(|line| line.starts_with("libpcap.so")).and_then(|line| line.split(" => ").nth(1));
    let libpcap = libpcap.map(|path| path.rsplit_once(" (").map_or(path, |(path, _)| path).into());
    Some(Trace { takes_the_library, libpcap, undefined })
}

/// Whether a libpcap, and not this library, seems to be a part of the program itself.
pub fn contains_libpcap(path: &Path) -> bool {
    // What every libpcap says of itself; a name that only this library has.
    contains(path, b"libpcap version ") && !contains(path, b"pcap_nflog_version")
}

fn contains(path: &Path, text: &[u8]) -> bool {
    let Ok(mut file) = File::open(path) else { return false };
    let (mut buffer, mut kept) = (vec![0; 1 << 16], 0);
    while let Ok(count @ 1..) = file.read(&mut buffer[kept..]) {
        let filled = kept + count;
        // SAFETY: both are valid for the lengths that go with them, and are only read.
        let found = unsafe { libc::memmem(buffer.as_ptr().cast(), filled, text.as_ptr().cast(), text.len()) };
        if !found.is_null() {
            return true;
        }
        // It may go on in the next part.
        kept = filled.min(text.len() - 1);
        buffer.copy_within(filled - kept..filled, 0);
    }
    false
}
