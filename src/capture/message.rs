//! A zero-copy view of one packet message: `struct nfgenmsg` and the attributes behind it
//! (linux/netfilter/nfnetlink_log.h).
//!
//! One pass ([`Layout`]) finds where each attribute stands and checks that it lies inside the message; a value is decoded when it
//! is asked for, so a reader pays only for what its link type and its options need. Attribute lengths and types are
//! in host byte order, their values in network order.

use super::layout::Layout;
use super::stamp::Stamp;

/// `enum nfulnl_attr_type`, linux/netfilter/nfnetlink_log.h. Integers are of 32 bits unless said otherwise.
pub mod attribute {
    /// `struct nfulnl_msg_packet_hdr`: ethertype (16 bits) and hook (8 bits).
    pub const PACKET_HDR: usize = 1;
    /// The packet's mark, unless it is 0.
    pub const MARK: usize = 2;
    /// `struct nfulnl_msg_packet_timestamp`: seconds and microseconds, 64 bits each.
    pub const TIMESTAMP: usize = 3;
    /// The index of the interface that the packet came in by; of a bridge table, the bridge's.
    pub const IFINDEX_INDEV: usize = 4;
    /// The index of the interface that the packet goes out by; of a bridge table, the bridge's.
    pub const IFINDEX_OUTDEV: usize = 5;
    /// The index of the bridge port that the packet came in by.
    pub const IFINDEX_PHYSINDEV: usize = 6;
    /// The index of the bridge port that the packet goes out by.
    pub const IFINDEX_PHYSOUTDEV: usize = 7;
    /// `struct nfulnl_msg_packet_hw`: the length (16 bits) and the bytes of the sender's link address.
    pub const HWADDR: usize = 8;
    /// The packet.
    pub const PAYLOAD: usize = 9;
    /// The rule's prefix, a C string.
    pub const PREFIX: usize = 10;
    /// The user of the local socket that the packet belongs to.
    pub const UID: usize = 11;
    /// The group's sequence number.
    pub const SEQ: usize = 12;
    /// The group id of the local socket that the packet belongs to.
    pub const GID: usize = 14;
    /// The ARPHRD type (16 bits) of the interface that the packet came in by.
    pub const HWTYPE: usize = 15;
    /// The link header that the packet came in with.
    pub const HWHEADER: usize = 16;
    /// The conntrack entry: nested, `enum ctattr_type`.
    pub const CT: usize = 18;
    /// The packet's relation to the entry, `enum ip_conntrack_info`.
    pub const CT_INFO: usize = 19;
    /// The VLAN tag that was taken out of the link header: nested, `enum nfulnl_vlan_attr`.
    pub const VLAN: usize = 20;
    /// The link header, in the bridge and netdev families.
    pub const L2HDR: usize = 21;
}

/// `struct nfgenmsg`, linux/netfilter/nfnetlink.h: family, version, group.
pub const GENERIC_HEADER: usize = 4;

/// The address family of the table that logged a packet: `NFPROTO_*`, linux/netfilter.h.
pub mod family {
    /// IPv4: nftables' ip and inet, iptables.
    pub const IPV4: u8 = 2;
    /// ARP: nftables' arp, arptables.
    pub const ARP: u8 = 3;
    /// A device: nftables' netdev.
    pub const NETDEV: u8 = 5;
    /// A bridge: nftables' bridge, ebtables.
    pub const BRIDGE: u8 = 7;
    /// IPv6: nftables' ip6 and inet, ip6tables.
    pub const IPV6: u8 = 10;
}

/// Where a packet was on its way when a rule logged it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Hook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
    Ingress,
    Egress,
}

impl Hook {
    /// The hook with `number` of a family, each of which counts its own: `NF_ARP_*` (linux/netfilter_arp.h),
    /// `NF_NETDEV_*` and `NF_INET_*` (linux/netfilter.h), `NF_BR_*` (linux/netfilter_bridge.h).
    #[inline]
    pub fn from_number(family: u8, number: u8) -> Option<Hook> {
        let hooks: &[Hook] = match family {
            family::ARP => &[Hook::Input, Hook::Output, Hook::Forward],
            family::NETDEV => &[Hook::Ingress, Hook::Egress],
            // NF_BR_BROUTING: before the bridge decides to pass a frame on.
            family::BRIDGE if number == 5 => return Some(Hook::Prerouting),
            _ => &[Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting, Hook::Ingress],
        };
        hooks.get(usize::from(number)).copied()
    }

