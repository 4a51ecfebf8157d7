//! The exported C functions, grouped as pcap's manual groups them. Each checks its arguments and makes one call: of
//! the capture core where the handle or the device is ours, of the system's libpcap where it is not.
//!
//! The comments on the functions are for the C reader: they end up in `pcap_nflog.h`.

mod dead;
pub mod devices;
pub mod dlt;
mod error;
pub mod extensions;
pub mod filter;
mod guard;
mod handle;
pub mod info;
pub mod inject;
pub mod linktype;
mod memory;
pub mod names;
pub mod open;
pub mod options;
pub mod read;
pub mod remote;
pub mod savefile;
mod source;
pub mod status;
pub mod timestamp;
pub mod types;
pub mod version;
