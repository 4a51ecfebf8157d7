//! Programs as they run: each operation resolved to one arm of the machine, and the sequences that compiled
//! expressions are made of (load, mask, compare and jump) fused into one.
//!
//! A fused operation leaves behind what its instructions would: only the steps between are gone. So an instruction
//! that is jumped to begins an operation of its own.

mod fuse;
mod table;

use super::op::{Jump, Op};
use super::opcode::*;
use super::program::{Instruction, class};
use fuse::Rest;
pub(super) use table::Table;
use table::Tables;

/// A program that was validated, as it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Code {
    // SAFETY of the machine: not empty, every jump and every entry of a table leads to one of these, and the last one
    // returns.
    ops: Box<[Op]>,
    tables: Box<[Table]>,
}

impl Code {
    /// Of instructions that were validated.
    pub fn of(instructions: &[Instruction]) -> Code {
        let jumps = jumps(instructions);
        let tables = Tables::of(instructions);
        // Which operation each instruction is part of.
        let mut places = Vec::with_capacity(instructions.len());
        let mut ops = Vec::with_capacity(instructions.len());
        while places.len() < instructions.len() {
            let here = places.len();
            let rest = Rest { instructions: &instructions[here..], jumps: &jumps[here..] };
            let (op, taken) = match tables.at(here) {
                Some(table) => (Op::Switch(table), 1),
                None => rest.first(|ahead| tables.at(here + ahead).is_some()),
            };
            places.resize(here + taken, ops.len());
            ops.push((op, places.len()));
        }
        let resolved = ops.iter().enumerate().map(|(index, &(mut op, behind))| {
            if let Some(Jump { jt, jf }) = op.jump() {
                for skip in [jt, jf] {
                    // There are no more operations in between than there are instructions.
                    *skip = (places[behind + usize::from(*skip)] - index - 1) as u8;
                }
            }
            match op {
                Op::Goto(offset) => Op::Goto(places[(behind as u32).wrapping_add(offset) as usize] as u32),
                op => op,
            }
        });
        Code { ops: resolved.collect(), tables: tables.resolved(&places) }
    }

    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    pub fn table(&self, number: u32) -> &Table {
        &self.tables[number as usize]
    }
}

/// How many jumps lead to each instruction, falling through a condition included.
fn jumps(instructions: &[Instruction]) -> Vec<usize> {
    let mut jumps = vec![0; instructions.len()];
    for (at, &Instruction { code, jt, jf, k }) in instructions.iter().enumerate() {
        match (code & 7, code & 0xf0) {
            (class::JMP, 0) => jumps[(at as u32 + 1).wrapping_add(k) as usize] += 1,
            (class::JMP, _) => {
                jumps[at + 1 + usize::from(jt)] += 1;
                jumps[at + 1 + usize::from(jf)] += 1;
            }
            _ => {}
        }
    }
    jumps
}

/// The operation of one instruction. Its jumps count instructions, from behind it.
fn single(instruction: Instruction) -> Op {
    let Instruction { code, jt, jf, k } = instruction;
    let jump = Jump { jt, jf };
    match code {
        LD_H_ABS if k == PACKET_TYPE => Op::PacketType,
        LD_W_ABS => Op::Word(k),
        LD_H_ABS => Op::Half(k),
        LD_B_ABS => Op::Byte(k),
        LD_W_IND => Op::WordAtX(k),
        LD_H_IND => Op::HalfAtX(k),
        LD_B_IND => Op::ByteAtX(k),
        LD_LEN => Op::Length,
        LDX_LEN => Op::LengthToX,
        LDX_MSH => Op::HeaderLengthToX(k),
        LD_IMM => Op::Constant(k),
        LDX_IMM => Op::ConstantToX(k),
        LD_MEM => Op::Recall(k as u8),
        LDX_MEM => Op::RecallToX(k as u8),
        ST => Op::Store(k as u8),
        STX => Op::StoreX(k as u8),
        JA => Op::Goto(k),
        JEQ_K => Op::Eq(u32::MAX, k, jump),
        JGT_K => Op::Gt(u32::MAX, k, jump),
        JGE_K => Op::Ge(u32::MAX, k, jump),
        JSET_K => Op::Set(u32::MAX, k, jump),
        JEQ_X => Op::EqX(jump),
        JGT_X => Op::GtX(jump),
        JGE_X => Op::GeX(jump),
        JSET_X => Op::SetX(jump),
        ADD_K => Op::Add(k),
        SUB_K => Op::Add(k.wrapping_neg()),
        MUL_K => Op::Mul(k),
        DIV_K => Op::Div(k),
        MOD_K => Op::Mod(k),
        OR_K => Op::Or(k),
        AND_K => Op::And(k),
        XOR_K => Op::Xor(k),
        // By a constant, libpcap shifts as the processor does: by the low five bits.
        LSH_K => Op::Shl(k as u8 & 31),
        RSH_K => Op::Shr(k as u8 & 31),
        ADD_X => Op::AddX,
        SUB_X => Op::SubX,
        MUL_X => Op::MulX,
        DIV_X => Op::DivX,
        MOD_X => Op::ModX,
        OR_X => Op::OrX,
        AND_X => Op::AndX,
        XOR_X => Op::XorX,
        LSH_X => Op::ShlX,
        RSH_X => Op::ShrX,
        NEG => Op::Neg,
        TAX => Op::ToX,
        TXA => Op::FromX,
        RET_K => Op::Return(k),
        RET_A => Op::ReturnA,
        _ => Op::Reject,
    }
}

