//! What the kernel tests are built from: private networks, programs, C clients, savefiles and traffic.

pub mod client;
pub mod network;
pub mod program;
pub mod savefile;
pub mod traffic;

use std::time::{Duration, Instant};

/// The longest wait for anything that a test expects to happen. It is reached only by a test that fails.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// How many times slower than usual this machine may be: `PCAP_NFLOG_TEST_SLACK`, or 1. An emulated processor sets it: what
/// a test waits before it believes that nothing more comes gets longer by it, and no reader is asked to keep up with a rate.
pub fn slack() -> u32 {
    let factor = std::env::var("PCAP_NFLOG_TEST_SLACK").unwrap_or_else(|_| "1".into());
    factor.parse().unwrap_or_else(|error| panic!("PCAP_NFLOG_TEST_SLACK={factor}: {error}"))
}

/// Waits until `condition` holds.
///
/// # Panics
///
/// When it does not hold within the deadline: `what` says what was awaited.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
