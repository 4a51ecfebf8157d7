//! Programs as they run: each operation resolved to one arm of the machine, and the sequences that compiled
//! expressions are made of (load, mask, compare and jump) fused into one.
//!
//! A fused operation leaves behind what its instructions would: only the steps between are gone. So an instruction
//! that is jumped to begins an operation of its own.

use super::opcode::*;
use super::program::{Instruction, class};

/// One step of a program. `at` is an offset in the packet; `jt` and `jf` are how many operations to skip where the
/// comparison holds, and where it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// Load, mask, compare with `k`, jump.
    WordEq {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    WordGt {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    WordGe {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    WordSet {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    HalfEq {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    HalfGt {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    HalfGe {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    HalfSet {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    ByteEq {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    ByteGt {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    ByteGe {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    ByteSet {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    /// The same with an indexed load.
    HalfAtXEq {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    HalfAtXGt {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    HalfAtXGe {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    ByteAtXEq {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    ByteAtXSet {
        jt: u8,
        jf: u8,
        at: u32,
        mask: u32,
        k: u32,
    },
    /// Mask, compare with `k`, jump.
    Eq {
        jt: u8,
        jf: u8,
        mask: u32,
        k: u32,
    },
    Gt {
        jt: u8,
        jf: u8,
        mask: u32,
        k: u32,
    },
    Ge {
        jt: u8,
        jf: u8,
        mask: u32,
        k: u32,
    },
    Set {
        jt: u8,
        jf: u8,
        mask: u32,
        k: u32,
    },
    /// Compare with each of these, and jump where one of them is equal.
    AnyOf {
        jt: u8,
        jf: u8,
        k: [u32; 3],
    },
    EqX {
        jt: u8,
        jf: u8,
    },
    GtX {
        jt: u8,
        jf: u8,
    },
    GeX {
        jt: u8,
        jf: u8,
    },
    SetX {
        jt: u8,
        jf: u8,
    },
    /// Goes on at an operation, counted from the program's beginning.
    Goto(u32),
    Word(u32),
    Half(u32),
    Byte(u32),
    WordAtX(u32),
    HalfAtX(u32),
    ByteAtX(u32),
    /// What the caller knows of the packet's way.
    PacketType,
    Length,
    LengthToX,
    HeaderLengthToX(u32),
    Constant(u32),
    ConstantToX(u32),
    Recall(u8),
    RecallToX(u8),
    Store(u8),
    StoreX(u8),
    Add(u32),
    Mul(u32),
    Div(u32),
    Mod(u32),
    Or(u32),
    And(u32),
    Xor(u32),
    Shl(u8),
    Shr(u8),
    AddX,
    SubX,
    MulX,
    DivX,
    ModX,
    OrX,
    AndX,
    XorX,
    ShlX,
    ShrX,
    Neg,
    ToX,
    FromX,
    Return(u32),
    ReturnA,
    /// An operation that does not exist: the packet is rejected.
    Reject,
}

/// The operations of a program that was validated.
pub(super) fn decode(instructions: &[Instruction]) -> Box<[Op]> {
    let jumps = jumps(instructions);
    // Which operation each instruction is part of.
    let mut places = Vec::with_capacity(instructions.len());
    let mut ops = Vec::with_capacity(instructions.len());
    while places.len() < instructions.len() {
        let here = places.len();
        let (op, taken) = next(&instructions[here..], &jumps[here..]);
        places.resize(here + taken, ops.len());
        ops.push((op, places.len()));
    }
    let resolved = ops.iter().enumerate().map(|(index, &(op, behind))| {
        let skip = |jump: u8| (places[behind + usize::from(jump)] - index - 1) as u8;
        resolved(op, skip, |offset| places[(behind as u32).wrapping_add(offset) as usize] as u32)
    });
    resolved.collect()
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

/// The first operation of what is left of a program, and how many instructions it is made of. Its jumps count
/// instructions, from behind its last one.
fn next(rest: &[Instruction], jumps: &[usize]) -> (Op, usize) {
    let first = rest[0];
    let joined = |count: usize| rest.len() >= count && jumps[1..count].iter().all(|&jumps| jumps == 0);
    if matches!(first.code, LD_W_ABS | LD_H_ABS | LD_B_ABS | LD_H_IND | LD_B_IND) {
        if joined(3) && rest[1].code == AND_K {
            if let Some(op) = tested(first, rest[1].k, rest[2]) {
                return (op, 3);
            }
        }
        if joined(2) {
            if let Some(op) = tested(first, u32::MAX, rest[1]) {
                return (op, 2);
            }
        }
    }
    if first.code == AND_K && joined(2) {
        if let Some(op) = compared(first.k, rest[1]) {
            return (op, 2);
        }
    }
    match equals(rest, jumps) {
        count @ 2.. => {
            let last = rest[count - 1];
            (Op::AnyOf { jt: last.jt, jf: last.jf, k: [first.k, rest[1].k, last.k] }, count)
        }
        _ => (single(first), 1),
    }
}

/// How many `jeq` in a row (at most 3) go to the same place where they hold, and otherwise to the next.
fn equals(rest: &[Instruction], jumps: &[usize]) -> usize {
    let mut count = 0;
    while count < rest.len().min(3) && rest[count].code == JEQ_K {
        let goes_on = |before: Instruction| before.jf == 0 && before.jt.checked_sub(1) == Some(rest[count].jt);
        if count > 0 && !(jumps[count] == 1 && goes_on(rest[count - 1])) {
            break;
        }
        count += 1;
    }
    count
}

/// A load, a mask and a comparison in one, where there is such an operation.
fn tested(load: Instruction, mask: u32, test: Instruction) -> Option<Op> {
    let (at, Instruction { jt, jf, k, .. }) = (load.k, test);
    Some(match (load.code, test.code) {
        (LD_W_ABS, JEQ_K) => Op::WordEq { jt, jf, at, mask, k },
        (LD_W_ABS, JGT_K) => Op::WordGt { jt, jf, at, mask, k },
        (LD_W_ABS, JGE_K) => Op::WordGe { jt, jf, at, mask, k },
        (LD_W_ABS, JSET_K) => Op::WordSet { jt, jf, at, mask, k },
        (LD_H_ABS, _) if at == PACKET_TYPE => return None,
        (LD_H_ABS, JEQ_K) => Op::HalfEq { jt, jf, at, mask, k },
        (LD_H_ABS, JGT_K) => Op::HalfGt { jt, jf, at, mask, k },
        (LD_H_ABS, JGE_K) => Op::HalfGe { jt, jf, at, mask, k },
        (LD_H_ABS, JSET_K) => Op::HalfSet { jt, jf, at, mask, k },
        (LD_B_ABS, JEQ_K) => Op::ByteEq { jt, jf, at, mask, k },
        (LD_B_ABS, JGT_K) => Op::ByteGt { jt, jf, at, mask, k },
        (LD_B_ABS, JGE_K) => Op::ByteGe { jt, jf, at, mask, k },
        (LD_B_ABS, JSET_K) => Op::ByteSet { jt, jf, at, mask, k },
        (LD_H_IND, JEQ_K) => Op::HalfAtXEq { jt, jf, at, mask, k },
        (LD_H_IND, JGT_K) => Op::HalfAtXGt { jt, jf, at, mask, k },
        (LD_H_IND, JGE_K) => Op::HalfAtXGe { jt, jf, at, mask, k },
        (LD_B_IND, JEQ_K) => Op::ByteAtXEq { jt, jf, at, mask, k },
        (LD_B_IND, JSET_K) => Op::ByteAtXSet { jt, jf, at, mask, k },
        _ => return None,
    })
}

/// A mask and a comparison in one.
fn compared(mask: u32, Instruction { code, jt, jf, k }: Instruction) -> Option<Op> {
    Some(match code {
        JEQ_K => Op::Eq { jt, jf, mask, k },
        JGT_K => Op::Gt { jt, jf, mask, k },
        JGE_K => Op::Ge { jt, jf, mask, k },
        JSET_K => Op::Set { jt, jf, mask, k },
        _ => return None,
    })
}

/// The operation of one instruction.
fn single(instruction: Instruction) -> Op {
    let Instruction { code, jt, jf, k } = instruction;
    if let Some(op) = compared(u32::MAX, instruction) {
        return op;
    }
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
        JEQ_X => Op::EqX { jt, jf },
        JGT_X => Op::GtX { jt, jf },
        JGE_X => Op::GeX { jt, jf },
        JSET_X => Op::SetX { jt, jf },
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

/// The operation with jumps that count operations: `skip` has a condition's, `goto` an unconditional one's.
fn resolved(mut op: Op, skip: impl Fn(u8) -> u8, goto: impl Fn(u32) -> u32) -> Op {
    match &mut op {
        Op::Goto(to) => *to = goto(*to),
        Op::WordEq { jt, jf, .. }
        | Op::WordGt { jt, jf, .. }
        | Op::WordGe { jt, jf, .. }
        | Op::WordSet { jt, jf, .. }
        | Op::HalfEq { jt, jf, .. }
        | Op::HalfGt { jt, jf, .. }
        | Op::HalfGe { jt, jf, .. }
        | Op::HalfSet { jt, jf, .. }
        | Op::ByteEq { jt, jf, .. }
        | Op::ByteGt { jt, jf, .. }
        | Op::ByteGe { jt, jf, .. }
        | Op::ByteSet { jt, jf, .. }
        | Op::HalfAtXEq { jt, jf, .. }
        | Op::HalfAtXGt { jt, jf, .. }
        | Op::HalfAtXGe { jt, jf, .. }
        | Op::ByteAtXEq { jt, jf, .. }
        | Op::ByteAtXSet { jt, jf, .. }
        | Op::Eq { jt, jf, .. }
        | Op::Gt { jt, jf, .. }
        | Op::Ge { jt, jf, .. }
        | Op::Set { jt, jf, .. }
        | Op::AnyOf { jt, jf, .. }
        | Op::EqX { jt, jf }
        | Op::GtX { jt, jf }
        | Op::GeX { jt, jf }
        | Op::SetX { jt, jf } => (*jt, *jf) = (skip(*jt), skip(*jf)),
        _ => {}
    }
    op
}
