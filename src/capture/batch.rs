//! Received datagrams, each a batch of messages, in order, in a buffer that is used again.

use std::io;
use std::ops::Range;
use std::time::Duration;

use super::stamp::Stamp;
use super::sys::Pages;

/// The largest datagram that the kernel can send. It makes a batch in an skb of at most 131,072 bytes
/// (`NFULNL_NLBUFSIZ_MAX`, nfnetlink_log.c), which the allocator rounds up to twice that.
pub const DATAGRAM_MAX: usize = 262_144;

/// What stays readable behind a record: some programs (scapy) read a packet's true length where fewer bytes were
/// captured.
pub const READABLE_TAIL: usize = 65_536;

/// Large datagrams begin where a page does: the kernel copies them faster (`rep movsb` of whole pages).
const PAGE: usize = 4096;

/// Datagrams of so many bytes are worth the room that is lost behind them.
const LARGE: usize = 8 * PAGE;

/// `struct nlmsghdr`, linux/netlink.h: length with this header, type, flags, sequence, port id.
pub const MESSAGE_HEADER: usize = 16;

/// `NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET`, linux/netfilter/nfnetlink.h.
pub const PACKET: u16 = 4 << 8;
/// `NLMSG_ERROR`, linux/netlink.h: the answer to a request.
pub const ERROR: u16 = 2;

/// `NLMSG_DONE`, linux/netlink.h: ends a datagram of several messages.
const DONE: u16 = 3;

/// A message of a datagram: its type and the bytes behind its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// `nlmsg_type`.
    pub kind: u16,
    /// `nlmsg_seq`: of an answer, the request's.
    pub sequence: u32,
    /// What follows the header.
    pub body: &'a [u8],
}

/// A datagram in a batch's buffer.
#[derive(Clone, Copy, Default)]
struct Datagram {
    start: usize,
    end: usize,
    received: Stamp,
}

/// A buffer with received datagrams, the one in hand, and how far its messages were taken.
pub struct Batch {
    /// Datagrams, and the readable tail behind them.
    buffer: Pages,
    /// Where the next datagram goes.
    end: usize,
    /// The datagrams in it, and how many of them were taken in hand.
    datagrams: Vec<Datagram>,
    taken: usize,
    hand: Datagram,
    /// Where the next message begins in the datagram in hand.
    at: usize,
}

impl Batch {
    /// With room for one datagram of any size.
    pub(super) fn new() -> io::Result<Self> {
        Batch::with_room(DATAGRAM_MAX)
    }

    /// With so many bytes of room, at least one datagram's. Room that is not used takes no memory.
    pub(super) fn with_room(room: usize) -> io::Result<Self> {
        let buffer = Pages::new(room.max(DATAGRAM_MAX) + READABLE_TAIL)?;
        Ok(Batch { buffer, end: 0, datagrams: Vec::new(), taken: 0, hand: Datagram::default(), at: 0 })
    }

    /// Forgets what the batch holds.
    pub(super) fn clear(&mut self) {
        (self.end, self.taken, self.hand, self.at) = (0, 0, Datagram::default(), 0);
        self.datagrams.clear();
    }

    /// Whether there is room for one more datagram of any size.
    pub(super) fn has_room(&self) -> bool {
        self.end + DATAGRAM_MAX + READABLE_TAIL <= self.buffer.len()
    }

    /// Whether it holds no datagram that was not taken in hand yet.
    pub(super) fn is_empty(&self) -> bool {
        self.taken == self.datagrams.len()
    }

    /// Where the next datagram goes. There must be room.
    pub(super) fn space(&mut self) -> &mut [u8] {
        &mut self.buffer[self.end..self.end + DATAGRAM_MAX]
    }

    /// Says that a datagram of `length` bytes was put where the next one goes.
    pub(super) fn push(&mut self, length: usize, received: Stamp) {
        let (start, end) = (self.end, self.end + length.min(DATAGRAM_MAX));
        self.datagrams.push(Datagram { start, end, received });
        let alignment = if length < LARGE { 8 } else { PAGE };
        self.end = end.next_multiple_of(alignment);
    }

