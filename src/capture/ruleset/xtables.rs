//! The rules of iptables-legacy and ip6tables-legacy, which the kernel hands out as one block of memory for each
//! table (linux/netfilter_ipv4/ip_tables.h, linux/netfilter_ipv6/ip6_tables.h, linux/netfilter/x_tables.h).
//!
//! Only tables that exist are read: to ask for another would create it, and its hooks would cost every packet.

use std::ffi::c_int;
use std::fs;
use std::io;
use std::mem::{offset_of, size_of};
use std::os::fd::OwnedFd;

use super::{Backend, LogRule, name};
use crate::capture::sys;

/// `XT_TABLE_MAXNAMELEN`.
const TABLE_NAME: usize = 32;
/// `IPT_SO_GET_INFO` and `IPT_SO_GET_ENTRIES`; IPv6's have the same numbers.
const GET_INFO: c_int = 64;
const GET_ENTRIES: c_int = 65;
/// A table that changes between the two is asked again.
const ATTEMPTS: usize = 10;
/// The chains of the hooks, `enum nf_inet_hooks`.
const HOOKS: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

/// `struct ipt_getinfo`.
#[repr(C)]
struct Info {
    name: [u8; TABLE_NAME],
    valid_hooks: u32,
    hook_entry: [u32; 5],
    underflow: [u32; 5],
    num_entries: u32,
    size: u32,
}

/// `struct xt_counters`.
#[repr(C)]
struct Counters {
    packets: u64,
    bytes: u64,
}

/// `struct ipt_get_entries`, before the entries.
#[repr(C)]
struct GetEntries {
    name: [u8; TABLE_NAME],
    size: u32,
    entries: [Counters; 0],
}

/// The end of `struct ipt_entry` and `struct ip6t_entry`, which begin with what packets are compared with: `M`.
#[repr(C)]
struct Entry<M> {
    matched: M,
    nfcache: u32,
    target_offset: u16,
    next_offset: u16,
    comefrom: u32,
    counters: Counters,
}

/// `struct ipt_ip`.
type MatchedV4 = [u32; 21];
/// `struct ip6t_ip6`.
type MatchedV6 = [u32; 34];

/// `struct xt_entry_target`: size (16 bits), name (29 bytes), revision; then the target's own data.
const TARGET_HEADER: usize = 32;
const TARGET_NAME: std::ops::Range<usize> = 2..31;
/// A chain of the user's begins with a target of this name whose data is the chain's name.
const CHAIN_HEAD: &[u8] = b"ERROR";

/// What differs between the two.
pub struct Family {
    backend: Backend,
    domain: c_int,
    level: c_int,
    /// The tables that exist, one on each line.
    tables: &'static str,
    target_offset: usize,
    next_offset: usize,
    packets: usize,
    entry: usize,
}

/// iptables-legacy.
pub const IPV4: Family = family::<MatchedV4>(Backend::Iptables, libc::AF_INET, libc::SOL_IP, "ip_tables_names");
/// ip6tables-legacy.
pub const IPV6: Family = family::<MatchedV6>(Backend::Ip6tables, libc::AF_INET6, libc::SOL_IPV6, "ip6_tables_names");

const fn family<M>(backend: Backend, domain: c_int, level: c_int, tables: &'static str) -> Family {
    Family {
        backend,
        domain,
        level,
        tables,
        target_offset: offset_of!(Entry<M>, target_offset),
        next_offset: offset_of!(Entry<M>, next_offset),
        packets: offset_of!(Entry<M>, counters),
        entry: size_of::<Entry<M>>(),
    }
}

/// Adds the rules of all tables that exist.
pub fn read(family: &Family, rules: &mut Vec<LogRule>) -> io::Result<()> {
    let open = |folder| fs::read_to_string(format!("/proc/{folder}/net/{}", family.tables));
    let tables = match open("thread-self").or_else(|_| open("self")) {
        Ok(tables) => tables,
        // No table was ever made.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if tables.is_empty() {
        return Ok(());
    }
    let socket = sys::datagram_socket(family.domain)?;
    for table in tables.lines().filter(|table| table.len() < TABLE_NAME) {
        let (info, block) = entries(&socket, family, table)?;
        take(family, table, &info, &block, rules);
    }
    Ok(())
}

/// The entries of a table, and where its hooks begin.
fn entries(socket: &OwnedFd, family: &Family, table: &str) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut attempts = 0;
    loop {
        let mut info = vec![0; size_of::<Info>()];
        info[..table.len()].copy_from_slice(table.as_bytes());
        sys::option_block(socket, family.level, GET_INFO, &mut info)?;
        let size = word(&info, offset_of!(Info, size)).unwrap_or(0);
        let mut block = vec![0; size_of::<GetEntries>() + size as usize];
        block[..table.len()].copy_from_slice(table.as_bytes());
        block[TABLE_NAME..TABLE_NAME + 4].copy_from_slice(&size.to_ne_bytes());
        attempts += 1;
        match sys::option_block(socket, family.level, GET_ENTRIES, &mut block) {
            Ok(_) => return Ok((info, block.split_off(size_of::<GetEntries>()))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && attempts < ATTEMPTS => {}
            Err(error) => return Err(error),
        }
    }
}

