//! What programs write into savefiles reads back as it was, in every link type.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pcap_nflog::capture::{Device, LinkType, Options, Session};

use crate::support::client::{library, tcpdump, tcpdump_preloaded};
use crate::support::network::in_private_network_for_tcpdump;
use crate::support::program::{Program, Stream};
use crate::support::traffic::{Udp, V4, V6};

/// A savefile in the classic format, in this machine's byte order.
struct Savefile {
    magic: u32,
    link_type: u32,
    /// Seconds, fraction, bytes, length.
    records: Vec<(u32, u32, Vec<u8>, u32)>,
}

impl Savefile {
    fn parse(bytes: &[u8]) -> Savefile {
        let word = |at: usize| u32::from_ne_bytes(*bytes[at..].first_chunk().unwrap());
        let mut records = Vec::new();
        let mut at = 24;
        while at < bytes.len() {
            let [seconds, fraction, caplen, len] = [0, 4, 8, 12].map(|field| word(at + field));
            let data = at + 16;
            at = data + caplen as usize;
            records.push((seconds, fraction, bytes[data..at].to_vec(), len));
        }
        Savefile { magic: word(0), link_type: word(20), records }
    }

    /// As the system's tcpdump reads `file`, of whatever format it is.
    fn read(file: &Path) -> Savefile {
        Savefile::parse(&tcpdump().arg("-r").arg(file).args(["-w", "-"]).succeed().stdout)
    }
}

/// tcpdump.org/linktypes.html: what stands for a link type in a savefile.
fn value_in_file(link_type: LinkType) -> u32 {
    match link_type {
        LinkType::Raw => 101,
        other => other.dlt() as u32,
    }
}

const SIZES: [usize; 6] = [0, 1, 35, 100, 1400, 9000];

fn send_all() {
    let (mut v4, mut v6) = (Udp::v4(), Udp::v6());
    for size in SIZES {
        v4.send(size);
        v6.send(size);
    }
}

/// How many packets of those a link type holds.
fn count(link_type: LinkType) -> usize {
    match link_type {
        LinkType::Ipv4 | LinkType::Ipv6 => SIZES.len(),
        _ => 2 * SIZES.len(),
    }
}

#[test]
fn what_tcpdump_and_dumpcap_write_in_each_link_type_reads_back_identically() {
    in_private_network_for_tcpdump(|network| {
        // A group for each link type, for tcpdump (10 and on), for dumpcap (20) and for the comparison (30).
        let numbers = || 0..LinkType::ALL.len() as u16;
        let statements: String = numbers()
            .flat_map(|number| [10, 20, 30].map(|first| format!(" log prefix \"told\" group {}", first + number)))
            .collect();
        network.output_rules(&[&format!("udp dport 9000 meta mark set 42{statements}")]);
        let file = |writer: &str, link_type: LinkType| network.folder().join(format!("{writer}-{}", link_type.name()));
        let mut sessions = Vec::new();
        let mut running = Vec::new();
        for (number, link_type) in numbers().zip(LinkType::ALL) {
            let options =
                Options { link_type: Some(link_type), timeout: Some(Duration::from_secs(10)), ..Options::default() };
            let device: Device = format!("nflog:{}", 30 + number).parse().unwrap();
            sessions.push((link_type, Session::open(&device, &options).unwrap()));
            let arguments = |group: u16| {
                let count = count(link_type).to_string();
                [
                    "-i".into(),
                    format!("nflog:{group}"),
                    "-y".into(),
                    link_type.name().into(),
                    "-c".into(),
                    count,
                    "-w".into(),
                ]
            };
            let tcpdump = tcpdump_preloaded().args(arguments(10 + number)).arg(file("tcpdump", link_type));
            running.push(tcpdump.start());
            let dumpcap = Program::new("dumpcap").env("LD_PRELOAD", library());
            let dumpcap = dumpcap.args(arguments(20 + number)).arg(file("dumpcap", link_type));
            running.push(dumpcap.start());
        }
        for (index, running) in running.iter().enumerate() {
            running.await_line(Stream::Stderr, if index % 2 == 0 { "listening on" } else { "File: " });
        }
        send_all();
        running.into_iter().for_each(|running| drop(running.finish().succeeded()));

        for (link_type, session) in &mut sessions {
            let mut expected = Vec::new();
            for _ in 0..count(*link_type) {
                let record = session.read().unwrap().expect("a record, in time");
                expected.push((record.data.to_vec(), record.len));
            }
            for writer in ["tcpdump", "dumpcap"] {
                let what = format!("{writer}, {link_type:?}");
                let file = file(writer, *link_type);
                let read = Savefile::read(&file);
                assert_eq!(read.link_type, value_in_file(*link_type), "{what}");
                let mut records: Vec<_> = read.records.into_iter().map(|(_, _, data, len)| (data, len)).collect();
                if *link_type == LinkType::Nflog {
                    // The group is another one.
                    for (index, (data, _)) in records.iter_mut().enumerate() {
                        data[2..4].copy_from_slice(&expected[index].0[2..4]);
                    }
                }
                assert_eq!(records, expected, "{what}");
                let fields = fields(&file, &["frame.len", "frame.cap_len", "udp.dstport", "udp.length"]);
                let udp = SIZES.iter().flat_map(|size| match link_type {
                    LinkType::Ipv4 | LinkType::Ipv6 => vec![size + 8],
                    _ => vec![size + 8; 2],
                });
                let shown: Vec<String> = expected
                    .iter()
                    .zip(udp)
                    .map(|((data, len), udp)| format!("{len}\t{}\t9000\t{udp}", data.len()))
                    .collect();
                assert_eq!(fields, shown, "{what}");
            }
        }
        for writer in ["tcpdump", "dumpcap"] {
            // What the kernel said of the packet: uid and gid of this process, loopback, the rule's prefix, the mark.
            let names = ["nflog.prefix", "nflog.uid", "nflog.gid", "nflog.ifindex_outdev", "nflog.hook"];
            // SAFETY: neither takes anything nor can fail.
            let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
            let line = format!("told\t{uid}\t{gid}\t{}\t3", crate::topology::index_of("lo"));
            let file = file(writer, LinkType::Nflog);
            assert_eq!(fields(&file, &names), vec![line; 2 * SIZES.len()], "{writer}");
            for line in fields(&file, &["nflog.tlv_type", "nflog.tlv_value"]) {
                assert!(line.contains("0000002a"), "no mark 42 in {line}");
            }
        }
    });
}