    /// The length of the datagram that was pushed last.
    pub(super) fn last_length(&self) -> usize {
        self.datagrams.last().map_or(0, |last| last.end - last.start)
    }

    /// Whether the datagram that was pushed last is the kernel's answer to a request, which is always alone.
    #[inline]
    pub(super) fn is_answer(&self) -> bool {
        let last = self.datagrams.last().and_then(|last| self.buffer.get(last.start..last.end));
        let header = last.and_then(<[u8]>::first_chunk::<MESSAGE_HEADER>);
        header.is_some_and(|header| u16::from_ne_bytes([header[4], header[5]]) == ERROR)
    }

    /// Says that the datagram that was pushed last came so much earlier.
    pub(super) fn backdate(&mut self, age: Duration) {
        if let Some(last) = self.datagrams.last_mut().filter(|_| !age.is_zero()) {
            last.received = last.received.before(age);
        }
    }

    /// Takes the next datagram in hand, if there is one.
    pub(super) fn take(&mut self) -> bool {
        let Some(&next) = self.datagrams.get(self.taken) else { return false };
        (self.taken, self.hand, self.at) = (self.taken + 1, next, 0);
        true
    }

    /// The bytes of the datagram in hand.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.hand.start..self.hand.end]
    }

    /// Bytes at places of the datagram in hand, which the caller knows to be its own.
    #[inline]
    pub(super) fn part(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(self.hand.start + range.start..self.hand.start + range.end).unwrap_or_default()
    }

    /// The bytes of the datagram in hand, where link headers are written into.
    #[inline]
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.hand.start..self.hand.end]
    }

    /// When the datagram in hand was received.
    #[inline]
    pub(super) fn received(&self) -> Stamp {
        self.hand.received
    }

    /// Where the next message begins.
    #[inline]
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Moves on to where the next message begins.
    #[inline]
    pub(super) fn move_to(&mut self, at: usize) {
        self.at = at;
    }

    /// The bytes from where the next message begins on, and how many of them are the datagram's: anything may follow.
    #[inline]
    pub(super) fn ahead<const COUNT: usize>(&self) -> Option<(&[u8; COUNT], usize)> {
        let at = self.hand.start + self.at;
        Some((self.buffer.get(at..)?.first_chunk()?, self.hand.end.saturating_sub(at)))
    }

    /// Whether nothing more is in the datagram in hand, or only the message that ends it.
    #[inline]
    pub(super) fn ends(&self) -> bool {
        match self.ahead::<MESSAGE_HEADER>() {
            Some((_, 0)) | None => true,
            Some(([l0, l1, l2, l3, low, high, ..], left)) => {
                let length = u32::from_ne_bytes([*l0, *l1, *l2, *l3]) as usize;
                u16::from_ne_bytes([*low, *high]) == DONE
                    && (MESSAGE_HEADER..=left).contains(&length)
                    && left - length < 4
            }
        }
    }

    /// Whether a packet message is still to be taken.
    pub(super) fn has_more(&self) -> bool {
        let mut at = self.at;
        while let Step::Entry(entry) = step(self.bytes(), &mut at) {
            if entry.kind == PACKET {
                return true;
            }
        }
        !self.is_empty()
    }
}

/// What stands at a place in a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A message, whole.
    Entry(Entry<'a>),
    /// Bytes that are no whole message: nothing behind them can be trusted to be one.
    Malformed,
    /// The datagram's end.
    End,
}

