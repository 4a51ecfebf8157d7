//! A capture of what an nftables expression matches: a table of its own for as long as a command runs.
//!
//! Nothing is left behind, whatever happens: this process outlives the command and removes the table. When this
//! process is killed itself, its guard, a child that waits for just that, removes it. When both are killed, the next
//! tap finds a table whose process is gone, and removes it.

mod child;
mod table;

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::ExitCode;

use pcap_nflog::capture::{Ruleset, readers};

use crate::capturing;
use crate::command_line::{Devices, Tap};
use crate::failure::{Failure, Result};
use crate::library::Library;
use crate::run;
use child::{Child, Guard};
use table::Table;

/// Groups from here on are tried first: people and their rules use low numbers.
const FIRST_GROUP: u16 = 0x8000;

/// The name that the guard runs under, with the table for its argument.
pub const GUARD: &str = "pcap-nflog-guard";

/// Runs a tap.
pub fn tap(devices: &Devices, tap: &Tap) -> Result<ExitCode> {
    table::check(&tap.matching)?;
    if !tap.command.iter().any(|argument| contains_place(argument)) {
        return Err(Failure::usage("the command has no {}, which is where the device goes: -- tcpdump -nn -i {}"));
    }
    let ruleset = Ruleset::read();
    let group = free_group(&ruleset, std::process::id());
    let device = match devices.linktype {
        Some(link_type) => format!("nflog:{group}@{}", link_type.name()),
        None => format!("nflog:{group}"),
    };
    let command: Vec<OsString> = tap.command.iter().map(|argument| with_device(argument, &device)).collect();
    let table = Table::new(&tap.hooks, &tap.matching, group);
    if tap.dry_run {
        print!("{}", table.script());
        let words: Vec<_> = command.iter().map(|word| quoted(&word.to_string_lossy())).collect();
        println!("# {}", words.join(" "));
        return Ok(ExitCode::SUCCESS);
    }
    let mut library = Library::find()?;
    let target = capturing::checked(&mut library, &command)?;
    table::remove_stale()?;
    let command_to_run = run::prepared(&library, devices, &target, &command[1..]);
    // From here on signals wait: none can come between the table and what removes it.
    let signals = child::hold_signals();
    let guard = Guard::start(table.name())?;
    table.add()?;
    let status = match Child::start(command_to_run) {
        Ok(child) => Ok(child.wait(&signals)),
        Err(error) => Err(run::not_started(&target, &error)),
    };
    let removed = table::remove(table.name());
    guard.dismiss();
    removed?;
    status.map(ExitCode::from)
}

/// The guard: waits until its standard input ends, which is when the process that holds the other end is gone, and
/// removes the table.
pub fn guard(table: &str) -> Result<ExitCode> {
    if !table::is_a_taps(table) {
        return Err(Failure::usage(format!("{table} is not the name of a tap's table")));
    }
    let mut dismissed = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut dismissed);
    if dismissed.is_empty() {
        table::remove(table)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A group that nobody reads and no rule logs to. Taps that start at the same time begin their search at different
/// places, by their process ids.
pub fn free_group(ruleset: &Ruleset, pid: u32) -> u16 {
    let mut used: HashSet<u16> = ruleset.rules.iter().map(|rule| rule.group).collect();
    used.extend(readers().unwrap_or_default().into_iter().map(|reader| reader.0));
    first_free(&used, pid)
}

fn first_free(used: &HashSet<u16>, pid: u32) -> u16 {
    let first = FIRST_GROUP | pid as u16;
    let upper = (first..=u16::MAX).chain(FIRST_GROUP..first);
    upper.chain((1..FIRST_GROUP).rev()).find(|group| !used.contains(group)).unwrap_or(first)
}

fn contains_place(argument: &OsStr) -> bool {
    argument.as_bytes().windows(2).any(|bytes| bytes == b"{}")
}

/// The argument with each `{}` replaced.
fn with_device(argument: &OsStr, device: &str) -> OsString {
    let mut bytes = argument.as_bytes();
    let mut replaced = Vec::new();
    while let Some(at) = bytes.windows(2).position(|bytes| bytes == b"{}") {
        replaced.extend(&bytes[..at]);
        replaced.extend(device.as_bytes());
        bytes = &bytes[at + 2..];
    }
    replaced.extend(bytes);
    OsString::from_vec(replaced)
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,=+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_in_each_argument_becomes_the_device() {
        let replaced = |text: &str| with_device(OsStr::new(text), "nflog:7").into_string().unwrap();
        assert_eq!(replaced("{}"), "nflog:7");
        assert_eq!(replaced("tcpdump -i {} -w {}.pcap"), "tcpdump -i nflog:7 -w nflog:7.pcap");
        assert_eq!(replaced("{ }"), "{ }");
        assert!(!contains_place(OsStr::new("{ }")));
    }

    #[test]
    fn a_free_group_is_neither_read_nor_logged_to() {
        assert_eq!(first_free(&HashSet::new(), 5), 0x8005);
        assert_eq!(first_free(&HashSet::from([0x8005]), 5), 0x8006);
        assert_eq!(first_free(&HashSet::from([u16::MAX]), 0xffff), FIRST_GROUP);
        let upper: HashSet<u16> = (FIRST_GROUP..=u16::MAX).collect();
        assert_eq!(first_free(&upper, 5), FIRST_GROUP - 1);
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(["a-b", "", "a b", "it's"].map(quoted), ["a-b", "''", "'a b'", r"'it'\''s'"]);
    }
}
