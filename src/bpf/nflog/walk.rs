//! What stands before the source's instructions: where the packet is, and what it is.

use super::assembler::{Assembler, Label};
use super::{ATTRIBUTES_MAX, Asks, TAGGED, Words};
use crate::bpf::opcode::*;

/// linux/netfilter/nfnetlink_log.h, linux/netfilter.h, linux/netfilter_arp.h.
const PACKET_HDR: u16 = 1;
const PAYLOAD: u16 = 9;
const VLAN: u16 = 20;
const L2HDR: u16 = 21;
/// Without the flags NLA_F_NESTED and NLA_F_NET_BYTEORDER (linux/netlink.h).
const TYPE_MASK: u16 = 0x3fff;
const VLAN_TCI: u16 = 2;
const FAMILY_IPV4: u32 = 2;
const FAMILY_ARP: u32 = 3;
const FAMILY_NETDEV: u32 = 5;
const FAMILY_IPV6: u32 = 10;
/// Both for ARP's output and for a device's egress.
const HOOK_OUT: u32 = 1;
const HOOK_OUTPUT: u32 = 3;
const HOOK_POSTROUTING: u32 = 4;
/// linux/if_packet.h.
const OUTGOING: u32 = 4;

const GENERIC_HEADER: u32 = 4;
const ATTRIBUTE_HEADER: u32 = 4;
/// In PACKET_HDR, from the attribute's beginning.
const PROTOCOL: u32 = 4;
const HOOK: u32 = 6;

const IPV4: u32 = 0x0800;
const IPV6: u32 = 0x86dd;
const ARP: u32 = 0x0806;
const ETHERNET_HEADER: u32 = 14;

/// 16 bits in the host's order, as a load, which is big-endian, finds them.
const fn as_loaded(value: u16) -> u32 {
    u16::from_be_bytes(value.to_ne_bytes()) as u32
}

/// `A`, loaded from 16 bits in the host's order.
fn to_host_order(asm: &mut Assembler) {
    if cfg!(target_endian = "little") {
        // ab becomes abab, and its middle is ba.
        asm.op(MUL_K, 0x1_0001);
        asm.op(RSH_K, 8);
        asm.op(AND_K, 0xffff);
    }
}

/// Finds the payload: where it starts and how long it is; in `spare` and `header` (and `tag`) where PACKET_HDR and
/// L2HDR (and VLAN) begin, 0 for not at all.
pub(super) fn payload(asm: &mut Assembler, words: &Words, asks: Asks, reject: Label) {
    let (found, none, done) = (asm.label(), asm.label(), asm.label());
    asm.op(LD_IMM, 0);
    asm.op(ST, words.spare);
    asm.op(ST, words.header);
    if asks.tag {
        asm.op(ST, words.tag);
    }
    asm.op(LDX_IMM, GENERIC_HEADER);
    for _ in 0..ATTRIBUTES_MAX {
        // At the end of the message, there can be less than a header left.
        asm.op(LD_LEN, 0);
        asm.op(SUB_K, ATTRIBUTE_HEADER - 1);
        asm.require(JGT_X, 0, none);
        asm.op(LD_H_IND, 2);
        asm.op(AND_K, as_loaded(TYPE_MASK));
        asm.jump_if(JEQ_K, as_loaded(PAYLOAD), found);
        let noted = [(PACKET_HDR, words.spare), (L2HDR, words.header), (VLAN, words.tag)];
        for (kind, word) in noted.into_iter().filter(|&(kind, _)| asks.tag || kind != VLAN) {
            let another = asm.label();
            asm.require(JEQ_K, as_loaded(kind), another);
            asm.op(STX, word);
            asm.bind(another);
        }
        asm.op(LD_H_IND, 0);
        to_host_order(asm);
        asm.require(JGE_K, ATTRIBUTE_HEADER, reject);
        asm.op(ADD_K, 3);
        asm.op(AND_K, !3);
        asm.op(ADD_X, 0);
        asm.op(TAX, 0);
    }
    asm.bind(none);
    asm.op(LD_IMM, 0);
    asm.op(ST, words.start);
    asm.op(ST, words.length);
    asm.goto(done);
    asm.bind(found);
    asm.op(LD_H_IND, 0);
    to_host_order(asm);
    asm.require(JGE_K, ATTRIBUTE_HEADER, reject);
    asm.op(SUB_K, ATTRIBUTE_HEADER);
    asm.op(ST, words.length);
    asm.op(TXA, 0);
    asm.op(ADD_K, ATTRIBUTE_HEADER);
    asm.op(ST, words.start);
    asm.bind(done);
}

