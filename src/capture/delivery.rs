//! Batches into records: one pass over each message, in the order of the core's map. No system call, no allocation,
//! and no copy unless a record was cut off.

use std::mem;
use std::ops::Range;

use super::batch::{self, Batch, Step};
use super::clock::Clock;
use super::error::{Error, Result};
use super::filter::Filter;
use super::frame::{Header, frame};
use super::groups::Groups;
use super::interfaces::Interfaces;
use super::layout::Layout;
use super::link_type::LinkType;
use super::loss::Losses;
use super::message::{Direction, Message};
use super::options::Options;
use super::record::{Current, Record};
use super::repeat::{LOOKED_AT, Repeat};
use super::stamp::Stamp;

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
}

/// What became of a message that repeats the one before.
enum Taken {
    /// It is the record in hand, which is there in the batch's buffer.
    Whole { data: Range<usize>, stamp: Stamp },
    /// It is the record in hand, and was cut off.
    Cut,
    /// It is not delivered.
    Filtered,
}

/// The batch in hand, and what is made of its messages.
pub struct Delivery {
    pub(super) batch: Batch,
    /// The attributes of the last message.
    layout: Layout,
    /// What messages that repeat the last one have in common with it.
    repeat: Repeat,
    current: Current,
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
    /// Without those that follow from others.
    statistics: Statistics,
    link_type: LinkType,
    direction: Direction,
    filter: Option<Filter>,
    snaplen: usize,
}

impl Delivery {
    /// Of `groups`, ascending, as `options` ask for.
    ///
    /// # Errors
    ///
    /// [`Error::System`] where there is no memory for the receive buffer.
    pub fn new(groups: impl Iterator<Item = u16>, options: &Options, interfaces: Interfaces) -> Result<Self> {
        let no_memory = |error| Error::system("making room to receive into", error);
        let groups = Groups::new(groups);
        Ok(Delivery {
            batch: Batch::new().map_err(no_memory)?,
            layout: Layout::default(),
            repeat: Repeat::default(),
            current: Current::new().map_err(no_memory)?,
            losses: Losses::new(groups.len()),
            strict: options.strict,
            untold: 0,
            noted: None,
            clock: Clock::new(groups.len(), options.flush_time(), options.batch_bytes() as usize),
            groups,
            header: Header::default(),
            interfaces,
            statistics: Statistics::default(),
            link_type: options.link_type.unwrap_or_default(),
            direction: Direction::Both,
            filter: None,
            snaplen: options.snaplen as usize,
        })
    }

    /// Takes the next datagram of `Delivery::batch` in hand, and says whether there was one.
    pub fn begin(&mut self) -> bool {
        if !self.batch.take() {
            return false;
        }
        self.noted = None;
        self.clock.begin_batch(self.batch.bytes().len());
        self.statistics.batches += 1;
        self.statistics.bytes += self.batch.bytes().len() as u64;
        true
    }

    /// Takes the bytes of a datagram as the batch in hand, received at `received`.
    pub fn load(&mut self, datagram: &[u8], received: Stamp) {
        let length = datagram.len().min(batch::DATAGRAM_MAX);
        self.release();
        self.batch.clear();
        self.batch.space()[..length].copy_from_slice(&datagram[..length]);
        self.batch.push(length, received);
        self.begin();
    }

    /// Takes the next record that the link type, the direction and the filter let through from the batch in hand,
    /// and says whether there was one; [`Delivery::record`] has it. No system call, no copy unless it was cut off.
    #[inline(always)]
    pub fn advance(&mut self) -> bool {
        self.take().is_some()
    }

