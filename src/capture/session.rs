//! An open capture: its groups configured, waited for, read and stopped.
//!
//! A read is two steps: [`Delivery::advance`] takes the next record from the batch in hand, with no system call;
//! when there is none left, [`Session::fetch`] receives the next batch. [`Session::read`] is both in one.

mod fetch;

use std::ops::{Deref, DerefMut};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::claim::Claims;
use super::delivery::{Delivery, Statistics};
use super::device::Device;
use super::error::{Error, Result};
use super::interfaces::Interfaces;
use super::netlink::Socket;
use super::options::{Options, SNAPLEN_MAX};
use super::pace::Pace;
use super::readiness::Readiness;
use super::record::Record;
use super::source::Source;
use super::stop::Stop;
use super::sys::{self, BlockingReceive};
use super::wait::{ReceiveTimeout, Wait};
pub use fetch::{Fetched, Progress};

/// An open capture.
pub struct Session {
    source: Source,
    stop: Arc<Stop>,
    delivery: Delivery,
    readiness: Option<Readiness>,
    timeout: Option<Duration>,
    nonblocking: bool,
    pace: Pace,
    receive_timeout: ReceiveTimeout,
    blocking_receive: BlockingReceive,
    /// How many forks there had been when it was opened.
    forks: u32,
    /// The size of the buffer that was asked for.
    asked: u32,
    /// Dropped last: when the socket is closed.
    claims: Claims,
}

/// Records are taken, and chosen, by the session's [`Delivery`].
impl Deref for Session {
    type Target = Delivery;

    #[inline]
    fn deref(&self) -> &Delivery {
        &self.delivery
    }
}

impl DerefMut for Session {
    #[inline]
    fn deref_mut(&mut self) -> &mut Delivery {
        &mut self.delivery
    }
}

impl Session {
    /// Opens `device`: binds and configures its groups. A group that another session of this process has is left to it,
    /// and bound before the first read: unless the other one has begun to read, it gives the group up then.
    ///
    /// # Errors
    ///
    /// As [`Error`] lists them; nothing stays behind then.
    pub fn open(device: &Device, options: &Options) -> Result<Session> {
        let stop = Stop::new().map_err(|error| Error::system("making an eventfd", error))?;
        Session::open_with(device, options, Arc::new(stop))
    }

    /// Opens `device` with a [`Stop`] that was made before: one for each capture, since the first read that sees a request
    /// takes it.
    ///
    /// # Errors
    ///
    /// As for [`Session::open`].
    pub fn open_with(device: &Device, options: &Options, stop: Arc<Stop>) -> Result<Session> {
        if options.snaplen == 0 || options.snaplen > SNAPLEN_MAX {
            return Err(Error::Option(format!("snaplen {} is not from 1 to {SNAPLEN_MAX}", options.snaplen)));
        }
        sys::count_forks();
        let mut socket = Socket::open(options.buffer_size)?;
        let options = Options { link_type: device.link_type().or(options.link_type), ..options.clone() };
        let interfaces = Interfaces::new(socket.fd().clone());
        let mut delivery = Delivery::new(device.groups(), &options, interfaces)?;
        let claims = Claims::open(device, &options, &mut socket, &mut delivery.batch)?;
        delivery.batch.clear();
        let timeout = options.timeout;
        let pace = Pace::new(options.flush_time(), options.batch_bytes(), socket.buffer_size());
        // A receive that waits must be one that the stop can end.
        let receive_timeout = ReceiveTimeout::new(stop.attach(socket.fd()));
        let source = Source::new(socket, &options);
        let (asked, nonblocking, readiness) = (options.buffer_size, false, None);
        let blocking_receive = BlockingReceive::new();
        Ok(Session {
            source,
            asked,
            stop,
            delivery,
            readiness,
            timeout,
            nonblocking,
            pace,
            receive_timeout,
            blocking_receive,
            forks: sys::forks(),
            claims,
        })
    }

