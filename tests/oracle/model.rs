//! What must be in a record, from what AF_PACKET has seen: written from the formats' specifications, with nothing of
//! the library in it.

use crate::afpacket::Seen;

pub const IPV4: u16 = 0x0800;
pub const ARP: u16 = 0x0806;
pub const IPV6: u16 = 0x86dd;

/// Of a payload, the kernel copies no more than fits an attribute (`NFULNL_COPY_RANGE_MAX`).
const COPIED: usize = 65_531;

/// A packet as a hook should have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    /// What the kernel says of the interface, as in `struct sockaddr_ll`.
    pub index: u32,
    pub packet_type: u8,
    pub hardware_type: u16,
    pub address: Vec<u8>,
    /// The protocol behind `tag`: an ethertype, or 4 for LLC.
    pub protocol: u16,
    /// What the link header has in its place: an ethertype, or a length.
    pub kind: [u8; 2],
    pub tag: Option<(u16, u16)>,
    /// Destination and source address, where the hook knows a link header.
    pub link: Option<[u8; 12]>,
    /// What follows the tag and the ethertype: tags that are left, and the network layer.
    pub rest: Vec<u8>,
    /// The bytes in the payload before `rest`.
    pub before: usize,
}

/// The ethertype behind all tags, and where in `rest` the packet is.
pub fn innermost(mut protocol: u16, rest: &[u8]) -> (u16, usize) {
    let mut at = 0;
    while matches!(protocol, 0x8100 | 0x88a8) {
        protocol = u16::from_be_bytes([rest[at + 2], rest[at + 3]]);
        at += 4;
    }
    (protocol, at)
}

impl Expected {
    pub fn of(seen: &Seen) -> Expected {
        assert_eq!(seen.frame.len(), seen.len, "the oracle has it whole");
        Expected {
            index: seen.index,
            packet_type: seen.packet_type,
            hardware_type: seen.hardware_type,
            address: seen.address.clone(),
            protocol: seen.protocol,
            kind: [seen.frame[12], seen.frame[13]],
            tag: seen.tag,
            link: Some(*seen.frame.first_chunk().unwrap()),
            rest: seen.frame[14..].to_vec(),
            before: 0,
        }
    }

    /// Without a link header: there was none at the hook.
    pub fn unlinked(mut self) -> Expected {
        self.link = None;
        self
    }

    /// Without its tag: the family's messages don't have it.
    pub fn untagged(mut self) -> Expected {
        self.tag = None;
        self
    }

    /// With a payload that begins with the link header.
    pub fn headed(mut self) -> Expected {
        self.before = 14;
        self
    }

    /// The length that the packet has by its own header, and how long it is.
    fn lengths(&self) -> (usize, usize) {
        let (protocol, at) = innermost(self.protocol, &self.rest);
        let packet = &self.rest[at..];
        let claimed = match protocol {
            IPV4 => usize::from(u16::from_be_bytes([packet[2], packet[3]])),
            IPV6 => 40 + usize::from(u16::from_be_bytes([packet[4], packet[5]])),
            _ => packet.len(),
        };
        (claimed, packet.len())
    }

    /// Whether it has all that it claims to have: otherwise IP drops it at once.
    pub fn is_whole(&self) -> bool {
        let (claimed, there) = self.lengths();
        claimed <= there
    }

    /// What it claims, and does not have.
    fn wanting(&self) -> usize {
        let (claimed, there) = self.lengths();
        claimed.saturating_sub(there)
    }

    /// With what stands behind the IP packet cut off, as IP does at once.
    pub fn unpadded(mut self) -> Expected {
        let (claimed, _) = self.lengths();
        self.rest.truncate(claimed);
        self
    }

    /// One hop further.
    pub fn forwarded(mut self) -> Expected {
        if self.protocol == IPV6 {
            self.rest[7] -= 1;
        } else {
            self.rest[8] -= 1;
            self.rest[10..12].fill(0);
            let checksum = checksum(&self.rest[..usize::from(self.rest[0] & 15) * 4]);
            self.rest[10..12].copy_from_slice(&checksum.to_be_bytes());
        }
        // AF_PACKET has it as one that came to us, and as one that goes out; the record's type says "to others".
        self.packet_type = 3;
        self
    }

    /// What the kernel copied of a record that is `whole`, and the whole record's length.
    fn data(&self, mut whole: Vec<u8>) -> (Vec<u8>, usize) {
        let len = whole.len();
        whole.truncate(len - self.rest.len() + self.rest.len().min(COPIED - self.before));
        (whole, len + self.wanting())
    }

    /// The payload of the kernel's message.
    pub fn message(&self) -> (Vec<u8>, usize) {
        let mut whole = Vec::new();
        if self.before > 0 {
            whole.extend(self.link.unwrap());
            whole.extend(self.kind);
        }
        whole.extend(&self.rest);
        let len = whole.len();
        whole.truncate(COPIED);
        (whole, len + self.wanting())
    }

    /// DLT_RAW; `None` for what is not IP.
    pub fn raw(&self) -> Option<(Vec<u8>, usize)> {
        let (protocol, at) = innermost(self.protocol, &self.rest);
        matches!(protocol, IPV4 | IPV6).then(|| {
            let whole = self.rest[at..].to_vec();
            let captured = whole.len().min(COPIED - self.before - at);
            (whole[..captured].to_vec(), whole.len() + self.wanting())
        })
    }