/// Takes the message at `at` of a datagram and moves `at` behind it.
#[inline]
pub fn step<'a>(bytes: &'a [u8], at: &mut usize) -> Step<'a> {
    let rest = bytes.get(*at..).unwrap_or(&[]);
    let Some(header) = rest.first_chunk::<MESSAGE_HEADER>() else {
        *at = bytes.len();
        return if rest.is_empty() { Step::End } else { Step::Malformed };
    };
    let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
    if length < MESSAGE_HEADER || length > rest.len() {
        *at = bytes.len();
        return Step::Malformed;
    }
    *at = bytes.len().min(*at + ((length + 3) & !3));
    Step::Entry(Entry {
        kind: u16::from_ne_bytes([header[4], header[5]]),
        sequence: u32::from_ne_bytes([header[8], header[9], header[10], header[11]]),
        body: &rest[MESSAGE_HEADER..length],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = ((MESSAGE_HEADER + body.len()) as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0, 0]);
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn steps(bytes: &[u8]) -> Vec<Step<'_>> {
        let mut at = 0;
        let mut all = Vec::new();
        loop {
            let step = step(bytes, &mut at);
            all.push(step);
            if !matches!(step, Step::Entry(_)) {
                return all;
            }
        }
    }

    #[test]
    fn messages_are_taken_in_order_with_their_padding_passed_over() {
        let bytes = [entry(PACKET, b"abcde"), entry(PACKET, b""), entry(3, b"done")].concat();
        let expected = [(PACKET, &b"abcde"[..]), (PACKET, b""), (3, b"done")];
        let mut expected: Vec<_> =
            expected.iter().map(|&(kind, body)| Step::Entry(Entry { kind, sequence: 7, body })).collect();
        expected.push(Step::End);
        assert_eq!(steps(&bytes), expected);
    }

    #[test]
    fn the_last_messages_padding_may_be_missing() {
        let mut bytes = entry(PACKET, b"abcde");
        bytes.truncate(MESSAGE_HEADER + 5);
        assert_eq!(steps(&bytes).len(), 2);
        assert_eq!(steps(&bytes)[1], Step::End);
    }

    #[test]
    fn whatever_is_cut_off_or_lies_about_its_length_is_malformed() {
        let good = entry(PACKET, b"abcdefgh");
        for length in 1..good.len() {
            assert_eq!(steps(&good[..length]), [Step::Malformed], "{length} bytes");
        }
        for lie in [0u32, 1, 15, good.len() as u32 + 1, u32::MAX] {
            let mut bytes = good.clone();
            bytes[..4].copy_from_slice(&lie.to_ne_bytes());
            assert_eq!(steps(&bytes), [Step::Malformed], "length {lie}");
        }
    }

    #[test]
    fn a_batch_has_more_while_a_packet_message_is_left() {
        let datagram = [entry(PACKET, b"abcd"), entry(3, b"done")].concat();
        let mut batch = Batch::new().unwrap();
        assert!(!batch.has_more());
        batch.space()[..datagram.len()].copy_from_slice(&datagram);
        batch.push(datagram.len(), Stamp::default());
        assert!(batch.has_more());
        assert!(batch.take());
        assert_eq!(batch.bytes(), datagram);
        assert!(batch.has_more());
        let mut at = batch.at();
        assert!(matches!(step(batch.bytes(), &mut at), Step::Entry(_)));
        batch.move_to(at);
        assert!(!batch.has_more());
        assert!(!batch.take());
    }

    #[test]
    fn datagrams_are_gathered_while_there_is_room_and_taken_in_order() {
        let mut batch = Batch::with_room(DATAGRAM_MAX + 100).unwrap();
        for (length, byte) in [(31, 1), (33, 2), (40, 3)] {
            assert!(batch.has_room());
            batch.space()[..length].fill(byte);
            batch.push(length, Stamp { seconds: byte.into(), nanoseconds: 0 });
        }
        assert!(!batch.has_room());
        for (length, byte) in [(31, 1), (33, 2), (40, 3)] {
            assert!(batch.take());
            assert_eq!((batch.bytes(), batch.received().seconds), (&vec![byte; length][..], byte.into()));
        }
        assert!(!batch.take());
        batch.clear();
        assert!(batch.has_room() && batch.is_empty());
    }
}
