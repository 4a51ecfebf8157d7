//! The source's instructions, with every load made relative to the payload.

use super::assembler::{Assembler, Label};
use super::flow::{A, Needs, Reach, Set, Tests, X, words};
use super::link_bytes::{LinkByte, LinkBytes};
use super::{TAGGED, Unsuitable, Way, Words};
use crate::bpf::opcode::*;
use crate::bpf::{Instruction, Program};

/// What the source takes to be before the payload.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layout<'a> {
    /// Nothing.
    Raw,
    /// An Ethernet header. It may be followed by a tag that the message has beside the packet, and some loads may be of
    /// the message.
    Ethernet { tagged: bool, link_bytes: Option<&'a LinkBytes> },
}

/// Where an Ethernet header has the ethertype, and where it ends.
const ETHERTYPE: u32 = 12;
const ETHERNET_HEADER: u32 = 14;

/// A source for packets of one kind.
pub(super) struct Body<'a> {
    program: &'a [Instruction],
    layout: Layout<'a>,
    reach: Reach,
    needs: Needs,
    way: Way,
}

/// The bytes that a load takes, and what loads them at `X + k`.
fn width(code: u16) -> (u32, u16) {
    match code {
        LD_W_ABS | LD_W_IND => (4, LD_W_IND),
        LD_H_ABS | LD_H_IND => (2, LD_H_IND),
        _ => (1, LD_B_IND),
    }
}

