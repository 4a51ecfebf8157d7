//! Stamps, where the clock does not just go on.

use crate::support::client::preloaded;
use crate::support::network::in_private_network;
use crate::support::program::Stream;
use crate::support::traffic::Udp;

#[test]
fn estimated_stamps_follow_a_clock_that_is_set_back() {
    in_private_network(|network| {
        network.log_udp();
        for mode in ["off", "on"] {
            let client = preloaded("setback").args(["3600", "10"]).env("PCAP_NFLOG_READER_THREAD", mode);
            let client = client.start().await_ready();
            let mut udp = Udp::v4();
            for packet in 0..10 {
                udp.send(100);
                let line = client.await_line(Stream::Stdout, &format!("packet {packet}:"));
                let seconds: i64 = line.rsplit(' ').next().unwrap().parse().unwrap();
                // The first may have been received before the clock was set back.
                assert!((-5..=1).contains(&seconds) || packet == 5, "{line}, mode {mode}");
            }
            client.finish().succeeded();
        }
    });
}
