//! Classic BPF, as pcap-filter(7) compiles to: programs are validated and decoded once, then run on packets.
//!
//! [`Program`] is what runs. [`nflog`] makes a program for NFLOG messages of programs for the packets in them.

#![deny(unsafe_code)]

mod decode;
mod machine;
pub mod nflog;
mod op;
mod opcode;
mod program;

pub(crate) use opcode::PACKET_TYPE;
pub use program::{Instruction, Invalid, Program};
