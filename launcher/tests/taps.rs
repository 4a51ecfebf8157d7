//! Taps: what they show, and that nothing is left of them.

#[allow(dead_code)]
mod launched;

use std::fs;

use launched::support::client::library;
use launched::support::network::{in_private_network, in_private_network_for_tcpdump};
use launched::support::program::{Program, Running, Stream};
use launched::support::traffic::{Udp, V4, talk_over_tcp};
use launched::support::wait_until;
use launched::{launched, launcher, refused, status, taps_tables};

/// The examples of the man page, each the words behind `pcap-nflog`, as a shell splits them.
fn examples(part: &str) -> Vec<Vec<String>> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../man/pcap-nflog.1")).unwrap();
    let plain = page.replace("\\*(Aq", "'").replace("\\-", "-").replace("\\fB", "").replace("\\fR", "");
    let lines = plain.lines().filter(|line| line.starts_with("pcap-nflog tap ") && line.contains(part));
    let split = |line: &str| Program::new("sh").args(["-c", &format!("printf '%s\\n' {line}")]).succeed().lines();
    lines.map(|line| split(line)[1..].to_vec()).collect()
}

/// Which directions a tap shows of a connection to port 443: to the port, and from it.
fn directions(words: &[String]) -> (bool, bool) {
    // Line by line, since its output is no terminal.
    let words = words.iter().flat_map(|word| [Some(word.as_str()), (word == "tcpdump").then_some("-l")]).flatten();
    let tap = launcher().args(words).start();
    tap.await_line(Stream::Stderr, "listening on nflog:");
    talk_over_tcp(V4, 443);
    // The client ends the connection: the port's answer was before.
    tap.await_line(Stream::Stdout, "> 127.0.0.1.443: Flags [F.]");
    tap.signal(libc::SIGINT);
    let shown = tap.finish().stdout();
    (shown.contains(" > 127.0.0.1.443: "), shown.contains("127.0.0.1.443 > "))
}

#[test]
fn the_man_pages_examples_show_the_directions_that_it_says() {
    in_private_network_for_tcpdump(|_| {
        let (to_port, both) = (examples("'tcp dport 443'"), examples(" 443"));
        assert_eq!(to_port.len(), 1, "{to_port:?}");
        assert_eq!(directions(&to_port[0]), (true, false));
        let both: Vec<_> = both.into_iter().filter(|words| !to_port.contains(words)).collect();
        assert_eq!(both.len(), 2, "{both:?}");
        let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
        for words in [&to_port[0], &both[0]] {
            assert!(readme.contains(&format!("    sudo pcap-nflog tap '{}' -- tcpdump -nn -i {{}}\n", words[1])));
        }
        for words in both {
            assert_eq!(directions(&words), (true, true), "{words:?}");
        }
    });
}

#[test]
fn a_tap_shows_what_matches_and_removes_its_table() {
    in_private_network_for_tcpdump(|_| {
        let tap = ["tap", "--hooks", "output", "udp dport 9000", "--", "tcpdump", "-lnn", "-c", "2", "-i", "{}"];
        let tap = launcher().args(tap).start();
        tap.await_line(Stream::Stderr, "listening on nflog:");
        let (mut udp, mut other) = (Udp::v4(), Udp::new(V4, 9001));
        for size in [10, 20] {
            other.send(5);
            udp.send(size);
        }
        let shown = tap.finish().succeeded().lines();
        let lengths: Vec<_> = shown.iter().filter_map(|line| line.split_once("length ")).map(|part| part.1).collect();
        assert_eq!(lengths, ["10", "20"], "{shown:?}");
        assert_eq!(taps_tables(), [""; 0]);
    });
}

#[test]
fn a_dry_run_prints_rules_that_nft_accepts_and_changes_nothing() {
    in_private_network(|_| {
        let matching = "tcp dport { 80, 443 } ct state invalid";
        let hooks = "prerouting,input,forward,output,postrouting";
        let run = ["--linktype", "nflog", "tap", "--hooks", hooks, "--dry-run", matching, "--", "sh", "-c", "cat {}"];
        let printed = launched(&run).succeeded().stdout();
        assert_eq!(taps_tables(), [""; 0]);
        assert_eq!(printed.matches("log group ").count(), 5, "{printed}");
        assert!(printed.contains("@NFLOG'\n"), "{printed}");
        Program::new("nft").args(["-f", "-"]).input(&printed).succeed();
        assert_eq!(taps_tables().len(), 1);
    });
}