#[cfg(test)]
mod tests {
    use super::super::op::{Load, Ports};
    use super::*;

    const ACCEPT: (u16, u8, u8, u32) = (0x06, 0, 0, 1);
    const REJECT: (u16, u8, u8, u32) = (0x06, 0, 0, 0);

    fn decoded(instructions: &[(u16, u8, u8, u32)]) -> Code {
        let instructions: Vec<_> =
            instructions.iter().map(|&(code, jt, jf, k)| Instruction { code, jt, jf, k }).collect();
        Code::of(&instructions)
    }

    #[test]
    fn what_expressions_are_made_of_becomes_one_operation_each() {
        let protocol = [(LD_B_ABS, 0, 0, 9), (JEQ_K, 2, 0, 132), (JEQ_K, 1, 0, 6), (JEQ_K, 0, 1, 17)];
        let any_of = Op::ByteAnyOf(9, [132, 6, 17], Jump { jt: 0, jf: 1 });
        assert_eq!(decoded(&[&protocol[..], &[ACCEPT, REJECT]].concat()).ops(), [any_of, Op::Return(1), Op::Return(0)]);

        let fragment = [(LD_H_ABS, 0, 0, 6), (AND_K, 0, 0, 0xfff), (JSET_K, 1, 0, 0x1fff)];
        let set = Op::HalfSet(Load { at: 6, mask: 0xfff }, 0x1fff, Jump { jt: 1, jf: 0 });
        assert_eq!(decoded(&[&fragment[..], &[ACCEPT, REJECT]].concat()).ops(), [set, Op::Return(1), Op::Return(0)]);

        let port = [(LD_H_IND, 0, 0, 0), (JEQ_K, 2, 0, 80), (LD_H_IND, 0, 0, 2), (JEQ_K, 0, 1, 80)];
        let ports = Ports { header: 4, first: 0, second: 2, port: 80 };
        let either = Op::EitherPort(ports, Jump { jt: 0, jf: 1 });
        let program = [&[(LDX_MSH, 0, 0, 4)], &port[..], &[ACCEPT, REJECT]].concat();
        assert_eq!(decoded(&program).ops(), [either, Op::Return(1), Op::Return(0)]);
    }

    #[test]
    fn an_instruction_that_is_jumped_to_begins_an_operation() {
        let code = decoded(&[(JEQ_K, 1, 0, 7), (LD_B_ABS, 0, 0, 0), (JEQ_K, 0, 1, 1), ACCEPT, REJECT]);
        let eq = |k, jt, jf| Op::Eq(u32::MAX, k, Jump { jt, jf });
        assert_eq!(code.ops(), [eq(7, 1, 0), Op::Byte(0), eq(1, 0, 1), Op::Return(1), Op::Return(0)]);
    }

    #[test]
    fn a_long_chain_is_looked_up_and_the_first_of_equal_values_counts() {
        // The fourth goes over a `ja` to the fifth. Each value has a return of its own.
        let chain = [
            (LD_B_ABS, 0, 0, 0),
            (JEQ_K, 6, 0, 5),
            (JEQ_K, 6, 0, 9),
            (JEQ_K, 6, 0, 5),
            (JEQ_K, 6, 0, 3),
            (JA, 0, 0, 0),
            (JEQ_K, 5, 0, 8),
            REJECT,
        ];
        let returns: Vec<_> = (10..15).map(|k| (0x06, 0, 0, k)).collect();
        let code = decoded(&[&chain[..], &returns].concat());
        assert_eq!(code.ops()[..2], [Op::Byte(0), Op::Switch(0)]);
        let at = |value| code.ops()[code.table(0).find(value) as usize];
        let found = [5, 9, 3, 8, 7].map(at);
        assert_eq!(found, [Op::Return(10), Op::Return(11), Op::Return(13), Op::Return(14), Op::Return(0)]);
    }
}
