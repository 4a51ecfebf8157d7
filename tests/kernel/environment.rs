//! The variables that users set.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, chown};

use crate::support::client::{Installed, reader};
use crate::support::network::{Network, in_private_network, is_root};
use crate::support::program::Program;
use crate::support::traffic::{Udp, V4};

/// Packets are logged to groups 1 and 2 in turn. Whether a reader of both gets them in that order: only one that is
/// handed each at once does; otherwise a group's packets come together.
fn in_turn(network: &Network, variable: Option<&str>, asked_for: bool) -> bool {
    network.output_rules(&["udp dport 9001 log group 1", "udp dport 9002 log group 2"]);
    let options = [format!("immediate={}", u8::from(asked_for)), "print=1".into(), "count=40".into()];
    let mut reader = reader("nflog:1,2").args(options);
    if let Some(value) = variable {
        reader = reader.env("PCAP_NFLOG_IMMEDIATE", value);
    }
    let reader = reader.start().await_ready();
    let (mut one, mut two) = (Udp::new(V4, 9001), Udp::new(V4, 9002));
    for _ in 0..20 {
        one.send(1);
        two.send(2);
    }
    let lines = reader.finish().succeeded().lines();
    let lengths: Vec<_> = lines.iter().filter_map(|line| line.split_once(" len=")?.1.split(' ').next()).collect();
    assert_eq!(lengths.len(), 40, "{lines:?}");
    Program::new("nft").args(["delete", "table", "inet", "watch"]).succeed();
    lengths.chunks(2).all(|pair| pair == ["29", "30"])
}

#[test]
fn packets_are_handed_over_at_once_where_the_variable_says_so_whatever_the_program_asks_for() {
    in_private_network(|network| {
        assert!(!in_turn(network, None, false));
        for value in ["1", "on", "ON"] {
            assert!(in_turn(network, Some(value), false), "{value}");
        }
        for value in ["0", "off", ""] {
            assert!(!in_turn(network, Some(value), false), "{value}");
            assert!(in_turn(network, Some(value), true), "{value}: the program's own wish counts");
        }
    });
}

/// Each variable with a value that it cannot have, and what is said of it.
const WRONG: [(&str, &str, &str); 3] = [
    ("PCAP_NFLOG_IMMEDIATE", "yes", "not one of 1, on, 0, off"),
    ("PCAP_NFLOG_LINKTYPE", "PPP", "not one of RAW, "),
    ("PCAP_NFLOG_READER_THREAD", "1", "not one of auto, on, off"),
];

#[test]
fn a_variable_with_a_wrong_value_is_named() {
    in_private_network(|_| {
        for (name, value, words) in WRONG {
            let text = reader("nflog:5").env(name, value).run().stdout();
            assert!(text.starts_with(&format!("create: {name}={value}: {words}")), "{text}");
        }
    });
}

/// Only root can make a program that runs as another user than who starts it.
#[test]
fn a_set_user_id_program_ignores_the_variables() {
    const NOBODY: u32 = 65534;
    if !is_root() {
        // Not println: the test harness would swallow it.
        let _ = writeln!(io::stderr(), "skipped: a_set_user_id_program_ignores_the_variables: needs root");
        return;
    }
    in_private_network(|network| {
        let program = Installed::new(network).compile("reader", &["-DWITH_PCAP_NFLOG_H"]);
        for (name, value, words) in WRONG {
            let run = || Program::new(&program).arg("nflog:5").env(name, value).run().stdout();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            assert!(run().contains(words), "{}", run());
            chown(&program, Some(NOBODY), None).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
            // The other user lacks the privilege, which is found out later.
            assert!(run().starts_with("activate: -8: nflog:5: "), "{}", run());
            chown(&program, Some(0), None).unwrap();
        }
    });
}
