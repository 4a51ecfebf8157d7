//! How reads wait, and how they end.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pcap_nflog::capture::{Device, Options, ReaderThread, Session, Statistics};

use crate::support::client::{preloaded, with_libpcap};
use crate::support::network::{bound_groups, in_private_network};
use crate::support::program::{Program, Stream};
use crate::support::traffic::{Udp, V4};
use crate::support::{DEADLINE, wait_until};

const READS: [&str; 4] = ["loop", "dispatch", "next_ex", "next"];

/// A client without the reader thread, and one with it: reads look the same.
fn both(client: &str) -> [Program; 2] {
    ["off", "on"].map(|mode| preloaded(client).env("PCAP_NFLOG_READER_THREAD", mode))
}

/// Each read with no timeout and with one that is longer than any test, with and without privileges.
fn waits() -> impl Iterator<Item = Vec<&'static str>> {
    let ways: [&[&str]; 3] = [&["0"], &["3600000"], &["0", "dropped"]];
    READS.iter().flat_map(move |&read| ways.map(|way| [&[read], way].concat()))
}

#[test]
fn breakloop_from_a_signal_handler_ends_a_read_that_waits() {
    in_private_network(|_| {
        for wait in waits() {
            for client in both("breakloop") {
                let client = client.arg("signal").args(&wait).start().await_ready();
                client.await_blocked();
                client.signal(libc::SIGUSR1);
                client.finish().succeeded();
            }
        }
    });
}

#[test]
fn breakloop_from_another_thread_ends_a_read_that_waits() {
    in_private_network(|_| {
        for wait in waits() {
            for client in both("breakloop") {
                let mut client = client.arg("thread").args(&wait).start().await_ready();
                client.await_blocked();
                client.write("\n");
                client.finish().succeeded();
            }
        }
    });
}

#[test]
fn a_stop_that_comes_with_packets_costs_none_and_is_none() {
    in_private_network(|network| {
        network.log_udp();
        const PACKETS: u64 = 20_000;
        for reader_thread in [ReaderThread::Off, ReaderThread::On] {
            let device: Device = "nflog:5".parse().unwrap();
            let options = Options { timeout: Some(Duration::from_secs(1)), reader_thread, ..Options::default() };
            let mut session = Session::open(&device, &options).unwrap();
            let (stop, begun) = (Arc::clone(session.stop()), Instant::now());
            let sent = AtomicBool::new(false);
            let (mut packets, mut stops) = (0, 0);
            thread::scope(|scope| {
                scope.spawn(|| {
                    let mut udp = Udp::v4();
                    for _ in 0..PACKETS {
                        udp.send(100);
                        stop.request();
                    }
                    sent.store(true, Ordering::SeqCst);
                    stop.request();
                });
                while packets + session.lost() < PACKETS || !sent.load(Ordering::SeqCst) {
                    assert!(begun.elapsed() < DEADLINE, "{:?}", session.statistics());
                    match session.read().unwrap() {
                        Some(_) => packets += 1,
                        None => stops += 1,
                    }
                }
            });
            let seen = session.statistics();
            assert_eq!((seen.received, seen.received + seen.lost, seen.malformed), (packets, PACKETS, 0), "{seen:?}");
            // A small buffer may overflow when the machine is busy.
            assert!(seen.lost == 0 || seen.overruns > 0, "{seen:?}");
            assert!(stops > 0);
        }
    });
}

#[test]
fn what_ends_a_wait_is_not_counted() {
    in_private_network(|_| {
        let options = Options { timeout: Some(2 * DEADLINE), ..Options::default() };
        let mut session = Session::open(&"nflog:5".parse().unwrap(), &options).unwrap();
        let stop = Arc::clone(session.stop());
        let begun = Instant::now();
        let this = std::process::id();
        // SAFETY: gettid(2) takes no pointers and cannot fail.
        let thread_id = unsafe { libc::gettid() };
        // The system call that it waits in comes first, by number. 32-bit systems have another one, recvmmsg_time64: 417 on
        // each of them, and nothing on others.
        let call = format!("/proc/{this}/task/{thread_id}/syscall");
        let receives = [libc::SYS_recvmmsg, 417].map(|number| format!("{number} "));
        thread::scope(|scope| {
            scope.spawn(|| {
                wait_until("the read waits where it receives", || {
                    let call = fs::read_to_string(&call).unwrap();
                    receives.iter().any(|receive| call.starts_with(receive))
                });
                stop.request();
            });
            assert!(session.read().unwrap().is_none());
        });
        assert!(begun.elapsed() < DEADLINE, "the timeout ended it, not the stop");
        assert_eq!(session.statistics(), Statistics::default());
        session.set_nonblocking(true);
        assert!(session.read().unwrap().is_none(), "the kernel's answer is nothing to deliver");
        assert_eq!(session.statistics(), Statistics::default());
    });
}