/// Adds what logs to a group in a table's entries.
fn take(family: &Family, table: &str, info: &[u8], entries: &[u8], rules: &mut Vec<LogRule>) {
    let valid = word(info, offset_of!(Info, valid_hooks)).unwrap_or(0);
    let hook_at = |at: usize| {
        HOOKS.iter().enumerate().find(|(hook, _)| {
            valid & (1 << hook) != 0 && word(info, offset_of!(Info, hook_entry) + 4 * hook) == u32::try_from(at).ok()
        })
    };
    let (mut chain, mut position) = (String::new(), 0);
    let mut at = 0;
    while let Some(entry) = entries.get(at..).filter(|rest| rest.len() >= family.entry) {
        let (Some(target), Some(next)) = (half(entry, family.target_offset), half(entry, family.next_offset)) else {
            return;
        };
        let Some(target) = entry.get(usize::from(target)..usize::from(next)) else { return };
        let Some((header, data)) = target.split_at_checked(TARGET_HEADER) else { return };
        if let Some((_, hook)) = hook_at(at) {
            (chain, position) = ((*hook).to_owned(), 0);
        }
        let what = &header[TARGET_NAME];
        if text(what) == CHAIN_HEAD {
            (chain, position) = (name(data), 0);
        } else {
            position += 1;
        }
        if let Some((group, prefix)) = is_nflog(what).then(|| nflog_info(data)).flatten() {
            let packets = entry.get(family.packets..).and_then(|rest| rest.first_chunk());
            rules.push(LogRule {
                group,
                backend: family.backend,
                table: name(table.as_bytes()),
                chain: chain.clone(),
                rule: position,
                prefix,
                packets: packets.map(|packets| u64::from_ne_bytes(*packets)),
            });
        }
        at += usize::from(next);
    }
}

/// Whether a target of this name is NFLOG, iptables' or ebtables'.
pub fn is_nflog(name: &[u8]) -> bool {
    matches!(text(name), b"NFLOG" | b"nflog")
}

/// The group and the prefix in `struct xt_nflog_info` (linux/netfilter/xt_NFLOG.h), of which `struct ebt_nflog_info`
/// is a copy: length (32 bits); group, threshold, flags, padding (16 bits each); prefix (64 bytes).
pub fn nflog_info(info: &[u8]) -> Option<(u16, String)> {
    Some((half(info, 4)?, name(info.get(12..76)?)))
}

/// A C string in an array.
fn text(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or(bytes)
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|half| u16::from_ne_bytes(*half))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_ne_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry of IPv4 with one target.
    fn entry(target: &[u8], data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; IPV4.entry];
        let length = (IPV4.entry + TARGET_HEADER + data.len()) as u16;
        bytes[IPV4.target_offset..][..2].copy_from_slice(&(IPV4.entry as u16).to_ne_bytes());
        bytes[IPV4.next_offset..][..2].copy_from_slice(&length.to_ne_bytes());
        bytes[IPV4.packets..][..8].copy_from_slice(&9u64.to_ne_bytes());
        let mut header = [0; TARGET_HEADER];
        header[2..2 + target.len()].copy_from_slice(target);
        bytes.extend(header);
        bytes.extend(data);
        bytes
    }

    fn nflog(group: u16) -> Vec<u8> {
        let mut info = vec![0; 80];
        info[4..6].copy_from_slice(&group.to_ne_bytes());
        info[12..15].copy_from_slice(b"web");
        entry(b"NFLOG", &info)
    }

    /// INPUT at the table's start, then a chain of the user's.
    fn table() -> (Vec<u8>, Vec<u8>) {
        let mut info = vec![0; size_of::<Info>()];
        info[offset_of!(Info, valid_hooks)..][..4].copy_from_slice(&(1u32 << 1).to_ne_bytes());
        let head = entry(b"ERROR", b"mine\0\0\0\0");
        (info, [entry(b"LOG", &[0; 80]), nflog(5), head, nflog(6)].concat())
    }

    #[test]
    fn the_sizes_are_those_of_the_kernels_headers() {
        assert_eq!((size_of::<MatchedV4>(), size_of::<MatchedV6>()), (84, 136));
        assert_eq!(size_of::<Info>(), 84);
        #[cfg(target_pointer_width = "64")]
        assert_eq!((IPV4.entry, IPV6.entry, size_of::<GetEntries>()), (112, 168, 40));
    }

    #[test]
    fn rules_are_found_in_hooks_and_in_the_users_chains_with_their_positions() {
        let (info, entries) = table();
        let mut rules = Vec::new();
        take(&IPV4, "filter", &info, &entries, &mut rules);
        let found: Vec<_> = rules.iter().map(|rule| (rule.group, rule.place(), rule.rule, rule.packets)).collect();
        let place = |chain: &str| format!("iptables filter {chain}");
        assert_eq!(found, [(5, place("INPUT"), 2, Some(9)), (6, place("mine"), 1, Some(9))]);
        assert_eq!(rules[0].prefix, "web");
    }

    #[test]
    fn a_table_of_any_damage_is_no_problem() {
        let (info, entries) = table();
        for length in 0..entries.len() {
            take(&IPV4, "filter", &info, &entries[..length], &mut Vec::new());
        }
        for at in 0..entries.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = entries.clone();
                damaged[at] = value;
                take(&IPV4, "filter", &info, &damaged, &mut Vec::new());
            }
        }
        take(&IPV6, "filter", &[], &entries, &mut Vec::new());
    }
}
