//! Where a read waits for packets.
//!
//! Best in the receive itself: that is one system call for each batch, and after some idle milliseconds, with the caches
//! cold, a second one costs a third of the whole. In poll(2), where there is more than the socket to wait for, or less
//! time than a receive can measure.
//!
//! The time that a receive waits is the socket's, which processes share after a fork: two that read one capture at the
//! same time must do so in the same way.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::sys::{self, Woken};

/// How long a fetch may wait.
#[derive(Clone, Copy, Debug)]
pub enum Wait {
    /// Not at all.
    No,
    /// Until then.
    Until(Instant),
    /// For ever.
    Forever,
}

/// A fetch in progress. It is plain data: a thread that is cancelled while it blocks leaves nothing behind.
#[derive(Clone, Copy, Debug)]
pub struct Fetch {
    pub(super) wait: Wait,
    /// Whether the receive has blocked for as long as it may.
    pub(super) recv_timed_out: bool,
    /// Whether the fetch has waited, or was about to.
    pub(super) has_waited: bool,
    /// What the fetch has blocked on since it last went on, and how that ended.
    pub(super) woken: Option<(Blocking, Woken)>,
}

impl Fetch {
    /// One that may wait as `wait` says.
    #[inline]
    pub fn new(wait: Wait) -> Fetch {
        Fetch { wait, recv_timed_out: false, has_waited: false, woken: None }
    }
}

/// What a fetch blocks on.
#[derive(Clone, Copy, Debug)]
pub enum Blocking {
    /// Receiving from the socket.
    Receive,
    /// poll(2) of the packets' descriptor and the stop's, for so many milliseconds; negative is for ever.
    Poll(i32),
    /// ppoll(2) of the stop's descriptor alone, while batches fill.
    Rest(Duration),
}

/// Shorter timeouts than this are waited for in poll(2): those of a receive end with a tick of the kernel's, which may be
/// 10 ms long, or later by an eighth.
const COARSE: Duration = Duration::from_millis(64);

/// How long a receive waits, as the socket was told.
pub struct ReceiveTimeout {
    /// Zero is for ever. `None` where no receive may wait.
    told: Option<Duration>,
}

impl ReceiveTimeout {
    /// Of a socket that was not told, which waits for ever; or of one whose receives may not wait.
    pub fn new(may_wait: bool) -> Self {
        ReceiveTimeout { told: may_wait.then_some(Duration::ZERO) }
    }

    /// Whether a receive may take over a wait that began with the capture's `timeout`. The socket is told how long when
    /// that changes, which is once for a program that reads in one way.
    #[inline(always)]
    pub fn suits(&mut self, wait: Wait, timeout: Option<Duration>, socket: &OwnedFd) -> bool {
        let Some(told) = self.told else { return false };
        let time = match wait {
            Wait::No => return false,
            Wait::Forever => Duration::ZERO,
            Wait::Until(then) => {
                let Some(timeout) = timeout.filter(|&timeout| timeout >= COARSE) else { return false };
                // One that has just begun.
                if then.saturating_duration_since(Instant::now()) < timeout - timeout / 16 {
                    return false;
                }
                // The rest is waited for in poll(2).
                timeout - timeout / 4
            }
        };
        time == told || self.tell(time, socket)
    }

    #[cold]
    #[inline(never)]
    fn tell(&mut self, time: Duration, socket: &OwnedFd) -> bool {
        self.told = sys::set_receive_timeout(socket, time).ok().map(|()| time);
        self.told.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    const LONG: Duration = Duration::from_secs(1000);

    /// Whether a receive may wait, and what the socket was told then.
    fn asked(wait: Wait, timeout: Duration) -> (bool, Option<Duration>) {
        let socket = sys::datagram_socket(libc::AF_INET).unwrap();
        let mut receive = ReceiveTimeout::new(true);
        (receive.suits(wait, Some(timeout), &socket), receive.told)
    }

    fn left(time: Duration) -> Wait {
        Wait::Until(Instant::now() + time)
    }

    #[test]
    fn a_receive_waits_for_ever_or_for_most_of_a_timeout_that_has_just_begun() {
        assert_eq!(asked(Wait::Forever, LONG), (true, Some(Duration::ZERO)));
        assert_eq!(asked(left(LONG), LONG), (true, Some(LONG * 3 / 4)));
    }

    #[test]
    fn it_waits_for_no_time_too_short_for_it_nor_for_what_is_left_of_one_nor_where_it_may_not() {
        let refused = (false, Some(Duration::ZERO));
        assert_eq!(asked(Wait::No, LONG), refused);
        assert_eq!(asked(left(COARSE / 2), COARSE / 2), refused);
        assert_eq!(asked(left(LONG / 2), LONG), refused);
        let socket = sys::datagram_socket(libc::AF_INET).unwrap();
        assert!(!ReceiveTimeout::new(false).suits(Wait::Forever, None, &socket));
    }

    #[test]
    fn the_socket_is_told_again_when_the_time_changes() {
        let socket = sys::datagram_socket(libc::AF_INET).unwrap();
        let mut receive = ReceiveTimeout::new(true);
        for (wait, told) in [(left(LONG), LONG * 3 / 4), (Wait::Forever, Duration::ZERO)] {
            assert!(receive.suits(wait, Some(LONG), &socket));
            assert_eq!(receive.told, Some(told));
        }
    }

    #[test]
    fn a_receive_returns_when_its_time_is_over() {
        let socket = sys::netfilter_socket().unwrap();
        let mut receive = ReceiveTimeout::new(true);
        let begun = Instant::now();
        assert!(receive.tell(COARSE, &socket));
        let error = sys::BlockingReceive::new().block(socket.as_raw_fd(), &mut [0; 16]).length().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EAGAIN));
        assert!(begun.elapsed() >= COARSE / 2);
    }
}
