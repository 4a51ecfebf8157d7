use std::os::unix::net::UnixDatagram;
use std::sync::Arc;

use super::super::layers::ETHERNET_HEADER;
use super::super::message::tests::{message, parsed};
use super::*;

const V4: &[u8] = &[0x45, 0, 0, 100, 1, 2, 3, 4];
const V6: &[u8] = &[0x60, 0, 0, 0, 0, 60, 17, 64];
const LINK: [u8; ETHERNET_HEADER] = [0x10, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00];

fn header(protocol: u16, hook: u8) -> [u8; 4] {
    let [high, low] = protocol.to_be_bytes();
    [high, low, hook, 0]
}

/// The frame's bytes and length.
fn framed(link_type: LinkType, bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let socket = UnixDatagram::unbound().unwrap();
    let mut interfaces = Interfaces::new(Arc::new(socket.into()));
    let mut header = Header::default();
    let frame = frame(link_type, &parsed(bytes), &mut interfaces, &mut header)?;
    Some(([header.as_bytes(), &bytes[frame.bytes]].concat(), frame.len))
}

fn simple(family: u8, protocol: u16, payload: &[u8]) -> Vec<u8> {
    message(family, 5, &[(1, &header(protocol, 1)), (9, payload)])
}

#[test]
fn raw_holds_both_families_and_the_others_one() {
    let (v4, v6) = (simple(2, 0x0800, V4), simple(10, 0x86dd, V6));
    assert_eq!(framed(LinkType::Raw, &v4), Some((V4.to_vec(), 100)));
    assert_eq!(framed(LinkType::Raw, &v6), Some((V6.to_vec(), 100)));
    assert_eq!(framed(LinkType::Ipv4, &v4), Some((V4.to_vec(), 100)));
    assert_eq!(framed(LinkType::Ipv4, &v6), None);
    assert_eq!(framed(LinkType::Ipv6, &v4), None);
    assert_eq!(framed(LinkType::Ipv6, &v6), Some((V6.to_vec(), 100)));
}

#[test]
fn a_packet_that_is_not_ip_has_no_place_in_the_ip_link_types() {
    let arp = message(3, 5, &[(1, &header(0x0806, 0)), (9, &[0, 1, 8, 0, 6, 4])]);
    for link_type in [LinkType::Raw, LinkType::Ipv4, LinkType::Ipv6] {
        assert_eq!(framed(link_type, &arp), None);
    }
    assert_eq!(framed(LinkType::Nflog, &arp), Some((arp.clone(), arp.len() + 20)));
}

#[test]
fn the_bridge_familys_ethertype_tells_the_version() {
    assert_eq!(framed(LinkType::Ipv6, &simple(7, 0x86dd, V6)), Some((V6.to_vec(), 100)));
}

#[test]
fn nflog_is_the_whole_message_and_its_length_has_the_packets_true_one() {
    let v4 = simple(2, 0x0800, V4);
    assert_eq!(framed(LinkType::Nflog, &v4), Some((v4.clone(), v4.len() + 92)));
}

#[test]
fn a_messages_length_is_the_padded_one_however_little_the_kernel_copied() {
    let packet = [&[0x45, 0, 0, 97][..], &[7; 93]].concat();
    for copied in [4, 5, 8, 96, 97] {
        let bytes = simple(2, 0x0800, &packet[..copied]);
        assert_eq!(framed(LinkType::Nflog, &bytes).unwrap().1, 4 + 8 + 4 + 100, "{copied} bytes copied");
    }
}

#[test]
fn an_empty_payload_is_a_record_too() {
    assert_eq!(framed(LinkType::Raw, &simple(2, 0x0800, &[])), Some((vec![], 0)));
    let bare = message(2, 5, &[(1, &header(0x0800, 1))]);
    assert_eq!(framed(LinkType::Raw, &bare), Some((vec![], 0)));
    assert_eq!(framed(LinkType::Ethernet, &bare).unwrap().0.len(), 14);
}

#[test]
fn ethernet_has_the_true_header_where_the_kernel_gave_it() {
    let came = message(2, 5, &[(1, &header(0x0800, 1)), (15, &[0, 1]), (16, &LINK), (9, V4)]);
    assert_eq!(framed(LinkType::Ethernet, &came), Some(([&LINK[..], V4].concat(), 114)));
}

#[test]
fn ethernet_is_made_of_the_sender_and_the_ethertype_otherwise() {
    let known = message(2, 5, &[(1, &header(0x0800, 1)), (8, &[0, 6, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0]), (9, V4)]);
    let made = [0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0x08, 0x00];
    assert_eq!(framed(LinkType::Ethernet, &known), Some(([&made[..], V4].concat(), 114)));
    let made = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x86, 0xdd];
    assert_eq!(framed(LinkType::Ethernet, &simple(10, 0x86dd, V6)), Some(([&made[..], V6].concat(), 114)));
}

/// NFULA_VLAN as the kernel nests it.
fn vlan(protocol: u16, tci: u16) -> Vec<u8> {
    let mut value = Vec::new();
    for (kind, field) in [(2u16, tci), (1, protocol)] {
        value.extend(6u16.to_ne_bytes());
        value.extend(kind.to_ne_bytes());
        value.extend(field.to_be_bytes());
        value.extend([0, 0]);
    }
    value
}

