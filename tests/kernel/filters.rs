//! Filters by pcap-filter(7) where libpcap has none: on whole messages, live and saved, in unmodified programs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::client::{Installed, library, preloaded, tcpdump, tcpdump_preloaded};
use crate::support::network::{Network, in_private_network, in_private_network_for_tcpdump};
use crate::support::program::{Program, Stream};
use crate::support::traffic::{END, Udp, V4, V6};
use crate::support::wait_until;

/// The last packet is in a savefile; its attribute is padded.
fn await_end(file: &Path) {
    let tail = [END, b"\0"].concat();
    wait_until("the last packet is in the savefile", || fs::read(file).is_ok_and(|bytes| bytes.ends_with(&tail)));
}

/// Messages of datagrams to ports 9000 and 9001, captured with and without a filter, and how tcpdump shows those to
/// each port.
struct Saved {
    all: PathBuf,
    filtered: PathBuf,
    to_9000: Vec<String>,
    to_9001: Vec<String>,
}

fn save(network: &Network) -> Saved {
    network.output_rules(&["meta l4proto udp log group 5", "meta l4proto udp log group 6"]);
    let [all, filtered] = ["all.pcap", "filtered.pcap"].map(|name| network.folder().join(name));
    let capture = |device: &str, file: &Path, filter: &[&str]| {
        let running = tcpdump_preloaded().args(["-i", device, "-U", "-w"]).arg(file).args(filter).start();
        running.await_line(Stream::Stderr, "listening on");
        running
    };
    let captures = [capture("nflog:5@NFLOG", &all, &[]), capture("nflog:6@NFLOG", &filtered, &["udp", "port", "9000"])];
    let (mut to_9000, mut to_9001) = (Vec::new(), Vec::new());
    let (mut v4, mut v6) = (Udp::v4(), Udp::v6());
    let (mut other_v4, mut other_v6) = (Udp::new(V4, 9001), Udp::new(V6, 9001));
    for size in [0, 1, 100, 101, 1400, 9000] {
        for (udp, other) in [(&mut v4, &mut other_v4), (&mut v6, &mut other_v6)] {
            udp.send(size);
            to_9000.push(udp.line(size));
            other.send(size);
            to_9001.push(other.line(size));
        }
    }
    v4.send_end();
    to_9000.push(v4.line(END.len()));
    for (running, file) in captures.into_iter().zip([&all, &filtered]) {
        await_end(file);
        running.signal(libc::SIGINT);
        running.finish().succeeded();
    }
    Saved { all, filtered, to_9000, to_9001 }
}

#[test]
fn tcpdump_filters_whole_messages_live_and_from_a_savefile() {
    in_private_network_for_tcpdump(|network| {
        let saved = save(network);
        let read = |program: Program, file: &Path, filter: &str| {
            program.arg("-r").arg(file).args(filter.split_whitespace()).succeed().lines()
        };
        assert_eq!(read(tcpdump(), &saved.filtered, ""), saved.to_9000);
        let all = |filter: &str| read(tcpdump_preloaded(), &saved.all, filter);
        assert_eq!(all("tcp or udp port 9000"), saved.to_9000);
        assert_eq!(all("udp dst port 9001"), saved.to_9001);
        assert_eq!(all("not port 9000"), saved.to_9001);
        let both = saved.to_9000.len() + saved.to_9001.len();
        assert_eq!((all("arp").len(), all("not arp").len(), all("ip6").len()), (0, both, 12));
        // 28 bytes of header and 100 or 101 of payload, without what else is in a message.
        assert_eq!((all("ip and less 128").len(), all("ip and greater 129").len()), (7, 6));
        assert_eq!((all("outbound").len(), all("inbound").len()), (both, 0));
    });
}

#[test]
fn each_way_to_compile_for_nflog_gives_a_program_that_libpcap_runs_and_frees() {
    in_private_network_for_tcpdump(|network| {
        let saved = save(network);
        let ended = preloaded("filters").arg(&saved.all).succeed();
        let lines = ended.lines();
        let expected = [
            "'udp port 9000': 13 13 13",
            "'not udp port 9000': 12 12 12",
            "'ip6': 12 12 12",
            "'': 25 25 25",
            "'greater 129': 14 14 14",
            "'less 128': 11 11 11",
        ];
        assert_eq!(lines[..6], expected, "{ended:?}");
        // What libpcap says for raw IP.
        let said = |filter: &str| {
            let refused = tcpdump().args(["-y", "RAW", "-d", filter]).run();
            refused.stderr().lines().last().unwrap().replace("tcpdump: ", "")
        };
        assert_eq!(lines[7], format!("syntax: {}", said("udp prt 9000")));
        assert!(lines[6].contains("netmask not known"), "{ended:?}");
        assert!(lines[8].contains("'ether' at character 9"), "{ended:?}");
    });
}

