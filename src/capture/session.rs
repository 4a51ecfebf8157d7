//! An open capture: its groups configured, waited for, read and stopped.
//!
//! A read is two steps: [`Session::advance`] takes the next record from the batch in hand, with no system call;
//! when there is none left, [`Session::fetch`] receives the next batch. [`Session::read`] is both in one.

use std::ops::Range;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::{self, Batch, READABLE_TAIL, Step};
use super::clock::Stamp;
use super::device::Device;
use super::error::{Error, Result};
use super::frame::{LinkType, frame};
use super::loss::Losses;
use super::message::{Direction, Message};
use super::netlink::{Receipt, Socket};
use super::options::{Options, SNAPLEN_MAX};
use super::readiness::Readiness;
use super::stop::Stop;
use super::sys;
use crate::bpf::Program;

/// A packet as the capture delivers it.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// When the packet was at its hook.
    pub stamp: Stamp,
    /// The record's length in bytes before truncation, link header included.
    pub len: u32,
    /// The captured bytes, in the capture's link type. 64 KiB behind them are readable; where fewer than `len` were
    /// captured they are zeros.
    pub data: &'a [u8],
}

/// What a capture has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Packets received from the kernel.
    pub received: u64,
    /// Packets delivered to the caller.
    pub delivered: u64,
    /// Packets that the filter or the direction rejected.
    pub filtered: u64,
    /// Packets that the link type cannot hold.
    pub unrepresentable: u64,
    /// Packets lost between the kernel's rule and this process, exactly, up to the last packet received.
    pub lost: u64,
    /// Datagrams that the kernel dropped because the receive buffer was full; each was a batch.
    pub overruns: u64,
    /// Datagrams received.
    pub batches: u64,
    /// Bytes of the datagrams received.
    pub bytes: u64,
    /// Datagrams and messages that were not well formed, and were skipped.
    pub malformed: u64,
    /// Datagrams that another process sent, and were skipped.
    pub foreign: u64,
}

/// How a wait for packets ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// A batch is in hand: [`Session::advance`] takes its records.
    Batch,
    /// The time passed with nothing.
    Nothing,
    /// [`Stop::request`] was called. The request is taken; what was received stays.
    Stopped,
}

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

/// The record last taken: where its bytes are.
#[derive(Default)]
struct Current {
    stamp: Stamp,
    len: u32,
    /// In the batch's buffer, or in the window.
    data: Range<usize>,
    in_window: bool,
}

/// A copy of a record that was cut off, with nothing but zeros behind it.
#[derive(Default)]
struct Window {
    buffer: Vec<u8>,
    used: usize,
}

impl Window {
    fn copy(&mut self, data: &[u8]) {
        if self.buffer.len() < data.len() + READABLE_TAIL {
            self.buffer.resize(data.len() + READABLE_TAIL, 0);
        }
        if data.len() < self.used {
            self.buffer[data.len()..self.used].fill(0);
        }
        self.buffer[..data.len()].copy_from_slice(data);
        self.used = data.len();
    }
}

/// An open capture.
pub struct Session {
    socket: Socket,
    stop: Arc<Stop>,
    batch: Batch,
    current: Current,
    window: Window,
    readiness: Option<Readiness>,
    losses: Losses,
    statistics: Statistics,
    link_type: LinkType,
    direction: Direction,
    filter: Option<Program>,
    snaplen: u32,
    timeout: Option<Duration>,
    nonblocking: bool,
}

impl Session {
    /// Opens `device`: binds and configures its groups.
    ///
    /// # Errors
    ///
    /// As [`Error`] lists them; nothing stays behind then.
    pub fn open(device: &Device, options: &Options) -> Result<Session> {
        let stop = Stop::new().map_err(|error| Error::system("making an eventfd", error))?;
        Session::open_with(device, options, Arc::new(stop))
    }

    /// Opens `device` with a [`Stop`] that was made before.
    ///
    /// # Errors
    ///
    /// As for [`Session::open`].
    pub fn open_with(device: &Device, options: &Options, stop: Arc<Stop>) -> Result<Session> {
        if options.snaplen == 0 || options.snaplen > SNAPLEN_MAX {
            return Err(Error::Option(format!("snaplen {} is not from 1 to {SNAPLEN_MAX}", options.snaplen)));
        }
        let mut batch = Batch::default();
        let mut socket = Socket::open(options.buffer_size)?;
        for group in device.groups() {
            socket.bind_group(group, options, &mut batch)?;
        }
        batch.space();
        Ok(Session {
            socket,
            stop,
            batch,
            current: Current::default(),
            window: Window::default(),
            readiness: None,
            losses: Losses::new(device.groups()),
            statistics: Statistics::default(),
            link_type: device.link_type().or(options.link_type).unwrap_or_default(),
            direction: Direction::Both,
            filter: None,
            snaplen: options.snaplen,
            timeout: options.timeout,
            nonblocking: false,
        })
    }