#[test]
fn a_tag_is_put_back_into_the_ethernet_header() {
    let tag = vlan(0x8100, 0x2064);
    let tagged = [&LINK[..12], &[0x81, 0, 0x20, 0x64, 0x08, 0x00], V4].concat();
    let ingress = message(5, 5, &[(1, &header(0x0800, 0)), (20 | 0x8000, &tag), (21, &LINK), (9, V4)]);
    assert_eq!(framed(LinkType::Ethernet, &ingress), Some((tagged.clone(), 118)));
    let payload = [&LINK[..], V4].concat();
    let egress = message(5, 5, &[(1, &header(0x0800, 1)), (20 | 0x8000, &tag), (21, &LINK), (9, &payload)]);
    assert_eq!(framed(LinkType::Ethernet, &egress), Some((tagged, 118)));
    assert_eq!(framed(LinkType::Raw, &egress), Some((V4.to_vec(), 100)));
}

#[test]
fn a_frame_that_is_in_the_payload_whole_is_taken_as_it_is() {
    let payload = [&LINK[..], V4].concat();
    let egress = message(5, 5, &[(1, &header(0x0800, 1)), (21, &LINK), (9, &payload)]);
    assert_eq!(framed(LinkType::Ethernet, &egress), Some((payload, 114)));
}

#[test]
fn cooked_headers_tell_the_way_the_interface_and_the_sender() {
    let attributes: [(u16, &[u8]); 6] = [
        (1, &header(0x0800, 1)),
        (4, &[0, 0, 0, 7]),
        (8, &[0, 6, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0]),
        (15, &[0, 1]),
        (16, &LINK),
        (9, V4),
    ];
    let came = message(2, 5, &attributes);
    let sll = [0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0x08, 0x00];
    assert_eq!(framed(LinkType::Sll, &came), Some(([&sll[..], V4].concat(), 116)));
    let sll2 = [0x08, 0x00, 0, 0, 0, 0, 0, 7, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0];
    assert_eq!(framed(LinkType::Sll2, &came), Some(([&sll2[..], V4].concat(), 120)));
}

#[test]
fn packet_types_follow_the_hook_and_the_address() {
    let packet_type = |hook: u8, destination: u8| {
        let mut link = LINK;
        link[..6].fill(destination);
        let bytes = message(2, 5, &[(1, &header(0x0800, hook)), (15, &[0, 1]), (16, &link), (9, V4)]);
        framed(LinkType::Sll, &bytes).unwrap().0[1]
    };
    assert_eq!([packet_type(1, 2), packet_type(1, 0xff), packet_type(0, 0x33)], [0, 1, 2]);
    assert_eq!([packet_type(2, 2), packet_type(3, 2), packet_type(4, 0xff)], [3, 4, 4]);
}

/// The number of this namespace's loopback interface, whose link address is zeros.
const LO: [u8; 4] = [0, 0, 0, 1];

#[test]
fn a_frame_to_another_address_than_the_interfaces_is_to_others_where_the_hook_sees_such() {
    let packet_type = |family: u8, hook: u8, destination: u8| {
        let mut link = LINK;
        link[..6].fill(destination);
        let bytes = message(
            family,
            5,
            &[(1, &header(0x0800, hook)), (4, &LO), (15, &[3, 4]), (16, &link), (21, &link), (9, V4)],
        );
        framed(LinkType::Sll, &bytes).unwrap().0[1]
    };
    let (netdev_ingress, bridge_prerouting, inet_ingress) = ((5, 0), (7, 0), (2, 5));
    for (family, hook) in [netdev_ingress, bridge_prerouting, inet_ingress] {
        let types = [0, 2, 0x33, 0xff].map(|destination| packet_type(family, hook, destination));
        assert_eq!(types, [0, 3, 2, 1], "family {family}, hook {hook}");
    }
    let (inet_prerouting, bridge_input) = ((2, 0), (7, 1));
    for (family, hook) in [inet_prerouting, bridge_input] {
        assert_eq!(packet_type(family, hook, 2), 0, "family {family}, hook {hook}");
    }
}

#[test]
fn a_forwarded_packet_leaves_with_the_address_of_the_interface_and_not_of_its_sender() {
    let attributes: [(u16, &[u8]); 5] = [(1, &header(0x0800, 4)), (5, &LO), (15, &[0, 1]), (16, &LINK), (9, V4)];
    let (frame, _) = framed(LinkType::Sll2, &message(2, 5, &attributes)).unwrap();
    assert_eq!(frame[4..20], [0, 0, 0, 1, 3, 4, 4, 6, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_tag_stands_behind_the_cooked_header() {
    let tag = vlan(0x88a8, 100);
    let bytes = message(7, 5, &[(1, &header(0x86dd, 0)), (15, &[0, 1]), (20, &tag), (21, &LINK), (9, V6)]);
    let (frame, len) = framed(LinkType::Sll2, &bytes).unwrap();
    assert_eq!((frame[..2].to_vec(), frame[20..24].to_vec(), len), (vec![0x88, 0xa8], vec![0, 100, 0x86, 0xdd], 124));
}