    /// As [`Delivery::advance`], and returns the record. Where it was just made it need not be looked up.
    #[inline(always)]
    pub fn take(&mut self) -> Option<Record<'_>> {
        while let Some(taken) = self.advance_repeated() {
            match taken {
                Taken::Whole { data, stamp } => {
                    let len = (data.end - data.start) as u32;
                    return Some(Record { stamp, len, data: self.batch.part(data) });
                }
                Taken::Cut => return Some(self.record()),
                Taken::Filtered => {}
            }
        }
        if !self.batch.ends() && self.advance_any() { Some(self.record()) } else { None }
    }

    /// Takes the next message if it repeats the last one, and says what became of it. `None` leaves it to
    /// [`Delivery::advance_any`].
    #[inline(always)]
    fn advance_repeated(&mut self) -> Option<Taken> {
        let here = self.batch.at();
        let (bytes, left) = self.batch.ahead::<LOOKED_AT>()?;
        let found = self.repeat.find(bytes, left)?;
        let (packet, end) = (here + found.packet, here + found.end);
        if !self.losses.follows(self.repeat.group, found.sequence) {
            return None;
        }
        let message = here + batch::MESSAGE_HEADER..here + found.message;
        let record = if self.link_type == LinkType::Nflog { message.clone() } else { packet..end };
        let next = here + left.min((found.message + 3) & !3);
        if let Some(filter) = &self.filter {
            let (frame, packet) = (self.batch.part(record.clone()), self.batch.part(packet..end));
            if !filter.takes_whole(self.link_type, frame, packet, self.repeat.way) {
                self.statistics.filtered += 1;
                self.batch.move_to(next);
                return Some(Taken::Filtered);
            }
        }
        let (bytes, received) = (|| self.batch.bytes(), self.batch.received());
        let stamp = self.clock.stamp(self.repeat.group, found.stamp, received, bytes, here, next);
        self.current.point(record.clone(), message, stamp);
        let is_cut = end - packet > self.snaplen;
        if is_cut {
            let overhead = packet - record.start;
            self.current.cut(overhead + self.snaplen, overhead, self.batch.bytes());
        }
        self.batch.move_to(next);
        self.statistics.delivered += 1;
        Some(if is_cut { Taken::Cut } else { Taken::Whole { data: record, stamp } })
    }

    /// Takes the next record, whatever its message is like.
    #[inline(never)]
    fn advance_any(&mut self) -> bool {
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
            let Some(message) = Message::parse(body, &mut self.layout) else {
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
            let at = here + batch::MESSAGE_HEADER;
            let Some(frame) = frame(self.link_type, &message, &mut self.interfaces, &mut self.header) else {
                self.statistics.unrepresentable += 1;
                self.batch.move_to(next);
                continue;
            };
            let caplen = frame.caplen(self.header.len() + frame.bytes.len(), self.snaplen);
            let mut wanted = self.direction == Direction::Both || self.direction.takes(message.direction());
            let headless = self.header.is_empty();
            if let (true, true, Some(group)) = (wanted && headless, message.is_like_the_one_before(), group) {
                if self.batch.ahead().is_none_or(|(bytes, _)| !self.repeat.is_same(bytes)) {
                    self.repeat.learn(&message, group);
                }
            }
            if let Some(filter) = self.filter.as_ref().filter(|_| wanted && headless) {
                wanted = filter.takes_headless(self.link_type, &message, &frame);
            }
            if wanted {
                let index = group.unwrap_or(usize::MAX);
                let stamp = self.clock.stamp(index, message.stamp(), self.batch.received(), || bytes, here, next);
                let way = self.filter.as_ref().map_or(Direction::Both, |filter| filter.way(&message));
                let message = at..at + body.len();
                self.current.stamp = stamp;
                self.current.place(&self.header, &frame, self.batch.bytes_mut(), message);
                if let Some(filter) = self.filter.as_ref().filter(|_| !headless) {
                    wanted = filter.takes(self.current.data(self.batch.bytes()), frame.len, way);
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

    /// The record that [`Delivery::advance`] took last. It stays until the next advance or batch.
    #[inline]
    pub fn record(&self) -> Record<'_> {
        self.current.record(self.batch.bytes())
    }

    /// The message of the record that [`Delivery::advance`] took last: what the kernel said of the packet. `None` when
    /// there is none in hand.
    pub fn message(&mut self) -> Option<Message<'_>> {
        self.current.message(self.batch.bytes())
    }

    /// Lets go of the record in hand: [`Delivery::message`] tells of it no more.
    #[inline]
    pub fn release(&mut self) {
        self.current.clear();
    }

    /// Packets lost that the caller was not told of yet, of a strict capture. From now on it was.
    pub fn take_untold(&mut self) -> Option<u64> {
        Some(mem::take(&mut self.untold)).filter(|&packets| packets != 0)
    }

    /// What was seen so far, as far as batches tell.
    pub fn statistics(&self) -> Statistics {
        let Statistics { delivered, filtered, unrepresentable, .. } = self.statistics;
        let received = delivered + filtered + unrepresentable;
        Statistics { received, lost: self.lost(), ..self.statistics }
    }

    /// Packets lost, of all groups.
    pub fn lost(&self) -> u64 {
        self.losses.total()
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
        self.repeat.forget();
        self.link_type = link_type;
    }

    /// Chooses the packets to deliver by their way, from the next record on.
    pub fn set_direction(&mut self, direction: Direction) {
        self.repeat.forget();
        self.direction = direction;
    }

    /// Chooses the packets to deliver by a filter for the link type, from the next record on; `None` takes all.
    pub fn set_filter(&mut self, filter: Option<Filter>) {
        self.filter = filter;
    }

    /// Chooses whether a loss ends the read, from the next packet on.
    pub fn set_strict(&mut self, strict: bool) {
        self.strict = strict;
    }
}
