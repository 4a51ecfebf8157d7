//! A message that repeats the one before is read as any other is, whatever the difference between the two.
//!
//! One capture keeps what it knows of the message before; the other is made to forget it before each record. What they
//! deliver and what they count must be the same. A failure prints the smallest input that shows it.

use std::os::unix::net::UnixDatagram;
use std::sync::Arc;

use pcap_nflog::bpf::{Instruction, Program};
use pcap_nflog::capture::{
    Delivery, Direction, Filter, Interfaces, LinkType, Options, Record, Stamp, Statistics, attribute, family,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// `NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET`.
const PACKET: u16 = 0x400;

/// What a rule's messages have in common.
#[derive(Clone, Debug)]
struct Shape {
    family: u8,
    hook: u8,
    group: u16,
    stamped: bool,
    numbered: bool,
    prefix: usize,
    owner: bool,
    link_header: bool,
    mark_behind: bool,
    /// How many bytes of stamp and number there are.
    stamp_bytes: usize,
    number_bytes: usize,
}

/// In what a message differs from others of its shape.
#[derive(Clone, Debug)]
struct Variant {
    /// How many numbers were left out before it.
    gap: u32,
    packet: usize,
    /// What the packet's header claims, less its bytes.
    claims: i16,
    protocol: u8,
    microseconds: u64,
    /// The message's length is so much more than it has.
    lie: u32,
    /// A hook, and an ethertype, of its own.
    hook: Option<u8>,
    ethertype: Option<u16>,
}

fn shape() -> impl Strategy<Value = Shape> {
    (
        prop::sample::select(vec![family::IPV4, family::IPV6, family::BRIDGE, family::NETDEV]),
        0..6u8,
        prop::sample::select(vec![5u16, 5, 5, 6, 7]),
        prop::sample::select(vec![0usize, 0, 1, 8, 64, 127]),
        (
            any::<[bool; 5]>(),
            prop_oneof![9 => Just(16usize), 1 => 0..16usize],
            prop_oneof![9 => Just(4usize), 1 => 0..4usize],
        ),
    )
        .prop_map(
            |(
                family,
                hook,
                group,
                prefix,
                ([stamped, numbered, owner, link_header, mark_behind], stamp_bytes, number_bytes),
            )| Shape {
                family,
                hook,
                group,
                stamped,
                // Seldom not so.
                numbered: numbered || owner,
                prefix,
                owner,
                link_header,
                mark_behind: mark_behind && !numbered && !stamped,
                stamp_bytes,
                number_bytes,
            },
        )
}

fn variant() -> impl Strategy<Value = Variant> {
    let numbers = (
        prop_oneof![8 => Just(0u32), 1 => 1..5u32],
        prop_oneof![1 => 0..30usize, 6 => 40..200usize, 1 => Just(1500usize)],
        prop_oneof![8 => Just(0i16), 1 => -30..40i16],
        prop::sample::select(vec![6u8, 17, 0]),
        prop_oneof![6 => 0..1_000_000u64, 1 => any::<u64>()],
        prop_oneof![40 => Just(0u32), 1 => 1..200u32],
    );
    let kinds = (
        prop::option::weighted(0.1, 0..6u8),
        prop::option::weighted(0.1, prop::sample::select(vec![0x0800u16, 0x86dd, 0x0806])),
    );
    (numbers, kinds).prop_map(|((gap, packet, claims, protocol, microseconds, lie), (hook, ethertype))| Variant {
        gap,
        packet,
        claims,
        protocol,
        microseconds,
        lie,
        hook,
        ethertype,
    })
}

fn packet(six: bool, variant: &Variant) -> Vec<u8> {
    let mut packet: Vec<u8> = (0..variant.packet).map(|at| at as u8).collect();
    let claimed = (variant.packet as i32 + i32::from(variant.claims)).max(0) as u16;
    let (version, at, field) = if six { (0x60, 4, claimed.saturating_sub(40)) } else { (0x45, 2, claimed) };
    if packet.len() > 10 {
        packet[0] = version;
        packet[at..at + 2].copy_from_slice(&field.to_be_bytes());
        packet[if six { 6 } else { 9 }] = variant.protocol;
    }
    packet
}

fn message(shape: &Shape, variant: &Variant, sequence: u32) -> Vec<u8> {
    let six = shape.family == family::IPV6;
    let mut body = vec![shape.family, 0];
    body.extend(shape.group.to_be_bytes());
    let mut add = |kind: usize, value: &[u8]| {
        body.extend((value.len() as u16 + 4).to_ne_bytes());
        body.extend((kind as u16).to_ne_bytes());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    };
    let [high, low] = variant.ethertype.unwrap_or(if six { 0x86dd } else { 0x0800 }).to_be_bytes();
    add(attribute::PACKET_HDR, &[high, low, variant.hook.unwrap_or(shape.hook), 0]);
    if shape.prefix > 0 {
        add(attribute::PREFIX, &vec![b'p'; shape.prefix]);
    }
    if shape.owner {
        add(attribute::UID, &variant.gap.to_be_bytes());
    }
    if shape.link_header {
        add(attribute::HWHEADER, &[variant.protocol; 14]);
    }
    if shape.stamped {
        let stamp = [1_700_000_000u64.to_be_bytes(), variant.microseconds.to_be_bytes()].concat();
        add(attribute::TIMESTAMP, &stamp[..shape.stamp_bytes]);
    }
    if shape.numbered {
        add(attribute::SEQ, &sequence.to_be_bytes()[..shape.number_bytes]);
    }
    add(attribute::PAYLOAD, &packet(six, variant));
    if shape.mark_behind {
        add(attribute::MARK, &[0, 0, 0, 1]);
    }
    let mut message = (16 + body.len() as u32 + variant.lie).to_ne_bytes().to_vec();
    message.extend(PACKET.to_ne_bytes());
    message.extend([0; 10]);
    message.extend(body);
    message
}

/// Batches of rows of messages, numbered in each group.
fn batches() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let rows = vec((shape(), vec(variant(), 1..8)), 1..6);
    // What is cut off the end.
    let cut = prop_oneof![4 => Just(0usize), 1 => 1..24usize];
    vec((rows, cut), 1..4).prop_map(|batches| {
        let mut next = [0u32; 8];
        let mut number = |group: u16, gap: u32| {
            let next = &mut next[usize::from(group)];
            *next += gap + 1;
            *next - 1
        };
        let batches = batches.into_iter().map(|(rows, cut)| {
            let mut batch = Vec::new();
            for (shape, variants) in rows {
                for variant in variants {
                    batch.extend(message(&shape, &variant, number(shape.group, variant.gap)));
                }
            }
            // NLMSG_DONE.
            batch.extend([20, 0, 0, 0, 3, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            batch.truncate(batch.len() - cut);
            batch
        });
        batches.collect()
    })
}

/// `ip proto 6` or what else has 6 at that place, of raw packets; of messages, what has any length but 100.
fn filter(link_type: LinkType) -> Filter {
    let program = |instructions: &[(u16, u8, u8, u32)]| {
        let instructions: Vec<_> =
            instructions.iter().map(|&(code, jt, jf, k)| Instruction { code, jt, jf, k }).collect();
        Program::new(&instructions).unwrap()
    };
    let packet = program(&[(0x30, 0, 0, 9), (0x15, 0, 1, 6), (0x06, 0, 0, 1), (0x06, 0, 0, 0)]);
    let message = program(&[(0x80, 0, 0, 0), (0x15, 1, 0, 100), (0x06, 0, 0, 1), (0x06, 0, 0, 0)]);
    if link_type == LinkType::Nflog { Filter::Packet { packet, message } } else { Filter::Frame(packet) }
}

/// All that is delivered of the batches: stamp, length, bytes and message of each record; and what was counted.
#[allow(clippy::type_complexity)]
fn delivered(
    batches: &[Vec<u8>],
    options: &Options,
    (filtered, direction): (bool, Direction),
    forgetful: bool,
) -> (Vec<(Stamp, u32, Vec<u8>, Vec<u8>)>, Statistics, Option<u64>) {
    let socket = UnixDatagram::unbound().unwrap();
    let mut delivery = Delivery::new([5, 6].into_iter(), options, Interfaces::new(Arc::new(socket.into()))).unwrap();
    delivery.set_direction(direction);
    if filtered {
        delivery.set_filter(Some(filter(delivery.link_type())));
    }
    let mut records = Vec::new();
    for (batch, seconds) in batches.iter().zip(1_700_000_000..) {
        delivery.load(batch, Stamp { seconds, nanoseconds: 5 });
        loop {
            if forgetful {
                delivery.set_direction(direction);
            }
            let parts = |record: Record<'_>| (record.stamp, record.len, record.data.to_vec());
            let Some((stamp, len, data)) = delivery.take().map(parts) else {
                // A loss is told of in between.
                if delivery.take_untold().is_none() {
                    break;
                }
                continue;
            };
            assert_eq!(parts(delivery.record()), (stamp, len, data.clone()), "looked up again");
            let message = delivery.message().expect("the record's message").bytes().to_vec();
            records.push((stamp, len, data, message));
        }
    }
    (records, delivery.statistics(), delivery.lost_of_group(5))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_message_that_repeats_the_one_before_is_read_as_any_other(
        batches in batches(),
        link_type in prop::sample::select(LinkType::ALL.to_vec()),
        snaplen in prop::sample::select(vec![262_144u32, 262_144, 96, 40, 1]),
        direction in prop::sample::select(vec![Direction::Both, Direction::Both, Direction::In, Direction::Out]),
        [filtered, strict, immediate] in any::<[bool; 3]>(),
    ) {
        let options = Options { link_type: Some(link_type), snaplen, strict, immediate, ..Options::default() };
        let remembering = delivered(&batches, &options, (filtered, direction), false);
        prop_assert_eq!(remembering, delivered(&batches, &options, (filtered, direction), true));
    }
}
