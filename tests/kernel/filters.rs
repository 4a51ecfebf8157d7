//! Filters by pcap-filter(7) where libpcap has none: on whole messages, live and saved, in unmodified programs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::client::{Installed, library, preloaded, reader, tcpdump, tcpdump_preloaded};
use crate::support::network::{Network, await_drained, in_private_network, in_private_network_for_tcpdump};
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
        // Bytes and lengths are the record's: libpcap itself takes them.
        let libpcaps = |filter: &str| read(tcpdump(), &saved.all, filter);
        let mut records = 0;
        for filter in ["link[0] = 2", "ether[0] != 2 and len > 300", "greater 200", "less 1000", "link[len & 1] = 10"] {
            assert_eq!(all(filter), libpcaps(filter), "{filter}");
            records += all(filter).len();
        }
        assert!((both..4 * both).contains(&records), "{records} of {both}");
        assert_eq!(all("ip and greater 200"), libpcaps("link[0] = 2 and greater 200"));
        assert_eq!(all("udp dst port 9000 and (len > 300 or link[0] = 10)").len(), 2 + 6);
        for refused in ["inbound", "outbound", "ifindex 1", "vlan", "mpls", "llc", "link proto 2048", "ether broadcast"]
        {
            let said = |program: Program| {
                let ended = program.arg("-r").arg(&saved.all).args(refused.split_whitespace()).run();
                ended.stderr().lines().last().unwrap_or_default().to_owned()
            };
            assert!(said(tcpdump()).starts_with("tcpdump: "), "{refused}: {}", said(tcpdump()));
            assert_eq!(said(tcpdump_preloaded()), said(tcpdump()));
        }
    });
}

#[test]
fn each_way_to_compile_for_nflog_gives_a_program_that_libpcap_runs_and_frees() {
    in_private_network_for_tcpdump(|network| {
        let saved = save(network);
        let ended = preloaded("filters").arg(&saved.all).succeed();
        let lines = ended.lines();
        let records =
            |filter: &str| tcpdump().arg("-r").arg(&saved.all).args(filter.split(' ')).succeed().lines().len();
        let (greater, less) = (records("greater 200"), records("less 199"));
        assert!(greater + less == 25 && greater > 4 && less > 4, "{greater} {less}");
        let expected = [
            "'udp port 9000': 13 13 13".to_owned(),
            "'not udp port 9000': 12 12 12".to_owned(),
            "'ip6': 12 12 12".to_owned(),
            "'': 25 25 25".to_owned(),
            format!("'greater 200': {greater} {greater} {greater}"),
            format!("'less 199': {less} {less} {less}"),
        ];
        assert_eq!(lines[..6], expected, "{ended:?}");
        assert_eq!(lines[7], format!("syntax: {}", said_by_libpcap("RAW", "udp prt 9000")));
        assert!(lines[6].contains("netmask not known"), "{ended:?}");
        assert_eq!(lines[8], format!("link: {}", said_by_libpcap("NFLOG", "ether host 1:2:3:4:5:6")));
    });
}

/// What libpcap says of an expression for a link type.
fn said_by_libpcap(link_type: &str, filter: &str) -> String {
    let refused = tcpdump().args(["-y", link_type, "-d", filter]).run();
    refused.stderr().lines().last().unwrap().replace("tcpdump: ", "")
}

/// How many packets pass of three datagrams to port 9000, of 300, 10 and 300 bytes, and one to 9001, of 10.
fn passed(device: &str, filter: &str) -> usize {
    let reader = reader(device).args([&format!("filter={filter}"), "print=1"]).start().await_ready();
    let (mut to_9000, mut to_9001) = (Udp::v4(), Udp::new(V4, 9001));
    for size in [300, 10, 300] {
        to_9000.send(size);
    }
    to_9001.send(10);
    // Longer than the kernel holds a batch. No packet could tell that it is the last: it would have to pass the filter.
    std::thread::sleep(std::time::Duration::from_millis(50));
    await_drained();
    reader.await_blocked();
    reader.signal(libc::SIGTERM);
    reader.finish().lines().iter().filter(|line| line.starts_with("packet ")).count()
}

