//! One received datagram: a batch of messages, in order, in one buffer that is used again for the next.

use super::clock::Stamp;

/// The largest datagram that the kernel can send. It makes a batch in an skb of at most 131,072 bytes
/// (`NFULNL_NLBUFSIZ_MAX`, nfnetlink_log.c), which the allocator rounds up to twice that.
pub const DATAGRAM_MAX: usize = 262_144;

/// What stays readable behind a record: some programs (scapy) read a packet's true length where fewer bytes were
/// captured.
pub const READABLE_TAIL: usize = 65_536;

/// `struct nlmsghdr`, linux/netlink.h: length with this header, type, flags, sequence, port id.
pub const MESSAGE_HEADER: usize = 16;

/// `NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET`, linux/netfilter/nfnetlink.h.
pub const PACKET: u16 = 4 << 8;
/// `NLMSG_ERROR`, linux/netlink.h: the answer to a request.
pub const ERROR: u16 = 2;

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

/// The buffer of a datagram, and how far its messages were taken.
pub struct Batch {
    /// A datagram of any size and the readable tail behind it.
    buffer: Box<[u8]>,
    /// The bytes of the datagram.
    filled: usize,
    /// Where the next message begins.
    at: usize,
    /// When the datagram was received.
    pub(super) received: Stamp,
}

impl Default for Batch {
    fn default() -> Self {
        Batch { buffer: vec![0; DATAGRAM_MAX + READABLE_TAIL].into(), filled: 0, at: 0, received: Stamp::default() }
    }
}

impl Batch {
    /// Where the next datagram goes. What the batch held is gone.
    pub(super) fn space(&mut self) -> &mut [u8] {
        (self.filled, self.at) = (0, 0);
        &mut self.buffer[..DATAGRAM_MAX]
    }

    /// Says that a datagram of `length` bytes now fills the buffer from its start.
    pub(super) fn fill(&mut self, length: usize, received: Stamp) {
        (self.filled, self.at, self.received) = (length.min(DATAGRAM_MAX), 0, received);
    }

    /// The bytes of the datagram.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    /// The bytes of the datagram, where link headers are written into.
    #[inline]
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[..self.filled]
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

    /// Whether a packet message is still to be taken.
    #[inline]
    pub(super) fn has_more(&self) -> bool {
        let mut at = self.at;
        let bytes = &self.buffer[..self.filled];
        while let Step::Entry(entry) = step(bytes, &mut at) {
            if entry.kind == PACKET {
                return true;
            }
        }
        false
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
        let mut batch = Batch::default();
        assert!(!batch.has_more());
        batch.space()[..datagram.len()].copy_from_slice(&datagram);
        batch.fill(datagram.len(), Stamp::default());
        assert!(batch.has_more());
        let mut at = batch.at();
        assert!(matches!(step(batch.bytes(), &mut at), Step::Entry(_)));
        batch.move_to(at);
        assert!(!batch.has_more());
    }
}
