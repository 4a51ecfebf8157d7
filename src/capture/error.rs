//! What can go wrong in a capture. Each text names what was attempted, why it failed and what to do.

use std::fmt;
use std::io;

use super::device::DeviceError;
use super::privilege::needs_net_admin;

/// The result of a capture's calls.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure of the capture core.
#[derive(Debug)]
pub enum Error {
    /// The device name does not follow the grammar.
    Device(DeviceError),
    /// The kernel wants CAP_NET_ADMIN in the user namespace that owns the network namespace.
    PermissionDenied {
        /// What was attempted.
        action: String,
    },
    /// Another socket reads the group: a group has one reader.
    GroupTaken {
        /// The group.
        group: u16,
        /// Its reader, as far as this process may know.
        owner: String,
    },
    /// Another capture of this process reads the group. The capture was opened without it, and can be read when the other
    /// one is closed.
    GroupReadHere {
        /// The group.
        group: u16,
    },
    /// The capture was opened without the group, since another one of this process had it, and may not bind it any more.
    PrivilegeGone {
        /// The group.
        group: u16,
    },
    /// The kernel has no nfnetlink_log.
    NotAvailable,
    /// An option's value is out of its range.
    Option(String),
    /// Packets were lost, and the capture is strict.
    Lost {
        /// How many, since the last time it was told.
        packets: u64,
    },
    /// The kernel can't add conntrack entries.
    NoConntrack,
    /// A system call failed.
    System {
        /// What was attempted.
        action: String,
        /// What the kernel said.
        source: io::Error,
    },
}

impl Error {
    #[cold]
    pub(crate) fn system(action: impl Into<String>, source: io::Error) -> Self {
        Error::System { action: action.into(), source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Device(error) => error.fmt(f),
            Error::PermissionDenied { action } => {
                write!(f, "{action}: permission denied: {}", needs_net_admin())
            }
            Error::GroupTaken { group, owner } => {
                write!(
                    f,
                    "group {group} is already read by {owner}: a group has one reader, log to another group as well"
                )
            }
            Error::GroupReadHere { group } => {
                write!(
                    f,
                    "group {group} is read through another handle of this process: close that one, or log to another group as well"
                )
            }
            Error::PrivilegeGone { group } => write!(
                f,
                "binding group {group} at the first read: permission denied: needs CAP_NET_ADMIN, since another handle of this \
                 process had the group when this one was activated: read before you drop it"
            ),
            Error::NotAvailable => f.write_str("nfnetlink_log is not available: modprobe nfnetlink_log"),
            Error::Lost { packets } => write!(
                f,
                "{packets} packets were lost: the reader was too slow for its buffer; a larger one or a shorter snaplen helps"
            ),
            Error::NoConntrack => f.write_str(
                "conntrack entries are not available: modprobe nf_conntrack_netlink, of a kernel with \
                 CONFIG_NETFILTER_NETLINK_GLUE_CT",
            ),
            Error::Option(text) => f.write_str(text),
            Error::System { action, source } => write!(f, "{action}: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Device(error) => Some(error),
            Error::System { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<DeviceError> for Error {
    fn from(error: DeviceError) -> Self {
        Error::Device(error)
    }
}
