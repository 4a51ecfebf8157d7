//! What a message's payload begins with, and what the kernel said of the link header: where the network header is,
//! its ethertype, the link header, the VLAN tag.

use super::layout::Layout;
use super::message::{Hook, Message, attribute, family};

/// Ethertypes, linux/if_ether.h.
pub mod ethertype {
    #![allow(missing_docs)]
    pub const IPV4: u16 = 0x0800;
    pub const ARP: u16 = 0x0806;
    pub const VLAN: u16 = 0x8100;
    pub const IPV6: u16 = 0x86dd;
    pub const PROVIDER_VLAN: u16 = 0x88a8;
}

/// The length of an Ethernet header without tags.
pub const ETHERNET_HEADER: usize = 14;

/// ARPHRD types, linux/if_arp.h, whose link header is Ethernet's.
const ARPHRD_ETHER: u16 = 1;
const ARPHRD_LOOPBACK: u16 = 772;

/// A VLAN tag that the kernel keeps beside the packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vlan {
    /// The tag's protocol: 0x8100 or 0x88a8.
    pub protocol: u16,
    /// Priority, drop eligibility and VLAN id.
    pub tci: u16,
}

/// The network layer of a message's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkLayer {
    /// The ethertype, as the link header has it.
    pub ethertype: u16,
    /// Where it begins in the payload: 0 unless the payload begins with the link header.
    pub at: usize,
}

/// All layers of a message.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    /// The ethertype of the network layer, as the link header has it.
    pub ethertype: u16,
    /// Where, in the payload, the network layer begins.
    pub network: usize,
    /// The true Ethernet header, if the kernel gave it; without the tag in `vlan`.
    pub ethernet: Option<&'a [u8; ETHERNET_HEADER]>,
    /// The tag that belongs into the link header.
    pub vlan: Option<Vlan>,
}

impl NetworkLayer {
    /// The network layer of `message`.
    #[inline]
    pub fn of(message: &Message) -> NetworkLayer {
        // An IP table's packets are IP, whatever older kernels say.
        match message.family() {
            family::IPV4 => NetworkLayer { ethertype: ethertype::IPV4, at: 0 },
            family::IPV6 => NetworkLayer { ethertype: ethertype::IPV6, at: 0 },
            family => Self::of_link(message, family),
        }
    }

    /// Of the families that log whatever a link carries. On its way out, the payload begins with the link header: the
    /// one that a device is about to send, or that ARP has just made.
    fn of_link(message: &Message, family: u8) -> NetworkLayer {
        let ethertype = message.protocol().unwrap_or(if family == family::ARP { ethertype::ARP } else { 0 });
        let at = match (family, message.hook()) {
            (family::NETDEV, Some(Hook::Egress)) => link_header(message).map_or(0, <[u8]>::len),
            (family::ARP, Some(Hook::Output)) => made_by_arp(message).map_or(0, |header| header.len()),
            _ => 0,
        };
        NetworkLayer { ethertype, at }
    }

    /// The innermost packet behind all VLAN tags: its ethertype, and where it begins in the payload.
    #[inline]
    pub fn innermost(&self, payload: &[u8]) -> (u16, usize) {
        let (mut ethertype, mut at) = (self.ethertype, self.at);
        if matches!(ethertype, ethertype::IPV4 | ethertype::IPV6) && at == 0 {
            return (ethertype, at);
        }
        while matches!(ethertype, ethertype::VLAN | ethertype::PROVIDER_VLAN) {
            let Some(&[_, _, high, low]) = payload.get(at..).and_then(|rest| rest.first_chunk()) else { break };
            (ethertype, at) = (u16::from_be_bytes([high, low]), at + 4);
        }
        (ethertype, at.min(payload.len()))
    }
}