#[test]
fn a_filter_is_in_force_from_the_next_packet_on_those_in_the_process_included() {
    in_private_network(|network| {
        network.output_rules(&["meta l4proto udp log group 5"]);
        for device in ["nflog:5", "nflog:5@NFLOG", "nflog:5@EN10MB"] {
            let reader = preloaded("refilter").arg(device).start().await_ready();
            reader.signal(libc::SIGSTOP);
            reader.await_stopped();
            let (mut to_9000, mut to_9001) = (Udp::v4(), Udp::new(V6, 9001));
            for size in 50..90 {
                to_9000.send(size);
                to_9001.send(size);
            }
            to_9001.send_end();
            for _ in 0..20 {
                to_9001.send(10);
                to_9000.send(10);
            }
            to_9000.send_end();
            reader.signal(libc::SIGCONT);
            let lines = reader.finish().succeeded().lines();
            assert_eq!(lines, ["udp port 9001: 41 41", "udp port 9000: 21 21"], "{device}");
        }
    });
}

#[test]
fn tcpdump_shows_the_program_and_names_what_is_wrong_with_an_expression() {
    in_private_network_for_tcpdump(|_| {
        let shown = tcpdump_preloaded().args(["-y", "NFLOG", "-d", "tcp port 80"]).succeed().lines();
        // The length in a header, the type of a payload, the port.
        for words in ["ldh      [x + 2]", "jeq      #0x900 ", "jeq      #0x50 "] {
            let words = if cfg!(target_endian = "little") { words } else { "" };
            assert!(shown.iter().any(|line| line.contains(words)), "{words}: {shown:#?}");
        }
        let refused = |filter: &str| tcpdump_preloaded().args(["-y", "NFLOG", "-d", filter]).run().stderr();
        assert!(refused("ip and (tcp or broadcast)").contains("'broadcast' at character 16"));
        assert!(refused("vlan 5000").contains("VLAN tag 5000 greater than maximum 4095"));
    });
}

/// Runs a program that shows packets until it has ended, while datagrams are sent to ports 9001 and 9000: only the
/// latter pass its filter.
fn shows_one_port(network: &Network, name: &str, program: Program, listening: (Stream, &str), shown: usize) {
    network.output_rules(&["meta l4proto udp log group 5"]);
    let running = program.start();
    running.await_line(listening.0, listening.1);
    let (mut to_9000, mut to_9001) = (Udp::v4(), Udp::new(V4, 9001));
    for _ in 0..4 {
        to_9001.send(30);
        to_9000.send(40);
    }
    let ended = running.finish().succeeded();
    let lines = ended.lines();
    let count = |port: &str| lines.iter().filter(|line| line.contains(port)).count();
    assert_eq!((count("9000"), count("9001")), (shown, 0), "{name}: {ended:?}");
}

#[test]
fn tshark_filters_packets_and_whole_messages() {
    in_private_network(|network| {
        let tshark = |group: u8, device: &str| {
            let tshark = Program::new("tshark").env("LD_PRELOAD", library()).env("HOME", network.folder());
            let device = device.replace('5', &group.to_string());
            let running = tshark.args(["-l", "-n", "-i", &device, "-f", "udp port 9000", "-c", "4"]);
            let running = running.args(["-T", "fields", "-e", "udp.dstport"]).start();
            running.await_line(Stream::Stderr, "Capturing on");
            wait_until("tshark captures", || {
                crate::support::network::bound_groups().iter().any(|bound| bound.0 == u16::from(group))
            });
            running
        };
        network.output_rules(&["meta l4proto udp log group 5", "meta l4proto udp log group 6"]);
        let both = [tshark(5, "nflog:5"), tshark(6, "nflog:5@NFLOG")];
        // The filter is set after the group is bound.
        std::thread::sleep(std::time::Duration::from_millis(300));
        let (mut to_9000, mut to_9001) = (Udp::v4(), Udp::new(V4, 9001));
        for _ in 0..4 {
            to_9001.send(30);
            to_9000.send(40);
        }
        for running in both {
            assert_eq!(running.finish().succeeded().lines(), ["9000"; 4]);
        }
    });
}

#[test]
fn ngrep_filters_packets() {
    in_private_network(|network| {
        let ngrep = Program::new("ngrep").env("LD_PRELOAD", library());
        let ngrep = ngrep.args(["-l", "-n", "4", "-d", "nflog:5", "", "udp port 9000"]);
        shows_one_port(network, "ngrep", ngrep, (Stream::Stdout, "filter:"), 5);
    });
}

#[test]
fn scapy_filters_packets() {
    const SCRIPT: &str = "
from scapy.all import conf, sniff
conf.use_pcap = True
sniff(iface='nflog:5', filter='udp port 9000', count=4, prn=lambda packet: packet.sprintf('%UDP.dport%'),
      started_callback=lambda: print('ready', flush=True))
";
    in_private_network(|network| {
        let scapy = Program::new("/usr/bin/python3").args(["-c", SCRIPT]).env("HOME", network.folder());
        let installed = Installed::new(network);
        let scapy = scapy.env("LD_LIBRARY_PATH", installed.drop_in()).env("PCAP_NFLOG_DEVICES", "nflog:5");
        shows_one_port(network, "scapy", scapy, (Stream::Stdout, "ready"), 4);
    });
}
