//! The operations of classic BPF (pcap/bpf.h): class, size or operation, mode or source, together.

/// `A = packet[k..]`, big-endian: a word, a half word, a byte.
pub const LD_W_ABS: u16 = 0x20;
pub const LD_H_ABS: u16 = 0x28;
pub const LD_B_ABS: u16 = 0x30;
/// `A = packet[X + k..]`.
pub const LD_W_IND: u16 = 0x40;
pub const LD_H_IND: u16 = 0x48;
pub const LD_B_IND: u16 = 0x50;
/// The packet's length before truncation.
pub const LD_LEN: u16 = 0x80;
pub const LDX_LEN: u16 = 0x81;
/// `X = 4 * (packet[k] & 15)`: the length of an IPv4 header.
pub const LDX_MSH: u16 = 0xb1;
pub const LD_IMM: u16 = 0x00;
pub const LDX_IMM: u16 = 0x01;
pub const LD_MEM: u16 = 0x60;
pub const LDX_MEM: u16 = 0x61;
pub const ST: u16 = 0x02;
pub const STX: u16 = 0x03;

pub const JA: u16 = 0x05;
pub const JEQ_K: u16 = 0x15;
pub const JEQ_X: u16 = 0x1d;
pub const JGT_K: u16 = 0x25;
pub const JGT_X: u16 = 0x2d;
pub const JGE_K: u16 = 0x35;
pub const JGE_X: u16 = 0x3d;
pub const JSET_K: u16 = 0x45;
pub const JSET_X: u16 = 0x4d;

pub const ADD_K: u16 = 0x04;
pub const ADD_X: u16 = 0x0c;
pub const SUB_K: u16 = 0x14;
pub const SUB_X: u16 = 0x1c;
pub const MUL_K: u16 = 0x24;
pub const MUL_X: u16 = 0x2c;
pub const DIV_K: u16 = 0x34;
pub const DIV_X: u16 = 0x3c;
pub const OR_K: u16 = 0x44;
pub const OR_X: u16 = 0x4c;
pub const AND_K: u16 = 0x54;
pub const AND_X: u16 = 0x5c;
pub const LSH_K: u16 = 0x64;
pub const LSH_X: u16 = 0x6c;
pub const RSH_K: u16 = 0x74;
pub const RSH_X: u16 = 0x7c;
pub const NEG: u16 = 0x84;
pub const MOD_K: u16 = 0x94;
pub const MOD_X: u16 = 0x9c;
pub const XOR_K: u16 = 0xa4;
pub const XOR_X: u16 = 0xac;

pub const TAX: u16 = 0x07;
pub const TXA: u16 = 0x87;
pub const RET_K: u16 = 0x06;
pub const RET_A: u16 = 0x16;

/// The offset that Linux gives to the packet's type (`SKF_AD_OFF + SKF_AD_PKTTYPE`, linux/filter.h): what `inbound`
/// and `outbound` load under link types whose header does not tell.
pub const PACKET_TYPE: u32 = 0xffff_f004;
/// The offset that Linux gives to the interface's index (`SKF_AD_OFF + SKF_AD_IFINDEX`): what `ifindex` loads under link
/// types whose header does not tell.
pub const INTERFACE_INDEX: u32 = 0xffff_f008;
