//! `struct pcap_nflog_info`: what the kernel said of a packet, for C.

#![allow(non_camel_case_types)]

use std::ffi::c_char;

use crate::capture::{Hook, Message};

/// The kernel's stamp of the packet's arrival is in `stamp_seconds` and `stamp_nanoseconds`. Without it the record's
/// `ts` is an estimate.
pub const PCAP_NFLOG_HAS_STAMP: u32 = 1 << 0;
/// `protocol` is there.
pub const PCAP_NFLOG_HAS_PROTOCOL: u32 = 1 << 1;
/// `hook` is there.
pub const PCAP_NFLOG_HAS_HOOK: u32 = 1 << 2;
/// `indev` is there.
pub const PCAP_NFLOG_HAS_INDEV: u32 = 1 << 3;
/// `outdev` is there.
pub const PCAP_NFLOG_HAS_OUTDEV: u32 = 1 << 4;
/// `physindev` is there.
pub const PCAP_NFLOG_HAS_PHYSINDEV: u32 = 1 << 5;
/// `physoutdev` is there.
pub const PCAP_NFLOG_HAS_PHYSOUTDEV: u32 = 1 << 6;
/// `uid` is there: the packet belongs to a local socket.
pub const PCAP_NFLOG_HAS_UID: u32 = 1 << 7;
/// `gid` is there: the packet belongs to a local socket.
pub const PCAP_NFLOG_HAS_GID: u32 = 1 << 8;
/// `sequence` is there.
pub const PCAP_NFLOG_HAS_SEQUENCE: u32 = 1 << 9;
/// `prefix` is there.
pub const PCAP_NFLOG_HAS_PREFIX: u32 = 1 << 10;
/// `hardware_type` is there: the packet came in by an interface.
pub const PCAP_NFLOG_HAS_HARDWARE_TYPE: u32 = 1 << 11;
/// `address` and `address_length` are there: the packet came in by an interface that has addresses.
pub const PCAP_NFLOG_HAS_ADDRESS: u32 = 1 << 12;
/// `vlan_protocol` and `vlan_tci` are there.
pub const PCAP_NFLOG_HAS_VLAN: u32 = 1 << 13;
/// `conntrack_info` is there: the packet's relation to its conntrack entry.
pub const PCAP_NFLOG_HAS_CONNTRACK_INFO: u32 = 1 << 14;
/// `conntrack_id`, `conntrack_mark` and `conntrack_status` are there.
pub const PCAP_NFLOG_HAS_CONNTRACK: u32 = 1 << 15;

/// Hooks, whatever number the packet's family has for them.
pub const PCAP_NFLOG_PREROUTING: u8 = 0;
/// To a local socket.
pub const PCAP_NFLOG_INPUT: u8 = 1;
/// Passed on.
pub const PCAP_NFLOG_FORWARD: u8 = 2;
/// From a local socket.
pub const PCAP_NFLOG_OUTPUT: u8 = 3;
/// On its way out.
pub const PCAP_NFLOG_POSTROUTING: u8 = 4;
/// Just come in by an interface.
pub const PCAP_NFLOG_INGRESS: u8 = 5;
/// About to go out by an interface.
pub const PCAP_NFLOG_EGRESS: u8 = 6;

/// The room for a prefix, its NUL included (`NF_LOG_PREFIXLEN`, net/netfilter/nf_log.h).
pub const PCAP_NFLOG_PREFIX_SIZE: usize = 128;

/// What the kernel said of a packet. All integers are in host byte order. A member whose bit is not in `present` is
/// 0. Later versions may add members at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pcap_nflog_info {
    /// The size of this struct in bytes, set by the caller: `sizeof(struct pcap_nflog_info)`.
    pub size: u32,
    /// `PCAP_NFLOG_HAS_*`.
    pub present: u32,
    /// When the packet arrived, as the kernel stamped it: seconds since 1970-01-01 00:00:00 UTC.
    pub stamp_seconds: i64,
    /// The same: nanoseconds, in steps of 1,000.
    pub stamp_nanoseconds: u32,
    /// The group that the rule logs to.
    pub group: u16,
    /// The address family of the rule's table: `NFPROTO_*`, linux/netfilter.h (2 IPv4, 10 IPv6, 3 ARP, 5 netdev,
    /// 7 bridge).
    pub family: u8,
    /// `PCAP_NFLOG_PREROUTING` to `PCAP_NFLOG_EGRESS`.
    pub hook: u8,
    /// The ethertype, linux/if_ether.h.
    pub protocol: u16,
    /// The ARPHRD type of the interface that the packet came in by, linux/if_arp.h.
    pub hardware_type: u16,
    /// The packet's mark; the kernel leaves 0 out, so 0 is no mark.
    pub mark: u32,
    /// The index of the interface that the packet came in by; of a bridge table, the bridge's.
    pub indev: u32,
    /// The index of the interface that the packet goes out by; of a bridge table, the bridge's.
    pub outdev: u32,
    /// The index of the bridge port that the packet came in by.
    pub physindev: u32,
    /// The index of the bridge port that the packet goes out by.
    pub physoutdev: u32,
    /// The user of the local socket that the packet belongs to.
    pub uid: u32,
    /// The group id of the local socket that the packet belongs to.
    pub gid: u32,
    /// The group's sequence number: it counts lost packets too.
    pub sequence: u32,
    /// The conntrack entry's id, as conntrack(8) shows it.
    pub conntrack_id: u32,
    /// The conntrack entry's mark.
    pub conntrack_mark: u32,
    /// The conntrack entry's status: `enum ip_conntrack_status` bits, linux/netfilter/nf_conntrack_common.h.
    pub conntrack_status: u32,
    /// The packet's relation to the entry: `enum ip_conntrack_info` (0 established, 1 related, 2 new, 3 established
    /// in reply, 4 related in reply).
    pub conntrack_info: u32,
    /// The protocol of the VLAN tag that the kernel keeps beside the packet: 0x8100 or 0x88a8.
    pub vlan_protocol: u16,
    /// The tag's priority, drop eligibility and VLAN id.
    pub vlan_tci: u16,
    /// The bytes of `address` that count.
    pub address_length: u32,
    /// The link address that the packet was sent from.
    pub address: [u8; 8],
    /// The rule's prefix, a C string. Whoever made the rule chose it: it may hold what a terminal obeys.
    pub prefix: [c_char; PCAP_NFLOG_PREFIX_SIZE],
}