    fn tag(&self) -> Vec<u8> {
        self.tag.map_or(Vec::new(), |(protocol, tci)| [protocol, tci].map(u16::to_be_bytes).concat())
    }

    /// DLT_EN10MB.
    pub fn ethernet(&self) -> (Vec<u8>, usize) {
        let mut whole = self.link.unwrap_or_default().to_vec();
        whole.extend(self.tag());
        whole.extend(self.kind);
        whole.extend(&self.rest);
        self.data(whole)
    }

    fn address(&self) -> [u8; 8] {
        let mut padded = [0; 8];
        padded[..self.address.len()].copy_from_slice(&self.address);
        padded
    }

    /// DLT_LINUX_SLL.
    pub fn sll(&self) -> (Vec<u8>, usize) {
        let mut whole = Vec::new();
        for field in [self.packet_type.into(), self.hardware_type, self.address.len() as u16] {
            whole.extend(field.to_be_bytes());
        }
        whole.extend(self.address());
        whole.extend(self.tag());
        whole.extend(self.protocol.to_be_bytes());
        whole.extend(&self.rest);
        self.data(whole)
    }

    /// DLT_LINUX_SLL2.
    pub fn sll2(&self) -> (Vec<u8>, usize) {
        let mut whole = self.tag.map_or(self.protocol, |tag| tag.0).to_be_bytes().to_vec();
        whole.extend([0, 0]);
        whole.extend(self.index.to_be_bytes());
        whole.extend(self.hardware_type.to_be_bytes());
        whole.extend([self.packet_type, self.address.len() as u8]);
        whole.extend(self.address());
        if let Some((_, tci)) = self.tag {
            whole.extend([tci, self.protocol].map(u16::to_be_bytes).concat());
        }
        whole.extend(&self.rest);
        self.data(whole)
    }
}

/// The Internet checksum, RFC 1071.
pub fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|word| (u32::from(word[0]) << 8) | u32::from(*word.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !(sum as u16)
}

/// Which datagram a fragment is of, and the fragment: its place in bytes, whether more follow, its header and data.
struct Fragment<'a> {
    of: Vec<u8>,
    at: usize,
    more: bool,
    headers: Vec<u8>,
    data: &'a [u8],
}

fn fragment(expected: &Expected) -> Option<Fragment<'_>> {
    let packet = &expected.rest;
    if expected.protocol == IPV4 {
        let field = u16::from_be_bytes([packet[6], packet[7]]);
        let (headers, data) = packet.split_at(usize::from(packet[0] & 15) * 4);
        let of = [&packet[4..6], &packet[9..10], &packet[12..20]].concat();
        let at = usize::from(field & 0x1fff) * 8;
        (field & 0x3fff != 0).then(|| Fragment { of, at, more: field & 0x2000 != 0, headers: headers.to_vec(), data })
    } else if expected.protocol == IPV6 {
        // Extension headers before the fragment header are each of (length + 1) * 8 bytes.
        let (mut next, mut next_at, mut at) = (packet[6], 6, 40);
        while matches!(next, 0 | 43 | 60) {
            (next, next_at, at) = (packet[at], at, at + (usize::from(packet[at + 1]) + 1) * 8);
        }
        if next != 44 {
            return None;
        }
        let field = u16::from_be_bytes([packet[at + 2], packet[at + 3]]);
        let mut headers = packet[..at].to_vec();
        headers[next_at] = packet[at];
        let of = [&packet[8..40], &packet[at + 4..at + 8]].concat();
        let data = &packet[at + 8..];
        Some(Fragment { of, at: (field & 0xfff8).into(), more: field & 1 != 0, headers, data })
    } else {
        None
    }
}

/// The packets with all fragments put together: as hooks have them that stand before fragmentation or behind
/// reassembly.
pub fn reassembled(packets: Vec<Expected>) -> Vec<Expected> {
    let mut whole = Vec::new();
    let mut parts: Vec<(u32, Vec<u8>, Vec<Expected>)> = Vec::new();
    for packet in packets {
        let Some(part) = fragment(&packet) else {
            whole.push(packet);
            continue;
        };
        let (index, of) = (packet.index, part.of);
        match parts.iter_mut().find(|known| known.0 == index && known.1 == of) {
            Some(known) => known.2.push(packet),
            None => parts.push((index, of, vec![packet])),
        }
    }
    for (.., packets) in parts {
        let mut fragments: Vec<Fragment> = packets.iter().filter_map(fragment).collect();
        fragments.sort_by_key(|fragment| fragment.at);
        let mut rest = fragments[0].headers.clone();
        let mut at = 0;
        for fragment in &fragments {
            assert_eq!(fragment.at, at, "a fragment is missing");
            at += fragment.data.len();
            rest.extend(fragment.data);
        }
        assert!(!fragments.last().unwrap().more, "the last fragment is missing");
        let mut packet = packets[0].clone();
        if packet.protocol == IPV4 {
            let len = rest.len() as u16;
            rest[2..4].copy_from_slice(&len.to_be_bytes());
            rest[6..8].fill(0);
            rest[10..12].fill(0);
            let checksum = checksum(&rest[..usize::from(rest[0] & 15) * 4]);
            rest[10..12].copy_from_slice(&checksum.to_be_bytes());
        } else {
            let len = (rest.len() - 40) as u16;
            rest[4..6].copy_from_slice(&len.to_be_bytes());
        }
        packet.rest = rest;
        whole.push(packet);
    }
    whole
}
