//! What a capture needs here, and whether it is there: one line for each check, with what to do.

use std::ffi::{CStr, CString, OsString, c_char};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;

use pcap_nflog::capture::{Device, Error, Options, Ruleset, Session, printable, readers};

use crate::capturing;
use crate::command_line::Devices;
use crate::failure::Result;
use crate::library::Library;
use crate::list;
use crate::tap::free_group;

/// How a check came out.
enum Outcome {
    Ok,
    /// It works, but somebody may want to know.
    Note,
    Fail,
}
use Outcome::{Fail, Note};

/// Prints as it goes; counts the failures.
#[derive(Default)]
struct Report {
    failures: usize,
}

impl Report {
    fn line(&mut self, outcome: Outcome, what: &str, words: &str) {
        let mark = match outcome {
            Outcome::Ok => "ok",
            Note => "note",
            Fail => {
                self.failures += 1;
                "FAIL"
            }
        };
        // One line, whatever somebody has named a program or a table.
        println!("{mark:4}  {what:10}  {}", printable(words));
    }
}

/// Checks everything, and a program if one is named.
pub fn doctor(_: &Devices, command: &[OsString]) -> Result<ExitCode> {
    let mut report = Report::default();
    let library = library(&mut report);
    let ruleset = Ruleset::read();
    capture(&mut report, &ruleset);
    buffers(&mut report);
    groups(&mut report, &ruleset);
    if !command.is_empty() {
        program(&mut report, command, library.as_ref());
    }
    Ok(if report.failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The library, and the system's libpcap behind it.
fn library(report: &mut Report) -> Option<Library> {
    let library = match Library::find() {
        Ok(library) => library,
        Err(failure) => {
            report.line(Fail, "library", &failure.to_string());
            return None;
        }
    };
    let path = library.path.display();
    match versions(&library.path) {
        Ok((ours, libpcap)) => {
            report.line(Outcome::Ok, "library", &format!("{path}: {ours}"));
            match libpcap.contains("without libpcap") {
                false => report.line(Outcome::Ok, "libpcap", &format!("the system has {libpcap}")),
                true => report.line(Note, "libpcap", "the system has none: NFLOG works, other devices, savefiles and filters need it: install libpcap (Debian: libpcap0.8)"),
            }
        }
        Err(why) => report.line(Fail, "library", &format!("{path}: {why}")),
    }
    match &library.drop_in {
        Some(folder) => report.line(Outcome::Ok, "drop-in", &format!("{}: for programs that load libpcap by name", folder.display())),
        None => report.line(Note, "drop-in", "there is no folder pcap-nflog beside the library: programs that load libpcap by name (scapy) will get the system's; make install"),
    }
    Some(library)
}

/// What the library at a path says of itself, and of the system's libpcap.
fn versions(path: &Path) -> std::result::Result<(String, String), String> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
    // SAFETY: the path is a C string; opening a library runs its constructors, as it will in the program.
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if handle.is_null() {
        // SAFETY: after a failure dlerror returns a C string that stays until the next call.
        return Err(unsafe { CStr::from_ptr(libc::dlerror()) }.to_string_lossy().into_owned());
    }
    let text = |name: &CStr| {
        // SAFETY: the handle is open; the name is a C string.
        let function = unsafe { libc::dlsym(handle, name.as_ptr()) };
        if function.is_null() {
            return Err("that is not pcap-nflog".to_owned());
        }
        // SAFETY: this is the type of both functions in every version; what they return is a C string that stays.
        unsafe {
            let function: extern "C" fn() -> *const c_char = std::mem::transmute(function);
            Ok(CStr::from_ptr(function()).to_string_lossy().into_owned())
        }
    };
    let ours = format!("pcap-nflog {}", text(c"pcap_nflog_version")?);
    // The version of libpcap begins as libpcap's own; behind that it names this library.
    let libpcap = text(c"pcap_lib_version")?.replace(&format!("{ours}, "), "");
    Ok((ours, libpcap))
}

/// The kernel and the privileges: a group that nobody uses is opened, and closed again.
fn capture(report: &mut Report, ruleset: &Ruleset) {
    let group = free_group(ruleset, std::process::id());
    let device = Device::parse(&format!("nflog:{group}")).expect("a group makes a device name");
    match Session::open(&device, &Options::default()) {
        Ok(_) => {
            report.line(Outcome::Ok, "kernel", "it has nfnetlink_log");
            report.line(Outcome::Ok, "privilege", "this process may capture");
        }
        Err(Error::NotAvailable) => report.line(Fail, "kernel", &Error::NotAvailable.to_string()),
        Err(error) => {
            let there = Path::new("/proc/net/netfilter/nfnetlink_log").exists();
            let (outcome, words) = match there {
                true => (Outcome::Ok, "it has nfnetlink_log"),
                false => (Note, "nfnetlink_log is not loaded: modprobe nfnetlink_log"),
            };
            report.line(outcome, "kernel", words);
            report.line(Fail, "privilege", &error.to_string());
        }
    }
}

/// How large a socket's buffer may become.
fn buffers(report: &mut Report) {
    let wanted = Options::default().buffer_size;
    // The first user namespace maps every id to itself. Only there may a privileged process exceed the limit.
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let first = map.split_ascii_whitespace().eq(["0", "0", "4294967295"]);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let capabilities = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let capabilities = capabilities.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    /// `CAP_NET_ADMIN`, linux/capability.h.
    const NET_ADMIN: u64 = 1 << 12;
    let limit = fs::read_to_string("/proc/sys/net/core/rmem_max").ok().and_then(|text| text.trim().parse::<u32>().ok());
    match limit {
        _ if first && capabilities & NET_ADMIN != 0 => {
            report.line(Outcome::Ok, "buffer", "this process may have a socket buffer of any size");
        }
        Some(limit) if limit < wanted => report.line(Note, "buffer", &format!("socket buffers are limited to {limit} bytes, a capture asks for {wanted}: a burst may be lost; sysctl -w net.core.rmem_max={wanted}")),
        Some(limit) => report.line(Outcome::Ok, "buffer", &format!("socket buffers may have {limit} bytes")),
        None => report.line(Note, "buffer", "net.core.rmem_max cannot be read here (another network namespace): bursts may be lost"),
    }
}

/// The groups that rules log to, and those that are read.
fn groups(report: &mut Report, ruleset: &Ruleset) {
    let readers = readers().unwrap_or_default();
    let reader = |group: u16| readers.iter().find(|reader| reader.0 == group).map(|reader| reader.1.as_str());
    if !ruleset.problems.is_empty() {
        report.line(Note, "rules", &list::problems(ruleset));
    }
    let logged = ruleset.groups();
    if logged.is_empty() && ruleset.problems.is_empty() {
        report.line(Note, "rules", "none logs to a group: nft add rule … log group 5, or pcap-nflog tap");
    }
    for (group, places) in &logged {
        let words = match reader(*group) {
            Some(reader) => format!("group {group} is logged to by {places}, and read by {reader}"),
            None => format!("group {group} is logged to by {places}: pcap-nflog tcpdump -i nflog:{group}"),
        };
        report.line(Outcome::Ok, "rules", &words);
    }
    for (group, reader) in readers.iter().filter(|reader| logged.iter().all(|logged| logged.0 != reader.0)) {
        report.line(
            Note,
            "reader",
            &format!("group {group} is read by {reader}, and no rule that is seen here logs to it"),
        );
    }
}

/// Whether a command's program, and what it runs, can be given the library.
fn program(report: &mut Report, command: &[OsString], library: Option<&Library>) {
    let Some(library) = library else { return };
    let examined = match capturing::examine(library, command) {
        Ok(examined) => examined,
        Err(failure) => return report.line(Fail, "program", &failure.to_string()),
    };
    examined.failures.iter().for_each(|failure| report.line(Fail, "program", failure));
    examined.warnings.iter().for_each(|warning| report.line(Note, "program", warning));
    if !examined.missing.is_empty() {
        let symbols = examined.missing.join(" ");
        report.line(Note, "program", &format!("its libpcap has more than others ({symbols}): the library is preloaded only, and what it starts that loads libpcap by name gets that one"));
    }
    let Some(target) = examined.programs.last() else { return };
    let path = target.path.display();
    if examined.failures.is_empty() {
        let chain: Vec<_> = examined.programs.iter().map(|program| program.path.display().to_string()).collect();
        let libpcap = examined.libpcap.as_ref().map(|path| format!("; all else goes to {}", path.display()));
        let words = format!("{}: the library can be put under it", chain.join(" runs "));
        report.line(Outcome::Ok, "program", &(words + &libpcap.unwrap_or_default()));
    }
    // The profiles' files are named after the program's path.
    let profile = path.to_string().trim_start_matches('/').replace('/', ".");
    let profile = Path::new("/etc/apparmor.d").join(profile);
    let enabled = fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.starts_with('Y'));
    let system = |library: &Library| library.path.starts_with("/usr/lib") || library.path.starts_with("/lib");
    if enabled && profile.exists() && !system(library) {
        report.line(
            Note,
            "program",
            &format!(
                "AppArmor may confine it ({}): a library outside of /usr/lib is refused then; install with PREFIX=/usr",
                profile.display()
            ),
        );
    }
}
