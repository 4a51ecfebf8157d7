//! Which devices are listed: one for each group that the running ruleset logs to.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::client::{library, tcpdump_preloaded};
use crate::support::network::in_private_network;
use crate::support::program::Program;

/// The NFLOG devices of `tcpdump -D`, names and descriptions, without `nflog` itself.
fn listed() -> Vec<String> {
    let ended = tcpdump_preloaded().arg("-D").run().succeeded();
    nflog_lines(&ended.stdout())
}

fn nflog_lines(list: &str) -> Vec<String> {
    let lines = list.lines().filter_map(|line| line.split_once('.').map(|(_, device)| device));
    lines.filter(|line| line.starts_with("nflog:")).map(|line| line.replace(" [none]", "")).collect()
}

fn line(group: u16, places: &str) -> String {
    format!("nflog:{group} (Linux netfilter log (NFLOG), group {group}: {places})")
}

#[test]
fn groups_of_every_nftables_family_are_listed_with_table_and_chain() {
    in_private_network(|network| {
        assert_eq!(listed(), [""; 0]);
        network.rules("inet", "output", &["udp dport 53 counter log prefix \"dns\" group 5", "log prefix \"syslog\""]);
        network.rules("ip", "input", &["log group 6 snaplen 80 queue-threshold 4"]);
        network.rules("ip6", "forward", &["log group 7"]);
        network.rules("arp", "input", &["log group 8"]);
        network.rules("bridge", "forward", &["log group 65535"]);
        let device = "add table netdev edge\n\
                      add chain netdev edge in { type filter hook ingress device lo priority 0; }\n\
                      add rule netdev edge in log group 10\n";
        Program::new("nft").args(["-f", "-"]).input(device).succeed();
        let expected = [
            line(5, "inet watch output"),
            line(6, "ip watch input"),
            line(7, "ip6 watch forward"),
            line(8, "arp watch input"),
            line(10, "netdev edge in"),
            line(65535, "bridge watch forward"),
        ];
        assert_eq!(listed(), expected);
    });
}

#[test]
fn groups_of_iptables_nft_and_ebtables_nft_are_listed() {
    in_private_network(|network| {
        network.iptables("iptables-nft", "-A INPUT -p udp -j NFLOG --nflog-group 10 --nflog-prefix web");
        network.iptables("ip6tables-nft", "-t mangle -A OUTPUT -j NFLOG --nflog-group 10");
        network.iptables("ebtables-nft", "-A FORWARD --nflog-group 12 --nflog-prefix frames");
        assert_eq!(listed(), [line(10, "ip filter INPUT, ip6 mangle OUTPUT"), line(12, "bridge filter FORWARD")]);
    });
}

#[test]
fn groups_of_iptables_legacy_are_listed_for_both_families() {
    in_private_network(|network| {
        for tool in ["iptables-legacy", "ip6tables-legacy"] {
            network.iptables(tool, "-N mine");
            network.iptables(tool, "-A mine -j NFLOG --nflog-group 12 --nflog-prefix web");
            network.iptables(tool, "-t mangle -A POSTROUTING -p udp -j NFLOG --nflog-group 13");
        }
        let expected = [
            line(12, "ip6tables filter mine, iptables filter mine"),
            line(13, "ip6tables mangle POSTROUTING, iptables mangle POSTROUTING"),
        ];
        assert_eq!(listed(), expected);
    });
}

/// Asking for the rules must not create tables, whose hooks every packet would then pass.
#[test]
fn listing_creates_no_table() {
    in_private_network(|_| {
        listed();
        for file in ["ip_tables_names", "ip6_tables_names"] {
            assert_eq!(fs::read_to_string(format!("/proc/thread-self/net/{file}")).unwrap(), "");
        }
        assert_eq!(Program::new("nft").args(["list", "tables"]).succeed().stdout(), "");
    });
}

