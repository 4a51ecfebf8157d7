//! Allocations that fail: a call returns its error with a text, and nobody dies of it.

use std::path::{Path, PathBuf};

use crate::support::client::{library, with_libpcap};
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

/// Makes the calls while allocations fail, and says of each how many of them nobody survived, or failed without a text.
fn starve(network: &Network, calls: &[&str], link_types: &[&str], reader_thread: &str) {
    network.log_udp();
    let preload = format!("{} {}", failing(network).display(), library().display());
    let mut report = String::new();
    let (mut tried, mut bad) = (0, 0);
    for (call, link_type) in calls.iter().flat_map(|call| link_types.iter().map(move |link_type| (call, link_type))) {
        for (mode, what) in MODES {
            let client = Program::new(with_libpcap("starving")).env("LD_PRELOAD", &preload);
            let client = client.env("PCAP_NFLOG_READER_THREAD", reader_thread).env("RUST_BACKTRACE", "0");
            let ended = client.args([call, mode, link_type]).succeed();
            let [succeeded, failed, silent, died] =
                ["succeeded", "failed", "silent", "died"].map(|key| ended.number(key));
            tried += succeeded + failed + silent + died;
            bad += silent + died;
            let total = succeeded + failed + silent + died;
            report += &format!("{call}, {link_type}, {what}: {died} of {total} died, {silent} failed silently\n");
        }
    }
    assert!(tried > 0, "nothing was allocated:\n{report}");
    assert_eq!(bad, 0, "of {tried}:\n{report}");
}

#[test]
fn a_device_that_is_opened_or_closed_without_memory_ends_no_program() {
    in_private_network(|network| starve(network, &["create", "open_live", "activate", "close"], &["RAW"], "off"));
}

#[test]
fn a_filter_that_there_is_no_memory_for_is_an_error() {
    in_private_network(|network| starve(network, &["compile", "setfilter"], &["RAW", "NFLOG"], "off"));
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
