//! Whatever a datagram contains: generated messages are read as they were made, and nothing that arrives makes the
//! capture panic or tell of bytes that are not there.
//!
//! A failure prints the smallest input that shows it.

use std::ops::Range;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;

use pcap_nflog::capture::{Delivery, Interfaces, Layout, LinkType, Message, Options, Stamp, attribute};
use proptest::collection::vec;
use proptest::prelude::*;

/// `NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET`.
const PACKET: u16 = 0x400;
/// `NLMSG_DONE`.
const DONE: u16 = 3;

/// An attribute: its type with flags, and its value.
type Attribute = (u16, Vec<u8>);

/// A message's bytes behind its header.
fn body(family: u8, group: u16, attributes: &[Attribute], padding: u8) -> Vec<u8> {
    let mut bytes = vec![family, 0];
    bytes.extend(group.to_be_bytes());
    for (kind, value) in attributes {
        bytes.extend((value.len() as u16 + 4).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), padding);
    }
    bytes
}

/// A message with its header.
fn entry(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = (16 + body.len() as u32).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend([0; 10]);
    bytes.extend(body);
    bytes.resize(bytes.len().next_multiple_of(4), 0xa5);
    bytes
}

fn delivery(link_type: LinkType, snaplen: u32) -> Delivery {
    let socket = UnixDatagram::unbound().unwrap();
    let options = Options { link_type: Some(link_type), snaplen, ..Options::default() };
    Delivery::new([5].into_iter(), &options, Interfaces::new(Arc::new(socket.into()))).unwrap()
}

/// A type that the kernel may use or not, flags included.
fn kind() -> impl Strategy<Value = u16> {
    let flags = prop_oneof![4 => Just(0u16), 1 => Just(0x8000), 1 => Just(0x4000), 1 => Just(0xc000)];
    (prop_oneof![6 => 1..=21u16, 1 => 22..64u16, 1 => 0..=0x3fffu16], flags).prop_map(|(kind, flags)| kind | flags)
}

/// A value as the kernel makes it, of any type: short integers, structs, nested ones, packets, or nothing.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..=20),
        2 => Just(vec![8, 0, 3, 0]),
        1 => vec(any::<u8>(), 14),
        1 => vec(any::<u8>(), 20..=300).prop_map(|mut packet| { packet[0] = 0x45; packet }),
        1 => vec(any::<u8>(), 40..=300).prop_map(|mut packet| { packet[0] = 0x60; packet[4..7].fill(0); packet }),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(protocol, tci)| {
            body(0, 0, &[(2, tci.to_be_bytes().into()), (1, protocol.to_be_bytes().into())], 0)[4..].to_vec()
        }),
        1 => (any::<u8>(), 65_500..=65_531usize).prop_map(|(byte, length)| vec![byte; length]),
    ]
}

fn family() -> impl Strategy<Value = u8> {
    prop_oneof![4 => prop::sample::select(vec![2u8, 3, 5, 7, 10]), 1 => any::<u8>()]
}

/// A packet header attribute, as every message of the kernel has it.
fn packet_header() -> impl Strategy<Value = Attribute> {
    let ethertype = prop_oneof![prop::sample::select(vec![0x0800u16, 0x0806, 0x86dd, 0x8100, 0x88a8, 4]), any::<u16>()];
    (ethertype, 0..8u8).prop_map(|(ethertype, hook)| {
        let [high, low] = ethertype.to_be_bytes();
        (attribute::PACKET_HDR as u16, vec![high, low, hook, 0])
    })
}

/// Attributes in any order, most of them with a header among them.
fn attributes() -> impl Strategy<Value = Vec<Attribute>> {
    (vec((kind(), value()), 0..12), prop::option::weighted(0.9, packet_header()), any::<prop::sample::Index>())
        .prop_map(|(mut attributes, header, at)| {
            let at = at.index(attributes.len() + 1);
            header.into_iter().for_each(|header| attributes.insert(at, header));
            attributes
        })
}

fn link_type() -> impl Strategy<Value = LinkType> {
    prop::sample::select(LinkType::ALL.to_vec())
}

/// Takes all records of a datagram, and checks what each of them promises. Returns their number.
fn take_all(delivery: &mut Delivery, datagram: &[u8], snaplen: usize) -> usize {
    delivery.load(datagram, Stamp { seconds: 1_700_000_000, nanoseconds: 5 });
    let mut count = 0;
    while delivery.advance() {
        count += 1;
        let nflog = delivery.link_type() == LinkType::Nflog;
        let record = delivery.record();
        let (data, len) = (record.data.to_vec(), record.len as usize);
        assert!(data.len() <= len, "caplen {} is above len {len}", data.len());
        let message = delivery.message().expect("the record's message");
        let message_bytes = message.bytes().to_vec();
        assert!(contains(datagram, &message_bytes), "the message as it came");
        if nflog {
            assert!(data.len() <= message_bytes.len());
        } else {
            assert!(data.len() <= snaplen);
            assert!(data.len() <= message.payload().len() + 24, "a link header has at most 24 bytes");
        }
    }
    count
}

/// Whether the datagram has a message with these bytes.
fn contains(datagram: &[u8], message: &[u8]) -> bool {
    (0..datagram.len()).step_by(4).any(|at| datagram[at..].starts_with(message))
}