/// The lines that tshark shows of these fields.
fn fields(file: &Path, names: &[&str]) -> Vec<String> {
    let tshark = Program::new("tshark").args(["-n", "-T", "fields", "-r"]).arg(file);
    tshark.args(names.iter().flat_map(|name| ["-e", *name])).succeed().lines()
}

#[test]
fn stamps_in_a_savefile_have_the_precision_that_was_asked_for() {
    in_private_network_for_tcpdump(|network| {
        network.log_udp();
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        for (precision, magic, unit) in [("micro", 0xa1b2_c3d4, 1000), ("nano", 0xa1b2_3c4d, 1)] {
            let file = network.folder().join(precision);
            let writing = tcpdump_preloaded().args(["-i", "nflog:5", "-c", "36", "-w"]).arg(&file);
            let writing = writing.arg(format!("--time-stamp-precision={precision}")).start();
            writing.await_line(Stream::Stderr, "listening on");
            let before = now();
            // Stamps of one batch are estimated from one time, which is a whole microsecond once in a thousand times.
            for _ in 0..3 {
                send_all();
                sleep(Duration::from_millis(50));
            }
            writing.finish().succeeded();
            let after = now();
            let savefile = Savefile::parse(&std::fs::read(&file).unwrap());
            assert_eq!(savefile.magic, magic, "{precision}");
            let stamps: Vec<u128> = savefile
                .records
                .iter()
                .map(|(seconds, fraction, ..)| u128::from(*seconds) * 1_000_000_000 + u128::from(*fraction) * unit)
                .collect();
            assert_eq!(stamps.len(), 36);
            // The first of a batch may be taken for older than it is, by the flush time.
            let flush = 10_000_000;
            assert!(stamps.iter().all(|&stamp| (before - flush..=after).contains(&stamp)), "{precision}: {stamps:?}");
            // Those that the kernel did not stamp are estimated to the nanosecond.
            let finer = stamps.iter().any(|stamp| stamp % 1000 != 0);
            assert_eq!(finer, precision == "nano", "{stamps:?}");
        }
    });
}

#[test]
fn tcpdump_shows_interface_and_direction_of_cooked_packets() {
    in_private_network_for_tcpdump(|network| {
        network.output_rules(&["udp dport 9000 log group 5"]);
        network.rules("inet", "prerouting", &["udp dport 9000 log group 5"]);
        let mut tcpdump = tcpdump_preloaded().args(["-i", "nflog:5", "-y", "LINUX_SLL2", "-e", "-c", "4"]);
        tcpdump = tcpdump.arg("--immediate-mode");
        let running = tcpdump.start();
        running.await_line(Stream::Stderr, "listening on");
        Udp::new(V4, 9000).send(10);
        Udp::new(V6, 9000).send(10);
        let lines = running.finish().succeeded().lines();
        let expected = [("Out", "127.0.0.1"), ("In ", "127.0.0.1"), ("Out", "::1"), ("In ", "::1")];
        assert_eq!(lines.len(), expected.len(), "{lines:?}");
        for (line, (way, address)) in lines.iter().zip(expected) {
            assert!(line.starts_with(&format!("lo    {way} ifindex 1 00:00:00:00:00:00 {address}.")), "{line}");
        }
    });
}
