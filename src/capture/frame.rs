//! Link types: what a record is made of.

use super::message::{ATTRIBUTE_HEADER, Message, attribute, family};

/// Ethertypes, linux/if_ether.h.
const ETH_P_IP: u16 = 0x0800;
const ETH_P_IPV6: u16 = 0x86dd;

/// What kind of packet a record holds, and what stands before it: tcpdump.org/linktypes.html.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkType {
    /// An IPv4 or IPv6 packet: its first four bits tell which.
    #[default]
    Raw,
    /// An IPv4 packet.
    Ipv4,
    /// An IPv6 packet.
    Ipv6,
    /// The kernel's message: nfgenmsg and attributes, the packet among them.
    Nflog,
}

impl LinkType {
    /// Every link type, the default first.
    pub const ALL: [LinkType; 4] = [LinkType::Raw, LinkType::Ipv4, LinkType::Ipv6, LinkType::Nflog];

    /// The name, as pcap-linktype(7) has it without its `DLT_`.
    pub fn name(self) -> &'static str {
        match self {
            LinkType::Raw => "RAW",
            LinkType::Ipv4 => "IPV4",
            LinkType::Ipv6 => "IPV6",
            LinkType::Nflog => "NFLOG",
        }
    }

    /// What libpcap calls it in words.
    pub fn description(self) -> &'static str {
        match self {
            LinkType::Raw => "Raw IP",
            LinkType::Ipv4 => "Raw IPv4",
            LinkType::Ipv6 => "Raw IPv6",
            LinkType::Nflog => "Linux netfilter log messages",
        }
    }

    /// The `DLT_` value of Linux (pcap/dlt.h), in host byte order.
    pub fn dlt(self) -> i32 {
        match self {
            LinkType::Raw => 12,
            LinkType::Ipv4 => 228,
            LinkType::Ipv6 => 229,
            LinkType::Nflog => 239,
        }
    }

    /// The link type with the `DLT_` value `dlt`, if NFLOG has it.
    pub fn from_dlt(dlt: i32) -> Option<LinkType> {
        Self::ALL.into_iter().find(|known| known.dlt() == dlt)
    }

    /// The link type called `name`, in any case, if NFLOG has it.
    pub fn from_name(name: &str) -> Option<LinkType> {
        Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }

    /// All names, for an error's text.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

/// What a message becomes under a link type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The record's bytes, before they are cut to the snaplen.
    pub data: &'a [u8],
    /// The length in bytes before any truncation, link header included.
    pub len: usize,
    /// The bytes of `data` that are not the packet's own: the snaplen does not count them for NFLOG.
    pub overhead: usize,
}

/// The frame of `message` under `link_type`; `None` when the link type cannot hold the packet.
#[inline]
pub fn frame<'a>(link_type: LinkType, message: &Message<'a>) -> Option<Frame<'a>> {
    let packet = message.packet();
    let version = ip_version(message);
    let holds = match link_type {
        LinkType::Raw => version != 0,
        LinkType::Ipv4 => version == 4,
        LinkType::Ipv6 => version == 6,
        LinkType::Nflog => return Some(whole_message(message, packet, version)),
    };
    holds.then(|| Frame { data: packet, len: true_length(packet, version), overhead: 0 })
}

fn whole_message<'a>(message: &Message<'a>, packet: &[u8], version: u8) -> Frame<'a> {
    let data = message.bytes();
    let len = data.len() + (true_length(packet, version) - packet.len());
    // The payload is the message's last attribute: its header and all before it is the overhead.
    let overhead = message.offset(attribute::PAYLOAD).map_or(data.len(), |at| at + ATTRIBUTE_HEADER);
    Frame { data, len, overhead }
}

/// 4 or 6, or 0 for a packet that is not IP. The family tells it for the tables that know one, the ethertype for
/// the others (bridge, netdev).
#[inline]
fn ip_version(message: &Message) -> u8 {
    match (message.family(), message.protocol()) {
        (family::IPV4, _) => 4,
        (family::IPV6, _) => 6,
        (_, Some(ETH_P_IP)) => 4,
        (_, Some(ETH_P_IPV6)) => 6,
        _ => 0,
    }
}