impl<'a> Body<'a> {
    pub fn new(program: &'a Program, layout: Layout<'a>, tests: Tests, way: Way) -> Body<'a> {
        let program = program.instructions();
        Body { program, layout, reach: Reach::of(program, tests), needs: Needs::of(program), way }
    }

    pub fn program(&self) -> &'a [Instruction] {
        self.program
    }

    /// Whether it has an operation that a packet can reach.
    pub fn has(&self, code: u16) -> bool {
        (0..self.program.len()).any(|at| self.program[at].code == code && self.reach.is_reached(at))
    }

    /// Whether it looks at the packet.
    pub fn looks(&self) -> bool {
        let loads = [LD_W_ABS, LD_H_ABS, LD_B_ABS, LD_W_IND, LD_H_IND, LD_B_IND, LDX_MSH];
        loads.into_iter().any(|code| self.has(code))
    }

    /// Whether it asks for the ethertype.
    pub fn asks_kind(&self) -> bool {
        let asks = |it: &Instruction| it.code == LD_H_ABS && it.k == ETHERTYPE && self.is_ethernet();
        (0..self.program.len()).any(|at| asks(&self.program[at]) && self.reach.is_reached(at))
    }

    fn is_ethernet(&self) -> bool {
        matches!(self.layout, Layout::Ethernet { .. })
    }

    /// What of the message a load takes, if it is none of the packet.
    fn link_byte(&self, at: usize) -> Option<LinkByte> {
        match self.layout {
            Layout::Ethernet { link_bytes: Some(link_bytes), .. } => link_bytes.at(at),
            _ => None,
        }
    }

    /// The memory words that it reads before it writes them.
    pub fn begins_with(&self) -> Set {
        words(self.needs.before[0])
    }

    /// Whether it asks which way the packet went.
    pub fn asks_way(&self) -> bool {
        self.way == Way::OfMessage && self.program.iter().any(|it| it.code == LD_H_ABS && it.k == PACKET_TYPE)
    }

    /// Adds its instructions.
    pub fn emit(&self, asm: &mut Assembler, own: &Words, reject: Label) -> Result<(), Unsuitable> {
        // Registers and memory begin at 0.
        let needed = self.needs.before[0];
        if needed != 0 {
            asm.op(LD_IMM, 0);
            asm.op(TAX, 0);
            for word in (0..16).filter(|word| words(needed) & (1 << word) != 0) {
                asm.op(ST, word);
            }
        }
        let labels: Vec<Label> = self.program.iter().map(|_| asm.label()).collect();
        for at in (0..self.program.len()).filter(|&at| self.reach.is_reached(at)) {
            asm.bind(labels[at]);
            let Instruction { code, jt, jf, k } = self.program[at];
            let after = self.needs.after[at];
            if let Some(link_byte) = self.link_byte(at) {
                load_link_byte(asm, own, code, link_byte, after & X != 0);
                continue;
            }
            match code {
                LD_H_ABS if k == PACKET_TYPE && self.way == Way::OfMessage => asm.op(LD_MEM, own.way),
                LD_H_ABS if k == PACKET_TYPE => asm.op(code, k),
                LD_W_ABS if k == INTERFACE_INDEX => asm.op(code, k),
                LD_H_ABS if k == ETHERTYPE && self.is_ethernet() => asm.op(LD_MEM, own.kind),
                LD_W_ABS | LD_H_ABS | LD_B_ABS => self.load(asm, own, code, k, after & X != 0, reject)?,
                LD_W_IND | LD_H_IND | LD_B_IND => self.load_at_x(asm, own, code, k, after & X != 0, reject),
                LDX_MSH => self.load_header_length(asm, own, k, after & A != 0, reject)?,
                JA => asm.goto(labels[(at as u32 + 1).wrapping_add(k) as usize]),
                _ if code & 7 == 5 => {
                    let fails = labels[at + 1 + usize::from(jf)];
                    match self.reach.fails(self.program, at) {
                        true => asm.goto(fails),
                        false => asm.test(code, k, labels[at + 1 + usize::from(jt)], fails),
                    }
                }
                _ => asm.op(code, k),
            }
        }
        Ok(())
    }

    /// An offset from the payload's beginning.
    fn offset(&self, k: u32) -> Result<u32, Unsuitable> {
        match self.layout {
            Layout::Raw => Ok(k),
            Layout::Ethernet { .. } => k.checked_sub(ETHERNET_HEADER).ok_or(Unsuitable::LinkHeader),
        }
    }

    fn load(
        &self,
        asm: &mut Assembler,
        own: &Words,
        code: u16,
        k: u32,
        keep_x: bool,
        reject: Label,
    ) -> Result<(), Unsuitable> {
        let k = self.offset(k)?;
        let (bytes, indexed) = width(code);
        let done = asm.label();
        // TCI and ethertype of the tag that is not in the payload.
        if matches!(self.layout, Layout::Ethernet { tagged: true, .. }) && bytes == 2 && k <= 2 {
            let in_payload = asm.label();
            asm.op(LD_MEM, own.tag);
            asm.jump_if(JEQ_K, 0, in_payload);
            match k {
                0 => asm.op(AND_K, TAGGED - 1),
                _ => asm.op(LD_MEM, own.inner),
            }
            asm.goto(done);
            asm.bind(in_payload);
        }
        let Some(end) = k.checked_add(bytes) else {
            asm.goto(reject);
            return Ok(());
        };
        if keep_x {
            asm.op(STX, own.spare);
        }
        asm.op(LD_MEM, own.length);
        asm.require(JGE_K, end, reject);
        asm.op(LDX_MEM, own.start);
        asm.op(indexed, k);
        if keep_x {
            asm.op(LDX_MEM, own.spare);
        }
        asm.bind(done);
        Ok(())
    }

    fn load_at_x(&self, asm: &mut Assembler, own: &Words, code: u16, k: u32, keep_x: bool, reject: Label) {
        let (bytes, _) = width(code);
        if keep_x {
            asm.op(STX, own.spare);
        }
        let k = match self.offset(k) {
            Ok(k) => k,
            Err(_) => {
                // It depends on X whether this is behind the link header.
                asm.op(TXA, 0);
                asm.op(ADD_K, k);
                asm.require(JGE_K, ETHERNET_HEADER, reject);
                asm.op(SUB_K, ETHERNET_HEADER);
                asm.op(TAX, 0);
                0
            }
        };
        let Some(end) = k.checked_add(bytes) else {
            asm.goto(reject);
            return;
        };
        asm.op(LD_MEM, own.length);
        asm.require(JGE_K, end, reject);
        asm.op(SUB_K, end);
        asm.require(JGE_X, 0, reject);
        asm.op(LD_MEM, own.start);
        asm.op(ADD_X, 0);
        asm.op(TAX, 0);
        asm.op(width(code).1, k);
        if keep_x {
            asm.op(LDX_MEM, own.spare);
        }
    }

    fn load_header_length(
        &self,
        asm: &mut Assembler,
        own: &Words,
        k: u32,
        keep_a: bool,
        reject: Label,
    ) -> Result<(), Unsuitable> {
        let k = self.offset(k)?;
        if keep_a {
            asm.op(ST, own.spare);
        }
        asm.op(LD_MEM, own.length);
        asm.require(JGT_K, k, reject);
        asm.op(LDX_MEM, own.start);
        asm.op(LD_B_IND, k);
        asm.op(AND_K, 0xf);
        asm.op(LSH_K, 2);
        asm.op(TAX, 0);
        if keep_a {
            asm.op(LD_MEM, own.spare);
        }
        Ok(())
    }
}

/// A load of the message's own bytes: its bounds are those of the message.
fn load_link_byte(asm: &mut Assembler, own: &Words, code: u16, link_byte: LinkByte, keep_x: bool) {
    let LinkByte { at, excess } = link_byte;
    if excess == 0 {
        asm.op(code, at);
        return;
    }
    if keep_x {
        asm.op(STX, own.spare);
    }
    asm.op(TXA, 0);
    asm.op(SUB_K, excess);
    asm.op(TAX, 0);
    asm.op(code, at);
    if keep_x {
        asm.op(LDX_MEM, own.spare);
    }
}
