//! Which instructions become one operation.

use super::super::op::{Jump, Load, Op, Ports};
use super::super::opcode::*;
use super::super::program::Instruction;
use super::single;

/// What is left of a program.
pub struct Rest<'a> {
    pub instructions: &'a [Instruction],
    /// How many jumps lead to each.
    pub jumps: &'a [usize],
}

impl Rest<'_> {
    /// The first operation, and how many instructions it is made of. Its jumps count instructions, from behind its last
    /// one. `begins` says whether the instruction so far ahead must begin an operation.
    pub fn first(&self, begins: impl Fn(usize) -> bool) -> (Op, usize) {
        let fused = |count: usize, fuse: fn(&Self) -> Option<Op>| {
            let joined = self.instructions.len() >= count && !(1..count).any(&begins);
            if joined { fuse(self).map(|op| (op, count)) } else { None }
        };
        let fused = match self.instructions[0].code {
            LDX_MSH => fused(5, Self::either_port),
            LD_B_ABS | LD_W_ABS | LD_H_ABS | LD_H_IND | LD_B_IND => fused(4, Self::byte_any_of)
                .or_else(|| fused(4, Self::swapped))
                .or_else(|| fused(3, Self::masked_and_tested))
                .or_else(|| fused(2, Self::tested)),
            AND_K => fused(2, Self::masked),
            ADD_K => fused(2, Self::add_and),
            ADD_X => fused(2, Self::add_to_both),
            JEQ_K => fused(3, Self::any_of).or_else(|| fused(2, Self::either_of)),
            _ => None,
        };
        fused.unwrap_or_else(|| (single(self.instructions[0]), 1))
    }

    /// The first instructions, where none but the first is jumped to.
    fn joined<const COUNT: usize>(&self) -> Option<[Instruction; COUNT]> {
        let entered = self.jumps[1..COUNT].iter().any(|&jumps| jumps > 0);
        if entered { None } else { self.instructions.first_chunk().copied() }
    }

    fn masked_and_tested(&self) -> Option<Op> {
        let [load, mask, test] = self.joined()?;
        if mask.code == AND_K { tested(load, mask.k, test) } else { None }
    }

    fn tested(&self) -> Option<Op> {
        let [load, test] = self.joined()?;
        tested(load, u32::MAX, test)
    }

    fn masked(&self) -> Option<Op> {
        let [mask, Instruction { code, jt, jf, k }] = self.joined()?;
        let jump = Jump { jt, jf };
        Some(match code {
            JEQ_K => Op::Eq(mask.k, k, jump),
            JGT_K => Op::Gt(mask.k, k, jump),
            JGE_K => Op::Ge(mask.k, k, jump),
            JSET_K => Op::Set(mask.k, k, jump),
            _ => return None,
        })
    }

    fn add_and(&self) -> Option<Op> {
        let [add, mask] = self.joined()?;
        if mask.code == AND_K { Some(Op::AddAnd(add.k, mask.k)) } else { None }
    }

    fn add_to_both(&self) -> Option<Op> {
        let [_, to_x] = self.joined()?;
        if to_x.code == TAX { Some(Op::AddToBoth) } else { None }
    }

    /// 16 bits doubled, and the middle of that, are the other way around.
    fn swapped(&self) -> Option<Op> {
        let [load, double, shift, mask] = self.joined()?;
        let codes = (load.code, double.code, shift.code, mask.code) == (LD_H_IND, MUL_K, RSH_K, AND_K);
        let swaps = codes && (double.k, shift.k, mask.k) == (0x1_0001, 8, 0xffff);
        if swaps { Some(Op::HalfAtXSwapped(load.k)) } else { None }
    }

    /// The first two instructions from `at` on, where they are `jeq` that go to the same place where they hold: the
    /// first goes on to the second otherwise, and nothing else does.
    fn same_place(&self, at: usize) -> bool {
        let [first, second] = [self.instructions[at], self.instructions[at + 1]];
        (first.code, second.code) == (JEQ_K, JEQ_K)
            && (first.jf, first.jt.checked_sub(1)) == (0, Some(second.jt))
            && self.jumps[at + 1] == 1
    }

    fn either_of(&self) -> Option<Op> {
        if !self.same_place(0) {
            return None;
        }
        let [first, Instruction { jt, jf, k, .. }] = *self.instructions.first_chunk()?;
        Some(Op::AnyOf([first.k, k, k], Jump { jt, jf }))
    }

    fn any_of(&self) -> Option<Op> {
        if !(self.same_place(0) && self.same_place(1)) {
            return None;
        }
        let [first, second, Instruction { jt, jf, k, .. }] = *self.instructions.first_chunk()?;
        Some(Op::AnyOf([first.k, second.k, k], Jump { jt, jf }))
    }

    fn byte_any_of(&self) -> Option<Op> {
        let load = self.instructions[0];
        if load.code != LD_B_ABS || self.jumps[1] > 0 || !(self.same_place(1) && self.same_place(2)) {
            return None;
        }
        let [_, first, second, Instruction { jt, jf, k, .. }] = *self.instructions.first_chunk()?;
        let bytes = [first.k.try_into().ok()?, second.k.try_into().ok()?, k.try_into().ok()?];
        Some(Op::ByteAnyOf(load.k, bytes, Jump { jt, jf }))
    }

    /// The header's length, then one of two half words behind it, to the same place.
    fn either_port(&self) -> Option<Op> {
        let [header, first, one, second, Instruction { code, jt, jf, k }] = *self.instructions.first_chunk()?;
        let fits = (first.code, one.code, second.code, code) == (LD_H_IND, JEQ_K, LD_H_IND, JEQ_K)
            && one.k == k
            && (one.jf, one.jt.checked_sub(2)) == (0, Some(jt))
            && self.jumps[1..5] == [0, 0, 1, 0];
        let half = |value: u32| u16::try_from(value).ok();
        let ports = Ports { header: half(header.k)?, first: half(first.k)?, second: half(second.k)?, port: half(k)? };
        if fits { Some(Op::EitherPort(ports, Jump { jt, jf })) } else { None }
    }
}

