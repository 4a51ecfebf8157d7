//! tcpdump, unmodified, with the library preloaded.

use std::fs;

use crate::support::client::{tcpdump, tcpdump_preloaded};
use crate::support::network::{Network, in_private_network_for_tcpdump, in_rootless_network_for_tcpdump, is_root};
use crate::support::program::{Finished, Program, Running, Stream};
use crate::support::traffic::{END, Udp, V4, V6, talk_over_tcp};
use crate::support::wait_until;

/// Starts tcpdump and waits until it captures.
fn start(program: Program) -> Running {
    let running = program.start();
    running.await_line(Stream::Stderr, "listening on");
    running
}

/// Ends a tcpdump as a user does.
fn interrupt(running: Running) -> Finished {
    running.signal(libc::SIGINT);
    running.finish().succeeded()
}

/// The packets that a tcpdump printed before it was interrupted: it then ends the line that shows the ^C.
fn packets(interrupted: &Finished) -> Vec<String> {
    let mut lines = interrupted.lines();
    assert_eq!(lines.pop().as_deref(), Some(""), "{interrupted:?}");
    lines
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// Sends datagrams of many sizes over both families; returns the lines that tcpdump must print for them.
fn send_datagrams(v4: &mut Udp, v6: &mut Udp) -> Vec<String> {
    let mut lines = Vec::new();
    for size in [0, 1, 100, 1400, 9000, 60_000] {
        v4.send(size);
        lines.push(v4.line(size));
        v6.send(size);
        lines.push(v6.line(size));
    }
    lines
}

fn prints_every_packet(network: &Network, options: &[&str]) {
    network.output_rules(&["udp dport 9000 log group 5"]);
    let tcpdump = start(tcpdump_preloaded().args(options).args(["-i", "nflog:5"]));
    let (mut v4, mut v6) = (Udp::v4(), Udp::v6());
    let mut expected = send_datagrams(&mut v4, &mut v6);
    v4.send_end();
    expected.push(v4.line(END.len()));
    tcpdump.await_line(Stream::Stdout, &v4.line(END.len()));
    let ended = interrupt(tcpdump);
    assert_eq!(packets(&ended), expected);
    let count = expected.len();
    assert!(ended.stderr().contains(&format!("{count} packets captured")), "{ended:?}");
    assert!(ended.stderr().contains("0 packets dropped by kernel"), "{ended:?}");
}

#[test]
fn tcpdump_prints_exactly_the_packets_that_were_logged_of_both_families_in_order() {
    in_private_network_for_tcpdump(|network| prints_every_packet(network, &["-Z", "root"]));
}

#[test]
fn tcpdump_captures_without_root() {
    in_rootless_network_for_tcpdump(|network| prints_every_packet(network, &[]));
}

#[test]
fn tcpdump_goes_on_after_it_has_dropped_roots_privileges() {
    in_private_network_for_tcpdump(|network| {
        if is_root() {
            let idle = start(tcpdump_preloaded().args(["-i", "nflog:6"]));
            assert_ne!(effective_user(&idle), 0, "this tcpdump does not drop privileges");
        }
        prints_every_packet(network, &[]);
    });
}

/// The user that a program runs as now.
fn effective_user(program: &Running) -> u32 {
    let status = fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_filter_shows_the_packets_that_match_and_no_others() {
    in_private_network_for_tcpdump(|network| {
        network.output_rules(&["meta l4proto udp log group 5"]);
        let tcpdump = start(tcpdump_preloaded().args(["-i", "nflog:5", "udp port 9000"]));
        let (mut v4, mut v6) = (Udp::v4(), Udp::v6());
        let (mut other_v4, mut other_v6) = (Udp::new(V4, 9001), Udp::new(V6, 9001));
        send_datagrams(&mut other_v4, &mut other_v6);
        let mut expected = send_datagrams(&mut v4, &mut v6);
        other_v4.send_end();
        v4.send_end();
        expected.push(v4.line(END.len()));
        tcpdump.await_line(Stream::Stdout, &v4.line(END.len()));
        let ended = interrupt(tcpdump);
        assert_eq!(packets(&ended), expected);
        assert!(ended.stderr().contains(&format!("{} packets captured", expected.len())), "{ended:?}");
    });
}

#[test]
fn a_filter_on_tcp_and_udp_shows_what_the_same_filter_shows_on_loopback() {
    const FILTER: &str = "tcp port 8080 or udp port 53";
    in_private_network_for_tcpdump(|network| {
        network.output_rules(&["meta l4proto { tcp, udp } log group 5"]);
        let ours = start(tcpdump_preloaded().args(["-i", "nflog:5", FILTER]));
        let loopback = start(tcpdump().args(["-i", "lo", FILTER]));
        let mut ends = Vec::new();
        for ip in [V4, V6] {
            let (mut dns, mut other) = (Udp::new(ip, 53), Udp::new(ip, 54));
            dns.send(100);
            other.send(100);
            talk_over_tcp(ip, 8080);
            talk_over_tcp(ip, 8081);
            other.send(100);
            dns.send_end();
            ends.push(dns.line(END.len()));
        }
        let [ours, loopback] = [ours, loopback].map(|tcpdump| {
            tcpdump.await_line(Stream::Stdout, &ends[1]);
            sorted(packets(&interrupt(tcpdump)))
        });
        assert_eq!(ours, loopback);
        let count = |words: &str| ours.iter().filter(|line| line.contains(words)).count();
        assert_eq!(count("tcp 5"), 4, "one message and one answer over each family: {ours:#?}");
        assert_eq!(count(".53: UDP, length"), 4, "{ours:#?}");
        assert!(count(".8080") >= 2 * 7 && count(".8081") == 0, "{ours:#?}");
    });
}

#[test]
fn a_savefile_that_tcpdump_writes_has_the_packets_that_it_prints() {
    in_private_network_for_tcpdump(|network| {
        network.log_udp();
        let file = network.folder().join("written.pcap");
        let writing = tcpdump_preloaded().args(["-i", "nflog:5", "-U", "-w"]).arg(&file).arg("udp port 9000");
        let writing = start(writing);
        let (mut v4, mut v6) = (Udp::v4(), Udp::v6());
        let mut expected = send_datagrams(&mut v4, &mut v6);
        v4.send_end();
        expected.push(v4.line(END.len()));
        wait_until("the last packet is in the savefile", || fs::read(&file).unwrap().ends_with(END));
        interrupt(writing);

        let read = |program: Program| program.arg("-r").arg(&file).succeed();
        let (plain, preloaded) = (read(tcpdump()), read(tcpdump_preloaded()));
        assert_eq!(plain.lines(), expected);
        assert_eq!(preloaded.lines(), expected);
        assert!(plain.stderr().contains("link-type RAW"), "{plain:?}");
    });
}
