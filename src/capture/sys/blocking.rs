//! The calls that block: cancellation points.

use std::ffi::{c_int, c_uint};
use std::io;
use std::mem;
use std::os::fd::RawFd;
use std::ptr;
use std::time::Duration;

use super::no_time;

/// The calls that block, declared as what they are: where a thread is cancelled in them, glibc unwinds through the
/// caller's frames. So the functions of this module that call them own nothing, and their callers must not either.
mod cancellable {
    use super::{c_int, c_uint};

    unsafe extern "C-unwind" {
        pub fn recvmmsg(
            fd: c_int,
            messages: *mut libc::mmsghdr,
            count: c_uint,
            flags: c_int,
            timeout: *mut libc::timespec,
        ) -> c_int;
        pub fn poll(polled: *mut libc::pollfd, count: libc::nfds_t, milliseconds: c_int) -> c_int;
        #[cfg_attr(all(c_time_bits = "64", target_env = "gnu"), link_name = "__ppoll64")]
        pub fn ppoll(
            polled: *mut libc::pollfd,
            count: libc::nfds_t,
            time: *const libc::timespec,
            mask: *const libc::sigset_t,
        ) -> c_int;
    }
}

/// How a call that blocked ended.
#[derive(Clone, Copy, Debug)]
pub struct Woken {
    /// What it returned.
    result: isize,
    /// Its errno, where it returned −1.
    errno: c_int,
    /// Whether the stop's descriptor was readable, of poll(2).
    stop: bool,
}

impl Woken {
    fn new(result: isize, stop: bool) -> Woken {
        // SAFETY: the location is this thread's own, and stays while the thread lives.
        Woken { result, errno: unsafe { *libc::__errno_location() }, stop }
    }

    /// The length of the datagram that was received.
    pub fn length(self) -> io::Result<usize> {
        usize::try_from(self.result).map_err(|_| io::Error::from_raw_os_error(self.errno))
    }

    /// Whether the stop's descriptor was readable.
    pub fn stop(self) -> io::Result<bool> {
        self.length().map(|_| self.stop)
    }
}

/// A receive that blocks, and what is left of it where the thread does not come back from the call.
///
/// A cancellation may strike when the kernel has handed the datagram over already (glibc bug 12683), and a signal handler may
/// jump away then. recvmmsg(2) writes the datagram's length to memory before it returns, so it is not lost.
pub struct BlockingReceive(libc::mmsghdr);

// SAFETY: the struct's pointers are used in the call that sets them only.
unsafe impl Send for BlockingReceive {}
// SAFETY: as above; the other members are integers.
unsafe impl Sync for BlockingReceive {}

impl BlockingReceive {
    /// With nothing left over.
    pub fn new() -> Self {
        // SAFETY: mmsghdr is integers and pointers, for which zeros are valid.
        BlockingReceive(unsafe { mem::zeroed() })
    }

    /// Receives a datagram; waits for one as long as [`set_receive_timeout`] said. A cancellation point.
    #[inline(always)]
    pub fn block(&mut self, fd: RawFd, buffer: &mut [u8]) -> Woken {
        let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        self.0.msg_hdr.msg_iov = &raw mut part;
        self.0.msg_hdr.msg_iovlen = 1;
        // SAFETY: the pointers are to one mmsghdr, which has one iovec, whose pointer and length are those of `buffer`; all
        // outlive the call. There is no timeout but the socket's.
        let count = unsafe { cancellable::recvmmsg(fd, &raw mut self.0, 1, libc::MSG_TRUNC, ptr::null_mut()) };
        let length = self.left_over();
        Woken::new(if count < 0 { -1 } else { length.unwrap_or(0) as isize }, false)
    }

    /// Whether a datagram was received into the buffer by a call which did not return.
    pub fn has_left_over(&self) -> bool {
        self.0.msg_len != 0
    }

    /// The length of that datagram. It is told once.
    #[inline(always)]
    pub fn left_over(&mut self) -> Option<usize> {
        match mem::take(&mut self.0.msg_len) {
            0 => None,
            length => Some(length as usize),
        }
    }
}

/// Waits until one of two descriptors is readable, the second of which is the stop's, for so many milliseconds;
/// negative is for ever. A cancellation point.
pub fn block_in_poll(readable: RawFd, stop: RawFd, milliseconds: c_int) -> Woken {
    let mut polled = [readable, stop].map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    // SAFETY: the pointer and the count are those of `polled`, which outlives the call.
    let count = unsafe { cancellable::poll(polled.as_mut_ptr(), 2, milliseconds) };
    Woken::new(count as isize, polled[1].revents != 0)
}

/// Waits until the stop's descriptor is readable, but no longer than `time`. A cancellation point.
pub fn rest(stop: RawFd, time: Duration) -> Woken {
    let mut polled = libc::pollfd { fd: stop, events: libc::POLLIN, revents: 0 };
    let mut limit = no_time();
    (limit.tv_sec, limit.tv_nsec) = (time.as_secs() as libc::time_t, time.subsec_nanos() as _);
    // SAFETY: the pointers are to `polled`, which is one, and `limit`, which both outlive the call; there is no mask.
    let count = unsafe { cancellable::ppoll(&mut polled, 1, &limit, ptr::null()) };
    Woken::new(count as isize, polled.revents != 0)
}