/// The struct for a message.
pub(super) fn fill(message: &Message) -> pcap_nflog_info {
    let mut present = 0;
    let stamp = note(&mut present, PCAP_NFLOG_HAS_STAMP, message.stamp());
    let address = note(&mut present, PCAP_NFLOG_HAS_ADDRESS, message.link_address());
    let vlan = note(&mut present, PCAP_NFLOG_HAS_VLAN, message.vlan());
    let conntrack = message.conntrack();
    let entry_id = conntrack.and_then(|conntrack| conntrack.id);
    let entry = conntrack.filter(|conntrack| conntrack.id.is_some()).unwrap_or_default();
    let prefix = note(&mut present, PCAP_NFLOG_HAS_PREFIX, message.prefix());
    let mut info = pcap_nflog_info {
        size: size_of::<pcap_nflog_info>() as u32,
        present: 0,
        stamp_seconds: stamp.seconds,
        stamp_nanoseconds: stamp.nanoseconds,
        group: message.group(),
        family: message.family(),
        hook: note(&mut present, PCAP_NFLOG_HAS_HOOK, message.hook().map(hook_number)),
        protocol: note(&mut present, PCAP_NFLOG_HAS_PROTOCOL, message.protocol()),
        hardware_type: note(&mut present, PCAP_NFLOG_HAS_HARDWARE_TYPE, message.hardware_type()),
        mark: message.mark(),
        indev: note(&mut present, PCAP_NFLOG_HAS_INDEV, message.input_interface()),
        outdev: note(&mut present, PCAP_NFLOG_HAS_OUTDEV, message.output_interface()),
        physindev: note(&mut present, PCAP_NFLOG_HAS_PHYSINDEV, message.physical_input_interface()),
        physoutdev: note(&mut present, PCAP_NFLOG_HAS_PHYSOUTDEV, message.physical_output_interface()),
        uid: note(&mut present, PCAP_NFLOG_HAS_UID, message.uid()),
        gid: note(&mut present, PCAP_NFLOG_HAS_GID, message.gid()),
        sequence: note(&mut present, PCAP_NFLOG_HAS_SEQUENCE, message.sequence()),
        conntrack_id: note(&mut present, PCAP_NFLOG_HAS_CONNTRACK, entry_id),
        conntrack_mark: entry.mark,
        conntrack_status: entry.status,
        conntrack_info: note(&mut present, PCAP_NFLOG_HAS_CONNTRACK_INFO, conntrack.and_then(|c| c.info)),
        vlan_protocol: vlan.protocol,
        vlan_tci: vlan.tci,
        address_length: address.as_bytes().len() as u32,
        address: address.padded(),
        prefix: [0; PCAP_NFLOG_PREFIX_SIZE],
    };
    // The last byte stays the string's NUL.
    for (to, &from) in info.prefix[..PCAP_NFLOG_PREFIX_SIZE - 1].iter_mut().zip(prefix) {
        *to = from as c_char;
    }
    info.present = present;
    info
}

/// The value, or its default; `bit` tells in `present` that it was there.
fn note<T: Default>(present: &mut u32, bit: u32, value: Option<T>) -> T {
    if value.is_some() {
        *present |= bit;
    }
    value.unwrap_or_default()
}

fn hook_number(hook: Hook) -> u8 {
    match hook {
        Hook::Prerouting => PCAP_NFLOG_PREROUTING,
        Hook::Input => PCAP_NFLOG_INPUT,
        Hook::Forward => PCAP_NFLOG_FORWARD,
        Hook::Output => PCAP_NFLOG_OUTPUT,
        Hook::Postrouting => PCAP_NFLOG_POSTROUTING,
        Hook::Ingress => PCAP_NFLOG_INGRESS,
        Hook::Egress => PCAP_NFLOG_EGRESS,
    }
}
