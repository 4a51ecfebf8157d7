//! The reader thread: what it holds, what it leaves alone, and when it is there.

use std::fs;

use pcap_nflog::capture::{Device, Options, ReaderThread, Session};

use crate::support::client::{preloaded, reader};
use crate::support::network::{await_drained, in_private_network, in_rootless_network};
use crate::support::program::Stream;
use crate::support::traffic::{END_LEN, Udp};
use crate::support::{DEADLINE, slack, wait_until};

/// The names of a process's threads, and their blocked signals.
fn threads(pid: u32) -> Vec<(String, u64)> {
    let field = |status: &str, key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().to_owned()
    };
    let mut threads = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        threads.push((field(&status, "Name:"), u64::from_str_radix(&field(&status, "SigBlk:"), 16).unwrap()));
    }
    threads.sort();
    threads
}

/// This process's memory in use, in bytes.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn open(buffer_size: u32, reader_thread: ReaderThread) -> Session {
    let device: Device = "nflog:5".parse().unwrap();
    let options = Options { timeout: Some(DEADLINE), buffer_size, reader_thread, ..Options::default() };
    Session::open(&device, &options).unwrap()
}

/// Takes what the session has, and what comes within a moment.
fn drain(session: &mut Session) {
    session.set_nonblocking(true);
    let mut idle = 0;
    while idle < 20 {
        match session.read().unwrap() {
            Some(_) => idle = 0,
            None => {
                idle += 1;
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
    }
    session.set_nonblocking(false);
}

#[test]
fn the_thread_is_there_when_it_is_wanted_and_takes_no_signals() {
    in_private_network(|network| {
        network.log_udp();
        // All signals but SIGKILL and SIGSTOP, which nobody can block, and glibc's own two.
        let all = !((1 << 8) | (1 << 18) | (1 << 31) | (1 << 32));
        let (main, thread) = (("reader-libpcap".to_owned(), false), ("nflog-reader".to_owned(), true));
        for (mode, expected) in [("on", vec![thread, main.clone()]), ("off", vec![main])] {
            let reader = reader("nflog:5").env("PCAP_NFLOG_READER_THREAD", mode);
            let reader = reader.arg(format!("until={END_LEN}")).start().await_ready();
            let mut udp = Udp::v4();
            udp.send(100);
            // A thread has its creator's name until it has set its own, and the creator blocks all signals meanwhile.
            wait_until(&format!("the reader has these threads, with all signals blocked or not: {expected:?}"), || {
                let now = threads(reader.pid()).into_iter().map(|(name, blocked)| (name, blocked & all == all));
                now.eq(expected.iter().cloned())
            });
            udp.send_end();
            let ended = reader.finish().succeeded();
            assert_eq!(ended.number("packets"), 2, "{ended:?}");
        }
    });
}

#[test]
fn reads_do_without_a_thread_that_cannot_be_made_unless_it_was_asked_for() {
    in_private_network(|network| {
        network.log_udp();
        for reason in ["seccomp", "nproc"] {
            for read in ["loop", "dispatch", "next_ex", "next"] {
                preloaded("threadless").args([reason, read]).succeed();
            }
            preloaded("threadless").env("PCAP_NFLOG_READER_THREAD", "on").args([reason, "next_ex"]).succeed();
            preloaded("threadless").env("PCAP_NFLOG_READER_THREAD", "off").args([reason, "next_ex"]).succeed();
        }
    });
}

#[test]
fn an_unknown_mode_is_refused_with_those_that_are_known() {
    in_private_network(|_| {
        let ended = reader("nflog:5").env("PCAP_NFLOG_READER_THREAD", "perhaps").run();
        assert!(ended.stdout().contains("PCAP_NFLOG_READER_THREAD=perhaps: not one of auto, on, off"), "{ended:?}");
    });
}

#[test]
fn a_busy_program_loses_nothing_that_fits_the_buffer_it_asked_for_without_root() {
    in_rootless_network(|network| {
        network.log_udp();
        let mut session = open(128 << 20, ReaderThread::Auto);
        let mut udp = Udp::v4();
        udp.send(100);
        assert!(session.read().unwrap().is_some());
        // Far more than the kernel's own buffer holds, which is net.core.rmem_max.
        for _ in 0..1000 {
            udp.send_many(200, 100, 150_000);
            if slack() > 1 {
                // On a machine that is too slow for such a rate, a pause of the thread's would be what is tested.
                await_drained();
            }
        }
        udp.send(100);
        drain(&mut session);
        let statistics = session.statistics();
        assert_eq!((statistics.delivered, statistics.lost), (udp.sent(), 0));
    });
}

#[test]
fn no_more_memory_is_held_than_was_asked_for_and_what_is_lost_is_counted() {
    in_rootless_network(|network| {
        network.log_udp();
        let asked = 12 << 20;
        let mut session = open(asked, ReaderThread::On);
        let mut udp = Udp::v4();
        udp.send(100);
        assert!(session.read().unwrap().is_some());
        let before = memory();
        udp.send_many(200_000, 100, 1_000_000);
        let held = memory() - before;
        assert!(held <= u64::from(asked) + (2 << 20), "{held} bytes are held");
        assert!(held >= u64::from(asked) / 2, "{held} bytes are held: the memory is not used");
        drain(&mut session);
        udp.send(100);
        drain(&mut session);
        let statistics = session.statistics();
        assert!(statistics.lost > 0, "{statistics:?}");
        assert_eq!(statistics.delivered + statistics.lost, udp.sent());
    });
}

#[test]
fn a_capture_ends_while_the_thread_waits_for_packets_or_for_a_buffer() {
    in_private_network(|network| {
        network.log_udp();
        let mut udp = Udp::v4();
        for count in [1, 100_000] {
            let mut session = open(2 << 20, ReaderThread::On);
            udp.send_many(count, 100, 1_000_000);
            assert!(session.read().unwrap().is_some());
            drop(session);
            assert_eq!(crate::support::network::bound_groups(), []);
        }
    });
}

#[test]
fn a_program_that_becomes_a_daemon_between_two_reads_goes_on_reading() {
    in_private_network(|network| {
        network.log_udp();
        for mode in ["on", "off"] {
            let daemon = preloaded("daemon").env("PCAP_NFLOG_READER_THREAD", mode).start().await_ready();
            let mut udp = Udp::v4();
            udp.send(100);
            daemon.await_line(Stream::Stdout, "the parent has gone");
            (0..10).for_each(|_| udp.send(100));
            daemon.await_line(Stream::Stdout, "ten packets");
            daemon.finish().succeeded();
        }
    });
}
