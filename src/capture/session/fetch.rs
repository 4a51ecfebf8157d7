//! A fetch: the next batch is received, now or when the wait for it is over.
//!
//! It goes on step by step: [`Session::progress`] does all that does not block, [`Session::block`] blocks. A thread that is
//! cancelled is so in the latter, which owns nothing.

use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use super::Session;
use crate::capture::error::{Error, Result};
use crate::capture::netlink::Receipt;
use crate::capture::sys::{self, Uncancelled, Woken};
use crate::capture::wait::{Blocking, Fetch, ReceiveTimeout, Wait};

/// How a wait for packets ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// A batch is in hand: [`Delivery::advance`](crate::capture::Delivery::advance) takes its records.
    Batch,
    /// The time passed with nothing.
    Nothing,
    /// [`Stop::request`](crate::capture::Stop::request) was called. The request is taken; what was received stays.
    Stopped,
}

/// How far a fetch has come.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// It has ended.
    Done(Fetched),
    /// It goes on when [`Session::block`] has waited.
    Block(Blocking),
}

impl Session {
    /// Receives the next batch, for at most as long as `wait` allows. Records of the batch in hand that were not
    /// taken are gone: advance first.
    ///
    /// # Errors
    ///
    /// [`Error::System`], when the kernel refuses to go on; [`Error::Lost`], when packets were lost and the capture is
    /// strict. The next advance goes on behind the loss. Until the first fetch has succeeded, [`Error::GroupReadHere`],
    /// [`Error::GroupTaken`] and [`Error::PrivilegeGone`], when a group can't be had that another session of this process
    /// had.
    pub fn fetch(&mut self, wait: Wait) -> Result<Fetched> {
        let mut fetch = Fetch::new(wait);
        loop {
            match self.progress(&mut fetch)? {
                Progress::Done(fetched) => return Ok(fetched),
                Progress::Block(blocking) => self.block(&mut fetch, blocking),
            }
        }
    }

