//! Where the attributes of a message stand.
//!
//! Finding them is a chain of loads: each attribute's length tells where the next one begins. But one rule's packets
//! have the same attributes in the same places, up to the payload's length. So a layout is kept from one message to
//! the next: when the headers are where they were, which is seen by loads that need not wait for each other, all of
//! it still holds.

use std::ops::Range;

/// `struct nlattr`, linux/netlink.h: length with this header, type.
pub const ATTRIBUTE_HEADER: usize = 4;

/// The type field's upper bits are NLA_F_NESTED and NLA_F_NET_BYTEORDER (linux/netlink.h).
const TYPE_MASK: u16 = 0x3fff;

/// Attributes of a type that nobody asks for (above `NFULA_L2HDR`) all fall into the last slot: the pass over the
/// attributes then needs no branch on the type.
const SLOTS: usize = 32;

/// The most attributes that are remembered: more than the kernel sends.
const REMEMBERED: usize = 24;

/// Where the value of an attribute is; nowhere where the message has none.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

/// Of an attribute that a message has not: no message is so long that this would be in it.
const ABSENT: Span = Span { start: u32::MAX, end: u32::MAX };

/// Where each attribute of a message stands.
pub struct Layout {
    /// By type: where the attribute's value is.
    spans: [Span; SLOTS],
    /// In order: where each header stood, and its bytes. The last one's length may differ in the next message.
    headers: [(u32, u32); REMEMBERED],
    /// How many headers are remembered; 0 where there is nothing to go by.
    count: usize,
    /// Where the first one stood.
    start: usize,
    /// Whether it is the layout of the message before.
    kept: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Layout { spans: [ABSENT; SLOTS], headers: [(0, 0); REMEMBERED], count: 0, start: 0, kept: false }
    }
}

impl Layout {
    /// Finds the attributes in `bytes` from `start` on. Says whether they all lie inside.
    #[inline]
    pub fn read(&mut self, bytes: &[u8], start: usize) -> bool {
        self.kept = self.holds(bytes, start);
        self.kept || self.walk(bytes, start)
    }

    /// Whether the layout that was read last is that of the one before.
    #[inline]
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// Where each header stands, in order, and its bytes. The last one's length may be another message's.
    pub fn headers(&self) -> impl Iterator<Item = (usize, u32)> {
        self.headers[..self.count].iter().map(|&(at, header)| (at as usize, header))
    }

    /// Where the value of the attribute of type `kind` is in the message: past its end where it has none. Of several
    /// the last one counts.
    #[inline]
    pub fn span(&self, kind: usize) -> Range<usize> {
        let span = self.spans[..SLOTS - 1].get(kind).unwrap_or(&ABSENT);
        span.start as usize..span.end as usize
    }

    /// Whether the layout of the message before is this one's, too.
    #[inline]
    fn holds(&mut self, bytes: &[u8], start: usize) -> bool {
        let Some((&(last, header), others)) = self.headers.get(..self.count).and_then(<[_]>::split_last) else {
            return false;
        };
        // The last header stands behind the others: if it is inside, they are.
        let at = last as usize;
        let Some(found) = header_at(bytes, at) else { return false };
        let mut differences = u32::from(start != self.start);
        for &(at, header) in others {
            differences |= header_at(bytes, at as usize).unwrap_or(!header) ^ header;
        }
        let (kind, length) = split(found);
        // Behind it is nothing but its padding, which may be missing.
        let left = bytes.len() - at;
        let same = differences == 0
            && kind == split(header).0
            && length >= ATTRIBUTE_HEADER
            && length <= left
            && left < length + 4;
        if same {
            self.spans[slot(kind)].end = last + length as u32;
        }
        same
    }

    /// Finds the attributes one by one.
    #[cold]
    fn walk(&mut self, bytes: &[u8], start: usize) -> bool {
        *self = Layout { start, ..Layout::default() };
        let mut count = 0;
        let mut at = start;
        while let Some(header) = header_at(bytes, at) {
            let (kind, length) = split(header);
            if length < ATTRIBUTE_HEADER || length > bytes.len() - at {
                return false;
            }
            self.spans[slot(kind)] = Span { start: (at + ATTRIBUTE_HEADER) as u32, end: (at + length) as u32 };
            if let Some(slot) = self.headers.get_mut(count) {
                *slot = (at as u32, header);
            }
            count += 1;
            at += (length + 3) & !3;
        }
        self.count = if count <= REMEMBERED && at + ATTRIBUTE_HEADER > bytes.len() { count } else { 0 };
        true
    }
}

