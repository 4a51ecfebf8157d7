//! Stamps against AF_PACKET's of the same packets.

use std::time::Duration;

use pcap_nflog::capture::{Device, Options, Session};

use crate::afpacket::AfPacket;
use crate::log::{nanoseconds, nft};
use crate::support::network::{Network, in_private_network};
use crate::support::slack;
use crate::support::traffic::Udp;

const MILLISECOND: i128 = 1_000_000;

/// What one packet's stamps are, in nanoseconds.
struct Pair {
    ours: i128,
    theirs: i128,
    /// Whether ours is the kernel's.
    stamped: bool,
}

fn log_at(network: &Network, hooks: &[&str]) {
    for hook in hooks {
        network.rules("inet", hook, &["udp dport 9000 log group 5"]);
    }
}

/// Sends `count` datagrams, so far apart from each other, and returns the stamps of each, in the order of the records.
fn stamps(options: &Options, count: usize, apart: Duration, outgoing: bool) -> Vec<Pair> {
    let mut afpacket = AfPacket::of_small_frames();
    let options = Options { timeout: Some(Duration::from_secs(10)), ..options.clone() };
    let mut session = Session::open(&"nflog:5".parse::<Device>().unwrap(), &options).unwrap();
    let sending = std::thread::spawn(move || {
        let mut udp = Udp::v4();
        await_stamping();
        for _ in 0..count {
            std::thread::sleep(apart);
            udp.send(64);
        }
    });
    let mut ours = Vec::new();
    while ours.len() < count {
        let record = session.read().unwrap().expect("a packet, in time");
        // The payload begins with the packet's number.
        let (stamp, number) = (nanoseconds(record.stamp), record.data[28..36].to_vec());
        ours.push((stamp, number, session.message().unwrap().stamp().is_some()));
    }
    sending.join().unwrap();
    let seen: Vec<_> =
        afpacket.take().into_iter().filter(|seen| seen.outgoing() == outgoing && seen.len == 106).collect();
    let pair = |(stamp, number, stamped): (i128, Vec<u8>, bool)| {
        let frame = seen.iter().find(|seen| seen.frame[42..50] == number).expect("AF_PACKET saw it");
        Pair { ours: stamp, theirs: frame.stamp, stamped }
    };
    ours.into_iter().map(pair).collect()
}

/// Whether our stamps are off by less than `limit` at the median. A machine that is busy with other tests wakes this
/// process late: so the best of some tries counts.
fn within(limit: i128, mut tried: impl FnMut() -> Vec<Pair>) -> bool {
    (0..5).any(|_| {
        let mut off: Vec<i128> = tried().iter().map(|pair| (pair.ours - pair.theirs).abs()).collect();
        off.sort();
        println!("off by {} ns at the median, {} at most, of {}", off[off.len() / 2], off[off.len() - 1], off.len());
        off[off.len() / 2] < limit
    })
}

/// Kernels before 6.6 begin to stamp a moment after a session asks for it: the switch is deferred work.
fn await_stamping() {
    std::thread::sleep(Duration::from_millis(20) * slack());
}

/// A limit to what the machine's speed alone decides.
fn promptly(limit: i128) -> i128 {
    limit * i128::from(slack())
}

/// The kernel's tick: its timers go off at one.
fn tick() -> i128 {
    // SAFETY: it is integers, for which zeros are valid; on some systems one of them has no name.
    let mut tick: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to `tick`, which outlives the call.
    assert_eq!(unsafe { libc::clock_getres(libc::CLOCK_MONOTONIC_COARSE, &mut tick) }, 0);
    tick.tv_nsec.into()
}

#[test]
fn on_input_hooks_the_stamp_is_the_kernels() {
    in_private_network(|network| {
        log_at(network, &["prerouting"]);
        assert!(within(promptly(MILLISECOND / 10), || {
            let pairs = stamps(&Options::default(), 200, Duration::from_millis(1), false);
            assert!(pairs.iter().all(|pair| pair.stamped));
            pairs
        }));
    });
}

#[test]
fn on_output_hooks_the_stamp_is_within_the_flush_time_and_a_tick() {
    in_private_network(|network| {
        log_at(network, &["output"]);
        assert!(within(10 * MILLISECOND + tick(), || {
            let pairs = stamps(&Options::default(), 400, Duration::from_micros(500), true);
            assert!(pairs.iter().all(|pair| !pair.stamped));
            // An estimate is an upper bound, but for the first packet of a batch, whose time is told by the flush timer.
            let early = pairs.iter().filter(|pair| pair.ours < pair.theirs - tick()).count();
            assert!(early * 10 < pairs.len(), "{early} stamps are too early");
            pairs
        }));
    });
}

#[test]
fn a_lone_packets_stamp_on_an_output_hook_is_within_a_tick() {
    in_private_network(|network| {
        log_at(network, &["output"]);
        assert!(within(tick(), || stamps(&Options::default(), 40, Duration::from_millis(25), true)));
    });
}

#[test]
fn in_immediate_mode_the_stamp_on_an_output_hook_is_near() {
    in_private_network(|network| {
        log_at(network, &["output"]);
        assert!(within(promptly(MILLISECOND / 5), || stamps(&immediate(), 200, Duration::from_millis(1), true)));
    });
}

fn immediate() -> Options {
    Options { immediate: true, ..Options::default() }
}

#[test]
fn the_kernels_stamps_are_never_changed_and_estimates_never_go_backwards_behind_them() {
    in_private_network(|network| {
        log_at(network, &["output", "prerouting", "postrouting", "input"]);
        // Small batches: the estimate at the end of one is often younger than the kernel's stamp in the next.
        let options = Options { timeout: Some(Duration::from_secs(10)), batch_packets: 3, ..Options::default() };
        let mut session = Session::open(&"nflog:5".parse::<Device>().unwrap(), &options).unwrap();
        let sending = std::thread::spawn(|| {
            await_stamping();
            Udp::v4().send_many(500, 64, 5000)
        });
        let (mut before, mut stamped, mut older) = (0, 0, 0);
        for _ in 0..4 * 500 {
            let stamp = nanoseconds(session.read().unwrap().expect("a packet, in time").stamp);
            match session.message().unwrap().stamp() {
                Some(kernels) => {
                    assert_eq!(stamp, nanoseconds(kernels));
                    stamped += 1;
                    older += i32::from(stamp < before);
                }
                None => assert!(stamp >= before, "{stamp} after {before}"),
            }
            before = stamp;
        }
        assert_eq!(stamped, 2 * 500);
        assert!(older > 0, "no kernel's stamp was older than the estimate before it: this test shows nothing");
        sending.join().unwrap();
    });
}

#[test]
fn egress_is_stamped_by_the_kernel_and_ingress_of_the_inet_family_is_not() {
    in_private_network(|_| {
        nft("add table netdev watch\n\
             add chain netdev watch out { type filter hook egress device lo priority 0; }\n\
             add rule netdev watch out udp dport 9000 log group 5\n");
        assert!(within(promptly(MILLISECOND / 10), || {
            let out = stamps(&immediate(), 50, Duration::from_millis(1), true);
            assert!(out.iter().all(|pair| pair.stamped));
            out
        }));
        nft("delete table netdev watch\n\
             add table inet watch\n\
             add chain inet watch in { type filter hook ingress device lo priority 0; }\n\
             add rule inet watch in udp dport 9000 log group 5\n");
        assert!(within(promptly(MILLISECOND / 5), || {
            let came = stamps(&immediate(), 50, Duration::from_millis(1), false);
            assert!(came.iter().all(|pair| !pair.stamped));
            came
        }));
    });
}
