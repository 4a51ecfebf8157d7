//! Tests against the real kernel, its netfilter, and unmodified pcap programs.
//!
//! Each test runs in a network namespace of its own, made without root where there is none (`support/network.rs`), so
//! they run in parallel and touch nothing of the host. Traffic stays on that namespace's loopback. C and C++ programs are in
//! `tests/clients`. `PCAP_NFLOG_LIB` names the library to test; without it, it is the one that cargo has just built.

mod support;

mod delivery;
mod discovery;
mod environment;
mod filters;
mod foreign;
mod link_types;
mod many;
mod memory;
mod own_libpcap;
mod reading;
mod readme;
mod refusals;
mod rules;
mod setup;
mod stamps;
mod states;
mod tcpdump;
mod thread;
mod told;
mod traces;
mod twice;
mod untrusted;
mod unwinding;
mod version;
mod ways_in;
