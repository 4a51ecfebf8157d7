//! Chains of `jeq`, as a long `or` compiles to, looked up in a table.

use super::super::opcode::*;
use super::super::program::Instruction;

/// The shortest chain that is looked up: shorter ones are as fast one by one.
const CHAIN_MIN: usize = 5;

/// Where to go for each value of `A`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Table {
    /// Values, each once and in order, and the operations where they lead.
    entries: Box<[(u32, u32)]>,
    /// Where any other value leads.
    other: u32,
}

impl Table {
    /// The operation to go on at.
    #[inline]
    pub fn find(&self, value: u32) -> u32 {
        match self.entries.binary_search_by_key(&value, |&(value, _)| value) {
            Ok(at) => self.entries[at].1,
            Err(_) => self.other,
        }
    }
}

/// A program's tables, which lead to instructions still.
pub struct Tables {
    tables: Vec<Table>,
    /// Which table stands for a chain that begins at an instruction.
    at: Vec<Option<u32>>,
}

impl Tables {
    pub fn of(instructions: &[Instruction]) -> Tables {
        let mut tables = Vec::new();
        // An instruction is part of one chain, so that tables are no longer, together, than the program.
        let mut taken = vec![false; instructions.len()];
        let mut chain = |begin: usize| {
            let (mut entries, mut members, mut next) = (Vec::new(), Vec::new(), begin);
            while instructions[next].code == JEQ_K && !taken[next] {
                let Instruction { jt, jf, k, .. } = instructions[next];
                entries.push((k, (next + 1 + usize::from(jt)) as u32));
                members.push(next);
                next = behind_goto(instructions, next + 1 + usize::from(jf));
            }
            if entries.len() < CHAIN_MIN {
                return None;
            }
            members.into_iter().for_each(|member| taken[member] = true);
            // The first of equal values is what counts.
            entries.sort_by_key(|&(value, _)| value);
            entries.dedup_by_key(|&mut (value, _)| value);
            tables.push(Table { entries: entries.into(), other: next as u32 });
            Some(tables.len() as u32 - 1)
        };
        let at = (0..instructions.len()).map(&mut chain).collect();
        Tables { tables, at }
    }

    /// The number of the table for the chain that begins at an instruction.
    pub fn at(&self, instruction: usize) -> Option<u32> {
        self.at.get(instruction).copied().flatten()
    }

    /// With operations in place of instructions.
    pub fn resolved(self, places: &[usize]) -> Box<[Table]> {
        let place = |instruction: u32| places[instruction as usize] as u32;
        let resolved = self.tables.into_iter().map(|Table { entries, other }| Table {
            entries: entries.iter().map(|&(value, to)| (value, place(to))).collect(),
            other: place(other),
        });
        resolved.collect()
    }
}

/// The instruction itself, or where it goes if all it does is to go forwards.
fn behind_goto(instructions: &[Instruction], mut at: usize) -> usize {
    while instructions[at].code == JA {
        let to = (at as u32 + 1).wrapping_add(instructions[at].k) as usize;
        if to <= at {
            break;
        }
        at = to;
    }
    at
}
