//! NFLOG messages of all families and sizes, and the packets in them.

use crate::random::Random;

/// An attribute: its type with flags, and its value.
pub type Attribute<'a> = (u16, &'a [u8]);

/// A message as the kernel lays it out.
pub fn message(family: u8, attributes: &[Attribute]) -> Vec<u8> {
    let mut bytes = vec![family, 0, 0, 5];
    for (kind, value) in attributes {
        bytes.extend((value.len() as u16 + 4).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(*value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// PACKET_HDR.
pub fn header(protocol: u16, hook: u8) -> [u8; 4] {
    let [high, low] = protocol.to_be_bytes();
    [high, low, hook, 0]
}

/// A packet that expressions of the grammar may well be true of.
pub fn ip_packet(random: &mut Random) -> (u16, Vec<u8>) {
    let protocol = random.pick(&[6, 17, 1, 58, 132, 50, 2]);
    let (ethertype, mut packet) = if random.once_in(3) {
        let mut packet = vec![0x60, 0, 0, 0, 0, 40, random.pick(&[protocol, protocol, 44, 0]), 64];
        for _ in 0..2 {
            packet.extend(random.pick(&[[0xfdu8, 0], [0xff, 2]]));
            packet.extend([0; 13]);
            packet.push(random.pick(&[1, 2]));
        }
        if packet[6] != protocol {
            packet.extend([protocol, 0, 0, 0, 0, 0, 0, 0]);
        }
        (0x86dd, packet)
    } else {
        let header_length = random.pick(&[5, 5, 5, 6, 15, 4]);
        let fragment = random.pick(&[0u8, 0, 0, 0x20, 1]);
        let mut packet = vec![0x40 | header_length, 0, 0, 60, 0, 0, fragment, 0, 64, protocol, 0, 0];
        for _ in 0..2 {
            packet.extend(random.pick(&[[10, 0, 0, 1], [10, 0, 0, 2], [192, 168, 1, 1], [224, 0, 0, 1]]));
        }
        packet.resize(usize::from(header_length) * 4, 1);
        (0x0800, packet)
    };
    for _ in 0..2 {
        packet.extend((random.pick(&[53u16, 80, 443, 22, 1000]) + random.below(3) as u16).to_be_bytes());
    }
    let rest = random.below(60);
    packet.extend(random.bytes(rest));
    (ethertype, packet)
}

/// Attributes that the kernel puts before the payload.
pub fn others(random: &mut Random) -> Vec<(u16, Vec<u8>)> {
    let sizes =
        [(2u16, 4), (3, 16), (4, 4), (5, 4), (8, 12), (10, 9), (11, 4), (12, 4), (14, 4), (15, 2), (16, 14), (19, 4)];
    let mut attributes = Vec::new();
    for (kind, size) in sizes {
        if random.once_in(3) {
            attributes.push((kind | random.pick(&[0, 0x8000, 0x4000]), random.bytes(size)));
        }
    }
    attributes
}