#[test]
fn a_tap_that_cannot_be_leaves_nothing_behind() {
    in_private_network(|_| {
        refused(&["tap", "udp dport 53", "--", "no-such-command", "{}"], 127, "command not found");
        refused(&["tap", "udp dport 53", "--", "/etc/passwd", "{}"], 126, "it is not executable");
        refused(&["tap", "udp fport 53", "--", "true", "{}"], 125, "nft refuses it");
        refused(&["tap", "udp", "--", "true", "{}"], 125, "MATCH ends too early: nft wants more, as in 'udp dport 53'");
        refused(&["tap", "udp dport 53; drop", "--", "true", "{}"], 2, "without ';'");
        refused(&["tap", "udp dport 53", "--", "true"], 2, "the command has no {}");
        refused(&["tap", "--hooks", "ingress", "udp dport 53", "--", "true", "{}"], 2, "ingress");
        let drop = ["--bounding-set", "-all", "--inh-caps", "-all", "--ambient-caps", "-all"];
        let unprivileged = Program::new("setpriv").args(drop).arg(env!("CARGO_BIN_EXE_pcap-nflog"));
        let unprivileged = unprivileged.args(["tap", "udp dport 53", "--", "true", "{}"]);
        let ended = unprivileged.env("PCAP_NFLOG_LIB", library()).run();
        assert_eq!(status(&ended), 125, "{ended:?}");
        assert!(ended.stderr().contains("needs CAP_NET_ADMIN: root lacks it here"), "{ended:?}");
        assert!(ended.stderr().contains("docker run --cap-add NET_ADMIN"), "{ended:?}");
    });
}

/// A tap whose command says its device and its process id, and goes on until it is ended.
fn lasting_tap() -> (Running, i32) {
    let tap = start_lasting_tap();
    let line = tap.await_line(Stream::Stdout, "ready nflog:");
    assert_eq!(taps_tables().len(), 1);
    (tap, line.rsplit_once(' ').unwrap().1.parse().unwrap())
}

fn start_lasting_tap() -> Running {
    let command = "echo ready {} $$; exec sleep 100";
    launcher().args(["tap", "udp dport 53", "--", "sh", "-c", command]).start()
}

fn is_gone(pid: i32) -> bool {
    // One that has ended, but was not waited for yet, has no command line any more.
    fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default().is_empty()
}

#[test]
fn a_taps_table_is_gone_after_signals_to_it_or_to_its_command() {
    in_private_network(|_| {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
            let (tap, command) = lasting_tap();
            tap.signal(signal);
            let ended = tap.finish();
            assert_eq!(status(&ended), 128 + signal, "{ended:?}");
            assert!(is_gone(command) && taps_tables().is_empty(), "signal {signal}");
        }
        let (tap, command) = lasting_tap();
        // SAFETY: kill(2) takes no pointers; the process is the tap's command, which still runs.
        unsafe { libc::kill(command, libc::SIGKILL) };
        assert_eq!(status(&tap.finish()), 128 + libc::SIGKILL);
        assert_eq!(taps_tables(), [""; 0]);
    });
}

#[test]
fn a_taps_table_is_gone_after_the_tap_itself_was_killed() {
    in_private_network(|_| {
        let (tap, command) = lasting_tap();
        tap.signal(libc::SIGKILL);
        tap.finish();
        wait_until("the guard has removed the table", || taps_tables().is_empty());
        wait_until("the command has ended", || is_gone(command));
    });
}

#[test]
fn a_tap_clears_the_tables_of_dead_taps_and_of_no_others() {
    in_private_network(|_| {
        let (running, _) = lasting_tap();
        let own = taps_tables();
        let namespace = own[0].rsplit_once('_').unwrap().1.to_owned();
        let dead = ["4194999", "4194998"].map(|pid| format!("pcap_nflog_tap_{pid}"));
        let elsewhere = format!("{}_1", dead[0]);
        for name in [&format!("{}_{namespace}", dead[0]), &format!("{}_{namespace}", dead[1]), &elsewhere] {
            Program::new("nft").args(["add", "table", "inet", name]).succeed();
        }
        launched(&["tap", "udp dport 53", "--", "true", "{}"]).succeeded();
        let mut left = taps_tables();
        left.sort();
        let mut expected = vec![own[0].clone(), format!("table inet {elsewhere}")];
        expected.sort();
        assert_eq!(left, expected);
        running.signal(libc::SIGTERM);
        running.finish();
    });
}

#[test]
fn taps_at_the_same_time_have_different_groups() {
    in_private_network(|_| {
        let taps: Vec<_> = (0..8).map(|_| start_lasting_tap()).collect();
        let groups: std::collections::HashSet<_> = taps
            .iter()
            .map(|tap| tap.await_line(Stream::Stdout, "ready nflog:").split(' ').nth(1).unwrap().to_owned())
            .collect();
        assert_eq!(groups.len(), taps.len(), "{groups:?}");
        for tap in taps {
            tap.signal(libc::SIGTERM);
            tap.finish();
        }
        assert_eq!(taps_tables(), [""; 0]);
    });
}
