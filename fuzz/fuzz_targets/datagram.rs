//! A datagram of any bytes under each link type: `cargo +nightly fuzz run datagram`.
//!
//! The first two bytes choose the link type and the snaplen, so that a corpus covers them all. Nothing may panic, a
//! record has no more bytes than its length, and what is said of its packet can be asked for.

#![no_main]

use std::os::unix::net::UnixDatagram;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pcap_nflog::capture::{Delivery, Interfaces, LinkType, Options, Stamp};

const SNAPLENS: [u32; 4] = [1, 64, 1500, 262_144];

fuzz_target!(|input: &[u8]| {
    let [link_type, snaplen, datagram @ ..] = input else { return };
    let options = Options {
        link_type: Some(LinkType::ALL[usize::from(*link_type) % LinkType::ALL.len()]),
        snaplen: SNAPLENS[usize::from(*snaplen) % SNAPLENS.len()],
        ..Options::default()
    };
    let socket = UnixDatagram::unbound().expect("a socket");
    let mut delivery = Delivery::new([0, 5].into_iter(), &options, Interfaces::new(Arc::new(socket.into()))).unwrap();
    // Twice: the second time, what was kept of the first is there.
    for _ in 0..2 {
        delivery.load(datagram, Stamp::default());
        while delivery.advance() {
            let record = delivery.record();
            assert!(record.data.len() <= record.len as usize);
            let message = delivery.message().expect("the record's message");
            let _ = (message.stamp(), message.prefix(), message.link_address(), message.vlan(), message.conntrack());
        }
    }
});