impl<'a> Layers<'a> {
    /// The layers of `message`.
    pub fn of(message: &Message<'a>) -> Layers<'a> {
        let NetworkLayer { ethertype, at } = NetworkLayer::of(message);
        let ethernet = match message.family() {
            family::IPV4 | family::IPV6 => came_in_with(message),
            family::ARP if at > 0 => made_by_arp(message),
            family::ARP => came_in_with(message),
            _ => link_header(message).filter(|header| header.len() == ETHERNET_HEADER).and_then(<[u8]>::first_chunk),
        };
        let vlan = message.attribute(attribute::VLAN).and_then(vlan);
        Layers { ethertype, network: at, ethernet, vlan }
    }

    /// The network layer alone.
    pub fn network_layer(&self) -> NetworkLayer {
        NetworkLayer { ethertype: self.ethertype, at: self.network }
    }
}

/// The link header of the bridge and netdev families, up to its ethertype. The kernel gives what stands before the IP
/// header: of a frame that goes out with a tag inside, that is the tag, too, which belongs to what the ethertype tells.
#[inline]
fn link_header<'a>(message: &Message<'a>) -> Option<&'a [u8]> {
    let header = message.attribute(attribute::L2HDR)?;
    let tagged = matches!(message.protocol(), Some(ethertype::VLAN | ethertype::PROVIDER_VLAN));
    Some(if tagged { &header[..header.len().min(ETHERNET_HEADER)] } else { header })
}

/// The Ethernet header that ARP has made and put into the payload.
fn made_by_arp<'a>(message: &Message<'a>) -> Option<&'a [u8; ETHERNET_HEADER]> {
    message
        .payload()
        .first_chunk()
        .filter(|header: &&[u8; ETHERNET_HEADER]| header[12..] == ethertype::ARP.to_be_bytes())
}

/// The link header that a packet came in with, if it is Ethernet's. What this host sent to a multicast group that it is
/// in itself comes back without one; the kernel then gives the packet's own first bytes in its place.
#[inline]
fn came_in_with<'a>(message: &Message<'a>) -> Option<&'a [u8; ETHERNET_HEADER]> {
    let header = message.attribute(attribute::HWHEADER)?;
    let kind = message.hardware_type()?;
    let ethernet = header.len() == ETHERNET_HEADER && matches!(kind, ARPHRD_ETHER | ARPHRD_LOOPBACK);
    if ethernet && !message.payload().starts_with(header) { header.first_chunk() } else { None }
}

