//! Link types: their names and values.

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
    /// An Ethernet frame.
    Ethernet,
    /// Linux "cooked" capture, version 2: protocol, interface, packet type, address.
    Sll2,
    /// Linux "cooked" capture: packet type, address, protocol.
    Sll,
    /// The kernel's message: nfgenmsg and attributes, the packet among them.
    Nflog,
}

impl LinkType {
    /// Every link type, the default first.
    pub const ALL: [LinkType; 7] = [
        LinkType::Raw,
        LinkType::Ipv4,
        LinkType::Ipv6,
        LinkType::Ethernet,
        LinkType::Sll2,
        LinkType::Sll,
        LinkType::Nflog,
    ];

    /// The name, as pcap-linktype(7) has it without its `DLT_`.
    pub fn name(self) -> &'static str {
        match self {
            LinkType::Raw => "RAW",
            LinkType::Ipv4 => "IPV4",
            LinkType::Ipv6 => "IPV6",
            LinkType::Ethernet => "EN10MB",
            LinkType::Sll2 => "LINUX_SLL2",
            LinkType::Sll => "LINUX_SLL",
            LinkType::Nflog => "NFLOG",
        }
    }

    /// What libpcap calls it in words.
    pub fn description(self) -> &'static str {
        match self {
            LinkType::Raw => "Raw IP",
            LinkType::Ipv4 => "Raw IPv4",
            LinkType::Ipv6 => "Raw IPv6",
            LinkType::Ethernet => "Ethernet",
            LinkType::Sll2 => "Linux cooked v2",
            LinkType::Sll => "Linux cooked v1",
            LinkType::Nflog => "Linux netfilter log messages",
        }
    }

    /// The `DLT_` value of Linux (pcap/dlt.h), in host byte order.
    pub const fn dlt(self) -> i32 {
        match self {
            LinkType::Raw => 12,
            LinkType::Ipv4 => 228,
            LinkType::Ipv6 => 229,
            LinkType::Ethernet => 1,
            LinkType::Sll2 => 276,
            LinkType::Sll => 113,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_go_both_ways() {
        for link_type in LinkType::ALL {
            assert_eq!(LinkType::from_dlt(link_type.dlt()), Some(link_type));
            assert_eq!(LinkType::from_name(&link_type.name().to_lowercase()), Some(link_type));
        }
        assert_eq!(LinkType::from_name("DLT_RAW"), None);
        assert_eq!(LinkType::from_dlt(1000), None);
    }
}
