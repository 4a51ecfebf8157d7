//! Every record tells the truth: what NFLOG delivers against what AF_PACKET captures of the same packets, and against
//! what programs read out of savefiles.
//!
//! Each test runs in network namespaces of its own, as those in `tests/kernel` do, whose support they share.

#[allow(dead_code)]
#[path = "../kernel/support/mod.rs"]
mod support;

mod afpacket;
mod log;
mod model;
mod topology;
mod traffic;

mod agreement;
mod directions;
mod lengths;
mod losses;
mod midway;
mod savefiles;
mod stamps;
