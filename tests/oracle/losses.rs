//! Losses are counted exactly, for each group.

use std::time::Duration;

use pcap_nflog::capture::{Device, Error, Fetched, Options, ReaderThread, Session, Wait};

use crate::log::{await_flush, quiet};
use crate::support::network::{Network, in_private_network};
use crate::support::slack;
use crate::support::traffic::{Udp, V4};

/// A buffer that some batches fill.
const SMALL: u32 = 64 << 10;

fn open(device: &str, strict: bool) -> Session {
    // Also where packets come slowly, the first batch is full, and takes the whole buffer: behind small ones, there may
    // be room for another small one later.
    let flush = Some(Duration::from_millis(10) * slack());
    let options = Options { buffer_size: SMALL, reader_thread: ReaderThread::Off, strict, flush, ..Options::default() };
    Session::open(&device.parse::<Device>().unwrap(), &options).unwrap()
}

/// Datagrams to port 9000 + N are logged to group N.
fn log_groups(network: &Network) {
    let rules = [1, 2, 3].map(|group| format!("udp dport {} log group {group}", 9000 + group));
    network.output_rules(&rules.each_ref().map(String::as_str));
}

/// Takes all records that have come, and counts those of each group, from 1.
fn count(session: &mut Session) -> [u64; 3] {
    let mut counts = [0; 3];
    loop {
        while session.advance() {
            counts[usize::from(session.message().unwrap().group()) - 1] += 1;
        }
        if session.fetch(quiet(60)).unwrap() != Fetched::Batch {
            return counts;
        }
    }
}

fn send(group: u16, count: u64) {
    Udp::new(V4, 9000 + group).send_many(count, 400, 100_000);
    // The last of them may wait for more.
    await_flush();
}

#[test]
fn received_and_lost_are_what_was_sent_for_each_group() {
    in_private_network(|network| {
        log_groups(network);
        let mut session = open("nflog:1-3", false);
        // The first fills the buffer. What the others lose, they lose right at the start.
        for (group, sent) in [(1, 3000), (2, 2000), (3, 1000)] {
            send(group, sent);
        }
        let mut received = count(&mut session);
        // These get through, and show what was lost before them.
        for group in 1..=3 {
            send(group, 1);
        }
        for (sum, more) in received.iter_mut().zip(count(&mut session)) {
            *sum += more;
        }
        let lost = [1, 2, 3].map(|group| session.lost_of_group(group).unwrap());
        println!("received {received:?}, lost {lost:?}");
        for (index, sent) in [3001, 2001, 1001].into_iter().enumerate() {
            assert_eq!(received[index] + lost[index], sent, "group {}", index + 1);
            assert!(lost[index] > 0, "group {} lost nothing: this test shows nothing", index + 1);
        }
        assert_eq!(received[2], 1, "group 3 lost its first packets");
        let statistics = session.statistics();
        assert_eq!((statistics.lost, statistics.received), (lost.iter().sum(), received.iter().sum()));
        assert!(statistics.overruns > 0);
        assert_eq!(session.lost_of_group(4), None);
    });
}

#[test]
fn a_loss_at_the_very_end_is_told_by_the_sockets_own_count() {
    in_private_network(|network| {
        log_groups(network);
        let mut session = open("nflog:1", false);
        send(1, 5000);
        let received = count(&mut session)[0];
        assert!(received < 5000, "nothing was lost: this test shows nothing");
        let statistics = session.statistics();
        assert_eq!(statistics.lost, 0, "no packet came behind the loss");
        assert!(statistics.overruns > 0);
        send(1, 1);
        assert_eq!(count(&mut session)[0], 1);
        assert_eq!(session.statistics().lost, 5000 - received);
    });
}

#[test]
fn a_strict_capture_ends_its_read_at_the_loss_and_says_how_many() {
    in_private_network(|network| {
        log_groups(network);
        let mut session = open("nflog:1", true);
        send(1, 5000);
        let received = count(&mut session)[0];
        send(1, 1);
        let lost = loop {
            if session.advance() {
                panic!("a packet was delivered before its loss was told");
            }
            match session.fetch(Wait::No) {
                Ok(Fetched::Batch) => {}
                Ok(other) => panic!("{other:?} in place of the loss"),
                Err(Error::Lost { packets }) => break packets,
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(lost, 5000 - received);
        assert_eq!(count(&mut session)[0], 1, "the packet behind the loss is delivered then");
    });
}