/// Tells IP packets from others, and steps over the link header in the payload.
pub(super) fn classify(asm: &mut Assembler, words: &Words, asks: Asks, ip: Label, other: Label) {
    let (ipv4, ipv6, unknown) = (asm.label(), asm.label(), asm.label());
    let (by_header, arp, netdev, step, all) = (asm.label(), asm.label(), asm.label(), asm.label(), asm.label());
    if asks.way {
        way(asm, words);
    }
    asm.op(LD_B_ABS, 0);
    // An IP table's packets are IP, whatever older kernels say.
    asm.jump_if(JEQ_K, FAMILY_IPV4, ipv4);
    asm.jump_if(JEQ_K, FAMILY_IPV6, ipv6);
    asm.op(LDX_MEM, words.spare);
    asm.jump_if(JEQ_K, FAMILY_ARP, arp);
    asm.test(JEQ_K, FAMILY_NETDEV, netdev, by_header);

    // ARP's own packets on their way out begin with the Ethernet header that it made.
    asm.bind(arp);
    asm.op(TXA, 0);
    asm.jump_if(JEQ_K, 0, unknown);
    asm.op(LD_B_IND, HOOK);
    asm.require(JEQ_K, HOOK_OUT, by_header);
    asm.op(LD_MEM, words.length);
    asm.require(JGE_K, ETHERNET_HEADER, by_header);
    asm.op(LDX_MEM, words.start);
    asm.op(LD_H_IND, ETHERNET_HEADER - 2);
    asm.op(LDX_IMM, ETHERNET_HEADER);
    asm.test(JEQ_K, ARP, step, by_header);

    // A device's packets on their way out begin with the link header, as long as L2HDR is.
    asm.bind(netdev);
    asm.op(TXA, 0);
    asm.jump_if(JEQ_K, 0, unknown);
    asm.op(LD_B_IND, HOOK);
    asm.require(JEQ_K, HOOK_OUT, by_header);
    asm.op(LDX_MEM, words.header);
    asm.op(TXA, 0);
    asm.jump_if(JEQ_K, 0, by_header);
    asm.op(LD_H_IND, 0);
    to_host_order(asm);
    asm.op(SUB_K, ATTRIBUTE_HEADER);
    asm.op(TAX, 0);

    asm.bind(step);
    asm.op(LD_MEM, words.length);
    asm.require(JGE_X, 0, all);
    asm.op(SUB_X, 0);
    asm.op(ST, words.length);
    asm.op(LD_MEM, words.start);
    asm.op(ADD_X, 0);
    asm.op(ST, words.start);
    asm.goto(by_header);
    // There is nothing but a part of the link header.
    asm.bind(all);
    asm.op(LDX_MEM, words.start);
    asm.op(ADD_X, 0);
    asm.op(ST, words.start);
    asm.op(LD_IMM, 0);
    asm.op(ST, words.length);

    asm.bind(by_header);
    asm.op(LDX_MEM, words.spare);
    asm.op(TXA, 0);
    asm.jump_if(JEQ_K, 0, unknown);
    asm.op(LD_H_IND, PROTOCOL);
    keep_kind(asm, words, asks);
    asm.jump_if(JEQ_K, IPV4, ip);
    asm.test(JEQ_K, IPV6, ip, other);

    // The message doesn't say: what begins as IP does is IP.
    asm.bind(unknown);
    let guess = asm.label();
    asm.op(LD_B_ABS, 0);
    asm.require(JEQ_K, FAMILY_ARP, guess);
    asm.op(LD_IMM, ARP);
    keep_kind(asm, words, asks);
    asm.goto(other);
    asm.bind(guess);
    if asks.ip_kind {
        guess_kind(asm, words, asks, [ipv4, ipv6, other]);
    } else {
        asm.goto(ip);
    }
    for (label, kind) in [(ipv4, IPV4), (ipv6, IPV6)] {
        asm.bind(label);
        if asks.ip_kind {
            asm.op(LD_IMM, kind);
            keep_kind(asm, words, asks);
        }
        asm.goto(ip);
    }
}

