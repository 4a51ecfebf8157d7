//! Filters, against the system's libpcap as the judge: programs and packets are generated, its verdict is the right
//! one. Each test prints its seed where it fails; `PCAP_NFLOG_SEED` repeats it.

mod expressions;
mod link_layer;
mod machine;
mod messages;
mod nflog;
mod ours;
mod random;
mod refusals;
mod system;
