//! The version that programs see, and the variables that libpcap exports: they are those of the libpcap that is there.

use std::path::{Path, PathBuf};

use crate::support::client::{Installed, installed_libpcaps, library, tcpdump, tcpdump_preloaded, with_libpcap};
use crate::support::network::{Network, in_private_network};
use crate::support::program::Program;

/// Ethertypes that libpcap has since 1.11. The table is that of 1.10, whose end is where every program finds it.
const LATER: [&str; 2] = ["lldp 0x88cc", "slow 0x8809"];

/// What the client prints with libpcap alone, but for the later ethertypes, and the version in numbers.
fn alone() -> (Vec<String>, String) {
    let mut lines = Program::new(with_libpcap("version")).succeed().lines();
    let number = lines[0].strip_prefix("variable ").unwrap().to_owned();
    assert!(lines.contains(&"ip6 0x86dd".to_owned()), "{lines:?}");
    lines.retain(|line| !LATER.contains(&line.as_str()));
    (lines, number)
}

/// The text as it is with this library in the parenthesis.
fn with_ours(line: &str) -> String {
    line.replace('(', concat!("(pcap-nflog ", env!("CARGO_PKG_VERSION"), ", "))
}

/// The client as a program of old, which is not position-independent: the variables are copied into it.
fn of_old(network: &Network, libraries: &[&str]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/version.c");
    let binary = network.folder().join("of-old");
    let compiler = Program::new("cc").args(["-no-pie", "-fno-pie"]).arg(source).arg("-o").arg(&binary);
    compiler.args(libraries).succeed();
    binary
}

#[test]
fn the_version_begins_as_libpcaps_does_and_the_variables_are_libpcaps() {
    in_private_network(|network| {
        let (expected, _) = alone();
        let expected: Vec<_> = expected.iter().map(|line| with_ours(line)).collect();
        assert!(expected.iter().any(|line| line.contains("pcap-nflog")), "{expected:?}");
        let preloaded = |program: PathBuf| Program::new(program).env("LD_PRELOAD", library()).succeed();
        let ended = preloaded(with_libpcap("version"));
        assert_eq!((ended.lines(), ended.stderr()), (expected.clone(), String::new()));
        assert_eq!(preloaded(of_old(network, &["-lpcap"])).lines(), expected);
    });
}

#[test]
fn in_libpcaps_place_the_variables_are_right_from_the_first_call_on() {
    in_private_network(|network| {
        let (expected, number) = alone();
        let drop_in = Installed::new(network).drop_in();
        for program in [with_libpcap("version"), of_old(network, &["-lpcap"])] {
            let lines = Program::new(program).env("LD_LIBRARY_PATH", &drop_in).succeed().lines();
            // Before the first call it may be the interface's.
            assert!([format!("variable {number}"), "variable 1.10.0".into()].contains(&lines[0]), "{lines:?}");
            let rest: Vec<_> = expected[1..].iter().map(|line| with_ours(line)).collect();
            assert_eq!(lines[1..], rest);
            assert_eq!(lines.last().unwrap(), &format!("variable afterwards {number}"));
        }
    });
}

#[test]
fn where_no_libpcap_is_the_version_is_that_of_the_interface() {
    in_private_network(|network| {
        let (expected, _) = alone();
        let client = Installed::new(network).compile("version", &[]);
        let lines = Program::new(client).hide(&installed_libpcaps()).succeed().lines();
        let whole =
            concat!("whole libpcap version 1.10.0 (pcap-nflog ", env!("CARGO_PKG_VERSION"), ", without libpcap)");
        assert_eq!(lines[lines.len() - 2], whole);
        assert_eq!(lines[0], "variable 1.10.0");
        let ethertypes = |lines: &[String]| lines[1..lines.len() - 3].to_vec();
        assert_eq!(ethertypes(&lines), ethertypes(&expected));
    });
}

#[test]
fn what_libpcap_knows_of_ethertypes_it_knows_with_this_library_before_it() {
    in_private_network(|_| {
        for name in ["ip6", "sca", "lldp", "slow", "nosuch"] {
            let compiled = |program: Program| {
                let ended = program.args(["-y", "EN10MB", "-d", &format!("ether proto \\{name}")]).run();
                (ended.lines(), ended.stderr())
            };
            assert_eq!(compiled(tcpdump_preloaded()), compiled(tcpdump()), "{name}");
        }
    });
}

#[test]
fn programs_that_parse_the_version_find_libpcaps() {
    in_private_network(|_| {
        let (_, number) = alone();
        let perl = "use Net::Pcap; Net::Pcap::lib_version() =~ /^libpcap version (\\d+\\.\\d+\\.\\d+)/ or die; print \"$1\\n\"";
        let perl = Program::new("perl").args(["-e", perl]).env("LD_PRELOAD", library()).succeed();
        assert_eq!(perl.lines().join(" "), number);
        let tcpdump = Program::new("tcpdump").arg("--version").env("LD_PRELOAD", library()).succeed();
        let told = tcpdump.stdout() + &tcpdump.stderr();
        assert!(told.contains(&format!("libpcap version {number} (pcap-nflog ")), "{told}");
    });
}
