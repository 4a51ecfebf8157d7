//! Threads that are cancelled or end themselves, exceptions and jumps, through a read: they pass as through libpcap, and
//! the handle can be read on and closed.
//!
//! A client sends itself what it reads, and checks what came of it. It does the same on the loopback device, with libpcap
//! alone and with the library in front of it: what a test asks for is what libpcap does.

use crate::support::client::{preloaded, with_libpcap};
use crate::support::network::{bound_groups, in_private_network};
use crate::support::program::Program;

const READS: &[&str] = &["loop", "dispatch", "next_ex", "next"];
const CALLING_BACK: &[&str] = &["loop", "dispatch"];

/// For ever; too short for a receive to wait; long enough for that.
const TIMES: &[&str] = &["0", "10", "100"];

/// The client on NFLOG, without the reader thread and with it.
fn on_nflog(client: &str) -> [Program; 2] {
    ["off", "on"].map(|mode| preloaded(client).env("PCAP_NFLOG_READER_THREAD", mode).arg("nflog:5"))
}

/// The client on loopback: with libpcap alone, and with the library in front of it.
fn on_loopback(client: &str) -> [Program; 2] {
    [Program::new(with_libpcap(client)), preloaded(client)].map(|program| program.arg("lo"))
}

/// Runs a client's case everywhere, for each way to read and each timeout, and says what failed.
fn passes(client: &str, case: &str, reads: &[&str], times: &[&str]) {
    let mut failures = Vec::new();
    for (read, time) in reads.iter().flat_map(|read| times.iter().map(move |time| (read, time))) {
        for program in on_loopback(client).into_iter().chain(on_nflog(client)) {
            failures.extend(failure(program.args([read, case, time])));
            assert_eq!(bound_groups(), [], "{client} {read} {case} {time}");
            // Each may have waited in vain.
            assert!(failures.len() < 6, "these failed, and more may:\n{}", failures.join("\n"));
        }
    }
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

/// How the program failed, if it did.
fn failure(program: Program) -> Option<String> {
    let ended = program.run();
    (!ended.status.success()).then(|| format!("{}: {ended:?}", ended.status))
}

#[test]
fn a_thread_that_waits_in_a_read_can_be_cancelled() {
    in_private_network(|network| {
        network.log_udp();
        passes("unwinding", "waiting", READS, TIMES);
    });
}

#[test]
fn a_thread_that_waits_for_longer_than_anyone_or_in_non_blocking_mode_can_be_cancelled() {
    in_private_network(|network| {
        network.log_udp();
        // libpcap's pcap_loop has no cancellation point in non-blocking mode, where it does not wait. Ours does.
        let ways = READS.iter().map(|&read| (read, "3600000")).chain([("loop", "-1")]);
        for (read, time) in ways {
            for program in on_nflog("unwinding") {
                program.args([read, "waiting", time]).succeed();
            }
        }
    });
}

#[test]
fn a_thread_that_is_busy_can_be_cancelled_and_no_packet_is_lost() {
    in_private_network(|network| {
        network.log_udp();
        passes("unwinding", "busy", READS, TIMES);
    });
}

#[test]
fn a_thread_that_forbids_its_cancellation_reads_on() {
    in_private_network(|network| {
        network.log_udp();
        passes("unwinding", "disabled", READS, TIMES);
    });
}

#[test]
fn a_read_with_its_threads_cancellation_pending_loses_no_packet() {
    in_private_network(|network| {
        network.log_udp();
        passes("unwinding", "pending", READS, TIMES);
    });
}

#[test]
fn a_thread_can_be_cancelled_in_its_callback() {
    in_private_network(|network| {
        network.log_udp();
        passes("unwinding", "paused", CALLING_BACK, TIMES);
        passes("unwinding", "tested", CALLING_BACK, TIMES);
    });
}

#[test]
fn a_callback_can_end_its_thread() {
    in_private_network(|network| {
        network.log_udp();
        passes("unwinding", "exits", CALLING_BACK, TIMES);
        passes("exceptions", "exits", CALLING_BACK, TIMES);
    });
}

#[test]
fn a_callback_can_jump_out_of_the_read() {
    in_private_network(|network| {
        network.log_udp();
        passes("unwinding", "jumps", CALLING_BACK, TIMES);
    });
}

#[test]
fn an_exception_of_a_callback_reaches_the_reads_caller() {
    in_private_network(|network| {
        network.log_udp();
        passes("exceptions", "throw", CALLING_BACK, TIMES);
        passes("exceptions", "caught", CALLING_BACK, TIMES);
    });
}

#[test]
fn what_a_cancelled_thread_of_cpp_has_on_its_stack_is_destroyed_once() {
    in_private_network(|network| {
        network.log_udp();
        passes("exceptions", "waiting", CALLING_BACK, TIMES);
    });
}

#[test]
fn a_call_with_its_threads_cancellation_pending_is_made_or_ends_the_thread() {
    const CALLS: &[&str] = &[
        "create",
        "open_live",
        "activate",
        "close",
        "stats",
        "compile",
        "setfilter",
        "setnonblock",
        "setdirection",
        "selectable",
        "breakloop",
        "list_datalinks",
        "set_datalink",
        "findalldevs",
        "dump_open",
        "sendpacket",
    ];
    in_private_network(|network| {
        network.log_udp();
        let mut failures = Vec::new();
        for call in CALLS {
            // libpcap throws the packets away that are waiting when a filter is set, and those are waited for.
            let reference = on_loopback("pending").into_iter().filter(|_| *call != "setfilter");
            for program in reference.chain(on_nflog("pending")) {
                failures.extend(failure(program.arg(call)));
                assert_eq!(bound_groups(), [], "{call}");
            }
        }
        assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    });
}
