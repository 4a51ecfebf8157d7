//! What a packet costs between the kernel's message and the program, without any system call: ns per packet.
//!
//! One iteration is one packet; the batches are as full as the kernel sends them. `load` is the copy of a batch into
//! the buffer, which stands for receiving it: it is in every figure of `delivery` too.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use divan::{Bencher, black_box};
use pcap_nflog::bpf::{Instruction, Program};
use pcap_nflog::capture::{Delivery, Filter, Interfaces, Layout, LinkType, Message, Options, Stamp, attribute, family};

const BATCH_BYTES: usize = 131_072;
const GROUP: u16 = 5;

/// `NFULA_HWLEN`, linux/netfilter/nfnetlink_log.h.
const HWLEN: usize = 17;

/// The link types, by name.
const LINK_TYPES: [(&str, LinkType); 7] = [
    ("RAW", LinkType::Raw),
    ("IPV4", LinkType::Ipv4),
    ("IPV6", LinkType::Ipv6),
    ("EN10MB", LinkType::Ethernet),
    ("LINUX_SLL", LinkType::Sll),
    ("LINUX_SLL2", LinkType::Sll2),
    ("NFLOG", LinkType::Nflog),
];

/// So many iterations make a sample: packets of many batches, so that each carries its part of what a batch costs.
const SAMPLE: u32 = 20_000;

fn main() {
    divan::Divan::default().sample_size(SAMPLE).sample_count(200).config_with_args().main();
}

