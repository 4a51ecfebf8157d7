//! Names that somebody else chose reach errbuf and the list of devices as one line that cannot steer a terminal.

use crate::support::client::{library, preloaded, reader, tcpdump_preloaded, with_libpcap};
use crate::support::network::{Network, in_private_network};
use crate::support::program::Program;

/// A rule whose table, chain, prefix and comment are full of what a terminal obeys. nft's own words cannot name such
/// a table; its JSON and other programs can.
const RULESET: &str = r#"{"nftables": [
    {"add": {"table": {"family": "inet", "name": "\u001b[31mt\nx"}}},
    {"add": {"chain": {"family": "inet", "table": "\u001b[31mt\nx", "name": "\u202ec\r\u061c"}}},
    {"add": {"rule": {"family": "inet", "table": "\u001b[31mt\nx", "chain": "\u202ec\r\u061c", "comment": "\u001b[2J",
        "expr": [{"log": {"prefix": "\u001b]0;title\u0007\n", "group": 6}}]}}}]}"#;

/// A copy of a program under a name that becomes its process's: an escape sequence and a line of its own.
fn renamed(network: &Network, program: &str) -> Program {
    let copy = network.folder().join("\x1b[31mr\nme\x7f");
    std::fs::copy(with_libpcap(program), &copy).unwrap();
    Program::new(copy).env("LD_PRELOAD", library())
}

/// The text has no character that a terminal obeys; lines end it.
fn is_printable(text: &str) -> bool {
    text.split('\n').all(|line| !line.contains(|c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)))
}

#[test]
fn the_name_of_a_groups_reader_is_one_printable_line() {
    in_private_network(|network| {
        let owner = renamed(network, "reader").arg("nflog:5").start().await_ready();
        let comm = std::fs::read(format!("/proc/{}/comm", owner.pid())).unwrap();
        assert_eq!(comm, b"\x1b[31mr\nme\x7f\n", "the kernel has another name for it");
        let second = reader("nflog:5").run();
        let text = format!("group 5 is already read by ?[31mr?me? (pid {}): ", owner.pid());
        assert!(second.stdout().contains(&text), "{:?}", second.stdout());
        assert_eq!(second.lines().len(), 1, "{:?}", second.stdout());
    });
}

/// The kernel cuts names off at 15 bytes, wherever that is.
#[test]
fn the_name_of_a_groups_reader_need_not_be_utf8() {
    in_private_network(|network| {
        let copy = network.folder().join("lesegerät-nahüm");
        std::fs::copy(with_libpcap("reader"), &copy).unwrap();
        let owner = Program::new(copy).env("LD_PRELOAD", library()).arg("nflog:5").start().await_ready();
        let comm = std::fs::read(format!("/proc/{}/comm", owner.pid())).unwrap();
        assert!(String::from_utf8(comm).is_err(), "the kernel has another name for it");
        let text = format!("read by lesegerät-nah\u{fffd} (pid {}): ", owner.pid());
        let second = reader("nflog:5").run();
        assert!(second.stdout().contains(&text), "{:?}", second.stdout());
    });
}

#[test]
fn tables_chains_and_prefixes_are_listed_as_one_printable_line() {
    in_private_network(|_| {
        Program::new("nft").args(["-j", "-f", "-"]).input(RULESET).succeed();
        // The kernel takes such names, and libpcap lists them as they are.
        Program::new("ip").args(["link", "add", "\x1b[32mif", "type", "veth", "peer", "name", "odd\x07"]).succeed();
        let list = tcpdump_preloaded().arg("-D").run().succeeded().stdout();
        let ours: Vec<_> = list.lines().filter(|line| line.contains("nflog")).collect();
        assert_eq!(ours.len(), 2, "{list:?}");
        assert!(ours[1].contains("group 6: inet ?[31mt?x ?c??)"), "{ours:?}");
        assert!(ours.iter().all(|line| is_printable(line)), "{ours:?}");
    });
}

#[test]
fn a_device_name_in_an_error_is_one_printable_line() {
    in_private_network(|_| {
        let names = ["nflog:\x1b[31m5\n", "nflog:5@\x1b[31mRAW\r\n", "nflog:5,\u{202e}6\u{9b}", "nflog:1-\x1b"];
        let refused = preloaded("refused").args(names).succeed();
        assert_eq!(refused.lines().len(), 2 * names.len(), "{:?}", refused.stdout());
        assert!(is_printable(&refused.stdout()), "{:?}", refused.stdout());
        assert!(refused.stdout().contains("nflog:?[31m5?: group '?[31m5?' is not a number"), "{:?}", refused.stdout());
        let by_variable = reader("nflog:5").env("PCAP_NFLOG_LINKTYPE", "\x1b[31m\nRAW").run();
        assert!(by_variable.stdout().contains("PCAP_NFLOG_LINKTYPE=?[31m?RAW: not one of"), "{by_variable:?}");
        assert_eq!(by_variable.lines().len(), 1, "{by_variable:?}");
    });
}
