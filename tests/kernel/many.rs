//! Captures of very many groups.

use std::collections::BTreeMap;

use pcap_nflog::capture::{Device, LinkType, Options, Session};

use crate::support::DEADLINE;
use crate::support::network::{bound_groups, in_private_network};
use crate::support::traffic::Udp;

#[test]
fn the_kernel_finds_low_groups_first() {
    in_private_network(|_| {
        let device: Device = "nflog:0-99".parse().unwrap();
        let _session = Session::open(&device, &Options::default()).unwrap();
        // The kernel has its groups in 16 lists, which it shows one after the other, each as it searches it.
        let shown: Vec<u16> = bound_groups().iter().map(|&(group, _)| group).collect();
        let mut wanted: Vec<u16> = (0..100).collect();
        wanted.sort_by_key(|group| (group % 16, *group));
        assert_eq!(shown, wanted);
    });
}

#[test]
fn all_groups_can_be_captured_at_once() {
    in_private_network(|network| {
        let logged = [0, 17, 40_000, 65_535];
        let rules = logged.map(|group| format!("udp dport 9000 log group {group}"));
        network.output_rules(&rules.each_ref().map(String::as_str));
        let device: Device = "nflog:0-65535@NFLOG".parse().unwrap();
        let options = Options { timeout: Some(DEADLINE), ..Options::default() };
        let mut session = Session::open(&device, &options).unwrap();
        assert_eq!((session.link_type(), bound_groups().len()), (LinkType::Nflog, 65_536));
        let mut udp = Udp::v4();
        for _ in 0..100 {
            udp.send(100);
        }
        let mut records = BTreeMap::new();
        for _ in 0..400 {
            let record = session.read().unwrap().expect("a packet never came");
            *records.entry(u16::from_be_bytes([record.data[2], record.data[3]])).or_insert(0) += 1;
        }
        assert_eq!(records, logged.into_iter().map(|group| (group, 100)).collect());
        assert_eq!(session.statistics().lost, 0);
        drop(session);
        assert_eq!(bound_groups(), []);
    });
}
