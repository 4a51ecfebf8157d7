//! Instructions with labels. A condition reaches 255 instructions far; where its target is farther, it jumps to an
//! unconditional jump behind it, which reaches everything.

use crate::bpf::Instruction;
use crate::bpf::opcode::JA;

/// A place in the program, bound before or after it is jumped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

#[derive(Debug)]
enum Item {
    Plain(u16, u32),
    Condition { code: u16, k: u32, holds: Label, fails: Label },
    Goto(Label),
    Bind(Label),
}

/// A program in the making.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    items: Vec<Item>,
    labels: usize,
}

impl Assembler {
    /// A label that is not bound yet.
    pub fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels - 1)
    }

    /// Binds a label to the next instruction.
    pub fn bind(&mut self, label: Label) {
        self.items.push(Item::Bind(label));
    }

    /// An instruction that goes on to the next one, or returns.
    pub fn op(&mut self, code: u16, k: u32) {
        self.items.push(Item::Plain(code, k));
    }

    /// A condition with a place to go on for either outcome.
    pub fn test(&mut self, code: u16, k: u32, holds: Label, fails: Label) {
        self.items.push(Item::Condition { code, k, holds, fails });
    }

    /// A condition that goes on here where it holds.
    pub fn require(&mut self, code: u16, k: u32, otherwise: Label) {
        let holds = self.label();
        self.test(code, k, holds, otherwise);
        self.bind(holds);
    }

    /// A condition that goes elsewhere where it holds.
    pub fn jump_if(&mut self, code: u16, k: u32, to: Label) {
        let fails = self.label();
        self.test(code, k, to, fails);
        self.bind(fails);
    }

    /// Goes on elsewhere.
    pub fn goto(&mut self, to: Label) {
        self.items.push(Item::Goto(to));
    }

    /// The instructions; every label that is jumped to was bound.
    pub fn finish(&self) -> Vec<Instruction> {
        // Which targets of each item are out of a condition's reach. An item only grows, so this ends.
        let mut far = vec![(false, false); self.items.len()];
        let mut places = vec![0usize; self.labels];
        loop {
            let mut at = 0;
            for (item, far) in self.items.iter().zip(&far) {
                match *item {
                    Item::Bind(label) => places[label.0] = at,
                    Item::Condition { .. } => at += 1 + usize::from(far.0) + usize::from(far.1),
                    Item::Plain(..) | Item::Goto(_) => at += 1,
                }
            }
            let mut grew = false;
            let mut at = 0;
            for (item, far) in self.items.iter().zip(&mut far) {
                match *item {
                    Item::Bind(_) => {}
                    Item::Condition { holds, fails, .. } => {
                        let out_of_reach = |label: Label| !(at + 1..=at + 256).contains(&places[label.0]);
                        let now = (far.0 || out_of_reach(holds), far.1 || out_of_reach(fails));
                        at += 1 + usize::from(far.0) + usize::from(far.1);
                        grew |= now != *far;
                        *far = now;
                    }
                    Item::Plain(..) | Item::Goto(_) => at += 1,
                }
            }
            if !grew {
                return self.emitted(&far, &places);
            }
        }
    }

    fn emitted(&self, far: &[(bool, bool)], places: &[usize]) -> Vec<Instruction> {
        let mut program: Vec<Instruction> = Vec::new();
        let plain = |code, k| Instruction { code, jt: 0, jf: 0, k };
        for (item, far) in self.items.iter().zip(far) {
            let behind = program.len() + 1;
            // Backwards, the offset wraps around.
            let offset = |label: Label, from: usize| (places[label.0] as u32).wrapping_sub(from as u32);
            match *item {
                Item::Bind(_) => {}
                Item::Plain(code, k) => program.push(plain(code, k)),
                Item::Goto(to) => program.push(plain(JA, offset(to, behind))),
                Item::Condition { code, k, holds, fails } => {
                    let jt = if far.0 { 0 } else { offset(holds, behind) as u8 };
                    let jf = if far.1 { u8::from(far.0) } else { offset(fails, behind) as u8 };
                    program.push(Instruction { code, jt, jf, k });
                    for (label, _) in [(holds, far.0), (fails, far.1)].into_iter().filter(|&(_, far)| far) {
                        program.push(plain(JA, offset(label, program.len() + 1)));
                    }
                }
            }
        }
        program
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpf::Program;
    use crate::bpf::opcode::{JEQ_K, LD_B_ABS, LD_IMM, RET_K};

    /// A test of the packet's first byte, with its targets behind `between` other instructions.
    fn program(between: usize, far_holds: bool) -> Vec<Instruction> {
        let mut asm = Assembler::default();
        let (one, other) = (asm.label(), asm.label());
        asm.op(LD_B_ABS, 0);
        asm.test(JEQ_K, 7, one, other);
        let (first, second) = if far_holds { (other, one) } else { (one, other) };
        asm.bind(first);
        for _ in 0..between {
            asm.op(LD_IMM, 0);
        }
        asm.op(RET_K, if far_holds { 2 } else { 1 });
        asm.bind(second);
        asm.op(RET_K, if far_holds { 1 } else { 2 });
        asm.finish()
    }

    #[test]
    fn a_target_out_of_reach_is_reached_by_an_unconditional_jump() {
        for far_holds in [false, true] {
            for between in [0, 253, 254, 255, 256, 600] {
                let instructions = program(between, far_holds);
                let program = Program::new(&instructions).unwrap();
                assert_eq!((program.run(&[7], 1), program.run(&[8], 1)), (1, 2), "{between} {far_holds}");
                assert_eq!(instructions.len(), between + 4 + usize::from(between > 254), "{between}");
            }
        }
    }
}
