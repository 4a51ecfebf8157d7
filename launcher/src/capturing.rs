//! What will really capture: the program behind those that run it, and dumpcap behind tshark and Wireshark. A library
//! that gets lost on the way there would leave NFLOG to the system's libpcap, without a word.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use pcap_nflog::capture::printable;

use crate::failure::{Failure, Result};
use crate::library::Library;
use crate::linker;
use crate::tap::quoted;
use crate::target::{Kind, Target};
use crate::wrapper::{self, Runs};

/// What was found out of a command.
#[derive(Default)]
pub struct Examined {
    /// The program, then those that it runs, as far as that can be told.
    pub programs: Vec<Target>,
    /// Why the library will not be there, and what to do: certainly, and possibly.
    pub failures: Vec<String>,
    pub warnings: Vec<String>,
    /// The libpcap that a program is linked with.
    pub libpcap: Option<PathBuf>,
    /// What a program needs of its libpcap that this library does not have. It is not given the drop-in folder.
    pub missing: Vec<String>,
}

/// The most programs that run one another.
const MOST: usize = 8;

/// Finds a command's program, says what may go wrong, and refuses what must. The library goes without its drop-in
/// folder where the program could not start with that.
pub fn checked(library: &mut Library, command: &[OsString]) -> Result<Target> {
    let examined = examine(library, command)?;
    if let Some(failure) = examined.failures.into_iter().next() {
        return Err(Failure::not_runnable(failure));
    }
    for warning in examined.warnings {
        eprintln!("pcap-nflog: warning: {}", printable(&warning));
    }
    if !examined.missing.is_empty() {
        library.drop_in = None;
    }
    Ok(examined.programs.into_iter().next().expect("the first one was found"))
}

/// Follows a command to what captures.
pub fn examine(library: &Library, command: &[OsString]) -> Result<Examined> {
    let program = command.first().ok_or_else(|| Failure::usage("no command"))?;
    let mut examined = Examined::default();
    let target = Target::find(program)?;
    examined.follow(library, target, command, true);
    Ok(examined)
}

impl Examined {
    fn follow(&mut self, library: &Library, target: Target, words: &[OsString], certain: bool) {
        let name = target.name.to_string_lossy().into_owned();
        let mut found = |what: String| match certain {
            true => self.failures.push(format!("{name}: {what}")),
            false => self.warnings.push(format!("{name}: {what}")),
        };
        let runs = wrapper::runs(words);
        if let Some(Runs::Cleared(at)) = runs {
            if !is_this(&words[at]) {
                let (own, command) = words.split_at(at);
                found(format!(
                    "it does not hand LD_PRELOAD on to its command; put pcap-nflog between them: {} pcap-nflog {}",
                    line(own),
                    line(command)
                ));
            }
        } else if let Some(kind) = target.privileges() {
            let (command, user) = (line(words), "become the user that may capture first");
            found(format!("it {kind}, and such programs ignore LD_PRELOAD; {user}: sudo pcap-nflog {command}"));
        } else if let Some(what) = target.obstacle().filter(|_| runs.is_none()) {
            found(what.into());
        }
        if let Some(what) = through_dumpcap(&target, words) {
            match certain && words.iter().any(|word| is_nflog(word)) {
                true => self.failures.push(format!("{name}: {what}")),
                false => self.warnings.push(format!("{name}: {what}")),
            }
        }
        if runs.is_none() {
            self.ask_the_linker(library, &target, certain);
        }
        let kind = target.kind();
        self.programs.push(target);
        match (runs, kind) {
            (Some(Runs::Command(at)), _) => self.next(library, &words[at..], certain),
            // Its command may well be another user's.
            (Some(Runs::Cleared(_)), _) => {}
            (Some(Runs::Script(commands, only)), _) => {
                commands.iter().for_each(|command| self.next(library, command, certain && only));
            }
            (None, Kind::Script(mut interpreter)) => {
                interpreter.extend(words.iter().cloned());
                self.next(library, &interpreter, certain);
            }
            (None, _) => {}
        }
    }

