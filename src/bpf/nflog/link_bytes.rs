//! Loads of `link[…]`, which are of the message, told from those of the packet in it.
//!
//! In a program for Ethernet, both are offsets from the frame's beginning. So the expression is compiled twice, with a
//! large number added to the index of every `link[…]`, another one each time: the loads that differ by the difference of
//! the two are those.

use crate::bpf::opcode::*;
use crate::bpf::{Instruction, Program};

/// Where an Ethernet header ends: what is indexed there is of the packet.
const ETHERNET_HEADER: u32 = 14;

/// A load of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkByte {
    /// The offset in the message.
    pub at: u32,
    /// What an index in `X` has too much.
    pub excess: u32,
}

/// Which instructions of a program load bytes of the message.
#[derive(Clone, Debug)]
pub struct LinkBytes(Vec<Option<LinkByte>>);

impl LinkBytes {
    /// What is added to each index: in the program that is carried over, and in the one that it is compared with.
    pub const ADDED: [u32; 2] = [0x4000_0000, 0x5000_0000];

    /// Those of `program`, compared with `other`; `None` where more differs than the loads.
    pub fn of(program: &Program, other: &Program) -> Option<LinkBytes> {
        let (program, other) = (program.instructions(), other.instructions());
        if program.len() != other.len() {
            return None;
        }
        program.iter().zip(other).map(|(one, other)| link_byte(one, other)).collect::<Option<_>>().map(LinkBytes)
    }

    pub(super) fn at(&self, instruction: usize) -> Option<LinkByte> {
        self.0[instruction]
    }
}

/// The load of the message that two versions of an instruction are: none for what is the same in both.
fn link_byte(one: &Instruction, other: &Instruction) -> Option<Option<LinkByte>> {
    let [added, added_to_other] = LinkBytes::ADDED;
    if (one.code, one.jt, one.jf) != (other.code, other.jt, other.jf) {
        return None;
    }
    let differs = other.k.wrapping_sub(one.k) == added_to_other - added;
    match one.code {
        LD_W_ABS | LD_H_ABS | LD_B_ABS | LDX_MSH if differs => {
            Some(Some(LinkByte { at: one.k.wrapping_sub(added), excess: 0 }))
        }
        LD_W_IND | LD_H_IND | LD_B_IND if differs => Some(Some(LinkByte { at: one.k.wrapping_sub(added), excess: 0 })),
        LD_W_IND | LD_H_IND | LD_B_IND if one.k == other.k && one.k < ETHERNET_HEADER => {
            Some(Some(LinkByte { at: one.k, excess: added }))
        }
        // The index itself.
        LD_IMM | LDX_IMM | ADD_K if differs => Some(None),
        _ => (one.k == other.k).then_some(None),
    }
}