/// The slot of a type, flags included.
#[inline]
fn slot(kind: u16) -> usize {
    usize::from(kind & TYPE_MASK).min(SLOTS - 1)
}

/// The four bytes of the header at `at`, as they are.
#[inline]
fn header_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|header| u32::from_ne_bytes(*header))
}

/// A header's type, flags included, and length. Both are in host byte order, the length first.
#[inline]
fn split(header: u32) -> (u16, usize) {
    let [l0, l1, t0, t1] = header.to_ne_bytes();
    (u16::from_ne_bytes([t0, t1]), u16::from_ne_bytes([l0, l1]).into())
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::message;
    use super::*;

    fn spans(layout: &Layout) -> Vec<Range<usize>> {
        (0..SLOTS).map(|kind| layout.span(kind)).collect()
    }

    /// What `bytes` are read as after other messages must be what they are read as on their own.
    fn assert_same_as_alone(layout: &mut Layout, bytes: &[u8]) {
        let mut alone = Layout::default();
        let expected = alone.read(bytes, 4);
        assert_eq!(layout.read(bytes, 4), expected);
        if expected {
            assert_eq!(spans(layout), spans(&alone));
        }
    }

    #[test]
    fn a_layout_that_was_kept_is_the_one_that_is_found() {
        let payloads: [&[u8]; 4] = [b"a payload", b"longer than the one before", b"", b"four"];
        let mut layout = Layout::default();
        for payload in payloads {
            for mark in [&[0, 0, 0, 1][..], &[0, 0, 0, 2]] {
                let bytes = message(2, 5, &[(1, &[8, 0, 1, 0]), (2, mark), (12, &[0, 0, 0, 9]), (9, payload)]);
                assert_same_as_alone(&mut layout, &bytes);
                assert!(layout.holds(&bytes, 4));
            }
        }
    }

    #[test]
    fn another_layout_is_not_taken_for_the_one_before() {
        let kept = message(2, 5, &[(1, &[8, 0, 1, 0]), (2, &[0, 0, 0, 1]), (9, b"a payload")]);
        let others: [&[(u16, &[u8])]; 6] = [
            &[(1, &[8, 0, 1, 0]), (9, b"a payload")],
            &[(1, &[8, 0, 1, 0]), (4, &[0, 0, 0, 1]), (9, b"a payload")],
            &[(1, &[8, 0, 1, 0]), (2, &[0, 0, 0, 1]), (10, b"a prefix!")],
            &[(1, &[8, 0, 1, 0]), (2, &[0, 0, 0, 1]), (9, b"a payload"), (12, &[0, 0, 0, 9])],
            &[(1, &[8, 0, 1, 0]), (2, &[0, 0, 0, 1, 2, 3, 4, 5]), (9, b"a payload")],
            &[(1, &[8, 0, 1, 0]), (2, &[0, 0, 0, 1])],
        ];
        for other in others {
            let mut layout = Layout::default();
            assert!(layout.read(&kept, 4));
            let other = message(2, 5, other);
            assert!(!layout.holds(&other, 4), "{other:?}");
            assert_same_as_alone(&mut layout, &other);
        }
    }

    #[test]
    fn a_message_that_was_cut_off_is_refused_after_a_whole_one() {
        let whole = message(2, 5, &[(1, &[8, 0, 1, 0]), (9, b"a payload")]);
        for length in 4..whole.len() {
            let mut layout = Layout::default();
            assert!(layout.read(&whole, 4));
            assert_same_as_alone(&mut layout, &whole[..length]);
        }
    }

    #[test]
    fn a_nested_attribute_does_not_take_a_messages_layout() {
        let bytes = message(2, 5, &[(1, &[8, 0, 1, 0]), (9, b"a payload")]);
        let mut layout = Layout::default();
        assert!(layout.read(&bytes, 4));
        assert!(!layout.holds(&bytes[4..], 0));
    }
}
