//! The link type may change between two packets: nothing is lost, and nothing is framed as it was before.

use std::time::Duration;

use pcap_nflog::capture::{Device, LinkType, Options, Session};

use crate::support::network::in_private_network;
use crate::support::traffic::Udp;

/// What stands before the IPv4 packet; `None` where the link type holds no IPv4.
fn header(link_type: LinkType, record: &[u8]) -> Option<usize> {
    match link_type {
        LinkType::Raw | LinkType::Ipv4 => Some(0),
        LinkType::Ethernet => Some(14),
        LinkType::Sll => Some(16),
        LinkType::Sll2 => Some(20),
        LinkType::Nflog => Some(record.len() - 100),
        LinkType::Ipv6 => None,
    }
}

#[test]
fn the_link_type_may_change_between_packets_of_one_batch() {
    in_private_network(|network| {
        network.log_udp();
        let options = Options { timeout: Some(Duration::from_secs(10)), ..Options::default() };
        let mut session = Session::open(&"nflog:5".parse::<Device>().unwrap(), &options).unwrap();
        let mut udp = Udp::v4();
        // 100 bytes with their headers: no padding in the message. Each begins with its number.
        (0..200).for_each(|_| udp.send(72));
        let holding = LinkType::ALL.into_iter().filter(|&link_type| link_type != LinkType::Ipv6);
        let order: Vec<LinkType> = holding.cycle().take(200).collect();
        for (number, &link_type) in order.iter().enumerate() {
            session.set_link_type(link_type);
            let record = session.read().unwrap().expect("all packets are there");
            let at = header(link_type, record.data).unwrap();
            let packet = &record.data[at..];
            assert_eq!((packet.len(), packet[0], record.len as usize), (100, 0x45, at + 100), "{link_type:?}");
            assert_eq!(packet[28..36], (number as u64).to_be_bytes(), "{link_type:?}");
        }
        let statistics = session.statistics();
        assert!(statistics.batches < 10, "{} batches: nothing changed inside of one", statistics.batches);
        assert_eq!((statistics.delivered, statistics.unrepresentable), (200, 0));
    });
}

#[test]
fn a_link_type_that_holds_none_of_the_packets_counts_them() {
    in_private_network(|network| {
        network.log_udp();
        let options = Options { timeout: Some(Duration::from_millis(200)), ..Options::default() };
        let mut session = Session::open(&"nflog:5@IPV6".parse::<Device>().unwrap(), &options).unwrap();
        let mut udp = Udp::v4();
        (0..10).for_each(|_| udp.send(72));
        assert!(session.read().unwrap().is_none());
        let statistics = session.statistics();
        assert_eq!((statistics.received, statistics.unrepresentable, statistics.delivered), (10, 10, 0));
    });
}
