//! What a filter costs per packet: this crate's machine and the system's `bpf_filter`, on raw IP packets and on NFLOG
//! messages. `cargo bench --bench filters`; each time is that of one packet.
//!
//! On messages, `ours` is the program for the packet in them, as the reader runs it where it has made the program
//! itself, with finding the payload included; `ours_walking` and `system` walk through the message.

#[path = "../tests/filters/system.rs"]
#[allow(dead_code)]
mod system;

use divan::{Bencher, black_box, counter::ItemsCount};
use pcap_nflog::bpf::nflog::{Source, Way, rewrite};
use pcap_nflog::bpf::{Instruction, Program};
use pcap_nflog::capture::{Layout, Message};
use system::system;

const RAW: i32 = 12;
const ETHERNET: i32 = 1;

/// By name, since a 50-term expression is a long argument.
const FILTERS: [&str; 3] = ["tcp port 80", "host X and not port 22", "or of 50 terms"];

fn expression(name: &str) -> String {
    match name {
        "host X and not port 22" => "host 10.0.0.1 and not port 22".to_owned(),
        "or of 50 terms" => (0..50)
            .map(|term| format!("(src host 192.0.2.{term} and port {})", 1000 + term))
            .collect::<Vec<_>>()
            .join(" or "),
        other => other.to_owned(),
    }
}

/// Packets of a web server's host: to port 80 and from it, others over TCP and UDP, over IPv6, fragments, ICMP.
fn packets() -> Vec<Vec<u8>> {
    let v4 = |protocol: u8, fragment: u8, source: [u8; 4], ports: [u16; 2]| {
        let mut packet = vec![0x45, 0, 0, 100, 0, 0, fragment, 0, 64, protocol, 0, 0];
        packet.extend(source);
        packet.extend([10, 0, 0, 2]);
        packet.extend(ports.into_iter().flat_map(u16::to_be_bytes));
        packet.resize(100, 0);
        packet
    };
    let v6 = |protocol: u8, ports: [u16; 2]| {
        let mut packet = vec![0x60, 0, 0, 0, 0, 60, protocol, 64];
        packet.resize(40, 0xfd);
        packet.extend(ports.into_iter().flat_map(u16::to_be_bytes));
        packet.resize(100, 0);
        packet
    };
    vec![
        v4(6, 0, [10, 0, 0, 1], [40_000, 80]),
        v4(6, 0, [10, 0, 0, 1], [80, 40_000]),
        v4(6, 0, [10, 0, 0, 3], [40_000, 443]),
        v4(6, 0, [10, 0, 0, 1], [40_000, 22]),
        v4(17, 0, [10, 0, 0, 1], [53, 40_000]),
        v4(17, 1, [10, 0, 0, 1], [0, 0]),
        v4(6, 0, [192, 0, 2, 49], [40_000, 1049]),
        v4(1, 0, [10, 0, 0, 1], [0x0800, 0]),
        v6(6, [40_000, 80]),
        v6(17, [40_000, 53]),
    ]
}

/// As the kernel lays out the message of a packet that came in.
fn message(packet: &[u8]) -> Vec<u8> {
    let v4 = packet[0] >> 4 == 4;
    let mut bytes = vec![if v4 { 2 } else { 10 }, 0, 0, 5];
    let header: &[u8] = if v4 { &[0x08, 0, 1, 0] } else { &[0x86, 0xdd, 1, 0] };
    let hardware: &[u8] = &[0; 14];
    let attributes = [
        (1u16, header),
        (10, b"prefix\0"),
        (4, &[0, 0, 0, 2]),
        (8, &[0; 12]),
        (15, &[0, 1]),
        (17, &[0, 14]),
        (16, hardware),
        (3, &[0; 16]),
        (12, &[0, 0, 0, 1]),
        (9, packet),
    ];
    for (kind, value) in attributes {
        bytes.extend((value.len() as u16 + 4).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

fn raw(name: &str) -> Program {
    Program::new(&system().compile(RAW, &expression(name), true).unwrap()).unwrap()
}

fn nflog(name: &str) -> Vec<Instruction> {
    let ethernet = Program::new(&system().compile(ETHERNET, &expression(name), true).unwrap()).unwrap();
    rewrite(Source::Both { raw: &raw(name), ethernet: &ethernet }, Way::OfMessage).unwrap()
}

/// Runs all packets again and again; one packet is one item.
fn measure(bencher: Bencher, packets: Vec<Vec<u8>>, run: impl Fn(&[u8]) -> u32 + Sync) {
    bencher
        .counter(ItemsCount::new(packets.len()))
        .bench(|| packets.iter().fold(0u32, |sum, packet| sum.wrapping_add(run(black_box(packet)))));
}

#[divan::bench_group(sample_count = 200, sample_size = 1000)]
mod raw_packets {
    use super::*;

    #[divan::bench(args = FILTERS)]
    fn ours(bencher: Bencher, name: &str) {
        let program = raw(name);
        measure(bencher, packets(), |packet| program.run(packet, packet.len() as u32));
    }

    #[divan::bench(args = FILTERS)]
    fn system(bencher: Bencher, name: &str) {
        let program = raw(name);
        let judge = super::system();
        measure(bencher, packets(), |packet| judge.run(program.instructions(), packet, packet.len() as u32));
    }
}

#[divan::bench_group(sample_count = 200, sample_size = 1000)]
mod nflog_messages {
    use super::*;

    fn messages() -> Vec<Vec<u8>> {
        packets().iter().map(|packet| message(packet)).collect()
    }

    #[divan::bench(args = FILTERS)]
    fn ours(bencher: Bencher, name: &str) {
        let program = raw(name);
        measure(bencher, messages(), |bytes| {
            let mut layout = Layout::default();
            let payload = Message::parse(bytes, &mut layout).map_or(&[][..], |message| message.payload());
            program.run(payload, payload.len() as u32)
        });
    }

    #[divan::bench(args = FILTERS)]
    fn ours_walking(bencher: Bencher, name: &str) {
        let program = Program::new(&nflog(name)).unwrap();
        measure(bencher, messages(), |message| program.run(message, message.len() as u32));
    }

    #[divan::bench(args = FILTERS)]
    fn system(bencher: Bencher, name: &str) {
        let program = nflog(name);
        let judge = super::system();
        measure(bencher, messages(), |message| judge.run(&program, message, message.len() as u32));
    }
}

fn main() {
    divan::main();
}
