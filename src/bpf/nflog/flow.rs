//! What is known of a program before it runs: which instructions are reached, and which values are still needed.

use crate::bpf::Instruction;
use crate::bpf::opcode::*;

/// Registers and memory words, one bit each.
pub(super) type Set = u32;
pub(super) const A: Set = 1 << 16;
pub(super) const X: Set = 1 << 17;

/// The memory words among a set, one bit each.
pub(super) fn words(set: Set) -> Set {
    set & 0xffff
}

/// What an instruction needs, and what it replaces.
fn effect(&Instruction { code, k, .. }: &Instruction) -> (Set, Set) {
    let word = || 1 << (k & 15);
    match code {
        LD_W_ABS | LD_H_ABS | LD_B_ABS | LD_LEN | LD_IMM => (0, A),
        LD_W_IND | LD_H_IND | LD_B_IND | TXA => (X, A),
        LDX_LEN | LDX_MSH | LDX_IMM => (0, X),
        LD_MEM => (word(), A),
        LDX_MEM => (word(), X),
        ST => (A, word()),
        STX => (X, word()),
        TAX => (A, X),
        RET_A => (A, 0),
        _ => match code & 7 {
            // Arithmetic and conditions, with a constant or with X.
            4 | 5 if code == JA => (0, 0),
            4 if code & 8 == 0 => (A, A),
            4 => (A | X, A),
            5 if code & 8 == 0 => (A, 0),
            5 => (A | X, 0),
            _ => (0, 0),
        },
    }
}

/// Where each instruction goes on.
pub(super) fn successors(program: &[Instruction], at: usize) -> impl Iterator<Item = usize> + use<> {
    let Instruction { code, jt, jf, k } = program[at];
    let next = at + 1;
    let (first, second) = match code & 7 {
        5 if code & 0xf0 == 0 => (Some((next as u32).wrapping_add(k) as usize), None),
        5 => (Some(next + usize::from(jt)), Some(next + usize::from(jf))),
        6 => (None, None),
        _ => (Some(next), None),
    };
    [first, second].into_iter().flatten()
}

/// What is needed before each instruction, and after it.
pub(super) struct Needs {
    pub before: Vec<Set>,
    pub after: Vec<Set>,
}

impl Needs {
    pub fn of(program: &[Instruction]) -> Needs {
        let mut needs = Needs { before: vec![0; program.len()], after: vec![0; program.len()] };
        // Once for programs without a jump backwards.
        loop {
            let mut changed = false;
            for at in (0..program.len()).rev() {
                let after = successors(program, at).fold(0, |set, next| set | needs.before[next]);
                let (needed, replaced) = effect(&program[at]);
                let before = needed | (after & !replaced);
                changed |= before != needs.before[at];
                (needs.before[at], needs.after[at]) = (before, after);
            }
            if !changed {
                return needs;
            }
        }
    }
}

/// The memory words that a program uses.
pub(super) fn words_used(program: &[Instruction]) -> Set {
    program.iter().fold(0, |set, instruction| {
        let (needed, replaced) = effect(instruction);
        set | words(needed | replaced)
    })
}

/// What the accumulator holds before an instruction, as far as it tells the packet's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Something else.
    Other,
    /// The ethertype.
    Ethertype,
    /// The first byte of a raw packet.
    FirstByte,
    /// That, less all but the version of IP.
    Version,
}

/// How a program is followed for packets that are not IP: what its tests for IPv4 and IPv6 look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tests {
    /// All outcomes are possible.
    Open,
    /// The ethertype in an Ethernet header is not IP's.
    Ethertype,
    /// The version in a raw packet is not IP's.
    Version,
}

/// Which instructions are reached, and which comparisons are known to fail.
pub(super) struct Reach {
    holds: Vec<Option<Holds>>,
    tests: Tests,
}

impl Reach {
    pub fn of(program: &[Instruction], tests: Tests) -> Reach {
        let mut reach = Reach { holds: vec![None; program.len()], tests };
        reach.holds[0] = Some(Holds::Other);
        let mut left = vec![0];
        while let Some(at) = left.pop() {
            let Some(before) = reach.holds[at] else { continue };
            let after = after(&program[at], before);
            let fails = reach.fails(program, at);
            for next in successors(program, at) {
                if fails && next != at + 1 + usize::from(program[at].jf) {
                    continue;
                }
                let merged = match reach.holds[next] {
                    None => after,
                    Some(known) if known == after => continue,
                    Some(Holds::Other) => continue,
                    Some(_) => Holds::Other,
                };
                reach.holds[next] = Some(merged);
                left.push(next);
            }
        }
        reach
    }

    pub fn is_reached(&self, at: usize) -> bool {
        self.holds[at].is_some()
    }

    /// Whether the comparison at `at` is known to fail.
    pub fn fails(&self, program: &[Instruction], at: usize) -> bool {
        let Instruction { code, k, .. } = program[at];
        code == JEQ_K
            && match (self.tests, self.holds[at]) {
                (Tests::Ethertype, Some(Holds::Ethertype)) => matches!(k, 0x0800 | 0x86dd),
                (Tests::Version, Some(Holds::Version)) => matches!(k, 0x40 | 0x60),
                _ => false,
            }
    }
}

fn after(&Instruction { code, k, .. }: &Instruction, before: Holds) -> Holds {
    match (code, k) {
        (LD_H_ABS, 12) => Holds::Ethertype,
        (LD_B_ABS, 0) => Holds::FirstByte,
        (AND_K, 0xf0) if before == Holds::FirstByte => Holds::Version,
        _ if code & 7 == 5 || matches!(code, ST | STX | TAX | LDX_IMM | LDX_MEM | LDX_LEN | LDX_MSH) => before,
        _ => Holds::Other,
    }
}