/// `enum nfulnl_vlan_attr`: the tag in the nested attribute `value`.
fn vlan(value: &[u8]) -> Option<Vlan> {
    const PROTOCOL: usize = 1;
    const TCI: usize = 2;
    let mut layout = Layout::default();
    let nested = Message::parse_nested(value, &mut layout)?;
    let field = |kind| nested.fixed(kind).map(|value| u16::from_be_bytes(*value));
    Some(Vlan { protocol: field(PROTOCOL)?, tci: field(TCI)? })
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::{message, parsed};
    use super::*;

    const LINK: [u8; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00];

    fn header(protocol: u16, hook: u8) -> [u8; 4] {
        let [high, low] = protocol.to_be_bytes();
        [high, low, hook, 0]
    }

    #[test]
    fn the_payload_begins_with_the_link_header_on_egress_only() {
        let payload = [&LINK[..], b"packet"].concat();
        let egress = message(family::NETDEV, 5, &[(1, &header(0x0800, 1)), (9, &payload), (21, &LINK)]);
        let egress = parsed(&egress);
        let layers = Layers::of(&egress);
        assert_eq!((layers.network, layers.ethernet, layers.ethertype), (14, Some(&LINK), 0x0800));
        let ingress = message(family::NETDEV, 5, &[(1, &header(0x0800, 0)), (9, b"packet"), (21, &LINK)]);
        let ingress = parsed(&ingress);
        assert_eq!((Layers::of(&ingress).network, Layers::of(&ingress).ethernet), (0, Some(&LINK)));
    }

    #[test]
    fn a_tag_inside_of_a_frame_that_goes_out_is_not_part_of_the_link_header() {
        let mut link = LINK;
        link[12..].copy_from_slice(&[0x81, 0]);
        let (tag, packet) = ([0, 100, 0x08, 0], [0x45, 0, 0, 20]);
        let given = [&link[..], &tag].concat();
        let payload = [&given[..], &packet].concat();
        let egress = message(family::NETDEV, 5, &[(1, &header(0x8100, 1)), (21, &given), (9, &payload)]);
        let egress = parsed(&egress);
        let layers = Layers::of(&egress);
        assert_eq!((layers.network, layers.ethernet), (14, Some(&link)));
        assert_eq!(layers.network_layer().innermost(&payload), (0x0800, 18));
    }

    #[test]
    fn the_packets_own_bytes_are_not_its_link_header() {
        let packet = [0x45, 0, 0, 40, 1, 2, 0, 0, 64, 17, 9, 9, 8, 0, 1, 2, 224, 0, 0, 1];
        let came_back = message(2, 5, &[(1, &header(0x0800, 0)), (15, &[0, 1]), (16, &packet[..14]), (9, &packet)]);
        assert_eq!(Layers::of(&parsed(&came_back)).ethernet, None);
    }

    #[test]
    fn arp_output_begins_with_the_link_header_that_arp_made() {
        let mut link = LINK;
        link[12..].copy_from_slice(&[0x08, 0x06]);
        let payload = [&link[..], &[0, 1, 8, 0, 6, 4]].concat();
        let out = message(family::ARP, 5, &[(1, &header(0x0806, 1)), (9, &payload)]);
        let out = parsed(&out);
        assert_eq!((Layers::of(&out).network, Layers::of(&out).ethernet), (14, Some(&link)));
        let came = message(family::ARP, 5, &[(1, &header(0x0806, 0)), (9, &[0, 1, 8, 0, 6, 4])]);
        let came = parsed(&came);
        assert_eq!((Layers::of(&came).network, Layers::of(&came).ethernet), (0, None));
    }

    #[test]
    fn a_link_header_counts_only_where_the_interface_is_ethernet() {
        for (kind, expected) in [(1u16, Some(&LINK)), (772, Some(&LINK)), (778, None)] {
            let bytes = message(family::IPV4, 5, &[(1, &header(0x0800, 1)), (15, &kind.to_be_bytes()), (16, &LINK)]);
            assert_eq!(Layers::of(&parsed(&bytes)).ethernet, expected, "ARPHRD {kind}");
        }
    }

    #[test]
    fn the_tag_beside_the_packet_is_found() {
        let tag =
            [&8u16.to_ne_bytes()[..], &2u16.to_ne_bytes(), &[0x20, 100, 0, 0, 8, 0, 1, 0, 0x81, 0, 0, 0]].concat();
        let mut tag = tag;
        tag[0..2].copy_from_slice(&6u16.to_ne_bytes());
        tag[8..10].copy_from_slice(&6u16.to_ne_bytes());
        tag[10..12].copy_from_slice(&1u16.to_ne_bytes());
        let bytes = message(family::BRIDGE, 5, &[(1, &header(0x0800, 0)), (20 | 0x8000, &tag), (21, &LINK)]);
        let layers_of = parsed(&bytes);
        assert_eq!(Layers::of(&layers_of).vlan, Some(Vlan { protocol: 0x8100, tci: 0x2064 }));
    }

    #[test]
    fn tags_inside_the_payload_are_passed_over_to_the_packet() {
        let payload = [0, 100, 0x81, 0, 0, 200, 0x86, 0xdd, 0x60];
        let bytes = message(family::NETDEV, 5, &[(1, &header(0x88a8, 0)), (9, &payload)]);
        let message = parsed(&bytes);
        assert_eq!(NetworkLayer::of(&message).innermost(message.payload()), (0x86dd, 8));
        let cut = &payload[..6];
        assert_eq!(NetworkLayer::of(&message).innermost(cut), (0x8100, 4));
    }
}