fn attribute(kind: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = ((value.len() + 4) as u16).to_ne_bytes().to_vec();
    bytes.extend((kind as u16).to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A TCP segment to port 80 over IPv4, or over IPv6 where the link type holds nothing else.
fn packet(link_type: LinkType, length: usize) -> Vec<u8> {
    let mut packet = vec![0; length];
    let transport = if link_type == LinkType::Ipv6 {
        packet[0] = 0x60;
        packet[4..6].copy_from_slice(&(length as u16 - 40).to_be_bytes());
        packet[6] = 6;
        40
    } else {
        packet[0] = 0x45;
        packet[2..4].copy_from_slice(&(length as u16).to_be_bytes());
        packet[9] = 6;
        20
    };
    packet[transport + 3] = 80;
    packet
}

/// The body of a message as the kernel makes it for a packet that comes in by an Ethernet interface.
fn message(link_type: LinkType, sequence: u32, length: usize) -> Vec<u8> {
    let (version, ethertype) =
        if link_type == LinkType::Ipv6 { (family::IPV6, [0x86, 0xdd]) } else { (family::IPV4, [8, 0]) };
    let ethernet = [&[2; 6][..], &[4; 6], &ethertype].concat();
    let mut body = vec![version, 0];
    body.extend(GROUP.to_be_bytes());
    body.extend(attribute(attribute::PACKET_HDR, &[ethertype[0], ethertype[1], 1, 0]));
    body.extend(attribute(attribute::IFINDEX_INDEV, &1u32.to_be_bytes()));
    body.extend(attribute(attribute::HWADDR, &[0, 6, 0, 0, 4, 4, 4, 4, 4, 4, 0, 0]));
    body.extend(attribute(attribute::HWTYPE, &1u16.to_be_bytes()));
    body.extend(attribute(HWLEN, &14u16.to_be_bytes()));
    body.extend(attribute(attribute::HWHEADER, &ethernet));
    let stamp = [1_700_000_000u64.to_be_bytes(), u64::from(sequence).to_be_bytes()].concat();
    body.extend(attribute(attribute::TIMESTAMP, &stamp));
    body.extend(attribute(attribute::SEQ, &sequence.to_be_bytes()));
    body.extend(attribute(attribute::PAYLOAD, &packet(link_type, length)));
    body
}

/// A full batch of packets of `length` bytes.
fn batch(link_type: LinkType, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for sequence in 0.. {
        let body = message(link_type, sequence, length);
        if bytes.len() + 16 + body.len() > BATCH_BYTES {
            break;
        }
        bytes.extend((16 + body.len() as u32).to_ne_bytes());
        bytes.extend((4u16 << 8).to_ne_bytes()); // NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET
        bytes.extend([0; 10]);
        bytes.extend(body);
    }
    bytes
}

/// `tcp port 80` for raw IPv4, as libpcap compiles it.
fn tcp_port_80() -> Program {
    let instructions = [
        (0x30, 0, 0, 0),       // ldb [0]
        (0x54, 0, 0, 0xf0),    // and #0xf0
        (0x15, 0, 10, 0x40),   // jeq #0x40
        (0x30, 0, 0, 9),       // ldb [9]
        (0x15, 0, 8, 6),       // jeq #6
        (0x28, 0, 0, 6),       // ldh [6]
        (0x45, 6, 0, 0x1fff),  // jset #0x1fff
        (0xb1, 0, 0, 0),       // ldxb 4*([0]&0xf)
        (0x48, 0, 0, 0),       // ldh [x + 0]
        (0x15, 2, 0, 80),      // jeq #80
        (0x48, 0, 0, 2),       // ldh [x + 2]
        (0x15, 0, 1, 80),      // jeq #80
        (0x06, 0, 0, 262_144), // ret #262144
        (0x06, 0, 0, 0),       // ret #0
    ];
    let instructions = instructions.map(|(code, jt, jf, k)| Instruction { code, jt, jf, k });
    Program::new(&instructions).expect("the program is valid")
}

/// A delivery of the group's packets, and a full batch for it.
fn delivery(link_type: LinkType, length: usize, options: Options) -> (Delivery, Vec<u8>) {
    let options = Options { link_type: Some(link_type), ..options };
    // Stands in for a socket: an interface that cannot be asked for is unknown, and asked for once.
    let file: OwnedFd = File::open("/dev/null").expect("/dev/null opens").into();
    let delivery = Delivery::new([GROUP].into_iter(), &options, Interfaces::new(Arc::new(file))).unwrap();
    (delivery, batch(link_type, length))
}

/// One packet per iteration, batch after batch.
fn deliver(bencher: Bencher, mut delivery: Delivery, batch: &[u8]) {
    delivery.load(batch, Stamp::default());
    assert!(delivery.advance(), "the first packet is delivered");
    bencher.bench_local(|| {
        while !delivery.advance() {
            delivery.load(batch, Stamp::default());
        }
        let record = delivery.record();
        black_box((record.stamp, record.len, record.data.as_ptr()));
    });
}

/// From the batch to the record, by link type.
#[divan::bench(args = LINK_TYPES.map(|(name, _)| name))]
fn delivery_by_link_type(bencher: Bencher, name: &str) {
    let (_, link_type) = LINK_TYPES.into_iter().find(|one| one.0 == name).expect("the name is in the list");
    let (delivery, batch) = delivery(link_type, 128, Options::default());
    deliver(bencher, delivery, &batch);
}

/// From the batch to the record, by bytes of the packet.
#[divan::bench(args = [64, 128, 1428])]
fn delivery_by_size(bencher: Bencher, length: usize) {
    let (delivery, batch) = delivery(LinkType::Raw, length, Options::default());
    deliver(bencher, delivery, &batch);
}

/// With a filter that lets every packet through.
#[divan::bench]
fn delivery_filtered(bencher: Bencher) {
    let (mut delivery, batch) = delivery(LinkType::Raw, 128, Options::default());
    delivery.set_filter(Some(Filter::Frame(tcp_port_80())));
    deliver(bencher, delivery, &batch);
}

/// With records that are cut off: these are copied.
#[divan::bench]
fn delivery_cut_off(bencher: Bencher) {
    let (delivery, batch) = delivery(LinkType::Raw, 128, Options { snaplen: 96, ..Options::default() });
    deliver(bencher, delivery, &batch);
}

/// The copy of a batch into the buffer alone, for one packet of it.
#[divan::bench(args = [64, 128, 1428])]
fn load(bencher: Bencher, length: usize) {
    let (mut delivery, batch) = delivery(LinkType::Raw, length, Options::default());
    let packets = batch.len() / (16 + message(LinkType::Raw, 0, length).len());
    let mut left = 0;
    bencher.bench_local(|| {
        if left == 0 {
            delivery.load(black_box(&batch), Stamp::default());
            left = packets;
        }
        left -= 1;
    });
}

/// A message whose attributes stand where the one before had them.
#[divan::bench]
fn parse_same_layout(bencher: Bencher) {
    let body = message(LinkType::Raw, 1, 128);
    let mut layout = Layout::default();
    bencher.bench_local(|| Message::parse(black_box(&body), &mut layout).map(|message| message.group()));
}

/// Messages that each have their attributes elsewhere.
#[divan::bench]
fn parse_other_layout(bencher: Bencher) {
    let one = message(LinkType::Raw, 1, 128);
    let mut other = one.clone();
    let mark = attribute(attribute::MARK, &[0, 0, 0, 1]);
    other.splice(12..12, mark);
    let (mut bodies, mut layout) = ([one, other], Layout::default());
    bencher.bench_local(|| {
        bodies.swap(0, 1);
        Message::parse(black_box(&bodies[0]), &mut layout).map(|message| message.group())
    });
}

/// The filter alone.
#[divan::bench]
fn filter_tcp_port_80(bencher: Bencher) {
    let (program, packet) = (tcp_port_80(), packet(LinkType::Raw, 128));
    assert_ne!(program.run(&packet, 128), 0, "the packet is to port 80");
    bencher.bench_local(|| program.run(black_box(&packet), 128));
}