#[test]
fn breakloop_before_a_read_ends_it() {
    in_private_network(|_| {
        // The signal may come before the read as well as after it began.
        for _ in 0..20 {
            for client in both("breakloop") {
                let client = client.args(["signal", "loop"]).start().await_ready();
                client.signal(libc::SIGUSR1);
                client.finish().succeeded();
            }
        }
    });
}

#[test]
fn packets_that_a_callback_left_behind_with_breakloop_come_with_the_next_read() {
    in_private_network(|network| {
        network.log_udp();
        for read in ["callback", "dispatch"] {
            for client in both("breakloop") {
                let client = client.arg(read).start().await_ready();
                let mut udp = Udp::v4();
                // While it is stopped, they gather in the kernel: several come in one batch.
                client.signal(libc::SIGSTOP);
                client.await_stopped();
                (0..10).for_each(|_| udp.send(100));
                client.signal(libc::SIGCONT);
                client.finish().succeeded();
            }
        }
    });
}

#[test]
fn a_read_ends_with_0_when_its_time_is_over_and_at_once_in_non_blocking_mode() {
    in_private_network(|_| {
        for client in both("waiting") {
            client.succeed();
        }
    });
}

#[test]
fn a_negative_timeout_is_what_libpcap_makes_of_it() {
    in_private_network(|network| {
        network.log_udp();
        for set in ["open_live", "set_timeout"] {
            for time in ["-1", "-1000", "-2147483648"] {
                let reference = Program::new(with_libpcap("negative")).args(["lo", set, time]).succeed();
                assert!(reference.lines().len() >= 10, "{reference:?}");
                for client in both("negative") {
                    let ours = client.args(["nflog:5", set, time]).succeed();
                    assert_eq!(ours.lines(), reference.lines(), "{set} {time}");
                }
            }
        }
    });
}

#[test]
fn a_program_that_selects_and_takes_one_packet_at_a_time_gets_them_all() {
    in_private_network(|network| {
        network.log_udp();
        for read in ["next_ex", "dispatch", "next"] {
            for mode in ["blocking", "nonblocking"] {
                for client in both("selecting") {
                    let client = client.args([read, mode]).start().await_ready();
                    let mut udp = Udp::v4();
                    (0..100).for_each(|_| udp.send(100));
                    client.finish().succeeded();
                }
            }
        }
    });
}

#[test]
fn handles_of_different_groups_are_read_in_two_threads() {
    in_private_network(|network| {
        network.output_rules(&["udp dport 9000 log group 5", "udp dport 9001 log group 6"]);
        for client in both("threads") {
            let client = client.start().await_ready();
            let (mut first, mut second) = (Udp::v4(), Udp::new(V4, 9001));
            for _ in 0..1000 {
                first.send(100);
                second.send(200);
            }
            first.send_end();
            second.send_end();
            let ended = client.finish().succeeded();
            assert_eq!(ended.number("first"), 1001, "{ended:?}");
            assert_eq!(ended.number("second"), 1001, "{ended:?}");
            assert_eq!(ended.number("strangers"), 0, "{ended:?}");
        }
    });
}

#[test]
fn a_child_that_closes_its_copy_of_a_handle_leaves_the_parents_alone() {
    in_private_network(|network| {
        network.log_udp();
        for what in ["close", "exit", "breakloop"] {
            for client in both("fork") {
                let client = client.arg(what).start().await_ready();
                client.await_line(Stream::Stdout, "the child has ended");
                assert_eq!(bound_groups().len(), 1, "{what}");
                let mut udp = Udp::v4();
                (0..10).for_each(|_| udp.send(100));
                client.finish().succeeded();
                assert_eq!(bound_groups(), [], "{what}");
            }
        }
    });
}

#[test]
fn two_processes_that_wait_on_one_handle_each_end_their_own_waits() {
    in_private_network(|_| {
        for client in both("apart") {
            client.succeed();
        }
    });
}

#[test]
fn two_processes_that_read_one_handle_share_its_packets_and_count_the_others_as_lost() {
    in_private_network(|network| {
        network.log_udp();
        for ways in [&["fresh"][..], &["held"], &["fresh", "select"], &["held", "select"]] {
            for client in both("sharing") {
                let ended = client.args(ways).succeed();
                // Both did read, though not in equal parts.
                assert!(ended.number("parent") > 0 && ended.number("child") > 0, "{ended:?}");
            }
        }
    });
}