#[test]
fn thousands_of_rules_and_groups_are_listed_at_once() {
    in_private_network(|_| {
        Program::new("nft").args(["-f", "-"]).input("add table inet many\nadd chain inet many c\n").succeed();
        // What nft sends at once must fit its socket's buffer, which is small without root.
        for first in (1..=5000).step_by(250) {
            let mut script = String::new();
            for group in first..first + 250 {
                script += &format!(
                    "add rule inet many c ip saddr 192.0.2.0/24 log prefix \"{}\" group {group}\n",
                    "x".repeat(100)
                );
            }
            Program::new("nft").args(["-f", "-"]).input(&script).succeed();
        }
        let start = Instant::now();
        let listed = listed();
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        let expected: Vec<_> = (1..=5000).map(|group| line(group, "inet many c")).collect();
        assert!(listed == expected, "{} devices", listed.len());
    });
}

#[test]
fn names_of_the_greatest_length_and_many_places_are_listed_in_short() {
    in_private_network(|_| {
        let (table, mut script) = ("t".repeat(200), String::new());
        for number in 0..50 {
            let chain = format!("{}{number:02}", "c".repeat(90));
            script += &format!(
                "add table ip {table}\nadd chain ip {table} {chain}\nadd rule ip {table} {chain} log group 5\n"
            );
        }
        Program::new("nft").args(["-f", "-"]).input(&script).succeed();
        let listed = listed();
        assert_eq!(listed.len(), 1, "{listed:?}");
        assert!(listed[0].ends_with("02 and 47 more)"), "{listed:?}");
    });
}

#[test]
fn a_ruleset_that_changes_all_the_time_is_listed_still() {
    in_private_network(|network| {
        network.output_rules(&["udp dport 9000 log group 5"]);
        let script = "while nft -f - <<'END'\nadd table ip other\ndelete table ip other\nEND\ndo :; done";
        let changes = Program::new("sh").args(["-c", script]).start();
        for _ in 0..20 {
            assert_eq!(listed(), [line(5, "inet watch output")]);
        }
        drop(changes);
    });
}

#[test]
fn without_privilege_the_list_is_shorter_and_no_error() {
    in_private_network(|network| {
        network.output_rules(&["udp dport 9000 log group 5"]);
        let list = "exec setpriv --bounding-set -all --inh-caps -all --ambient-caps -all tcpdump -D";
        let unprivileged = Program::new("sh").args(["-c", list]).env("LD_PRELOAD", library());
        let unprivileged = unprivileged.env("PCAP_NFLOG_DEVICES", "nflog:7 nflog:8-9");
        let ended = unprivileged.run().succeeded();
        let group = |words: &str| format!("nflog:{words}");
        let expected =
            [group("7 (Linux netfilter log (NFLOG), group 7)"), group("8-9 (Linux netfilter log (NFLOG), 2 groups)")];
        assert_eq!(nflog_lines(&ended.stdout()), expected, "{ended:?}");
    });
}

#[test]
fn a_wrong_name_among_the_users_devices_is_listed_with_what_is_wrong() {
    in_private_network(|_| {
        let named = "nflog:x nflog:7 lo0 NFLOG:5 nflog:\x1b[31m";
        let ended = tcpdump_preloaded().arg("-D").env("PCAP_NFLOG_DEVICES", named).run().succeeded();
        let listed = ended.stdout();
        for words in [
            ".nflog:7 (Linux netfilter log (NFLOG), group 7)",
            ".nflog:x (PCAP_NFLOG_DEVICES: nflog:x: group 'x' is not a number; the form is nflog[:GROUP",
            ".lo0 (PCAP_NFLOG_DEVICES: lo0: not an NFLOG device; the form is",
            ".NFLOG:5 (PCAP_NFLOG_DEVICES: NFLOG:5: NFLOG devices are in lower case: nflog:5; the form is",
            ".nflog:?[31m (PCAP_NFLOG_DEVICES: nflog:?[31m: group '?[31m' is not a number",
        ] {
            assert!(listed.contains(words), "no '{words}': {listed}");
        }
    });
}

#[test]
fn a_device_that_is_named_and_logged_to_is_listed_once() {
    in_private_network(|network| {
        network.output_rules(&["udp dport 9000 log group 5"]);
        let ended = tcpdump_preloaded().arg("-D").env("PCAP_NFLOG_DEVICES", "nflog:5 nflog:6").run().succeeded();
        let expected = [line(5, "inet watch output"), "nflog:6 (Linux netfilter log (NFLOG), group 6)".to_owned()];
        assert_eq!(nflog_lines(&ended.stdout()), expected);
    });
}
