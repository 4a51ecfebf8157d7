//! The environment in which a program finds the library under it, and the program in this one's place.

use std::convert::Infallible;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::capturing;
use crate::command_line::{Devices, device_in};
use crate::failure::{Failure, Result};
use crate::library::Library;
use crate::target::Target;

/// Runs a command in this process's place.
pub fn run(devices: &Devices, command: &[OsString]) -> Result<Infallible> {
    let mut library = Library::find()?;
    let target = capturing::checked(&mut library, command)?;
    let error = prepared(&library, devices, &target, &command[1..]).exec();
    Err(not_started(&target, &error))
}

/// The command for a program, with the library under it.
pub fn prepared(library: &Library, devices: &Devices, target: &Target, arguments: &[OsString]) -> Command {
    let mut command = Command::new(&target.path);
    command.arg0(&target.name).args(arguments);
    command.envs(environment(library));
    if let Some(link_type) = devices.linktype {
        command.env("PCAP_NFLOG_LINKTYPE", link_type.name());
    }
    if devices.immediate {
        command.env("PCAP_NFLOG_IMMEDIATE", "1");
    }
    // Some programs open only what is listed.
    let named = arguments.iter().filter_map(|argument| device_in(argument));
    let wanted: Vec<&str> = devices.listed.iter().map(String::as_str).chain(named).collect();
    if !wanted.is_empty() {
        let mut listed = env::var_os("PCAP_NFLOG_DEVICES").unwrap_or_default();
        for device in wanted {
            listed.push(" ");
            listed.push(device);
        }
        command.env("PCAP_NFLOG_DEVICES", listed);
    }
    command
}

/// The variables that put the library under a program, with what the user has in them kept.
pub fn environment(library: &Library) -> Vec<(&'static str, OsString)> {
    let preload = ("LD_PRELOAD", first_in("LD_PRELOAD", library.path.as_os_str()));
    let folder = library.drop_in.as_ref().map(|folder| first_in("LD_LIBRARY_PATH", folder.as_os_str()));
    [preload].into_iter().chain(folder.map(|folders| ("LD_LIBRARY_PATH", folders))).collect()
}

/// Why a program that is there was not started.
pub fn not_started(target: &Target, error: &io::Error) -> Failure {
    let name = target.name.to_string_lossy();
    match error.kind() {
        io::ErrorKind::NotFound => Failure::not_found(format!("{name}: the interpreter that it names is not there")),
        _ => Failure::not_runnable(format!("{name}: {error}")),
    }
}

/// What the user has in a list of the dynamic linker's, with `item` first, once.
fn first_in(variable: &str, item: &OsStr) -> OsString {
    with_first(item, &env::var_os(variable).unwrap_or_default())
}

fn with_first(item: &OsStr, list: &OsStr) -> OsString {
    let mut joined = item.as_bytes().to_vec();
    if !list.is_empty() && list != item {
        let rest = list.as_bytes();
        let listed_first = rest.strip_prefix(item.as_bytes()).filter(|rest| rest.starts_with(b":"));
        joined.push(b':');
        joined.extend(listed_first.map_or(rest, |rest| &rest[1..]));
    }
    OsString::from_vec(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_had_is_kept_behind_the_library_which_is_there_once() {
        let first = |list: &str| with_first(OsStr::new("/lib/ours"), OsStr::new(list)).into_string().unwrap();
        assert_eq!(first(""), "/lib/ours");
        assert_eq!(first("/lib/ours"), "/lib/ours");
        assert_eq!(first("a.so b.so:c.so"), "/lib/ours:a.so b.so:c.so");
        assert_eq!(first("/lib/ours:a.so"), "/lib/ours:a.so");
        assert_eq!(first("/lib/ours2"), "/lib/ours:/lib/ours2");
    }
}
