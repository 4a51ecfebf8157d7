//! Messages that repeat the one before: most of them, since one rule's packets come in a row.
//!
//! Such a message has the same attributes in the same places and came from the same hook. Only values differ that need
//! no decision: the packet, its number, its stamp, its socket's owner. One comparison of the bytes before the packet,
//! without those, sees that, and what is to be found where is known from the message before. What makes a difference
//! (a gap in the numbers, a packet that was cut off, a header that claims more than there is) is left to the way that
//! all other messages take.

use super::batch::{MESSAGE_HEADER, PACKET};
use super::layers::{NetworkLayer, ethertype};
use super::layout::ATTRIBUTE_HEADER;
use super::message::{Direction, Message, attribute};
use super::stamp::Stamp;

/// How many bytes are looked at, from the message's own header on. The kernel's messages have their packet before that,
/// unless they have a long prefix or a conntrack entry.
pub const LOOKED_AT: usize = 256;

/// The shortest packets that are told of here have a whole IPv4 header.
const PACKET_MIN: usize = 20;

/// `nlmsg_type`, behind the 32 bits of the length.
const TYPE: usize = 4;

/// What is compared at once.
type Word = u64;
const WORD: usize = size_of::<Word>();

/// What is known of a message that will be repeated. Places are counted from the beginning of its `struct nlmsghdr`.
pub struct Repeat {
    /// The bytes that must be the same, and which bits of them.
    same: [Word; LOOKED_AT / WORD],
    mask: [Word; LOOKED_AT / WORD],
    /// Where the packet begins; 0 where nothing is known.
    packet: usize,
    sequence: usize,
    /// Where the stamp is, of those that have one.
    stamp: Option<usize>,
    /// Where the packet's header has its length, and what that does not count.
    length_at: usize,
    uncounted: usize,
    /// The index of the group.
    pub group: usize,
    /// Which way the packets go.
    pub way: Direction,
}

/// A message that repeats the one before.
pub struct Repeated {
    /// The length of the message, with its header.
    pub message: usize,
    /// Where the packet begins and ends.
    pub packet: usize,
    pub end: usize,
    pub sequence: u32,
    /// The kernel's.
    pub stamp: Option<Stamp>,
}

impl Default for Repeat {
    fn default() -> Self {
        Repeat {
            same: [0; LOOKED_AT / WORD],
            mask: [0; LOOKED_AT / WORD],
            packet: 0,
            sequence: 0,
            stamp: None,
            length_at: 0,
            uncounted: 0,
            group: 0,
            way: Direction::Both,
        }
    }
}

impl Repeat {
    /// Takes `message` for one that will be repeated, if it can be: it has a number, and its last attribute is an IP
    /// packet that begins with its own header.
    pub fn learn(&mut self, message: &Message, group: usize) {
        self.packet = 0;
        let NetworkLayer { ethertype, at } = NetworkLayer::of(message);
        (self.length_at, self.uncounted) = match ethertype {
            ethertype::IPV4 => (2, 0),
            ethertype::IPV6 => (4, 40),
            _ => return,
        };
        let offset = |kind| message.offset(kind).map(|at| at + MESSAGE_HEADER);
        // One that is too short for its value is none.
        let number = message.sequence().and_then(|_| offset(attribute::SEQ));
        let (Some(packet), Some(sequence), 0) = (offset(attribute::PAYLOAD), number, at) else { return };
        let last = message.headers().last().map(|(at, _)| at + MESSAGE_HEADER + ATTRIBUTE_HEADER);
        if packet + self.length_at + 2 > LOOKED_AT || last != Some(packet) || sequence > packet {
            return;
        }
        self.stamp = message.stamp().and_then(|_| offset(attribute::TIMESTAMP));
        let (mut same, mut mask) = ([0; LOOKED_AT], [0; LOOKED_AT]);
        let mut must_be = |at: usize, bytes: &[u8]| {
            same[at..at + bytes.len()].copy_from_slice(bytes);
            mask[at..at + bytes.len()].fill(0xff);
        };
        must_be(TYPE, &PACKET.to_ne_bytes());
        // Family, version and group.
        must_be(MESSAGE_HEADER, &message.bytes()[..4]);
        for (at, header) in message.headers() {
            must_be(MESSAGE_HEADER + at, &header.to_ne_bytes());
        }
        // Ethertype and hook.
        if let (Some(at), Some(value)) = (offset(attribute::PACKET_HDR), message.attribute(attribute::PACKET_HDR)) {
            must_be(at, value);
        }
        // Packets differ in length: that is looked at by itself.
        mask[packet - ATTRIBUTE_HEADER..packet - ATTRIBUTE_HEADER + 2].fill(0);
        (self.same, self.mask) = (words(&same), words(&mask));
        (self.packet, self.sequence) = (packet, sequence);
        (self.group, self.way) = (group, message.direction());
    }

