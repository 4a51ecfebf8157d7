//! Programs: their instructions, and which of them can be run (`bpf_validate`, libpcap).

use std::fmt;

use super::decode::Code;
use super::machine;
use super::op::Op;
use super::opcode::{INTERFACE_INDEX, LD_W_ABS};

/// `struct bpf_insn`, pcap/bpf.h; host byte order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// Operation: class, size, mode, source.
    pub code: u16,
    /// Instructions to skip when a condition holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

/// Why a program cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The index of the instruction that is wrong, counted from 0.
    pub at: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BPF program is not valid: instruction {}: {}", self.at, self.reason)
    }
}

impl std::error::Error for Invalid {}

/// The words of scratch memory (`BPF_MEMWORDS`).
pub(super) const MEMORY_WORDS: usize = 16;

/// Instruction classes (the low three bits of a code).
pub(super) mod class {
    pub const LD: u16 = 0;
    pub const LDX: u16 = 1;
    pub const ST: u16 = 2;
    pub const STX: u16 = 3;
    pub const ALU: u16 = 4;
    pub const JMP: u16 = 5;
    pub const RET: u16 = 6;
}

/// A program that can be run: memory words exist, jumps stay inside, it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    instructions: Box<[Instruction]>,
    code: Code,
    asks_packet_type: bool,
}

impl Program {
    /// Validates `instructions` by the rules of `bpf_validate` up to libpcap 1.10: what makes a program safe to run. Later
    /// ones refuse more.
    ///
    /// # Errors
    ///
    /// The first instruction that breaks a rule.
    pub fn new(instructions: &[Instruction]) -> Result<Program, Invalid> {
        let Some(last) = instructions.last() else {
            return Err(Invalid { at: 0, reason: "the program is empty" });
        };
        for (at, instruction) in instructions.iter().enumerate() {
            check(instruction, at, instructions.len()).map_err(|reason| Invalid { at, reason })?;
        }
        if last.code & 7 != class::RET {
            return Err(Invalid { at: instructions.len() - 1, reason: "the program does not end with a return" });
        }
        let code = Code::of(instructions);
        let asks_packet_type = code.ops().contains(&Op::PacketType);
        Ok(Program { instructions: instructions.into(), code, asks_packet_type })
    }

    /// The instructions.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// Runs the program on the captured bytes of a packet that was `len` bytes long; 0 is rejection.
    #[inline]
    pub fn run(&self, packet: &[u8], len: u32) -> u32 {
        machine::run(&self.code, packet, len, None)
    }

    /// Whether it makes a difference which way a packet went.
    pub fn asks_packet_type(&self) -> bool {
        self.asks_packet_type
    }

    /// Whether it asks for the index of the packet's interface, which no record has but those whose header has it.
    pub fn asks_interface(&self) -> bool {
        self.instructions.iter().any(|it| it.code == LD_W_ABS && it.k == INTERFACE_INDEX)
    }

    /// Runs the program where the packet's type is known (linux/if_packet.h: 4 for outgoing): `inbound` and `outbound`
    /// ask for it.
    #[inline]
    pub fn run_typed(&self, packet: &[u8], len: u32, packet_type: u8) -> u32 {
        machine::run(&self.code, packet, len, Some(packet_type))
    }
}

fn check(instruction: &Instruction, at: usize, count: usize) -> Result<(), &'static str> {
    let Instruction { code, jt, jf, k } = *instruction;
    let memory = || if (k as usize) < MEMORY_WORDS { Ok(()) } else { Err("there are 16 words of scratch memory") };
    match code & 7 {
        class::LD | class::LDX => match code & 0xe0 {
            0x00 | 0x20 | 0x40 | 0x80 | 0xa0 => Ok(()),
            0x60 => memory(),
            _ => Err("unknown addressing mode"),
        },
        class::ST | class::STX => memory(),
        class::ALU => match code & 0xf0 {
            0x30 | 0x90 if code & 8 == 0 && k == 0 => Err("division by the constant 0"),
            0x00..=0xa0 => Ok(()),
            _ => Err("unknown arithmetic operation"),
        },
        class::JMP => {
            // 32-bit arithmetic that wraps, as libpcap has it: protochain's loops jump backwards so.
            let next = at as u32 + 1;
            let inside = |offset: u32| (next.wrapping_add(offset) as usize) < count;
            let lands = match code & 0xf0 {
                0x00 => inside(k),
                0x10 | 0x20 | 0x30 | 0x40 => inside(jt.into()) && inside(jf.into()),
                _ => return Err("unknown jump"),
            };
            if lands { Ok(()) } else { Err("the jump leaves the program") }
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid(instructions: &[(u16, u8, u8, u32)]) -> Option<(usize, &'static str)> {
        let instructions: Vec<_> =
            instructions.iter().map(|&(code, jt, jf, k)| Instruction { code, jt, jf, k }).collect();
        Program::new(&instructions).err().map(|invalid| (invalid.at, invalid.reason))
    }

    const ACCEPT: (u16, u8, u8, u32) = (0x06, 0, 0, 1);

    #[test]
    fn what_bpf_validate_refuses_is_refused_by_place_and_reason() {
        assert_eq!(invalid(&[ACCEPT]), None);
        assert_eq!(invalid(&[]), Some((0, "the program is empty")));
        assert_eq!(invalid(&[(0x60, 0, 0, 16), ACCEPT]), Some((0, "there are 16 words of scratch memory")));
        assert_eq!(invalid(&[ACCEPT, (0x02, 0, 0, 16), ACCEPT]), Some((1, "there are 16 words of scratch memory")));
        assert_eq!(invalid(&[(0x34, 0, 0, 0), ACCEPT]), Some((0, "division by the constant 0")));
        assert_eq!(invalid(&[(0x94, 0, 0, 0), ACCEPT]), Some((0, "division by the constant 0")));
        assert_eq!(invalid(&[(0x3c, 0, 0, 0), ACCEPT]), None);
        assert_eq!(invalid(&[(0x05, 0, 0, 1), ACCEPT]), Some((0, "the jump leaves the program")));
        assert_eq!(invalid(&[(0x15, 0, 1, 1), ACCEPT]), Some((0, "the jump leaves the program")));
        assert_eq!(invalid(&[(0x04, 0, 0, 1)]), Some((0, "the program does not end with a return")));
        assert_eq!(invalid(&[(0xc0, 0, 0, 0), ACCEPT]), Some((0, "unknown addressing mode")));
        assert_eq!(invalid(&[(0xb4, 0, 0, 0), ACCEPT]), Some((0, "unknown arithmetic operation")));
        assert_eq!(invalid(&[(0x55, 0, 0, 0), ACCEPT]), Some((0, "unknown jump")));
    }

    #[test]
    fn a_jump_may_go_backwards() {
        assert_eq!(invalid(&[ACCEPT, (0x05, 0, 0, -2i32 as u32), ACCEPT]), None);
    }
}
