//! An open capture: its groups configured, waited for, read and stopped.
//!
//! A read is two steps: [`Session::advance`] takes the next record from the batch in hand, with no system call;
//! when there is none left, [`Session::fetch`] receives the next batch. [`Session::read`] is both in one.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::{self, Batch, Step};
use super::clock::Clock;
use super::device::Device;
use super::error::{Error, Result};
use super::frame::{Header, frame};
use super::groups::Groups;
use super::interfaces::Interfaces;
use super::link_type::LinkType;
use super::loss::Losses;
use super::message::{Direction, Message, Offsets};
use super::netlink::{Receipt, Socket};
use super::options::{Options, SNAPLEN_MAX};
use super::readiness::Readiness;
use super::record::{Current, Record};
use super::stop::Stop;
use super::sys;
use crate::bpf::Program;

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

/// An open capture.
pub struct Session {
    socket: Socket,
    stop: Arc<Stop>,
    batch: Batch,
    current: Current,
    readiness: Option<Readiness>,
    groups: Groups,
    losses: Losses,
    /// Whether a loss ends the read.
    strict: bool,
    /// Packets lost that a strict capture has not told of yet.
    untold: u64,
    /// Where in the batch a message begins whose sequence number was looked at already.
    noted: Option<usize>,
    clock: Clock,
    /// The link header of the record in hand.
    header: Header,
    interfaces: Interfaces,
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
        let groups = Groups::new(device.groups());
        Ok(Session {
            stop,
            batch,
            current: Current::default(),
            readiness: None,
            losses: Losses::new(groups.len()),
            strict: options.strict,
            untold: 0,
            noted: None,
            clock: Clock::new(groups.len(), options.flush_time(), options.batch_bytes() as usize),
            groups,
            header: Header::default(),
            interfaces: Interfaces::new(socket.fd().clone()),
            socket,
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
        loop {
            let here = self.batch.at();
            let mut next = here;
            let bytes = self.batch.bytes();
            let body = match batch::step(bytes, &mut next) {
                Step::Entry(entry) if entry.kind == batch::PACKET => entry.body,
                Step::Entry(_) => {
                    self.batch.move_to(next);
                    continue;
                }
                Step::Malformed => {
                    self.statistics.malformed += 1;
                    self.batch.move_to(next);
                    return false;
                }
                Step::End => return false,
            };
            let mut offsets = Offsets::default();
            let Some(message) = Message::parse(body, &mut offsets) else {
                self.statistics.malformed += 1;
                self.batch.move_to(next);
                continue;
            };
            let group = self.groups.index(message.group());
            if let (Some(index), Some(sequence), false) = (group, message.sequence(), self.noted == Some(here)) {
                let lost = self.losses.note(index, sequence);
                if lost != 0 && self.strict {
                    // The packet is taken when the loss has been told.
                    self.untold += u64::from(lost);
                    self.noted = Some(here);
                }
            }
            if self.untold != 0 {
                return false;
            }
            self.statistics.received += 1;
            let at = here + batch::MESSAGE_HEADER;
            let Some(frame) = frame(self.link_type, &message, &mut self.interfaces, &mut self.header) else {
                self.statistics.unrepresentable += 1;
                self.batch.move_to(next);
                continue;
            };
            let caplen = frame.caplen(self.header.len() + frame.bytes.len(), self.snaplen as usize);
            let mut wanted = self.direction.takes(message.direction());
            let headless = self.header.is_empty();
            if let Some(filter) = self.filter.as_ref().filter(|_| wanted && headless) {
                wanted = filter.run(&body[frame.bytes.clone()], frame.len as u32) != 0;
            }
            if wanted {
                let index = group.unwrap_or(usize::MAX);
                let stamp = self.clock.stamp(index, &message, self.batch.received, bytes, here, next);
                let message = at..at + body.len();
                self.current.stamp = stamp;
                self.current.place(&self.header, &frame, self.batch.bytes_mut(), message);
                if let Some(filter) = self.filter.as_ref().filter(|_| !headless) {
                    wanted = filter.run(self.current.data(self.batch.bytes()), frame.len as u32) != 0;
                }
                self.current.cut(caplen, frame.overhead, self.batch.bytes());
            }
            self.batch.move_to(next);
            if wanted {
                self.statistics.delivered += 1;
                return true;
            }
            self.statistics.filtered += 1;
        }
    }

    /// The record that [`Session::advance`] took last. It stays until the next advance or fetch.
    #[inline]
    pub fn record(&self) -> Record<'_> {
        self.current.record(self.batch.bytes())
    }

    /// The message of the record that [`Session::advance`] took last: what the kernel said of the packet. `None` when
    /// there is none in hand.
    pub fn message(&mut self) -> Option<Message<'_>> {
        self.current.message(self.batch.bytes())
    }

    /// Lets go of the record in hand: [`Session::message`] tells of it no more.
    #[inline]
    pub fn release(&mut self) {
        self.current.clear();
    }

    /// Receives the next batch, for at most as long as `wait` allows. Records of the batch in hand that were not
    /// taken are gone: advance first.
    ///
    /// # Errors
    ///
    /// [`Error::System`], when the kernel refuses to go on; [`Error::Lost`], when packets were lost and the capture is
    /// strict. The next advance goes on behind the loss.
    pub fn fetch(&mut self, wait: Wait) -> Result<Fetched> {
        if self.untold != 0 {
            return Err(Error::Lost { packets: std::mem::take(&mut self.untold) });
        }
        self.current.clear();
        loop {
            if self.stop.take() {
                return Ok(Fetched::Stopped);
            }
            match self.socket.receive(&mut self.batch).map_err(|e| Error::system("receiving packets", e))? {
                Receipt::Datagram => {
                    self.noted = None;
                    self.clock.begin_batch();
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
        self.losses.of_group(self.groups.find(group)?)
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

    /// Chooses whether a loss ends the read, from the next packet on.
    pub fn set_strict(&mut self, strict: bool) {
        self.strict = strict;
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