    /// Knows nothing any more.
    pub fn forget(&mut self) {
        self.packet = 0;
    }

    /// What `bytes` have, which begin with a message if `left` is not 0, where that repeats the one before. `left` is
    /// how many of the batch's bytes are left; behind them, anything may follow.
    #[inline(always)]
    pub fn find(&self, bytes: &[u8; LOOKED_AT], left: usize) -> Option<Repeated> {
        if !self.is_same(bytes) {
            return None;
        }
        let half = |at: usize| bytes.get(at..at + 2)?.first_chunk::<2>();
        let message = u32::from_ne_bytes(*bytes.first_chunk()?) as usize;
        let attribute = usize::from(u16::from_ne_bytes(*half(self.packet - ATTRIBUTE_HEADER)?));
        let claimed = usize::from(u16::from_be_bytes(*half(self.packet + self.length_at)?)) + self.uncounted;
        let end = self.packet - ATTRIBUTE_HEADER + attribute;
        // Behind the packet is nothing but its padding, which may be missing.
        let whole = message <= left && message.wrapping_sub(end) < 4;
        let plain = attribute >= PACKET_MIN + ATTRIBUTE_HEADER && claimed != self.uncounted;
        if !(whole && plain && self.packet + claimed <= end) {
            return None;
        }
        let sequence = u32::from_be_bytes(*bytes.get(self.sequence..self.sequence + 4)?.first_chunk()?);
        let stamp = match self.stamp {
            Some(at) => Some(Stamp::of_kernel(bytes.get(at..at + 16)?.first_chunk()?)),
            None => None,
        };
        Some(Repeated { message, packet: self.packet, end, sequence, stamp })
    }

    /// Whether the message that `bytes` begin with is the one before, but for what is of no account.
    #[inline(always)]
    pub fn is_same(&self, bytes: &[u8; LOOKED_AT]) -> bool {
        // The packet is behind 64 bytes or a few more where the kernel gives neither stamp nor link header.
        match self.packet {
            0 => false,
            1..=64 => is_same::<64>(self, bytes),
            65..=80 => is_same::<80>(self, bytes),
            81..=128 => is_same::<128>(self, bytes),
            129..=160 => is_same::<160>(self, bytes),
            _ => is_same::<LOOKED_AT>(self, bytes),
        }
    }
}

fn words(bytes: &[u8; LOOKED_AT]) -> [Word; LOOKED_AT / WORD] {
    let mut words = bytes.chunks_exact(WORD).map(|word| word.try_into().map_or(0, Word::from_ne_bytes));
    std::array::from_fn(|_| words.next().unwrap_or(0))
}

/// As [`Repeat::is_same`], of the first `COUNT` bytes, without a branch.
#[inline(always)]
fn is_same<const COUNT: usize>(Repeat { same, mask, .. }: &Repeat, bytes: &[u8; LOOKED_AT]) -> bool {
    let mut difference = 0;
    for ((bytes, same), mask) in bytes[..COUNT].chunks_exact(WORD).zip(same).zip(mask) {
        difference |= (bytes.try_into().map_or(!same, Word::from_ne_bytes) ^ same) & mask;
    }
    difference == 0
}
