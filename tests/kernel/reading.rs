//! How reads wait, and how they end.

use crate::support::client::preloaded;
use crate::support::network::{bound_groups, in_private_network};
use crate::support::program::{Program, Stream};
use crate::support::traffic::{Udp, V4};

const READS: [&str; 4] = ["loop", "dispatch", "next_ex", "next"];

/// A client without the reader thread, and one with it: reads look the same.
fn both(client: &str) -> [Program; 2] {
    ["off", "on"].map(|mode| preloaded(client).env("PCAP_NFLOG_READER_THREAD", mode))
}

#[test]
fn breakloop_from_a_signal_handler_ends_a_read_that_waits() {
    in_private_network(|_| {
        for read in READS {
            for client in both("breakloop") {
                let client = client.args(["signal", read]).start().await_ready();
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
        for read in READS {
            for client in both("breakloop") {
                let mut client = client.args(["thread", read]).start().await_ready();
                client.await_blocked();
                client.write("\n");
                client.finish().succeeded();
            }
        }
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
