//! A descriptor that is readable while a read would return a packet, also when the packet is in the process already.
//!
//! The kernel's socket is not readable any more once a batch was received, while all but one of its packets still
//! wait here. A program that selects and takes one packet at a time would stall on them. So it selects on an epoll
//! descriptor over the socket and over an eventfd that is raised while packets are left. It is made when it is first
//! asked for, and costs at most two system calls per batch: none for a program that takes whole batches.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use super::sys;

/// The descriptor to select on.
pub struct Readiness {
    either: OwnedFd,
    pending: OwnedFd,
    raised: bool,
}

impl Readiness {
    /// Readable while `socket` is, or packets are left.
    pub fn new(socket: RawFd) -> io::Result<Readiness> {
        let pending = sys::event()?;
        let either = sys::any_readable(&[socket, pending.as_raw_fd()])?;
        Ok(Readiness { either, pending, raised: false })
    }

    /// What to select on.
    pub fn descriptor(&self) -> RawFd {
        self.either.as_raw_fd()
    }

    /// Watches another descriptor from now on.
    pub fn watch(&mut self, old: RawFd, new: RawFd) -> io::Result<()> {
        sys::watch_instead(&self.either, old, new)
    }

    /// Says whether packets are left.
    pub fn set(&mut self, left: bool) {
        if left != self.raised {
            if left {
                sys::raise(&self.pending);
            } else {
                sys::lower(&self.pending);
            }
            self.raised = left;
        }
    }
}
