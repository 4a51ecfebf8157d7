//! A descriptor that is readable while a read would return a packet, also when the packet is in the process already.
//!
//! The kernel's socket is not readable any more once a batch was received, while all but one of its packets still
//! wait here. A program that selects and takes one packet at a time would stall on them. So it selects on an epoll
//! descriptor over the socket and over an eventfd that is raised while packets are left. It is made when it is first
//! asked for, and costs at most two system calls per batch: none for a program that takes whole batches.
//!
//! A fork shares an epoll's set and an eventfd's count between the processes. The child makes its own at the first chance,
//! under the number that the program knows.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use super::sys::{self, Uncancelled};

/// The descriptor to select on.
pub struct Readiness {
    either: OwnedFd,
    pending: OwnedFd,
    raised: bool,
    generation: u32,
}

impl Readiness {
    /// Readable while `source` is, or packets are left.
    pub fn new(source: RawFd) -> io::Result<Readiness> {
        let pending = sys::event()?;
        let either = sys::any_readable(&[source, pending.as_raw_fd()])?;
        Ok(Readiness { either, pending, raised: false, generation: sys::generation() })
    }

    /// What to select on.
    pub fn descriptor(&self) -> RawFd {
        self.either.as_raw_fd()
    }

    /// Watches `new`, and no longer `old`.
    pub fn watch(&mut self, old: RawFd, new: RawFd) -> io::Result<()> {
        if self.is_here() { sys::watch_instead(&self.either, old, new) } else { self.renew(new) }
    }

    /// Says whether packets are left, of a source that is readable by what `source` returns.
    pub fn set(&mut self, left: bool, source: impl FnOnce() -> RawFd) {
        if !self.is_here() && self.renew(source()).is_err() {
            return;
        }
        if left != self.raised {
            if left {
                sys::raise(&self.pending);
            } else {
                sys::lower(&self.pending);
            }
            self.raised = left;
        }
    }

    fn is_here(&self) -> bool {
        self.generation == sys::generation()
    }

    /// Makes descriptors of this process's own.
    #[cold]
    fn renew(&mut self, source: RawFd) -> io::Result<()> {
        // What is replaced is closed.
        let _uncancelled = Uncancelled::begin();
        let own = Readiness::new(source)?;
        sys::put_in_place(&own.either, &self.either)?;
        (self.pending, self.raised, self.generation) = (own.pending, false, own.generation);
        Ok(())
    }
}
