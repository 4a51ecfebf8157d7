//! What is delivered: whole, with its true length, and nothing lost without a count of it.

use std::time::Duration;

use crate::support::client::reader;
use crate::support::network::{Network, await_drained, in_private_network, is_root};
use crate::support::program::{Finished, Running};
use crate::support::traffic::{END_LEN, Udp, V4};

/// Reads `count` datagrams of `size` bytes with `snaplen`, sent at a rate, and an end.
fn read_many(snaplen: i64, count: u64, size: usize, per_second: u64) -> Finished {
    // Only root gets a socket buffer of any size. Others send no more at a time than fits the kernel's default one
    // beside a batch that is not sent yet.
    const ROOTLESS_BYTES: usize = 50_000;
    let portion = if is_root() { count } else { (ROOTLESS_BYTES / size).max(1) as u64 };

    let options = [format!("snaplen={snaplen}"), format!("until={END_LEN}"), "buffer=67108864".into()];
    let reader = reader("nflog:5").args(options).start().await_ready();
    let mut udp = Udp::v4();
    while udp.sent() < count {
        udp.send_many(portion.min(count - udp.sent()), size, per_second);
        if portion < count {
            await_drained();
        }
    }
    udp.send_end();
    reader.finish().succeeded()
}

/// Sends `count` datagrams of `size` bytes for each of many snaplens, and expects all of them, cut to the snaplen.
fn nothing_is_lost(network: &Network, count: u64, size: usize, per_second: u64) {
    network.log_udp();
    let (packets, len) = (count as i64 + 1, 28 + size as i64);
    for snaplen in [1, 64, 96, 1500, 262_144] {
        let ended = read_many(snaplen, count, size, per_second);
        let expect = |key, value| assert_eq!(ended.number(key), value, "{key} with snaplen {snaplen}: {ended:?}");
        expect("packets", packets);
        expect("recv", packets);
        expect("drop", 0);
        expect("ifdrop", 0);
        let (end, caplen) = (i64::from(END_LEN), len.min(snaplen));
        expect("lens", (packets - 1) * len + end);
        expect("caplens", (packets - 1) * caplen + end.min(snaplen));
        expect("caplen_max", caplen);
        expect("snapshot", snaplen);
    }
}

#[test]
fn small_packets_at_30000_a_second_are_all_delivered_with_any_snaplen() {
    in_private_network(|network| nothing_is_lost(network, 20_000, 100, 30_000));
}

#[test]
fn full_ethernet_packets_at_30000_a_second_are_all_delivered_with_any_snaplen() {
    in_private_network(|network| nothing_is_lost(network, 20_000, 1400, 30_000));
}

#[test]
fn packets_of_60000_bytes_are_all_delivered_with_any_snaplen() {
    in_private_network(|network| nothing_is_lost(network, 1000, 60_000, 2000));
}

#[test]
fn a_batch_larger_than_the_snaplen_is_delivered_whole() {
    in_private_network(|network| {
        network.log_udp();
        // Stopped, so that many packets come in each batch.
        let reader = reader("nflog:5").args(["snaplen=96".into(), format!("until={END_LEN}")]).start().await_ready();
        reader.signal(libc::SIGSTOP);
        reader.await_stopped();
        let mut udp = Udp::v4();
        udp.send_many(500, 1400, 100_000);
        udp.send_end();
        reader.signal(libc::SIGCONT);
        let ended = reader.finish().succeeded();
        assert_eq!(ended.number("packets"), 501, "{ended:?}");
        assert_eq!(ended.number("drop"), 0, "{ended:?}");
    });
}

/// Each way to read, one after the other, gets the same packets.
#[test]
fn every_way_to_read_delivers_every_packet() {
    in_private_network(|network| {
        network.log_udp();
        for by in ["loop", "dispatch", "next", "next_ex"] {
            for immediate in [0, 1] {
                let options = [format!("by={by}"), format!("immediate={immediate}"), format!("until={END_LEN}")];
                let reader = reader("nflog:5").args(options).start().await_ready();
                let mut udp = Udp::v4();
                udp.send_many(1000, 100, 30_000);
                udp.send_end();
                let ended = reader.finish().succeeded();
                assert_eq!(ended.number("packets"), 1001, "{by}: {ended:?}");
                assert_eq!(ended.number("lens"), 1000 * 128 + i64::from(END_LEN), "{by}: {ended:?}");
            }
        }
    });
}

/// Sends so many packets to a stopped reader that most are lost, and lets it go on and read what its buffer held.
fn overrun(reader: &Running, udp: &mut Udp, count: u64) {
    reader.signal(libc::SIGSTOP);
    reader.await_stopped();
    udp.send_many(count, 100, 1_000_000);
    reader.signal(libc::SIGCONT);
    await_drained();
}

#[test]
fn what_a_stopped_reader_lost_and_what_it_received_is_what_was_sent() {
    in_private_network(|network| {
        network.log_udp();
        for thread in ["off", "on"] {
            let options = ["buffer=262144".into(), "snaplen=128".into(), format!("until={END_LEN}")];
            let reader = reader("nflog:5").env("PCAP_NFLOG_READER_THREAD", thread);
            let mut reader = reader.args(options).start().await_ready();
            let mut udp = Udp::v4();
            overrun(&reader, &mut udp, 50_000);
            // Loss shows in the number of the next packet that comes. The end has none of its own.
            let ended = loop {
                udp.send(100);
                udp.send_end();
                if let Some(ended) = reader.ended_within(Duration::from_secs(1)) {
                    break ended.succeeded();
                }
            };
            let (received, lost) = (ended.number("packets"), ended.number("drop"));
            assert!(lost > 20_000, "far more than the buffer holds: {ended:?}");
            assert_eq!(ended.number("recv"), received);
            // Numbers begin at 0, and one packet follows the numbered one: the end.
            assert!(ended.number("number") >= 50_000, "{ended:?}");
            assert_eq!(received + lost, ended.number("number") + 2, "{ended:?}");
        }
    });
}

#[test]
fn the_loss_of_a_handle_is_that_of_all_its_groups() {
    in_private_network(|network| {
        network.output_rules(&[
            "udp dport 9000 log group 5",
            "udp dport 9000 log group 6",
            "udp dport 9001 log group 6",
        ]);
        // In immediate mode the groups' packets come in the order in which they were logged.
        let options = ["immediate=1".into(), "buffer=131072".into(), "snaplen=128".into(), format!("until={END_LEN}")];
        let mut reader = reader("nflog:5,6").args(options).start().await_ready();
        let (mut udp, mut ends) = (Udp::v4(), Udp::new(V4, 9001));
        overrun(&reader, &mut udp, 10_000);
        let ended = loop {
            udp.send(100);
            ends.send_end();
            if let Some(ended) = reader.ended_within(Duration::from_secs(1)) {
                break ended.succeeded();
            }
        };
        // Each numbered packet was logged twice; an end was logged for each after the first 10,000.
        let numbered = ended.number("number") + 1;
        assert!(ended.number("drop") > 10_000, "{ended:?}");
        assert_eq!(ended.number("packets") + ended.number("drop"), 2 * numbered + (numbered - 10_000), "{ended:?}");
    });
}