fn keep_kind(asm: &mut Assembler, words: &Words, asks: Asks) {
    if asks.kind {
        asm.op(ST, words.kind);
    }
}

/// The ethertype by the packet's first byte.
fn guess_kind(asm: &mut Assembler, words: &Words, asks: Asks, [ipv4, ipv6, other]: [Label; 3]) {
    asm.op(LD_IMM, 0);
    keep_kind(asm, words, asks);
    asm.op(LD_MEM, words.length);
    asm.jump_if(JEQ_K, 0, other);
    asm.op(LDX_MEM, words.start);
    asm.op(LD_B_IND, 0);
    asm.op(AND_K, 0xf0);
    asm.jump_if(JEQ_K, 0x40, ipv4);
    asm.test(JEQ_K, 0x60, ipv6, other);
}

/// The packet's type: outgoing, or not.
fn way(asm: &mut Assembler, words: &Words) {
    let (two_hooks, out, done) = (asm.label(), asm.label(), asm.label());
    asm.op(LD_IMM, 0);
    asm.op(ST, words.way);
    asm.op(LDX_MEM, words.spare);
    asm.op(TXA, 0);
    asm.jump_if(JEQ_K, 0, done);
    asm.op(LD_B_ABS, 0);
    asm.jump_if(JEQ_K, FAMILY_ARP, two_hooks);
    asm.jump_if(JEQ_K, FAMILY_NETDEV, two_hooks);
    asm.op(LD_B_IND, HOOK);
    asm.jump_if(JEQ_K, HOOK_OUTPUT, out);
    asm.test(JEQ_K, HOOK_POSTROUTING, out, done);
    asm.bind(two_hooks);
    asm.op(LD_B_IND, HOOK);
    asm.require(JEQ_K, HOOK_OUT, done);
    asm.bind(out);
    asm.op(LD_IMM, OUTGOING);
    asm.op(ST, words.way);
    asm.bind(done);
}

/// Puts the VLAN tag that the message has beside the packet before it: TCI and ethertype are four bytes of their own,
/// which only loads of exactly these reach.
pub(super) fn put_tag_back(asm: &mut Assembler, words: &Words) {
    let (swapped, have, done) = (asm.label(), asm.label(), asm.label());
    asm.op(LDX_MEM, words.tag);
    asm.op(TXA, 0);
    asm.jump_if(JEQ_K, 0, done);
    asm.op(LD_MEM, words.kind);
    asm.op(ST, words.inner);
    // Two attributes of 6 bytes and 2 of padding are nested in it.
    asm.op(LD_H_IND, ATTRIBUTE_HEADER + 2);
    asm.op(AND_K, as_loaded(TYPE_MASK));
    asm.require(JEQ_K, as_loaded(VLAN_TCI), swapped);
    asm.op(LD_H_IND, ATTRIBUTE_HEADER + 8 + ATTRIBUTE_HEADER);
    asm.op(ST, words.kind);
    asm.op(LD_H_IND, ATTRIBUTE_HEADER + ATTRIBUTE_HEADER);
    asm.goto(have);
    asm.bind(swapped);
    asm.op(LD_H_IND, ATTRIBUTE_HEADER + ATTRIBUTE_HEADER);
    asm.op(ST, words.kind);
    asm.op(LD_H_IND, ATTRIBUTE_HEADER + 8 + ATTRIBUTE_HEADER);
    asm.bind(have);
    asm.op(OR_K, TAGGED);
    asm.op(ST, words.tag);
    asm.op(LD_MEM, words.start);
    asm.op(SUB_K, 4);
    asm.op(ST, words.start);
    asm.op(LD_MEM, words.length);
    asm.op(ADD_K, 4);
    asm.op(ST, words.length);
    asm.bind(done);
}