    /// How long a read may wait that begins now: the timeout, or not at all in non-blocking mode.
    pub fn wait(&self) -> Wait {
        match self.timeout {
            _ if self.nonblocking => Wait::No,
            Some(timeout) => Instant::now().checked_add(timeout).map_or(Wait::Forever, Wait::Until),
            None => Wait::Forever,
        }
    }

    /// The next record; `None` when the timeout passed with none, or a stop was wanted.
    ///
    /// # Errors
    ///
    /// As for [`Session::fetch`].
    pub fn read(&mut self) -> Result<Option<Record<'_>>> {
        let wait = self.wait();
        let found = loop {
            if self.stop.take() {
                break false;
            }
            if self.delivery.advance() {
                break true;
            }
            if self.fetch(wait)? != Fetched::Batch {
                break false;
            }
        };
        self.settle();
        Ok(found.then(|| self.delivery.record()))
    }

    /// Makes the selectable descriptor readable. To be called before a callback that may never come back to
    /// [`Session::settle`]: what is left of the batch must not be forgotten then.
    #[inline]
    pub fn unsettle(&mut self) {
        if let Some(readiness) = &mut self.readiness {
            readiness.set(true, || self.source.raw_readable());
        }
    }

    /// Makes the selectable descriptor tell the truth again, if there is one. To be called when a read ends.
    #[inline(always)]
    pub fn settle(&mut self) {
        if self.readiness.is_some() {
            self.settle_descriptor();
        }
    }

    #[inline(never)]
    fn settle_descriptor(&mut self) {
        if let Some(readiness) = &mut self.readiness {
            // A read that would fail tells something, too.
            let held =
                self.delivery.batch.has_more() || self.source.has_more() || self.blocking_receive.has_left_over();
            let left = held || self.claims.are_incomplete() || self.source.await_datagram();
            readiness.set(left, || self.source.raw_readable());
        }
    }

    /// A descriptor that is readable while a read would find a packet, in the kernel or in the process.
    ///
    /// # Errors
    ///
    /// [`Error::System`], when the process has no descriptor left.
    pub fn selectable(&mut self) -> Result<RawFd> {
        if self.readiness.is_none() {
            if !self.claims.are_bound() {
                // It is about to be waited on. If this fails, so does the read.
                let _ = self.ensure_bound();
            }
            let readiness = Readiness::new(self.source.raw_readable());
            self.readiness = Some(readiness.map_err(|error| Error::system("making a descriptor to select on", error))?);
        }
        self.settle();
        Ok(self.readiness.as_ref().map_or(-1, Readiness::descriptor))
    }

    /// What was seen so far.
    pub fn statistics(&self) -> Statistics {
        let overruns = u64::from(self.source.socket.drops());
        Statistics { overruns, ..self.delivery.statistics() }
    }

    /// Whether reads do not wait.
    pub fn nonblocking(&self) -> bool {
        self.nonblocking
    }

    /// Chooses whether reads wait.
    pub fn set_nonblocking(&mut self, nonblocking: bool) {
        self.nonblocking = nonblocking;
    }

    /// Ends a read from elsewhere.
    pub fn stop(&self) -> &Arc<Stop> {
        &self.stop
    }

    /// The netlink socket's descriptor.
    pub fn descriptor(&mut self) -> RawFd {
        if self.claims.are_incomplete() {
            // It may be waited on. If this fails, the read tells.
            let _ = self.ensure_bound();
        }
        self.source.socket.raw_fd()
    }

    /// The size of the buffer in bytes, as far as what was asked for was granted.
    pub fn buffer_size(&self) -> u32 {
        self.source.buffer_size(self.asked)
    }

    /// The netlink socket's port id, by which the kernel names the reader of a group.
    ///
    /// # Errors
    ///
    /// [`Error::System`], which getsockname(2) has no reason for.
    pub fn port_id(&self) -> Result<u32> {
        self.source.socket.port_id().map_err(|error| Error::system("asking for the port id", error))
    }
}