    /// Takes a fetch as far as it goes without blocking; where it must block, [`Session::block`] does, and the fetch goes
    /// on here. The two are apart for the C ABI: a thread may be cancelled where it blocks, and nowhere else.
    ///
    /// # Errors
    ///
    /// As for [`Session::fetch`].
    // In the loops that call it: after some milliseconds of waiting, each page of code that is elsewhere costs.
    #[inline(always)]
    pub fn progress(&mut self, fetch: &mut Fetch) -> Result<Progress> {
        let mut received = match fetch.woken.take() {
            None => {
                if let Some(packets) = self.delivery.take_untold() {
                    return Err(Error::Lost { packets });
                }
                self.delivery.release();
                self.stop.be_of_this_process();
                if !self.claims.are_bound() {
                    self.ensure_bound()?;
                }
                match self.blocking_receive.left_over() {
                    Some(length) => Some(self.finish_receive(Ok(length))?),
                    None => None,
                }
            }
            Some((Blocking::Receive, woken)) => {
                self.stop.receiving(false);
                let receipt = match woken.length() {
                    Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM | libc::EACCES)) => {
                        // A seccomp filter that does not know recvmmsg(2). Reads wait in poll(2) from now on.
                        self.receive_timeout = ReceiveTimeout::new(false);
                        Receipt::Interrupted
                    }
                    received => self.finish_receive(received)?,
                };
                fetch.recv_timed_out |= receipt == Receipt::Empty;
                Some(receipt)
            }
            Some((Blocking::Poll(_) | Blocking::Rest(_), woken)) => {
                self.note_stop(woken)?;
                None
            }
        };
        loop {
            if self.stop.take() {
                return Ok(Progress::Done(Fetched::Stopped));
            }
            if self.delivery.begin() {
                return Ok(Progress::Done(Fetched::Batch));
            }
            let mut polls = false;
            let receipt = match received.take() {
                Some(receipt) => receipt,
                None if !fetch.recv_timed_out && self.may_block_in_recv(fetch.wait) => {
                    if self.stop.receiving(true) {
                        self.stop.receiving(false);
                        continue;
                    }
                    self.delivery.batch.clear();
                    return Ok(Progress::Block(Blocking::Receive));
                }
                None => {
                    // Where only poll(2) can wait it goes first: a receive that finds nothing would be followed by it.
                    polls = !fetch.has_waited && !matches!(fetch.wait, Wait::No) && self.has_only_to_wait();
                    if polls { Receipt::Empty } else { self.receive()? }
                }
            };
            if receipt != Receipt::Empty {
                continue;
            }
            let left = match fetch.wait {
                Wait::No => return Ok(Progress::Done(Fetched::Nothing)),
                Wait::Forever => None,
                Wait::Until(then) => match then.checked_duration_since(Instant::now()) {
                    None | Some(Duration::ZERO) if polls => {
                        fetch.has_waited = true;
                        continue;
                    }
                    None | Some(Duration::ZERO) => return Ok(Progress::Done(Fetched::Nothing)),
                    left => left,
                },
            };
            fetch.has_waited = true;
            if let Some(blocking) = self.await_packets(fetch, left) {
                return Ok(Progress::Block(blocking));
            }
        }
    }

    /// Blocks as [`Session::progress`] asked for. A cancellation point: neither this function nor what it calls owns
    /// anything, so that the unwinding of a cancelled thread has nothing to do here.
    #[inline(always)]
    pub fn block(&mut self, fetch: &mut Fetch, blocking: Blocking) {
        let stop = self.stop.event().as_raw_fd();
        let woken = match blocking {
            Blocking::Receive => self.blocking_receive.block(self.source.socket.raw_fd(), self.delivery.batch.space()),
            Blocking::Poll(milliseconds) => sys::block_in_poll(self.source.raw_readable(), stop, milliseconds),
            Blocking::Rest(time) => sys::rest(stop, time),
        };
        fetch.woken = Some((blocking, woken));
    }

    /// Before the capture is read, or waited for, for the first time.
    #[cold]
    #[inline(never)]
    pub(super) fn ensure_bound(&mut self) -> Result<()> {
        // What others of this process wait for is locked meanwhile.
        let _uncancelled = Uncancelled::begin();
        self.claims.ensure_bound(&mut self.source.socket, &mut self.delivery.batch)
    }

    /// Whether recvmmsg(2) may wait for the datagram itself. Not where a descriptor is selected on, which would not tell of a
    /// datagram that is left over; nor after a fork, when another process may receive what is to end the wait.
    #[inline(always)]
    fn may_block_in_recv(&mut self, wait: Wait) -> bool {
        self.has_only_to_wait()
            && self.readiness.is_none()
            && self.forks == sys::forks()
            && self.receive_timeout.suits(wait, self.timeout, self.source.socket.fd())
    }

    /// Whether a batch is most likely still to come, and from the socket.
    #[inline]
    fn has_only_to_wait(&self) -> bool {
        self.source.is_bare() && !self.pace.looks()
    }

    #[inline(always)]
    fn receive(&mut self) -> Result<Receipt> {
        if !self.source.is_bare() {
            return self.receive_held();
        }
        let receipt = self.source.receive(&mut self.delivery.batch);
        self.note(receipt)
    }

    #[inline(always)]
    fn finish_receive(&mut self, received: io::Result<usize>) -> Result<Receipt> {
        let receipt = self.source.finish_receive(&mut self.delivery.batch, received);
        self.note(receipt)
    }

    /// Takes account of what a receive from the socket came to.
    #[inline(always)]
    fn note(&mut self, receipt: io::Result<Receipt>) -> Result<Receipt> {
        let receipt = receipt.map_err(|error| Error::system("receiving packets", error))?;
        if receipt == Receipt::Datagram {
            let batch = &mut self.delivery.batch;
            batch.backdate(self.pace.received(batch.last_length()));
        }
        Ok(receipt)
    }

    #[cold]
    #[inline(never)]
    fn receive_held(&mut self) -> Result<Receipt> {
        let before = self.source.raw_readable();
        // A thread may be started, by calls in which this one must not be cancelled.
        let _uncancelled = Uncancelled::begin();
        let receipt = self.source.receive_held(&mut self.delivery.batch);
        let receipt = receipt.map_err(|error| Error::system("receiving packets", error))?;
        let now = self.source.raw_readable();
        if let Some(readiness) = self.readiness.as_mut().filter(|_| now != before) {
            // The reader thread was started: it tells now.
            readiness.watch(before, now).map_err(|error| Error::system("watching the reader thread", error))?;
        }
        Ok(receipt)
    }

    /// What to block on until packets come, or while they do. `None` where there is something to receive already, or
    /// recvmmsg(2) is to wait.
    #[inline(never)]
    fn await_packets(&mut self, fetch: &Fetch, left: Option<Duration>) -> Option<Blocking> {
        let rest = if self.source.is_bare() { self.pace.empty() } else { None };
        if let Some(rest) = rest.filter(|&rest| left.is_none_or(|left| rest < left)) {
            return Some(Blocking::Rest(rest));
        }
        if (!fetch.recv_timed_out && self.may_block_in_recv(fetch.wait)) || self.source.await_datagram() {
            return None;
        }
        // Rounded up: poll(2) must not return before the time is over.
        let milliseconds = left.map_or(-1, |left| i32::try_from(left.as_millis() + 1).unwrap_or(i32::MAX));
        Some(Blocking::Poll(milliseconds))
    }

    /// Takes account of how poll(2) ended.
    fn note_stop(&self, woken: Woken) -> Result<()> {
        match woken.stop() {
            Ok(true) if !self.stop.is_wanted() => {
                // Left over from a request that was taken in between, or made by another process after a fork.
                sys::lower(self.stop.event());
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => Ok(()),
            Err(error) => Err(Error::system("waiting for packets", error)),
        }
    }
}
