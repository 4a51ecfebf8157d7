//! nftables' rules, dumped over netlink (linux/netfilter/nf_tables.h, net/netfilter/nf_tables_api.c).
//!
//! A rule is a list of expressions. `log` with a group sends to NFLOG. iptables-nft writes that, too, or an expression
//! `target` that holds xtables' NFLOG, as ebtables-nft does.

use std::io;
use std::os::fd::OwnedFd;

use super::attributes::{Attributes, find};
use super::{Backend, LogRule, name, xtables};
use crate::capture::batch::{self, Step};
use crate::capture::message::{GENERIC_HEADER, family};
use crate::capture::sys;

/// `NFNL_SUBSYS_NFTABLES << 8`, and of that `NFT_MSG_NEWRULE` and `NFT_MSG_GETRULE`.
const NFTABLES: u16 = 10 << 8;
const NEWRULE: u16 = NFTABLES | 6;
const GETRULE: u16 = NFTABLES | 7;
/// `NLM_F_REQUEST | NLM_F_DUMP`, linux/netlink.h.
const REQUEST_DUMP: u16 = 0x01 | 0x300;
/// `NLM_F_DUMP_INTR`: the rules changed while they were dumped.
const DUMP_INTERRUPTED: u16 = 0x10;
/// `NLMSG_DONE`, linux/netlink.h: the end of a dump.
const DONE: u16 = 3;
/// `NFPROTO_INET`, linux/netfilter.h.
const INET: u8 = 1;

/// `enum nft_rule_attributes`.
const RULE_TABLE: u16 = 1;
const RULE_CHAIN: u16 = 2;
const RULE_HANDLE: u16 = 3;
const RULE_EXPRESSIONS: u16 = 4;
/// `enum nft_expr_attributes`.
const EXPR_NAME: u16 = 1;
const EXPR_DATA: u16 = 2;
/// `enum nft_log_attributes`: the group has 16 bits.
const LOG_GROUP: u16 = 1;
const LOG_PREFIX: u16 = 2;
/// `enum nft_target_attributes`.
const TARGET_NAME: u16 = 1;
const TARGET_INFO: u16 = 3;
/// `enum nft_counter_attributes`: 64 bits.
const COUNTER_PACKETS: u16 = 2;

/// More than the kernel puts into one datagram of a dump (32 KiB, `netlink_dump`).
const ROOM: usize = 65_536;
/// How often a dump is made again that was overtaken by a change. A ruleset that changes all the time is listed as
/// it was when the last attempt came by.
const ATTEMPTS: usize = 10;
/// How long the kernel may take for the next part, in milliseconds. It makes each while the one before is received.
const PATIENCE: i32 = 1000;

/// Adds the rules of all families.
pub fn read(rules: &mut Vec<LogRule>) -> io::Result<()> {
    let before = rules.len();
    for _ in 0..ATTEMPTS {
        rules.truncate(before);
        if dump(rules)? {
            break;
        }
    }
    Ok(())
}

/// Whether the dump is consistent.
fn dump(rules: &mut Vec<LogRule>) -> io::Result<bool> {
    // A new socket each time: nothing of an earlier dump can be in its queue.
    let socket = sys::netfilter_socket()?;
    sys::send(&socket, &request())?;
    let mut room = vec![0; ROOM];
    let mut consistent = true;
    loop {
        let Some(length) = receive(&socket, &mut room)? else {
            return Err(io::ErrorKind::TimedOut.into());
        };
        match take(&room[..length], rules)? {
            Part { ended: true, interrupted } => return Ok(consistent && !interrupted),
            Part { interrupted, .. } => consistent &= !interrupted,
        }
    }
}

