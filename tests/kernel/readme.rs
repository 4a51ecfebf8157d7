//! The examples of README.md, word for word.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::client::Installed;
use crate::support::network::{Network, in_private_network_for_tcpdump};
use crate::support::program::Program;
use crate::support::traffic::{Udp, V4, V6};

/// The blocks that are marked as tested, by their names.
fn blocks() -> BTreeMap<String, String> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let mut blocks = BTreeMap::new();
    for part in text.split("<!-- tested: ").skip(1) {
        let (name, rest) = part.split_once(" -->\n```sh\n").expect("the mark stands before a block");
        let (block, _) = rest.split_once("\n```").expect("the block ends");
        assert_eq!(blocks.insert(name.to_owned(), block.to_owned()), None, "two blocks are called {name}");
    }
    blocks
}

/// Runs a block in the test's folder, as a reader of README would.
fn run(network: &Network, installed: &Installed, block: &str) -> String {
    let script = format!("set -e\ncd '{}'\n{block}\n", network.folder().display());
    let shell = Program::new("sh").args(["-c", &script]).env("LIBDIR", installed.lib());
    let ended = shell.env("PREFIX", installed.prefix()).succeed();
    ended.stdout()
}

/// Runs `body` while DNS queries, or what looks like some, arrive over both families.
fn while_queries_arrive<T>(body: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut senders = [Udp::new(V4, 53), Udp::new(V6, 53)];
            while !stop.load(Ordering::Relaxed) {
                senders.iter_mut().for_each(|sender| sender.send(40));
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        // Also when the body panics: the scope waits for the sender.
        struct Stop<'a>(&'a AtomicBool);
        impl Drop for Stop<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _stop = Stop(&stop);
        body()
    })
}

#[test]
fn each_example_of_the_readme_shows_four_packets() {
    in_private_network_for_tcpdump(|network| {
        let mut blocks = blocks();
        let installed = Installed::new(network);
        run(network, &installed, &blocks.remove("rules").expect("README has the rules"));
        assert_eq!(blocks.keys().collect::<Vec<_>>(), ["dropin", "link", "preload"]);
        for (name, block) in blocks {
            let shown = while_queries_arrive(|| run(network, &installed, &block));
            let packets = shown.lines().filter(|line| line.contains("IP")).count();
            assert_eq!(packets, 4, "{name}:\n{shown}");
            assert!(shown.contains("IPv6, ") || shown.contains("IP6 "), "{name}:\n{shown}");
        }
    });
}
