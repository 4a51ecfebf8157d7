//! Allocations that fail: a call returns its error with a text, and nobody dies of it. And memory that many handles leave.

use std::path::{Path, PathBuf};

use crate::support::client::{library, preloaded, with_libpcap};
use crate::support::network::{Network, in_private_network};
use crate::support::program::Program;

/// Which allocations fail: one, all from one on, one mapping of memory.
const MODES: &[(&str, &str)] = &[("1", "one"), ("2", "each from one on"), ("3", "one mapping")];

/// Builds the library that makes allocations fail.
fn failing(network: &Network) -> PathBuf {
    let library = network.folder().join("failing.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/failing.c");
    let compiler = Program::new("cc").args(["-O1", "-Wall", "-Wextra", "-Werror", "-fno-builtin", "-shared", "-fPIC"]);
    compiler.arg(source).arg("-o").arg(&library).succeed();
    library
}

/// How the calls went.
struct Outcome {
    tried: i64,
    silent: i64,
    died: i64,
    /// Those that libpcap ended: its scanner exits, or crashes.
    libpcaps: i64,
}

/// Makes a call on a device while allocations fail, with these libraries preloaded.
fn calls(preload: &str, arguments: [&str; 4], reader_thread: &str) -> Outcome {
    let client = Program::new(with_libpcap("starving")).env("LD_PRELOAD", preload).env("RUST_BACKTRACE", "0");
    let ended = client.env("PCAP_NFLOG_READER_THREAD", reader_thread).args(arguments).succeed();
    let [succeeded, failed, silent, died, libpcaps] =
        ["succeeded", "failed", "silent", "died", "libpcaps"].map(|key| ended.number(key));
    Outcome { tried: succeeded + failed + silent + died + libpcaps, silent, died, libpcaps }
}

/// Makes the calls while allocations fail, and says of each how many of them nobody survived, or failed without a text.
fn starve(network: &Network, names: &[&str], link_types: &[&str], reader_thread: &str) {
    network.log_udp();
    let failing = failing(network).display().to_string();
    let both = format!("{failing} {}", library().display());
    let (mut report, mut bad) = (String::new(), 0);
    for (name, link_type) in names.iter().flat_map(|name| link_types.iter().map(move |link_type| (name, link_type))) {
        for (mode, what) in MODES {
            let ours = calls(&both, [name, mode, link_type, "nflog:5"], reader_thread);
            if ours.libpcaps > 0 {
                let alone = calls(&failing, [name, mode, "EN10MB", "lo"], "off");
                assert!(alone.libpcaps > 0, "{name}, {link_type}, {what}: libpcap alone ends no program");
            }
            let Outcome { tried, silent, died, libpcaps } = ours;
            bad += silent + died;
            report += &format!(
                "{name}, {link_type}, {what}: {died} of {tried} died, {libpcaps} more in libpcap, {silent} failed silently\n"
            );
        }
    }
    println!("{report}");
    assert_eq!(bad, 0, "{report}");
}

#[test]
fn a_device_that_is_opened_or_closed_without_memory_ends_no_program() {
    in_private_network(|network| starve(network, &["create", "open_live", "activate", "close"], &["RAW"], "off"));
}

#[test]
fn a_filter_that_there_is_no_memory_for_is_an_error_and_never_another_filter() {
    in_private_network(|network| {
        starve(network, &["compile", "compile_not", "compile_link", "setfilter"], &["RAW", "NFLOG"], "off")
    });
}

#[test]
fn a_long_filter_that_there_is_no_memory_for_is_an_error() {
    in_private_network(|network| starve(network, &["compile_long", "setfilter_long"], &["RAW", "NFLOG"], "off"));
}

#[test]
fn a_read_without_memory_goes_on_or_is_an_error() {
    in_private_network(|network| starve(network, &["read", "cut", "packet"], &["RAW", "NFLOG"], "off"));
}

#[test]
fn a_reader_thread_that_there_is_no_memory_for_is_an_error() {
    in_private_network(|network| starve(network, &["read", "cut", "packet", "close"], &["RAW"], "on"));
}

#[test]
fn a_handle_that_is_asked_without_memory_answers_or_says_why_not() {
    in_private_network(|network| {
        starve(network, &["set_datalink", "stats", "list_datalinks", "dump_open"], &["RAW", "NFLOG"], "off");
    });
}

#[test]
fn a_list_of_devices_that_there_is_no_memory_for_is_an_error() {
    in_private_network(|network| starve(network, &["findalldevs"], &["RAW"], "off"));
}

#[test]
fn a_program_that_goes_on_without_memory_is_told_so_each_time_and_is_served_when_there_is_some() {
    in_private_network(|network| {
        network.log_udp();
        let preload = format!("{} {}", failing(network).display(), library().display());
        // Not compile: libpcap's scanner would end the program.
        for call in ["create", "open_live", "findalldevs", "dump_open", "list_datalinks", "set_datalink", "setfilter"] {
            let client = Program::new(with_libpcap("starving")).env("LD_PRELOAD", &preload).env("RUST_BACKTRACE", "0");
            let ended = client.args([call, "repeat", "RAW"]).succeed();
            assert_eq!(ended.number("repeated"), 2000, "{ended:?}");
        }
    });
}

#[test]
fn many_handles_one_after_another_or_at_once_leave_no_memory_behind() {
    const GROUPS: std::ops::Range<u16> = 100..300;
    in_private_network(|network| {
        let rules: Vec<_> = GROUPS.map(|group| format!("udp dport 9000 log group {group}")).collect();
        network.output_rules(&rules.iter().map(String::as_str).collect::<Vec<_>>());
        for mode in ["off", "on"] {
            let ended = preloaded("handles").env("PCAP_NFLOG_READER_THREAD", mode);
            let ended = ended.args(["1000", &GROUPS.start.to_string(), &GROUPS.end.to_string()]).succeed();
            // The most KiB that the process keeps, and bytes that it has allocated. The C library keeps threads' stacks and
            // small blocks, once for as many as there were at a time.
            for (phase, kib, bytes) in
                [("after_another", 4096, 16384), ("at_once", 8192, 262_144), ("again", 1024, 16384)]
            {
                assert!(ended.number(&format!("{phase}_kib")) < kib, "{mode}: {ended:?}");
                assert!(ended.number(&format!("{phase}_allocated")) < bytes, "{mode}: {ended:?}");
            }
            assert_eq!(ended.number("descriptors"), 0, "{mode}: {ended:?}");
        }
    });
}