/// The length of an IP packet in bytes before the kernel truncated it: its own header tells, where the kernel copied
/// less. It is never below what was copied.
#[inline]
fn true_length(packet: &[u8], version: u8) -> usize {
    let claimed = match (version, packet) {
        (4, [_, _, high, low, ..]) => usize::from(u16::from_be_bytes([*high, *low])),
        (6, [_, _, _, _, high, low, ..]) => 40 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    };
    claimed.max(packet.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(family: u8, protocol: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![family, 0, 0, 5, 8, 0, 1, 0];
        bytes.extend(protocol.to_be_bytes());
        bytes.extend([1, 0]);
        bytes.extend((payload.len() as u16 + 4).to_ne_bytes());
        bytes.extend(9u16.to_ne_bytes());
        bytes.extend(payload);
        bytes
    }

    fn framed(link_type: LinkType, bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
        frame(link_type, &Message::parse(bytes).unwrap()).map(|frame| (frame.data.to_vec(), frame.len))
    }

    const V4: &[u8] = &[0x45, 0, 0, 100, 1, 2, 3, 4];
    const V6: &[u8] = &[0x60, 0, 0, 0, 0, 60, 17, 64];

    #[test]
    fn names_and_values_are_those_of_libpcap_and_go_both_ways() {
        for link_type in LinkType::ALL {
            assert_eq!(LinkType::from_dlt(link_type.dlt()), Some(link_type));
            assert_eq!(LinkType::from_name(&link_type.name().to_lowercase()), Some(link_type));
        }
        assert_eq!(LinkType::from_name("DLT_RAW"), None);
        assert_eq!(LinkType::from_dlt(1000), None);
    }

    #[test]
    fn raw_holds_both_families_and_the_others_one() {
        let (v4, v6) = (message(2, 0x0800, V4), message(10, 0x86dd, V6));
        assert_eq!(framed(LinkType::Raw, &v4), Some((V4.to_vec(), 100)));
        assert_eq!(framed(LinkType::Raw, &v6), Some((V6.to_vec(), 100)));
        assert_eq!(framed(LinkType::Ipv4, &v4), Some((V4.to_vec(), 100)));
        assert_eq!(framed(LinkType::Ipv4, &v6), None);
        assert_eq!(framed(LinkType::Ipv6, &v4), None);
        assert_eq!(framed(LinkType::Ipv6, &v6), Some((V6.to_vec(), 100)));
    }

    #[test]
    fn a_packet_that_is_not_ip_fits_only_nflog() {
        let arp = message(3, 0x0806, &[0, 1, 8, 0]);
        for link_type in [LinkType::Raw, LinkType::Ipv4, LinkType::Ipv6] {
            assert_eq!(framed(link_type, &arp), None);
        }
        assert_eq!(framed(LinkType::Nflog, &arp), Some((arp.clone(), arp.len())));
    }

    #[test]
    fn the_bridge_familys_ethertype_tells_the_version() {
        assert_eq!(framed(LinkType::Ipv6, &message(7, 0x86dd, V6)), Some((V6.to_vec(), 100)));
    }

    #[test]
    fn nflog_is_the_whole_message_and_its_length_has_the_packets_true_one() {
        let v4 = message(2, 0x0800, V4);
        assert_eq!(framed(LinkType::Nflog, &v4), Some((v4.clone(), v4.len() + 92)));
    }

    #[test]
    fn a_length_field_that_claims_less_than_was_copied_is_not_believed() {
        let payload = [0x45, 0, 0, 2, 1, 2, 3, 4];
        assert_eq!(framed(LinkType::Raw, &message(2, 0x0800, &payload)), Some((payload.to_vec(), 8)));
    }

    #[test]
    fn an_empty_payload_is_a_record_too() {
        assert_eq!(framed(LinkType::Raw, &message(2, 0x0800, &[])), Some((vec![], 0)));
    }
}
