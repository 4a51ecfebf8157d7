//! Classic BPF, as pcap-filter(7) compiles to: programs are validated once, then run on packets.

#![forbid(unsafe_code)]

mod machine;
mod program;

pub use program::{Instruction, Invalid, Program};