    /// Which way a packet goes at this hook; a forwarded one goes both.
    #[inline]
    pub fn direction(self) -> Direction {
        match self {
            Hook::Prerouting | Hook::Input | Hook::Ingress => Direction::In,
            Hook::Output | Hook::Postrouting | Hook::Egress => Direction::Out,
            Hook::Forward => Direction::Both,
        }
    }
}

/// Which packets a capture wants, or which way one went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Packets on their way in, and forwarded ones.
    In,
    /// Packets on their way out, and forwarded ones.
    Out,
    /// All packets.
    #[default]
    Both,
}

impl Direction {
    /// Whether a capture that wants `self` takes a packet that went `way`.
    #[inline]
    pub fn takes(self, way: Direction) -> bool {
        self == Direction::Both || way == Direction::Both || self == way
    }
}

/// One packet message, borrowed from the datagram that it came in.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    bytes: &'a [u8],
    layout: &'a Layout,
}

impl<'a> Message<'a> {
    /// A view of `bytes`, which begin with the nfgenmsg header; `None` when they are too short for it or an
    /// attribute runs past their end. `layout` is room for where the attributes are.
    #[inline]
    pub fn parse(bytes: &'a [u8], layout: &'a mut Layout) -> Option<Self> {
        (bytes.len() >= GENERIC_HEADER && layout.read(bytes, GENERIC_HEADER)).then_some(Message { bytes, layout })
    }

    /// The attributes inside of a nested one, `value`. The message has no header of its own: only
    /// [`Message::attribute`] makes sense of it.
    pub fn parse_nested(value: &'a [u8], layout: &'a mut Layout) -> Option<Self> {
        layout.read(value, 0).then_some(Message { bytes: value, layout })
    }

