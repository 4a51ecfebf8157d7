//! The launcher, and what it leaves.

#[path = "../../../tests/kernel/support/mod.rs"]
pub mod support;

use support::client::library;
use support::program::{Finished, Program};

/// The launcher, with the library under test.
pub fn launcher() -> Program {
    Program::new(env!("CARGO_BIN_EXE_pcap-nflog")).env("PCAP_NFLOG_LIB", library())
}

pub fn launched(arguments: &[&str]) -> Finished {
    launcher().args(arguments).run()
}

pub fn status(finished: &Finished) -> i32 {
    finished.status.code().unwrap_or_else(|| panic!("killed: {finished:?}"))
}

/// It ended with `status` and said `words`, and no table of a tap is left.
pub fn refused(arguments: &[&str], wanted: i32, words: &str) {
    let ended = launched(arguments);
    assert_eq!(status(&ended), wanted, "{ended:?}");
    assert!(ended.stderr().contains(words), "no '{words}': {ended:?}");
    assert_eq!(taps_tables(), [""; 0]);
}

pub fn taps_tables() -> Vec<String> {
    let tables = Program::new("nft").args(["list", "tables"]).succeed().lines();
    tables.into_iter().filter(|table| table.contains("pcap_nflog_tap")).collect()
}
