//! Packets reach a capture whatever logs them.

use crate::support::client::reader;
use crate::support::network::{Network, in_private_network, in_rootless_network};
use crate::support::program::Running;
use crate::support::traffic::{END, END_LEN, Udp, V4};

/// Reads group 5 until the end.
fn start() -> Running {
    reader("nflog:5").args(["print=1".into(), format!("until={END_LEN}")]).start().await_ready()
}

/// Sends three datagrams over IPv6 and four over IPv4, and expects those of the `logged` families. The last one is
/// IPv4: rules for IPv6 alone need another for it.
fn expect(reader: Running, v4_logged: bool, v6_logged: bool) {
    let (mut v4, mut v6) = (Udp::v4(), Udp::v6());
    let mut expected = Vec::new();
    for size in [10, 20, 30] {
        v6.send(size);
        v4.send(size);
        expected.extend(v6_logged.then_some(40 + 8 + size));
        expected.extend(v4_logged.then_some(20 + 8 + size));
    }
    v4.send_end();
    expected.push(END_LEN as usize);
    let ended = reader.finish().succeeded();
    let lines = ended.lines();
    let lens: Vec<usize> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("packet ")?.split_once(" len=")?.1.split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(lens, expected, "{ended:?}");
    assert_eq!(ended.number("drop"), 0);
}

/// The rule that logs the end where no other rule for IPv4 does.
fn log_end(network: &Network) {
    let length = 8 + END.len();
    network.rules("ip", "output", &[&format!("udp dport 9000 udp length {length} log group 5")]);
}

#[test]
fn nftables_rules_of_the_inet_family_log_both_families() {
    in_private_network(|network| {
        network.rules("inet", "output", &["udp dport 9000 log group 5"]);
        expect(start(), true, true);
    });
}

#[test]
fn nftables_rules_of_the_ip_family_log_ipv4() {
    in_private_network(|network| {
        network.rules("ip", "input", &["udp dport 9000 log prefix \"in\" group 5 queue-threshold 3"]);
        expect(start(), true, false);
    });
}

#[test]
fn nftables_rules_of_the_ip6_family_log_ipv6() {
    in_private_network(|network| {
        network.rules("ip6", "prerouting", &["udp dport 9000 log group 5"]);
        log_end(network);
        expect(start(), false, true);
    });
}

const NFLOG: &str = "OUTPUT -p udp --dport 9000 -j NFLOG --nflog-group 5";

fn iptables_logs_ipv4(network: &Network, tool: &str) {
    network.iptables(tool, &format!("-A {NFLOG} --nflog-prefix four"));
    expect(start(), true, false);
}

fn ip6tables_logs_ipv6(network: &Network, tool: &str) {
    network.iptables(tool, &format!("-A {NFLOG} --nflog-prefix six --nflog-threshold 2"));
    log_end(network);
    expect(start(), false, true);
}

#[test]
fn iptables_nft_rules_log_ipv4() {
    in_private_network(|network| iptables_logs_ipv4(network, "iptables-nft"));
}

#[test]
fn iptables_legacy_rules_log_ipv4() {
    in_private_network(|network| iptables_logs_ipv4(network, "iptables-legacy"));
}

#[test]
fn ip6tables_nft_rules_log_ipv6() {
    in_private_network(|network| ip6tables_logs_ipv6(network, "ip6tables-nft"));
}

#[test]
fn ip6tables_legacy_rules_log_ipv6() {
    in_private_network(|network| ip6tables_logs_ipv6(network, "ip6tables-legacy"));
}

#[test]
fn rules_of_each_kind_log_to_one_group_without_root() {
    in_rootless_network(|network| {
        network.iptables("iptables-nft", &format!("-A {NFLOG}"));
        network.iptables("ip6tables-legacy", &format!("-A {NFLOG}"));
        expect(start(), true, true);
    });
}

#[test]
fn one_handle_reads_several_groups_and_ranges() {
    in_private_network(|network| {
        let groups = [1, 2, 7, 10, 15, 20, 30];
        let port = |group: u16| 9000 + group;
        // 8, 9, 21 and 31 are next to the ranges, and not in them.
        let logged: Vec<String> = groups
            .iter()
            .chain(&[8, 9, 21, 31])
            .map(|&group| format!("udp dport {} log group {group}", port(group)))
            .collect();
        network.output_rules(&logged.iter().map(String::as_str).collect::<Vec<_>>());
        for device in ["nflog:1,2,7", "nflog:10-20,30", "nflog:0x1,2-7,10-0x14,036"] {
            let named = |group: u16| match device {
                "nflog:1,2,7" => group < 10,
                "nflog:10-20,30" => group >= 10,
                _ => true,
            };
            // In immediate mode the groups' packets come in the order in which they were logged.
            let options = ["immediate=1".into(), format!("until={END_LEN}")];
            let reader = reader(device).args(options).start().await_ready();
            let mut expected = Vec::new();
            for group in groups.into_iter().chain([8, 9, 21, 31]) {
                // The size tells the group.
                Udp::new(V4, port(group)).send(100 + usize::from(group));
                expected.extend((groups.contains(&group) && named(group)).then_some(128 + i64::from(group)));
            }
            Udp::new(V4, port(if named(7) { 7 } else { 30 })).send_end();
            expected.push(i64::from(END_LEN));
            let ended = reader.finish().succeeded();
            assert_eq!(ended.number("packets"), expected.len() as i64, "{device}: {ended:?}");
            assert_eq!(ended.number("lens"), expected.iter().sum::<i64>(), "{device}: {ended:?}");
        }
    });
}
