//! Ends a wait from a signal handler or another thread.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use super::sys;

/// A request to stop reading. It stays until a read has taken it.
pub struct Stop {
    wanted: AtomicBool,
    event: OwnedFd,
}

impl Stop {
    /// With no stop wanted.
    ///
    /// # Errors
    ///
    /// What eventfd(2) says: the process or the machine has no descriptor left.
    pub fn new() -> io::Result<Stop> {
        Ok(Stop { wanted: AtomicBool::new(false), event: sys::event()? })
    }

    /// Wants a stop, and wakes a read that waits. Async-signal-safe and thread-safe.
    pub fn request(&self) {
        self.wanted.store(true, Ordering::SeqCst);
        sys::raise(&self.event);
    }

    /// Whether a stop is wanted.
    #[inline]
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Takes the request, if there is one.
    pub fn take(&self) -> bool {
        if !self.is_wanted() {
            return false;
        }
        // In this order: a request that comes in between leaves the event raised for nothing, which wakes a read
        // once; in the other it would be lost.
        sys::lower(&self.event);
        self.wanted.swap(false, Ordering::SeqCst)
    }

    /// Readable while a stop is wanted.
    pub(super) fn event(&self) -> &OwnedFd {
        &self.event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_once() {
        let stop = Stop::new().unwrap();
        assert!(!stop.take());
        stop.request();
        stop.request();
        assert!(stop.is_wanted());
        assert!(stop.take());
        assert!(!stop.is_wanted());
        assert!(!stop.take());
    }
}
