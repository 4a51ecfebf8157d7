//! Ends a wait from a signal handler or another thread.
//!
//! A read waits in one of two ways. In poll(2), an eventfd wakes it. In the receive itself, which saves a system call
//! for each batch, only a datagram does: so the one who wants the stop sends the kernel a message that does nothing, and
//! the kernel's answer is that datagram. The kernel answers any sender, privileged or not. An answer that comes when the
//! read is over is received, and ignored, by the next one. Of processes that share a capture after a fork, any may receive it:
//! there, reads wait in poll(2), and each process has an event of its own.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use super::batch::MESSAGE_HEADER;
use super::netlink::REQUEST_WITH_ACK;
use super::sys;

/// A request to stop reading. It stays until a read has taken it.
pub struct Stop {
    wanted: AtomicBool,
    event: OwnedFd,
    /// Whether a read waits in a receive from the socket.
    receiving: AtomicBool,
    /// The socket of the capture that this stops. It is not held: groups are bound while their socket is open.
    socket: OnceLock<Weak<OwnedFd>>,
    /// Which process the event is of.
    generation: AtomicU32,
}

impl Stop {
    /// With no stop wanted.
    ///
    /// # Errors
    ///
    /// What eventfd(2) says: the process or the machine has no descriptor left.
    pub fn new() -> io::Result<Stop> {
        let (wanted, receiving) = (AtomicBool::new(false), AtomicBool::new(false));
        let generation = AtomicU32::new(sys::generation());
        Ok(Stop { wanted, event: sys::event()?, receiving, socket: OnceLock::new(), generation })
    }

    /// Wants a stop, and wakes a read that waits. Thread-safe; async-signal-safe unless another thread drops the capture
    /// meanwhile.
    pub fn request(&self) {
        self.wanted.store(true, Ordering::SeqCst);
        sys::raise(&self.event);
        // The one who receives says so and then looks whether a stop is wanted: so one of the two sees the other.
        if self.receiving.load(Ordering::SeqCst) {
            if let Some(socket) = self.socket.get().and_then(Weak::upgrade) {
                sys::send_quietly(&socket, &nothing());
            }
        }
    }

    /// Says which socket the capture receives from. Only the first counts: false for others, whose captures must wait
    /// for the event.
    pub(super) fn attach(&self, socket: &Arc<OwnedFd>) -> bool {
        self.socket.set(Arc::downgrade(socket)).is_ok()
    }

    /// Says that a read waits in a receive, or does so no more. Returns whether a stop is wanted.
    #[inline]
    pub(super) fn receiving(&self, receiving: bool) -> bool {
        self.receiving.store(receiving, Ordering::SeqCst);
        self.wanted.load(Ordering::SeqCst)
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

    /// Before a read waits: makes an event of this process's own, if it is a child's first read.
    #[inline]
    pub(super) fn be_of_this_process(&self) {
        if self.generation.load(Ordering::Relaxed) != sys::generation() {
            self.renew();
        }
    }

    #[cold]
    fn renew(&self) {
        let _uncancelled = sys::Uncancelled::begin();
        let own = sys::event().and_then(|event| sys::put_in_place(&event, &self.event));
        if own.is_ok() {
            self.generation.store(sys::generation(), Ordering::Relaxed);
        }
        // The event that a request has raised may have been the parent's.
        if self.wanted.load(Ordering::SeqCst) {
            sys::raise(&self.event);
        }
    }

    /// Readable while a stop is wanted.
    pub(super) fn event(&self) -> &OwnedFd {
        &self.event
    }
}

/// `NLMSG_NOOP`, linux/netlink.h: a `struct nlmsghdr` alone. Nothing is allocated for it: a signal handler sends it.
fn nothing() -> [u8; MESSAGE_HEADER] {
    const NOOP: u16 = 1;
    let mut message = [0; MESSAGE_HEADER];
    message[..4].copy_from_slice(&(MESSAGE_HEADER as u32).to_ne_bytes());
    message[4..6].copy_from_slice(&NOOP.to_ne_bytes());
    message[6..8].copy_from_slice(&REQUEST_WITH_ACK.to_ne_bytes());
    message
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
