//! Which groups the running ruleset logs to: what is worth listing as a device.
//!
//! The rules are asked for where they are kept: nftables (with iptables-nft and ebtables-nft, which are nftables' own
//! rules) over netlink, iptables-legacy and ip6tables-legacy by getsockopt(2). Nothing is loaded or created for it:
//! a backend that is not in use is not asked. Names in rules are any bytes that somebody chose, so they come
//! from `name`, fit for a terminal.

mod attributes;
mod nftables;
mod xtables;

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use super::text;

/// Where a rule is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Backend {
    /// nftables, in a table of the `ip` family.
    Ip,
    /// nftables, `ip6`.
    Ip6,
    /// nftables, `inet`.
    Inet,
    /// nftables, `arp`.
    Arp,
    /// nftables, `bridge`.
    Bridge,
    /// nftables, `netdev`.
    Netdev,
    /// iptables-legacy.
    Iptables,
    /// ip6tables-legacy.
    Ip6tables,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Backend::Ip => "ip",
            Backend::Ip6 => "ip6",
            Backend::Inet => "inet",
            Backend::Arp => "arp",
            Backend::Bridge => "bridge",
            Backend::Netdev => "netdev",
            Backend::Iptables => "iptables",
            Backend::Ip6tables => "ip6tables",
        })
    }
}

/// A rule that logs to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRule {
    /// The group.
    pub group: u16,
    /// Where the rule is kept.
    pub backend: Backend,
    /// Its table.
    pub table: String,
    /// Its chain.
    pub chain: String,
    /// What the rule is deleted by: nftables' handle, or the position in an iptables-legacy chain, from 1.
    pub rule: u64,
    /// The prefix that is logged with each packet; empty for none.
    pub prefix: String,
    /// The packets that the rule's counter has seen; `None` for a rule without a counter.
    pub packets: Option<u64>,
}

impl LogRule {
    /// The rule's table and chain in words: "inet filter input", "iptables filter INPUT".
    pub fn place(&self) -> String {
        format!("{} {} {}", self.backend, self.table, self.chain)
    }
}

/// The rules that log to a group, and what could not be read.
#[derive(Debug, Default)]
pub struct Ruleset {
    /// By group; within a group in the ruleset's order.
    pub rules: Vec<LogRule>,
    /// What was attempted and why it failed. Without CAP_NET_ADMIN that is everything.
    pub problems: Vec<(&'static str, io::Error)>,
}

/// Adds the rules of one source.
type Read = fn(&mut Vec<LogRule>) -> io::Result<()>;

impl Ruleset {
    /// Reads the rules of this thread's network namespace, as far as that is allowed.
    pub fn read() -> Ruleset {
        let mut ruleset = Ruleset::default();
        let sources: [(&str, Read); 3] = [
            ("nftables", nftables::read),
            ("iptables-legacy", |rules| xtables::read(&xtables::IPV4, rules)),
            ("ip6tables-legacy", |rules| xtables::read(&xtables::IPV6, rules)),
        ];
        for (source, read) in sources {
            if let Err(error) = read(&mut ruleset.rules) {
                ruleset.problems.push((source, error));
            }
        }
        ruleset.rules.sort_by_key(|rule| rule.group);
        ruleset
    }

    /// Each group that is logged to, ascending, and in words which tables and chains do.
    pub fn groups(&self) -> Vec<(u16, String)> {
        /// More places than that are counted only.
        const NAMED: usize = 3;
        let mut groups: BTreeMap<u16, Vec<String>> = BTreeMap::new();
        for rule in &self.rules {
            let places = groups.entry(rule.group).or_default();
            let place = rule.place();
            // The rules of a chain stand together.
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
        let words = |mut places: Vec<String>| {
            places.sort();
            places.dedup();
            let more = places.len().saturating_sub(NAMED);
            places.truncate(NAMED);
            let named = places.join(", ");
            if more == 0 { named } else { format!("{named} and {more} more") }
        };
        groups.into_iter().map(|(group, places)| (group, words(places))).collect()
    }
}

/// A name from a rule, up to its first NUL, fit for a terminal.
fn name(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    text::printable(&String::from_utf8_lossy(&bytes[..end])).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(group: u16, chain: &str) -> LogRule {
        LogRule {
            group,
            backend: Backend::Inet,
            table: "filter".into(),
            chain: chain.into(),
            rule: 1,
            prefix: String::new(),
            packets: None,
        }
    }

    #[test]
    fn a_group_is_described_by_its_places_each_once_and_not_by_all_of_many() {
        let rules = ["a", "a", "b", "a"].map(|chain| rule(5, chain)).to_vec();
        let ruleset = Ruleset { rules, problems: Vec::new() };
        assert_eq!(ruleset.groups(), [(5, "inet filter a, inet filter b".to_owned())]);
        let rules = (0..1000).map(|number| rule(7, &format!("c{number:03}"))).collect();
        let ruleset = Ruleset { rules, problems: Vec::new() };
        let words = "inet filter c000, inet filter c001, inet filter c002 and 997 more";
        assert_eq!(ruleset.groups(), [(7, words.to_owned())]);
    }

    #[test]
    fn a_name_ends_at_its_nul_and_cannot_steer_a_terminal() {
        assert_eq!(name(b"input\0rest"), "input");
        assert_eq!(name(b"\x1b[31mred\nline\x7f"), "?[31mred?line?");
        assert_eq!(name(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    }
}
