//! What the kernel tests are built from: private networks, programs, C clients, savefiles and traffic.

pub mod client;
pub mod network;
pub mod program;
pub mod savefile;
pub mod traffic;

use std::time::{Duration, Instant};

/// The longest wait for anything that a test expects to happen. It is reached only by a test that fails.
pub const DEADLINE: Duration = Duration::from_secs(120);

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