    /// Takes the next record that the link type, the direction and the filter let through from the batch in hand,
    /// and says whether there was one; [`Session::record`] has it. No system call, no copy unless it was cut off.
    #[inline]
    pub fn advance(&mut self) -> bool {
        let received = self.batch.received;
        let (bytes, at) = self.batch.parts();
        loop {
            let entry = match batch::step(bytes, at) {
                Step::Entry(entry) if entry.kind == batch::PACKET => entry,
                Step::Entry(_) => continue,
                Step::Malformed => {
                    self.statistics.malformed += 1;
                    return false;
                }
                Step::End => return false,
            };
            let Some(message) = Message::parse(entry.body) else {
                self.statistics.malformed += 1;
                continue;
            };
            self.statistics.received += 1;
            if let Some(sequence) = message.sequence() {
                self.losses.note(message.group(), sequence);
            }
            let Some(frame) = frame(self.link_type, &message) else {
                self.statistics.unrepresentable += 1;
                continue;
            };
            let caplen = frame.data.len().min(frame.overhead + self.snaplen as usize);
            let data = &frame.data[..caplen];
            let wanted = self.direction.takes(message.direction())
                && self.filter.as_ref().is_none_or(|program| program.run(frame.data, frame.len as u32) != 0);
            if !wanted {
                self.statistics.filtered += 1;
                continue;
            }
            self.statistics.delivered += 1;
            self.current.stamp = message.stamp().unwrap_or(received);
            self.current.len = frame.len as u32;
            self.current.in_window = caplen < frame.len;
            if self.current.in_window {
                self.window.copy(data);
                self.current.data = 0..caplen;
            } else {
                let start = data.as_ptr().addr() - bytes.as_ptr().addr();
                self.current.data = start..start + caplen;
            }
            return true;
        }
    }

    /// The record that [`Session::advance`] took last. It stays until the next advance or fetch.
    #[inline]
    pub fn record(&self) -> Record<'_> {
        let Current { stamp, len, ref data, in_window } = self.current;
        let buffer = if in_window { &self.window.buffer } else { self.batch.bytes() };
        Record { stamp, len, data: buffer.get(data.clone()).unwrap_or(&[]) }
    }

    /// Receives the next batch, for at most as long as `wait` allows. Records of the batch in hand that were not
    /// taken are gone: advance first.
    ///
    /// # Errors
    ///
    /// [`Error::System`], when the kernel refuses to go on.
    pub fn fetch(&mut self, wait: Wait) -> Result<Fetched> {
        loop {
            if self.stop.take() {
                return Ok(Fetched::Stopped);
            }
            match self.socket.receive(&mut self.batch).map_err(|e| Error::system("receiving packets", e))? {
                Receipt::Datagram => {
                    self.statistics.batches += 1;
                    self.statistics.bytes += self.batch.bytes().len() as u64;
                    return Ok(Fetched::Batch);
                }
                Receipt::Foreign => self.statistics.foreign += 1,
                Receipt::Overrun | Receipt::Interrupted => {}
                Receipt::Empty => {
                    let milliseconds = match wait {
                        Wait::No => return Ok(Fetched::Nothing),
                        Wait::Forever => None,
                        Wait::Until(then) => match then.checked_duration_since(Instant::now()) {
                            None | Some(Duration::ZERO) => return Ok(Fetched::Nothing),
                            // Rounded up: poll(2) must not return before the time is over.
                            Some(left) => Some(i32::try_from(left.as_millis() + 1).unwrap_or(i32::MAX)),
                        },
                    };
                    self.await_packets(milliseconds)?;
                }
            }
        }
    }

    fn await_packets(&mut self, milliseconds: Option<i32>) -> Result<()> {
        match sys::wait(self.socket.fd(), self.stop.event(), milliseconds) {
            Ok([_, true]) if !self.stop.is_wanted() => {
                // Left over from a request that was taken in between, or made by another process after a fork.
                sys::lower(self.stop.event());
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => Ok(()),
            Err(error) => Err(Error::system("waiting for packets", error)),
        }
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
            if self.advance() {
                break true;
            }
            if self.fetch(wait)? != Fetched::Batch {
                break false;
            }
        };
        self.settle();
        Ok(found.then(|| self.record()))
    }

    /// Makes the selectable descriptor tell the truth again. To be called when a read ends.
    #[inline]
    pub fn settle(&mut self) {
        if let Some(readiness) = &mut self.readiness {
            readiness.set(self.socket.has_early() || self.batch.has_more());
        }
    }

    /// A descriptor that is readable while a read would find a packet, in the kernel or in the process.
    ///
    /// # Errors
    ///
    /// [`Error::System`], when the process has no descriptor left.
    pub fn selectable(&mut self) -> Result<RawFd> {
        if self.readiness.is_none() {
            let readiness = Readiness::new(self.socket.raw_fd());
            self.readiness = Some(readiness.map_err(|error| Error::system("making a descriptor to select on", error))?);
            self.settle();
        }
        Ok(self.readiness.as_ref().map_or(-1, Readiness::descriptor))
    }

    /// What was seen so far.
    pub fn statistics(&self) -> Statistics {
        let overruns = u64::from(self.socket.drops());
        Statistics { lost: self.losses.total(), overruns, ..self.statistics }
    }

    /// Packets lost of one group; `None` where the capture does not read it.
    pub fn lost_of_group(&self, group: u16) -> Option<u64> {
        self.losses.of_group(group)
    }

    /// The link type of records from now on.
    pub fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// Chooses the link type of the records that are taken from now on, those of the batch in hand included.
    pub fn set_link_type(&mut self, link_type: LinkType) {
        self.link_type = link_type;
    }

    /// Chooses the packets to deliver by their way, from the next record on.
    pub fn set_direction(&mut self, direction: Direction) {
        self.direction = direction;
    }

    /// Chooses the packets to deliver by a program for the link type, from the next record on; `None` takes all.
    pub fn set_filter(&mut self, filter: Option<Program>) {
        self.filter = filter;
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
    pub fn descriptor(&self) -> RawFd {
        self.socket.raw_fd()
    }

    /// The size of the receive buffer in bytes, as far as the kernel granted what was asked for.
    pub fn buffer_size(&self) -> u32 {
        self.socket.buffer_size()
    }

    /// The netlink socket's port id, by which the kernel names the reader of a group.
    ///
    /// # Errors
    ///
    /// [`Error::System`], which getsockname(2) has no reason for.
    pub fn port_id(&self) -> Result<u32> {
        self.socket.port_id().map_err(|error| Error::system("asking for the port id", error))
    }
}