#[test]
fn a_capture_judges_the_record_the_packet_and_its_way_in_one_expression() {
    in_private_network(|network| {
        network.output_rules(&["udp dport { 9000, 9001 } log group 5"]);
        network.rules("inet", "input", &["udp dport { 9000, 9001 } log group 5"]);
        for (filter, expected) in [
            ("link[0] = 2", 8),
            ("link[0] != 2", 0),
            ("len > 300", 4),
            ("link[0] = 2 and udp port 9000", 6),
            ("udp port 9001 or len > 300", 6),
            ("outbound", 4),
            ("inbound", 4),
            ("outbound and udp port 9000", 3),
            ("inbound and (len > 300 or link[0] = 10)", 2),
            ("link[ip[0] & 3] = 0 and ip[link[0] & 2] = 1", 4),
        ] {
            assert_eq!(passed("nflog:5@NFLOG", filter), expected, "{filter}");
        }
        for link_type in ["RAW", "EN10MB", "LINUX_SLL", "LINUX_SLL2"] {
            let device = format!("nflog:5@{link_type}");
            assert_eq!(passed(&device, "outbound and udp port 9000"), 3, "{link_type}");
            assert_eq!(passed(&device, "inbound"), 4, "{link_type}");
        }
    });
}

#[test]
fn the_interface_is_asked_for_where_the_record_tells_it_and_refused_elsewhere() {
    in_private_network(|network| {
        network.output_rules(&["udp dport { 9000, 9001 } log group 5"]);
        assert_eq!(passed("nflog:5@LINUX_SLL2", "ifindex 1"), 4);
        assert_eq!(passed("nflog:5@LINUX_SLL2", "ifindex 2 or udp port 9001"), 1);
        for link_type in ["RAW", "IPV4", "IPV6", "EN10MB", "LINUX_SLL", "NFLOG"] {
            let refused = reader(&format!("nflog:5@{link_type}")).arg("filter=udp and ifindex 1").run().stdout();
            let expected =
                format!("'ifindex' at character 9: records of link type {link_type} do not tell the interface");
            assert!(refused.contains(&expected), "{refused}");
        }
        // It was compiled for another capture, for which libpcap has a load that no record of ours answers.
        let refused = preloaded("elsewhere").arg("nflog:5").run().stdout();
        assert!(refused.contains("the filter asks for the interface (ifindex)"), "{refused}");
    });
}

#[test]
fn a_program_is_valid_by_the_rules_of_the_libpcap_that_is_there() {
    in_private_network(|network| {
        let lines = preloaded("validate").succeed().lines();
        assert_eq!(lines, ["valid: 1", "setfilter: 0", "text: "]);
        let strict = network.folder().join("libpcap-strict.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/strict.c");
        let compiler = Program::new("cc").args(["-shared", "-fPIC", "-Wl,--no-as-needed"]).arg(source);
        compiler.arg("-o").arg(&strict).arg("-lpcap").succeed();
        let lines = preloaded("validate").env("PCAP_NFLOG_LIBPCAP", strict).succeed().lines();
        let text = "text: BPF program is not valid, by the rules of the system's libpcap";
        assert_eq!(lines, ["valid: 0", "setfilter: -1", text]);
    });
}

#[test]
fn a_captures_filter_names_the_word_that_messages_do_not_have() {
    in_private_network(|network| {
        network.log_udp();
        let refused = |filter: &str| reader("nflog:5@NFLOG").arg(format!("filter={filter}")).run().stdout();
        let named = "'broadcast' at character 16: link-layer addresses are not part of NFLOG messages";
        assert!(refused("ip and (tcp or broadcast)").contains(named), "{}", refused("ip and (tcp or broadcast)"));
        assert!(refused("vlan 5000").contains("VLAN tag 5000 greater than maximum 4095"));
        let unknown = refused("udp and type mgt");
        assert!(!unknown.contains("Raw IP") && !unknown.contains("DLT_RAW"), "{unknown}");
        for pair in ["pppoes and link[0] = 2", "link[0] = 2 or geneve"] {
            assert!(refused(pair).contains("bytes of the link layer cannot be asked for together with it"), "{pair}");
        }
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
        for (filter, alone) in [("ip and (tcp or broadcast)", "broadcast"), ("tcp and vlan", "vlan"), ("llc", "llc")] {
            let refused = tcpdump_preloaded().args(["-y", "NFLOG", "-d", filter]).run().stderr();
            assert_eq!(refused.trim(), format!("tcpdump: {}", said_by_libpcap("NFLOG", alone)), "{filter}");
        }
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