    /// Goes on with a command, unless it is one that brings the library itself or cannot be found.
    fn next(&mut self, library: &Library, words: &[OsString], certain: bool) {
        let Some(program) = words.first().filter(|program| !is_this(program)) else { return };
        if let Some(target) = Target::find(program).ok().filter(|_| self.programs.len() < MOST) {
            self.follow(library, target, words, certain);
        }
    }

    /// Asks the dynamic linker about a program that captures, or may do so.
    fn ask_the_linker(&mut self, library: &Library, target: &Target, certain: bool) {
        let preload_only = Library { path: library.path.clone(), drop_in: None };
        let Some(preloaded) = linker::trace(target, &preload_only) else { return };
        let name = target.name.to_string_lossy();
        if let Err(why) = preloaded.takes_the_library {
            let what = format!("{name}: the dynamic linker does not take the library: {why}");
            if certain { self.failures.push(what) } else { self.warnings.push(what) }
        } else if preloaded.libpcap.is_some() {
            self.libpcap = preloaded.libpcap;
            let both = linker::trace(target, library).map(|trace| trace.undefined).unwrap_or_default();
            self.missing.extend(both.into_iter().filter(|symbol| !preloaded.undefined.contains(symbol)));
        } else if linker::contains_libpcap(&target.path) {
            self.warnings.push(format!(
                "{name}: it seems to have a libpcap linked into it, which no library can replace; build it with a \
                 shared libpcap"
            ));
        }
    }
}

/// What stands in the way of a program that captures through dumpcap.
fn through_dumpcap(target: &Target, words: &[OsString]) -> Option<String> {
    /// The options with which it reads a file, or only tells something.
    const NO_CAPTURE: [&str; 6] = ["-G", "-v", "--version", "-h", "--help", "--read-file"];
    let name = target.path.file_name()?;
    if name != "tshark" && name != "wireshark" {
        return None;
    }
    let texts: Vec<_> = words.iter().skip(1).map(|word| word.to_string_lossy()).collect();
    let reads = |word: &str| NO_CAPTURE.contains(&word) || word.starts_with("-r") || word.starts_with("--read-file=");
    let names = |word: &str| word.starts_with("-i") || word.starts_with("--interface");
    let device = words.iter().find_map(|word| device(word));
    if texts.iter().any(|word| reads(word)) || device.is_none() && texts.iter().any(|word| names(word)) {
        return None;
    }
    // Where the program itself is, behind all links.
    let path = fs::canonicalize(&target.path).ok()?.with_file_name("dumpcap");
    let dumpcap = Target { name: path.clone().into_os_string(), path };
    let kind = dumpcap.privileges()?;
    let device = device.unwrap_or(OsStr::new("nflog:5")).to_string_lossy();
    let name = name.to_string_lossy();
    let shows = if name == "wireshark" { "wireshark -k -i -" } else { "tshark -i -" };
    Some(format!(
        "it captures through {}, which {kind} and so ignores LD_PRELOAD: the system's libpcap would read NFLOG; run \
         all of it as root: sudo pcap-nflog {}; or only the capture: sudo pcap-nflog dumpcap -q -i {device} -w - | {shows}",
        dumpcap.path.display(),
        line(words)
    ))
}

/// The NFLOG device that an argument names.
fn device(word: &OsStr) -> Option<&OsStr> {
    let word = word.as_bytes();
    let word = word.strip_prefix(b"-i").or_else(|| word.strip_prefix(b"--interface=")).unwrap_or(word);
    let is_device = word.strip_prefix(b"nflog").is_some_and(|rest| rest.is_empty() || matches!(rest[0], b':' | b'@'));
    is_device.then(|| OsStr::from_bytes(word))
}

fn is_nflog(word: &OsStr) -> bool {
    device(word).is_some()
}

/// Whether it is the launcher, which puts the library under its command by itself.
fn is_this(program: &OsStr) -> bool {
    Path::new(program).file_name() == Some(OsStr::new("pcap-nflog"))
}

fn line(words: &[OsString]) -> String {
    let words: Vec<_> = words.iter().map(|word| quoted(&word.to_string_lossy())).collect();
    words.join(" ")
}
