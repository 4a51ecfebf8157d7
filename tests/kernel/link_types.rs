//! What a record is under each link type.

use crate::support::client::{reader, tcpdump, tcpdump_preloaded};
use crate::support::network::{in_private_network, in_private_network_for_tcpdump};
use crate::support::program::{Finished, Program, Stream};
use crate::support::traffic::{END, END_LEN, Udp, V4};

const RAW: i64 = 12;
const IPV4: i64 = 228;
const IPV6: i64 = 229;
const NFLOG: i64 = 239;

/// Reads five packets of each family, of which `count` come.
fn read(program: Program, count: usize) -> Finished {
    let reader = program.args(["print=1".into(), format!("count={count}")]).start().await_ready();
    let (mut v4, mut v6) = (Udp::v4(), Udp::v6());
    for size in [10, 20, 30, 40, 50] {
        v6.send(size);
        v4.send(size);
    }
    reader.finish().succeeded()
}

/// The version in the first byte of each record.
fn versions(ended: &Finished) -> Vec<u8> {
    let lines = ended.lines();
    let bytes = lines.iter().filter_map(|line| line.strip_prefix("packet ")?.split_once("bytes="));
    bytes.map(|(_, bytes)| bytes.as_bytes()[0] - b'0').collect()
}

#[test]
fn raw_has_both_families_and_ipv4_and_ipv6_have_one() {
    in_private_network(|network| {
        network.log_udp();
        for (name, value, expected) in
            [("RAW", RAW, vec![6, 4, 6, 4, 6, 4, 6, 4, 6, 4]), ("IPV4", IPV4, vec![4; 5]), ("IPV6", IPV6, vec![6; 5])]
        {
            let ways = [
                ("a call", reader("nflog:5").arg(format!("linktype={name}"))),
                ("the device's name", reader(&format!("nflog:5@{}", name.to_lowercase()))),
                ("the environment", reader("nflog:5").env("PCAP_NFLOG_LINKTYPE", name)),
            ];
            for (way, program) in ways {
                let ended = read(program, expected.len());
                assert_eq!(versions(&ended), expected, "{name} by {way}: {ended:?}");
                assert_eq!(ended.number("datalink"), value, "{name} by {way}: {ended:?}");
                assert_eq!(ended.number("drop"), 0, "not delivered is not lost: {ended:?}");
            }
        }
    });
}

#[test]
fn the_devices_name_comes_before_the_environment() {
    in_private_network(|network| {
        network.log_udp();
        let ended = read(reader("nflog:5@IPV6").env("PCAP_NFLOG_LINKTYPE", "IPV4"), 5);
        assert_eq!(versions(&ended), [6; 5], "{ended:?}");
    });
}

#[test]
fn nflog_is_the_kernels_message_as_libpcap_has_it() {
    in_private_network(|network| {
        network.output_rules(&["udp dport 9000 log prefix \"hello\" group 5"]);
        for program in [reader("nflog:5@NFLOG"), reader("nflog:5").arg("linktype=NFLOG")] {
            let ended = read(program, 10);
            assert_eq!(ended.number("datalink"), NFLOG);
            let lines = ended.lines();
            for (index, line) in lines.iter().filter(|line| line.starts_with("packet ")).enumerate() {
                // Family, version, group; the family is AF_INET or AF_INET6.
                let start = if index % 2 == 0 { "0a000005" } else { "02000005" };
                assert!(line.contains(&format!("bytes={start}")), "{line}");
            }
            let payloads: i64 = [10, 20, 30, 40, 50].iter().map(|size| 2 * size + 28 + 48).sum();
            assert!(ended.number("lens") > payloads, "{ended:?}");
            assert_eq!(ended.number("lens"), ended.number("caplens"), "{ended:?}");
        }
    });
}

#[test]
fn tcpdump_reads_what_it_wrote_as_nflog() {
    in_private_network_for_tcpdump(|network| {
        network.output_rules(&["udp dport 9000 log prefix \"hello\" group 5"]);
        let file = network.folder().join("nflog.pcap");
        let writing = tcpdump_preloaded().args(["-i", "nflog:5", "-y", "NFLOG", "-c", "11", "-w"]).arg(&file).start();
        writing.await_line(Stream::Stderr, "listening on nflog:5, link-type NFLOG");
        let (mut v4, mut v6) = (Udp::v4(), Udp::v6());
        let mut expected = Vec::new();
        for size in [10, 20, 30, 40, 50] {
            v6.send(size);
            v4.send(size);
            expected.extend([v6.line(size), v4.line(size)]);
        }
        v4.send_end();
        expected.push(v4.line(END.len()));
        writing.finish().succeeded();
        // Read by the system's libpcap alone.
        let lines = tcpdump().arg("-r").arg(&file).succeed().lines();
        assert_eq!(lines, expected);
    });
}

#[test]
fn a_filter_sees_the_headers_whatever_the_snaplen() {
    in_private_network(|network| {
        network.output_rules(&["meta l4proto udp log group 5"]);
        let options = ["snaplen=1".into(), "filter=udp port 9000".into(), format!("until={END_LEN}")];
        let reader = reader("nflog:5").args(options).start().await_ready();
        let (mut v4, mut other) = (Udp::v4(), Udp::new(V4, 9001));
        for _ in 0..10 {
            v4.send(100);
            other.send(100);
        }
        v4.send_end();
        let ended = reader.finish().succeeded();
        assert_eq!((ended.number("packets"), ended.number("caplens")), (11, 11), "{ended:?}");
    });
}
