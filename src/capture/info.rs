//! What else the kernel said of a packet: mark, interfaces, user, rule prefix, link address, conntrack entry.

use super::layers::{Layers, Vlan};
use super::layout::Layout;
use super::message::{Message, attribute};

/// `enum ctattr_type`, linux/netfilter/nfnetlink_conntrack.h.
mod conntrack_attribute {
    pub const STATUS: usize = 3;
    pub const MARK: usize = 8;
    pub const ID: usize = 12;
}

/// A link address: at most 8 bytes, as the kernel gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkAddress {
    bytes: [u8; 8],
    length: u8,
}

impl LinkAddress {
    /// The address in `bytes`, of which 8 at most are kept.
    pub fn new(bytes: &[u8]) -> Self {
        let mut address = LinkAddress::default();
        let length = bytes.len().min(address.bytes.len());
        address.bytes[..length].copy_from_slice(&bytes[..length]);
        address.length = length as u8;
        address
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Its bytes with zeros behind them.
    pub fn padded(&self) -> [u8; 8] {
        self.bytes
    }
}

/// The conntrack entry of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conntrack {
    /// The entry's id.
    pub id: Option<u32>,
    /// The entry's mark; the kernel leaves 0 out.
    pub mark: u32,
    /// The entry's status: `enum ip_conntrack_status` bits.
    pub status: u32,
    /// The packet's relation to the entry: `enum ip_conntrack_info` (0 established, 1 related, 2 new, 3 and more the
    /// same in reply direction).
    pub info: Option<u32>,
}

impl<'a> Message<'a> {
    #[inline]
    fn integer(&self, kind: usize) -> Option<u32> {
        self.fixed(kind).map(|value| u32::from_be_bytes(*value))
    }

    /// The packet's mark. The kernel leaves 0 out.
    pub fn mark(&self) -> u32 {
        self.integer(attribute::MARK).unwrap_or(0)
    }

    /// The index of the interface that the packet came in by; of a bridge table, the bridge's.
    #[inline]
    pub fn input_interface(&self) -> Option<u32> {
        self.integer(attribute::IFINDEX_INDEV)
    }

    /// The index of the interface that the packet goes out by; of a bridge table, the bridge's.
    #[inline]
    pub fn output_interface(&self) -> Option<u32> {
        self.integer(attribute::IFINDEX_OUTDEV)
    }

    /// The index of the bridge port that the packet came in by.
    #[inline]
    pub fn physical_input_interface(&self) -> Option<u32> {
        self.integer(attribute::IFINDEX_PHYSINDEV)
    }

    /// The index of the bridge port that the packet goes out by.
    #[inline]
    pub fn physical_output_interface(&self) -> Option<u32> {
        self.integer(attribute::IFINDEX_PHYSOUTDEV)
    }

    /// The user of the local socket that the packet belongs to.
    pub fn uid(&self) -> Option<u32> {
        self.integer(attribute::UID)
    }

    /// The group id of the local socket that the packet belongs to.
    pub fn gid(&self) -> Option<u32> {
        self.integer(attribute::GID)
    }

    /// The rule's prefix, without its NUL. Of a rule that has none, the kernel gives an empty one.
    pub fn prefix(&self) -> Option<&'a [u8]> {
        let value = self.attribute(attribute::PREFIX)?;
        value.split(|&byte| byte == 0).next().filter(|prefix| !prefix.is_empty())
    }

    /// The ARPHRD type of the interface that the packet came in by.
    #[inline]
    pub fn hardware_type(&self) -> Option<u16> {
        self.fixed(attribute::HWTYPE).map(|value| u16::from_be_bytes(*value))
    }

    /// The link address that the packet was sent from, for a packet that came in.
    #[inline]
    pub fn link_address(&self) -> Option<LinkAddress> {
        let value = self.attribute(attribute::HWADDR)?;
        let &[high, low] = value.first_chunk()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        value.get(4..4 + length.min(8)).map(LinkAddress::new)
    }

    /// The link header that the kernel gave, of whatever kind.
    pub fn link_header(&self) -> Option<&'a [u8]> {
        self.attribute(attribute::L2HDR).or_else(|| self.attribute(attribute::HWHEADER))
    }

    /// The VLAN tag that the kernel keeps beside the packet (bridge and netdev families).
    pub fn vlan(&self) -> Option<Vlan> {
        Layers::of(self).vlan
    }

    /// The packet's conntrack entry, where the capture asked for it.
    pub fn conntrack(&self) -> Option<Conntrack> {
        let info = self.integer(attribute::CT_INFO);
        let mut layout = Layout::default();
        let entry = self.attribute(attribute::CT).and_then(|value| Message::parse_nested(value, &mut layout));
        if info.is_none() && entry.is_none() {
            return None;
        }
        let field = |kind| entry.and_then(|entry| entry.integer(kind));
        Some(Conntrack {
            id: field(conntrack_attribute::ID),
            mark: field(conntrack_attribute::MARK).unwrap_or(0),
            status: field(conntrack_attribute::STATUS).unwrap_or(0),
            info,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::{message, parsed};
    use super::*;

    #[test]
    fn each_thing_said_is_read_in_network_order() {
        let bytes = message(
            2,
            5,
            &[
                (2, &[0, 0, 0, 42]),
                (4, &[0, 0, 0, 2]),
                (5, &[0, 0, 0, 3]),
                (6, &[0, 0, 0, 4]),
                (7, &[0, 0, 0, 5]),
                (8, &[0, 6, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0]),
                (10, b"the rule\0"),
                (11, &[0, 0, 3, 232]),
                (14, &[0, 0, 0, 100]),
                (15, &[0, 1]),
            ],
        );
        let message = parsed(&bytes);
        assert_eq!(message.mark(), 42);
        assert_eq!((message.input_interface(), message.output_interface()), (Some(2), Some(3)));
        assert_eq!((message.physical_input_interface(), message.physical_output_interface()), (Some(4), Some(5)));
        assert_eq!(message.link_address().unwrap().as_bytes(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(message.prefix(), Some(&b"the rule"[..]));
        assert_eq!((message.uid(), message.gid()), (Some(1000), Some(100)));
        assert_eq!(message.hardware_type(), Some(1));
        assert_eq!(message.conntrack(), None);
    }

    #[test]
    fn what_was_not_said_is_absent() {
        let bytes = message(2, 5, &[]);
        let message = parsed(&bytes);
        assert_eq!(message.mark(), 0);
        assert_eq!((message.uid(), message.gid(), message.prefix()), (None, None, None));
        assert_eq!((message.link_address(), message.link_header()), (None, None));
    }

    #[test]
    fn a_conntrack_entry_is_nested() {
        let entry: Vec<u8> = [(12u16, 77u32), (8, 5), (3, 0x18e)]
            .iter()
            .flat_map(|(kind, value)| [&8u16.to_ne_bytes()[..], &kind.to_ne_bytes(), &value.to_be_bytes()].concat())
            .collect();
        let bytes = message(2, 5, &[(18 | 0x8000, &entry), (19, &[0, 0, 0, 2])]);
        let conntrack = parsed(&bytes).conntrack().unwrap();
        assert_eq!(conntrack, Conntrack { id: Some(77), mark: 5, status: 0x18e, info: Some(2) });
    }

    #[test]
    fn a_link_address_that_claims_more_than_it_has_is_none() {
        let bytes = message(2, 5, &[(8, &[0, 8, 0, 0, 1, 2])]);
        assert_eq!(parsed(&bytes).link_address(), None);
    }
}