/// The next datagram of the kernel's; `None` when none comes in time.
fn receive(socket: &OwnedFd, room: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match sys::receive(socket, room) {
            Ok(length) => return Ok(Some(length.min(room.len()))),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if !sys::wait(socket, socket, Some(PATIENCE))?[0] {
                    return Ok(None);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// `NFT_MSG_GETRULE` for all families.
fn request() -> Vec<u8> {
    let length = batch::MESSAGE_HEADER + GENERIC_HEADER;
    let mut request = (length as u32).to_ne_bytes().to_vec();
    request.extend(GETRULE.to_ne_bytes());
    request.extend(REQUEST_DUMP.to_ne_bytes());
    request.resize(length, 0);
    request
}

/// What a datagram of a dump says of the whole.
struct Part {
    ended: bool,
    interrupted: bool,
}

/// Takes the rules out of one datagram.
fn take(datagram: &[u8], rules: &mut Vec<LogRule>) -> io::Result<Part> {
    let mut part = Part { ended: false, interrupted: false };
    let mut at = 0;
    loop {
        // Behind length and type.
        let flags = datagram.get(at + 6..).and_then(|rest| rest.first_chunk()).map(|flags| u16::from_ne_bytes(*flags));
        let entry = match batch::step(datagram, &mut at) {
            Step::Entry(entry) => entry,
            Step::End => return Ok(part),
            Step::Malformed => return Err(io::ErrorKind::InvalidData.into()),
        };
        part.interrupted |= flags.unwrap_or(0) & DUMP_INTERRUPTED != 0;
        match entry.kind {
            NEWRULE => take_rule(entry.body, rules),
            DONE => part.ended = true,
            batch::ERROR => {
                let errno = entry.body.first_chunk().map_or(libc::EBADMSG, |errno| i32::from_ne_bytes(*errno));
                return Err(io::Error::from_raw_os_error(errno.wrapping_neg()));
            }
            _ => {}
        }
    }
}

/// Adds what logs to a group in one rule.
fn take_rule(body: &[u8], rules: &mut Vec<LogRule>) {
    let Some((header, attributes)) = body.split_first_chunk::<GENERIC_HEADER>() else { return };
    let backend = match header[0] {
        INET => Backend::Inet,
        family::IPV4 => Backend::Ip,
        family::ARP => Backend::Arp,
        family::NETDEV => Backend::Netdev,
        family::BRIDGE => Backend::Bridge,
        family::IPV6 => Backend::Ip6,
        _ => return,
    };
    let (mut table, mut chain, mut handle, mut expressions) = (&[][..], &[][..], 0, &[][..]);
    for (kind, value) in Attributes(attributes) {
        match kind {
            RULE_TABLE => table = value,
            RULE_CHAIN => chain = value,
            RULE_HANDLE => handle = number(value).unwrap_or(0),
            RULE_EXPRESSIONS => expressions = value,
            _ => {}
        }
    }
    let before = rules.len();
    let mut packets = None;
    for (_, expression) in Attributes(expressions) {
        let (Some(what), Some(data)) = (find(expression, EXPR_NAME), find(expression, EXPR_DATA)) else { continue };
        let log = match what.strip_suffix(b"\0").unwrap_or(what) {
            b"log" => find(data, LOG_GROUP)
                .and_then(|group| group.first_chunk())
                .map(|group| (u16::from_be_bytes(*group), name(find(data, LOG_PREFIX).unwrap_or(&[])))),
            b"target" if find(data, TARGET_NAME).is_some_and(xtables::is_nflog) => {
                find(data, TARGET_INFO).and_then(xtables::nflog_info)
            }
            b"counter" => {
                packets = find(data, COUNTER_PACKETS).and_then(number);
                None
            }
            _ => None,
        };
        if let Some((group, prefix)) = log {
            let (table, chain) = (name(table), name(chain));
            rules.push(LogRule { group, backend, table, chain, rule: handle, prefix, packets: None });
        }
    }
    for rule in &mut rules[before..] {
        rule.packets = packets;
    }
}

/// A 64-bit number in network order.
fn number(value: &[u8]) -> Option<u64> {
    value.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::super::attributes::tests::attribute;
    use super::*;

    fn expression(what: &[u8], data: &[u8]) -> Vec<u8> {
        attribute(1, &[attribute(EXPR_NAME, what), attribute(EXPR_DATA | 0x8000, data)].concat())
    }

    fn rule(family: u8, expressions: &[Vec<u8>]) -> Vec<u8> {
        let mut body = vec![family, 0, 0, 0];
        body.extend(attribute(RULE_TABLE, b"filter\0"));
        body.extend(attribute(RULE_CHAIN, b"input\0"));
        body.extend(attribute(RULE_HANDLE, &7u64.to_be_bytes()));
        body.extend(attribute(RULE_EXPRESSIONS | 0x8000, &expressions.concat()));
        message(NEWRULE, 2, &body)
    }

    fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = (16 + body.len() as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend(body);
        bytes
    }

    fn log(group: u16) -> Vec<u8> {
        expression(b"log\0", &[attribute(LOG_GROUP, &group.to_be_bytes()), attribute(LOG_PREFIX, b"dns\0")].concat())
    }

    /// What iptables-nft of before 1.8.8 writes.
    fn target(what: &[u8], group: u16) -> Vec<u8> {
        let mut info = [0; 76];
        info[4..6].copy_from_slice(&group.to_ne_bytes());
        info[12..15].copy_from_slice(b"old");
        expression(b"target\0", &[attribute(TARGET_NAME, what), attribute(TARGET_INFO, &info)].concat())
    }

    fn taken(datagram: &[u8]) -> Vec<LogRule> {
        let mut rules = Vec::new();
        take(datagram, &mut rules).unwrap();
        rules
    }

    #[test]
    fn each_log_expression_with_a_group_is_found_with_the_rules_counter() {
        let counter = expression(b"counter\0", &attribute(COUNTER_PACKETS, &42u64.to_be_bytes()));
        let found = taken(&rule(family::IPV4, &[log(5), counter, target(b"NFLOG\0", 6)]));
        let groups: Vec<_> = found.iter().map(|rule| (rule.group, rule.prefix.as_str(), rule.packets)).collect();
        assert_eq!(groups, [(5, "dns", Some(42)), (6, "old", Some(42))]);
        assert_eq!((found[0].place().as_str(), found[0].rule), ("ip filter input", 7));
    }

    #[test]
    fn rules_that_log_elsewhere_are_passed_over() {
        let syslog = expression(b"log\0", &attribute(LOG_PREFIX, b"kernel\0"));
        assert_eq!(taken(&rule(family::IPV6, &[syslog, target(b"LOG\0", 6), target(b"NFLOGX\0", 6)])), []);
        assert_eq!(taken(&rule(99, &[log(5)])), []);
    }

    #[test]
    fn a_datagram_of_any_damage_is_no_problem() {
        let datagram = [rule(INET, &[log(5), target(b"NFLOG\0", 6)]), message(DONE, 2, &[0; 4])].concat();
        for length in 0..datagram.len() {
            let _ = take(&datagram[..length], &mut Vec::new());
        }
        for at in 0..datagram.len() {
            for value in [0, 1, 4, 0x7f, 0x80, 0xff] {
                let mut damaged = datagram.clone();
                damaged[at] = value;
                let _ = take(&damaged, &mut Vec::new());
            }
        }
    }

    #[test]
    fn the_end_an_interruption_and_a_refusal_are_told_apart() {
        let part = |datagram: &[u8]| take(datagram, &mut Vec::new()).map(|part| (part.ended, part.interrupted));
        assert_eq!(part(&message(DONE, 2, &[0; 4])).unwrap(), (true, false));
        assert_eq!(part(&message(DONE, 2 | DUMP_INTERRUPTED, &[0; 4])).unwrap(), (true, true));
        assert_eq!(part(&rule(INET, &[log(5)])).unwrap(), (false, false));
        let refused = part(&message(batch::ERROR, 0, &(-libc::EPERM).to_ne_bytes())).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EPERM));
    }
}
