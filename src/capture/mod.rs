//! The capture core: an NFLOG device opened, configured, read and stopped. It is safe Rust with no C types, and is
//! usable alone; the C ABI is a thin layer over it.
//!
//! ```no_run
//! use pcap_nflog::capture::{Device, Options, Session};
//!
//! let device: Device = "nflog:5".parse()?;
//! let mut session = Session::open(&device, &Options::default())?;
//! while let Some(record) = session.read()? {
//!     println!("{}.{:09} {} of {} bytes", record.stamp.seconds, record.stamp.nanoseconds, record.data.len(), record.len);
//! }
//! # Ok::<(), pcap_nflog::capture::Error>(())
//! ```

#![deny(unsafe_code)]

mod batch;
mod claim;
mod clock;
mod delivery;
mod device;
mod error;
mod filter;
mod frame;
mod groups;
mod info;
mod interfaces;
mod layers;
mod layout;
mod link_type;
mod loss;
mod message;
mod netlink;
mod options;
mod owner;
mod pace;
mod privilege;
mod reader;
mod readiness;
mod record;
mod repeat;
mod ruleset;
mod session;
mod source;
mod stamp;
mod stop;
mod sys;
mod text;
mod wait;

pub use batch::{Batch, DATAGRAM_MAX};
pub use delivery::{Delivery, Statistics};
pub use device::{Device, DeviceError};
pub use error::{Error, Result};
pub use filter::Filter;
pub use info::{Conntrack, LinkAddress};
pub use interfaces::{Interface, Interfaces};
pub use layers::Vlan;
pub use layout::Layout;
pub use link_type::LinkType;
pub use message::{Direction, Hook, Message, attribute, family};
pub use options::{BATCH_BYTES, Options, ReaderThread, SNAPLEN_MAX};
pub use owner::readers;
pub use privilege::needs_net_admin;
pub use record::Record;
pub use ruleset::{Backend, LogRule, Ruleset};
pub use session::{Fetched, Progress, Session};
pub use stamp::Stamp;
pub use stop::Stop;
pub(crate) use sys::{Uncancelled, cancellation_point};
pub use text::{printable, shown};
pub use wait::{Blocking, Fetch, Wait};