/// A load, a mask and a comparison in one, where there is such an operation.
fn tested(load: Instruction, mask: u32, Instruction { code, jt, jf, k }: Instruction) -> Option<Op> {
    let (loaded, jump) = (Load { at: load.k, mask }, Jump { jt, jf });
    Some(match (load.code, code) {
        (LD_W_ABS, JEQ_K) => Op::WordEq(loaded, k, jump),
        (LD_W_ABS, JGT_K) => Op::WordGt(loaded, k, jump),
        (LD_W_ABS, JGE_K) => Op::WordGe(loaded, k, jump),
        (LD_W_ABS, JSET_K) => Op::WordSet(loaded, k, jump),
        (LD_H_ABS, _) if load.k == PACKET_TYPE => return None,
        (LD_H_ABS, JEQ_K) => Op::HalfEq(loaded, k, jump),
        (LD_H_ABS, JGT_K) => Op::HalfGt(loaded, k, jump),
        (LD_H_ABS, JGE_K) => Op::HalfGe(loaded, k, jump),
        (LD_H_ABS, JSET_K) => Op::HalfSet(loaded, k, jump),
        (LD_B_ABS, JEQ_K) => Op::ByteEq(loaded, k, jump),
        (LD_B_ABS, JGT_K) => Op::ByteGt(loaded, k, jump),
        (LD_B_ABS, JGE_K) => Op::ByteGe(loaded, k, jump),
        (LD_B_ABS, JSET_K) => Op::ByteSet(loaded, k, jump),
        (LD_H_IND, JEQ_K) => Op::HalfAtXEq(loaded, k, jump),
        (LD_H_IND, JGT_K) => Op::HalfAtXGt(loaded, k, jump),
        (LD_H_IND, JGE_K) => Op::HalfAtXGe(loaded, k, jump),
        (LD_B_IND, JEQ_K) => Op::ByteAtXEq(loaded, k, jump),
        (LD_B_IND, JSET_K) => Op::ByteAtXSet(loaded, k, jump),
        _ => return None,
    })
}