    /// The whole message as LINKTYPE_NFLOG defines a packet: nfgenmsg and attributes.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The value of the attribute of type `kind`; `None` where the message has none. Of several the last one counts.
    #[inline]
    pub fn attribute(&self, kind: usize) -> Option<&'a [u8]> {
        self.bytes.get(self.layout.span(kind))
    }

    /// Where each attribute begins in [`bytes`](Self::bytes), in order, and the four bytes of its header as they are; none
    /// where the message has more attributes than the kernel's.
    pub(super) fn headers(&self) -> impl Iterator<Item = (usize, u32)> {
        self.layout.headers()
    }

    /// Whether its attributes are where those of the message before were.
    #[inline]
    pub(super) fn is_like_the_one_before(&self) -> bool {
        self.layout.is_kept()
    }

    /// Where the value of the attribute of type `kind` begins in [`bytes`](Self::bytes).
    #[inline]
    pub fn offset(&self, kind: usize) -> Option<usize> {
        Some(self.layout.span(kind).start).filter(|&start| start <= self.bytes.len())
    }

    #[inline]
    pub(super) fn fixed<const N: usize>(&self, kind: usize) -> Option<&'a [u8; N]> {
        self.attribute(kind)?.first_chunk()
    }

    /// The address family of the table that logged the packet: one of [`family`].
    #[inline]
    pub fn family(&self) -> u8 {
        self.bytes[0]
    }

    /// The group that the rule logs to.
    #[inline]
    pub fn group(&self) -> u16 {
        u16::from_be_bytes([self.bytes[2], self.bytes[3]])
    }

    /// The payload, as far as the kernel copied it; empty where it copied nothing. `layers.rs` tells
    /// what it begins with.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        self.attribute(attribute::PAYLOAD).unwrap_or(&[])
    }

    /// The ethertype of the packet (linux/if_ether.h), if the message says.
    #[inline]
    pub fn protocol(&self) -> Option<u16> {
        self.fixed(attribute::PACKET_HDR).map(|&[high, low]| u16::from_be_bytes([high, low]))
    }

    /// The hook of the rule, if the message says and it is one of [`Hook`]'s.
    #[inline]
    pub fn hook(&self) -> Option<Hook> {
        let &[_, _, number] = self.fixed(attribute::PACKET_HDR)?;
        Hook::from_number(self.family(), number)
    }

    /// Which way the packet went. Forwarded packets, and those of an unknown hook, went both.
    #[inline]
    pub fn direction(&self) -> Direction {
        self.hook().map_or(Direction::Both, Hook::direction)
    }

    /// The kernel's stamp: when the packet arrived. Locally sent packets have none.
    #[inline]
    pub fn stamp(&self) -> Option<Stamp> {
        self.fixed(attribute::TIMESTAMP).map(Stamp::of_kernel)
    }

    /// The group's sequence number: it counts lost packets too.
    #[inline]
    pub fn sequence(&self) -> Option<u32> {
        self.fixed(attribute::SEQ).map(|value| u32::from_be_bytes(*value))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A message of the given family and group with the given attributes, padded as the kernel pads them.
    pub fn message(family: u8, group: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![family, 0];
        bytes.extend(group.to_be_bytes());
        for (kind, value) in attributes {
            bytes.extend((value.len() as u16 + 4).to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(*value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    /// The message in `bytes`.
    pub fn parsed(bytes: &[u8]) -> Message<'_> {
        try_parsed(bytes).unwrap()
    }

    fn try_parsed(bytes: &[u8]) -> Option<Message<'_>> {
        Message::parse(bytes, Box::leak(Box::default()))
    }

    #[test]
    fn attributes_are_found_in_any_order_with_flags_in_their_type() {
        let bytes = message(2, 5, &[(9, b"payload"), (12 | 0x4000, &[0, 0, 1, 2]), (1 | 0x8000, &[0x08, 0, 3, 0])]);
        let message = parsed(&bytes);
        assert_eq!((message.family(), message.group()), (2, 5));
        assert_eq!(message.payload(), b"payload");
        assert_eq!(message.sequence(), Some(0x102));
        assert_eq!(message.protocol(), Some(0x0800));
        assert_eq!(message.hook(), Some(Hook::Output));
        assert_eq!(message.direction(), Direction::Out);
        assert_eq!(message.stamp(), None);
    }

    #[test]
    fn each_family_counts_its_own_hooks() {
        let hook = |family, number| Hook::from_number(family, number);
        assert_eq!(hook(family::IPV4, 3), Some(Hook::Output));
        assert_eq!(hook(family::IPV6, 5), Some(Hook::Ingress));
        assert_eq!(hook(family::BRIDGE, 4), Some(Hook::Postrouting));
        assert_eq!(hook(family::BRIDGE, 5), Some(Hook::Prerouting));
        assert_eq!(hook(family::ARP, 1), Some(Hook::Output));
        assert_eq!(hook(family::ARP, 3), None);
        assert_eq!(hook(family::NETDEV, 0), Some(Hook::Ingress));
        assert_eq!(hook(family::NETDEV, 1), Some(Hook::Egress));
        assert_eq!(hook(family::IPV4, 6), None);
    }

    #[test]
    fn a_stamp_is_seconds_and_microseconds_in_network_order() {
        let mut value = [0; 16];
        value[..8].copy_from_slice(&1_700_000_000u64.to_be_bytes());
        value[8..].copy_from_slice(&123_456u64.to_be_bytes());
        let bytes = message(2, 5, &[(3, &value)]);
        let stamp = parsed(&bytes).stamp().unwrap();
        assert_eq!(stamp, Stamp { seconds: 1_700_000_000, nanoseconds: 123_456_000 });
    }

    #[test]
    fn unknown_attributes_are_passed_over() {
        let bytes = message(2, 5, &[(22, b"new"), (31, b"newer"), (200, b"newest"), (0, b"zero"), (9, b"p")]);
        let message = parsed(&bytes);
        assert_eq!(message.payload(), b"p");
        assert_eq!(message.attribute(31), None);
        assert_eq!(message.attribute(200), None);
    }

    #[test]
    fn a_message_without_a_payload_has_an_empty_one() {
        let bytes = message(2, 5, &[]);
        assert_eq!(parsed(&bytes).payload(), b"");
    }

    #[test]
    fn a_value_that_is_too_short_is_as_good_as_none() {
        let bytes = message(2, 5, &[(12, &[1, 2, 3]), (1, &[8]), (3, &[0; 15])]);
        let message = parsed(&bytes);
        assert_eq!((message.sequence(), message.protocol(), message.stamp()), (None, None, None));
    }

    #[test]
    fn an_attribute_past_the_end_or_shorter_than_its_header_is_refused() {
        let good = message(2, 5, &[(1, &[8, 0, 1, 0]), (9, b"payload")]);
        for length in 0..good.len() - 1 {
            if let Some(message) = try_parsed(&good[..length]) {
                assert!(message.payload().is_empty(), "cut to {length} bytes, it still has its payload");
            }
        }
        let mut short = good.clone();
        short[4..6].copy_from_slice(&3u16.to_ne_bytes());
        assert!(try_parsed(&short).is_none());
        let mut long = good;
        long[4..6].copy_from_slice(&u16::MAX.to_ne_bytes());
        assert!(try_parsed(&long).is_none());
    }
}