/// What is read of a message on its own, of each type: the last attribute of a type counts.
fn expected(attributes: &[Attribute], kind: usize) -> Option<&[u8]> {
    attributes.iter().rev().find(|(known, _)| usize::from(known & 0x3fff) == kind).map(|(_, value)| &value[..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn attributes_are_read_in_any_order_whatever_was_read_before(
        messages in vec((family(), any::<u16>(), attributes(), any::<u8>()), 1..5),
    ) {
        let mut layout = Layout::default();
        for (family, group, attributes, padding) in &messages {
            let bytes = body(*family, *group, attributes, *padding);
            let message = Message::parse(&bytes, &mut layout).expect("a sound message");
            prop_assert_eq!((message.family(), message.group()), (*family, *group));
            for kind in 1..=attribute::L2HDR {
                prop_assert_eq!(message.attribute(kind), expected(attributes, kind), "type {}", kind);
            }
        }
    }

    #[test]
    fn a_message_that_is_cut_off_anywhere_is_refused_or_has_whole_attributes_only(
        attributes in attributes(),
        cuts in vec(any::<prop::sample::Index>(), 8),
    ) {
        let whole = body(2, 5, &attributes, 0);
        let near_the_end = whole.len().saturating_sub(12)..whole.len();
        let cuts = cuts.iter().map(|cut| cut.index(whole.len())).chain(near_the_end);
        for cut in cuts {
            let mut layout = Layout::default();
            prop_assert!(Message::parse(&whole, &mut layout).is_some());
            let message = Message::parse(&whole[..cut], &mut layout);
            prop_assert_eq!(message.is_some(), Message::parse(&whole[..cut], &mut Layout::default()).is_some());
            let Some(message) = message else { continue };
            for kind in 1..=attribute::L2HDR {
                if let Some(value) = message.attribute(kind) {
                    let sound = attributes.iter().any(|(known, made)| usize::from(known & 0x3fff) == kind && made == value);
                    prop_assert!(sound, "type {} cut at {}", kind, cut);
                }
            }
        }
    }

    #[test]
    fn a_length_that_lies_never_reaches_outside_of_the_message(
        attributes in attributes(),
        lies in vec((any::<prop::sample::Index>(), any::<u16>()), 1..4),
    ) {
        let mut bytes = body(2, 5, &attributes, 0);
        for (at, lie) in lies {
            // Attributes begin at multiples of four.
            let at = at.index(bytes.len() / 4) * 4;
            bytes[at..at + 2].copy_from_slice(&lie.to_ne_bytes());
        }
        let mut layout = Layout::default();
        if let Some(message) = Message::parse(&bytes, &mut layout) {
            let inside: Range<*const u8> = bytes.as_ptr_range();
            for kind in 0..70 {
                let value = message.attribute(kind).unwrap_or(&[]);
                prop_assert!(value.is_empty() || inside.contains(&value.as_ptr()));
            }
        }
    }

    #[test]
    fn every_sound_message_of_a_batch_is_counted_and_delivered_where_its_link_type_holds_it(
        messages in vec((family(), attributes()), 0..6),
        link_type in link_type(),
        snaplen in prop_oneof![Just(1u32), Just(64), Just(1500), Just(262_144)],
        ends in any::<bool>(),
    ) {
        let mut datagram = Vec::new();
        let mut packets = 0;
        for (family, attributes) in &messages {
            let made = entry(PACKET, &body(*family, 5, attributes, 0));
            if datagram.len() + made.len() <= 260_000 {
                datagram.extend(made);
                packets += 1;
            }
        }
        if ends {
            datagram.extend(entry(DONE, &[0; 4]));
        }
        let mut delivery = delivery(link_type, snaplen);
        let count = take_all(&mut delivery, &datagram, snaplen as usize);
        if matches!(link_type, LinkType::Nflog | LinkType::Ethernet | LinkType::Sll | LinkType::Sll2) {
            prop_assert_eq!(count, packets, "these hold everything");
        }
        prop_assert!(count <= packets);
    }

    #[test]
    fn no_datagram_makes_the_capture_panic(
        pieces in vec(
            prop_oneof![
                vec(any::<u8>(), 0..80),
                (any::<u16>(), vec(any::<u8>(), 0..80)).prop_map(|(kind, body)| entry(kind, &body)),
                (family(), attributes()).prop_map(|(family, attributes)| entry(PACKET, &body(family, 5, &attributes, 0))),
            ],
            0..6,
        ),
        cut in any::<prop::sample::Index>(),
        link_type in link_type(),
    ) {
        let mut datagram = pieces.concat();
        datagram.truncate(cut.index(datagram.len() + 1));
        datagram.truncate(262_144);
        let mut delivery = delivery(link_type, 96);
        take_all(&mut delivery, &datagram, 96);
        // And the buffer serves for the next one.
        let good = entry(PACKET, &body(2, 5, &[(1, vec![8, 0, 3, 0]), (9, vec![0x45, 0, 0, 20])], 0));
        prop_assert_eq!(take_all(&mut delivery, &good, 96), usize::from(link_type != LinkType::Ipv6));
    }
}

#[test]
fn a_message_cut_off_at_every_byte_of_it_is_never_read_past_its_end() {
    let attributes: Vec<Attribute> = vec![
        (1, vec![8, 0, 1, 0]),
        (10, b"prefix\0".to_vec()),
        (4, vec![0, 0, 0, 1]),
        (20 | 0x8000, vec![6, 0, 2, 0, 0, 7, 0, 0, 6, 0, 1, 0, 0x81, 0, 0, 0]),
        (21, vec![9; 14]),
        (9, [&[0x45, 0, 0, 90][..], &[7; 86]].concat()),
    ];
    for family in [2, 3, 5, 7, 10] {
        let whole = entry(PACKET, &body(family, 5, &attributes, 0));
        for length in 0..=whole.len() {
            for link_type in LinkType::ALL {
                let mut delivery = delivery(link_type, 96);
                let count = take_all(&mut delivery, &whole[..length], 96);
                assert!(count == 0 || length == whole.len() || whole.len() - length < 4);
            }
        }
    }
}
