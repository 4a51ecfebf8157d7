//! Records: where the bytes of the one in hand are.
//!
//! A record stays in the batch's buffer where it can: a link header that is made here is written over the bytes
//! before the packet, which the message needs no more. Only a record that was cut off is copied, into a window with
//! nothing but zeros behind it: some programs read a packet's true length.

use std::io;
use std::ops::Range;

use super::batch::{DATAGRAM_MAX, MESSAGE_HEADER};
use super::frame::{Frame, Header, LONGEST_PACKET};
use super::layout::{ATTRIBUTE_HEADER, Layout};
use super::message::Message;
use super::stamp::Stamp;
use super::sys::Pages;

/// A packet as the capture delivers it.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// When the packet was at its hook: the kernel's stamp, or an estimate.
    pub stamp: Stamp,
    /// The record's length in bytes before truncation, link header included.
    pub len: u32,
    /// The captured bytes, in the capture's link type. 64 KiB behind them are readable; where fewer than `len` were
    /// captured they are zeros.
    pub data: &'a [u8],
}

/// The record in hand.
pub struct Current {
    pub stamp: Stamp,
    len: u32,
    /// In the batch's buffer, or in the window.
    data: Range<usize>,
    in_window: bool,
    window: Window,
    /// Where in the batch's buffer its message is; empty when there is none.
    message: Range<usize>,
    /// What a link header was written over, and where.
    covered: Vec<u8>,
    covered_at: usize,
    /// The message as it was.
    uncovered: Vec<u8>,
    layout: Layout,
}

/// A copy of a record that was cut off.
struct Window {
    buffer: Pages,
    used: usize,
}

impl Window {
    /// With room for any record, and for any true length behind it.
    fn new() -> io::Result<Window> {
        Ok(Window { buffer: Pages::new(Header::LONGEST + DATAGRAM_MAX + LONGEST_PACKET)?, used: 0 })
    }

    fn copy(&mut self, header: &[u8], bytes: &[u8]) {
        let length = header.len() + bytes.len();
        self.buffer[..header.len()].copy_from_slice(header);
        self.buffer[header.len()..length].copy_from_slice(bytes);
        self.cut(length);
    }

    /// Leaves `length` bytes and zeros behind them.
    fn cut(&mut self, length: usize) {
        if length < self.used {
            self.buffer[length..self.used].fill(0);
        }
        self.used = length;
    }
}

impl Current {
    /// None yet.
    pub fn new() -> io::Result<Current> {
        Ok(Current {
            stamp: Stamp::default(),
            len: 0,
            data: 0..0,
            in_window: false,
            window: Window::new()?,
            message: 0..0,
            covered: Vec::new(),
            covered_at: 0,
            uncovered: Vec::new(),
            layout: Layout::default(),
        })
    }

    /// Makes the record of a frame whose message is at `message` in `buffer`, the batch's.
    #[inline]
    pub fn place(&mut self, header: &Header, frame: &Frame, buffer: &mut [u8], message: Range<usize>) {
        let bytes = message.start + frame.bytes.start..message.start + frame.bytes.end;
        self.len = frame.len as u32;
        if !self.covered.is_empty() {
            self.covered.clear();
        }
        self.in_window = header.len() > frame.bytes.start + MESSAGE_HEADER;
        if self.in_window {
            self.data = 0..header.len() + bytes.len();
            self.window.copy(header.as_bytes(), &buffer[bytes]);
        } else {
            self.data = bytes.start - header.len()..bytes.end;
            if !header.is_empty() {
                let room = self.data.start..bytes.start;
                self.covered_at = room.start;
                self.covered.extend_from_slice(&buffer[room.clone()]);
                buffer[room].copy_from_slice(header.as_bytes());
            }
        }
        self.message = message;
    }

    /// Makes the record of all bytes at `data` in the batch's buffer, of the message at `message`.
    #[inline]
    pub fn point(&mut self, data: Range<usize>, message: Range<usize>, stamp: Stamp) {
        if !self.covered.is_empty() {
            self.covered.clear();
        }
        self.len = data.len() as u32;
        (self.data, self.message, self.stamp, self.in_window) = (data, message, stamp, false);
    }

    /// Cuts the record off at `caplen` bytes, of which `overhead` stand before what is cut. One that has less than its
    /// packet had is copied.
    #[inline]
    pub fn cut(&mut self, caplen: usize, overhead: usize, buffer: &[u8]) {
        let cut_off = caplen < self.data.len();
        if caplen < self.len as usize {
            if self.in_window {
                self.window.cut(caplen);
            } else {
                self.window.copy(&[], &buffer[self.data.start..self.data.start + caplen]);
            }
            self.data = 0..caplen;
            self.in_window = true;
        }
        if cut_off && overhead >= ATTRIBUTE_HEADER {
            // What was cut is an attribute: its length says so.
            let attribute = overhead - ATTRIBUTE_HEADER;
            let length = (caplen - attribute) as u16;
            self.window.buffer[attribute..attribute + 2].copy_from_slice(&length.to_ne_bytes());
        }
    }

    /// The record's bytes; `buffer` is the batch's.
    #[inline]
    pub fn data<'a>(&'a self, buffer: &'a [u8]) -> &'a [u8] {
        let buffer = if self.in_window { &*self.window.buffer } else { buffer };
        buffer.get(self.data.clone()).unwrap_or(&[])
    }

    /// The record; `buffer` is the batch's.
    #[inline]
    pub fn record<'a>(&'a self, buffer: &'a [u8]) -> Record<'a> {
        Record { stamp: self.stamp, len: self.len, data: self.data(buffer) }
    }

    /// There is no record in hand any more.
    #[inline]
    pub fn clear(&mut self) {
        self.message = 0..0;
    }

    /// The record's message; `buffer` is the batch's. `None` when there is no record in hand.
    pub fn message<'a>(&'a mut self, buffer: &'a [u8]) -> Option<Message<'a>> {
        let whole = buffer.get(self.message.clone()).filter(|bytes| !bytes.is_empty())?;
        if self.covered.is_empty() {
            return Message::parse(whole, &mut self.layout);
        }
        // The header may begin in the message's own header, which is not part of it.
        let from = self.covered_at.max(self.message.start);
        let covered = &self.covered[from - self.covered_at..];
        let at = from - self.message.start;
        self.uncovered.clear();
        self.uncovered.extend_from_slice(whole);
        self.uncovered[at..at + covered.len()].copy_from_slice(covered);
        Message::parse(&self.uncovered, &mut self.layout)
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::READABLE_TAIL;
    use super::super::message::tests::{message, parsed};
    use super::*;

    const BEFORE: usize = 100;

    /// A buffer with a message at its middle and something else all around it.
    fn buffer(message: &[u8]) -> (Vec<u8>, Range<usize>) {
        let buffer = [&[0xaa; BEFORE][..], message, &[0xbb; BEFORE]].concat();
        (buffer, BEFORE..BEFORE + message.len())
    }

    fn frame(bytes: Range<usize>, len: usize) -> Frame {
        let counted = bytes.len();
        Frame { bytes, len, overhead: 0, counted }
    }

    fn header(bytes: &[u8]) -> Header {
        let mut header = Header::default();
        header.push(bytes);
        header
    }

    #[test]
    fn a_whole_record_stays_where_it_is() {
        let message = message(2, 5, &[(9, b"packet")]);
        let (mut buffer, range) = buffer(&message);
        let before = buffer.clone();
        let mut current = Current::new().unwrap();
        current.place(&header(b""), &frame(8..14, 6), &mut buffer, range);
        current.cut(6, 0, &buffer);
        assert_eq!(current.record(&buffer).data, b"packet");
        assert_eq!(buffer, before);
        assert_eq!(current.message(&buffer).unwrap().payload(), b"packet");
    }

    #[test]
    fn a_header_is_written_before_the_packet_and_the_message_is_still_told() {
        let message = message(2, 5, &[(12, &[0, 0, 0, 9]), (9, b"packet")]);
        let (mut buffer, range) = buffer(&message);
        let mut current = Current::new().unwrap();
        current.place(&header(b"HEADERHEADERHEADERHE"), &frame(16..22, 26), &mut buffer, range);
        current.cut(26, 0, &buffer);
        assert_eq!(current.record(&buffer).data, b"HEADERHEADERHEADERHEpacket");
        assert_eq!(buffer[..BEFORE - 16], [0xaa; BEFORE - 16]);
        let message = current.message(&buffer).unwrap();
        assert_eq!((message.group(), message.sequence(), message.payload()), (5, Some(9), &b"packet"[..]));
        current.clear();
        assert!(current.message(&buffer).is_none());
    }

    #[test]
    fn a_message_that_was_cut_off_is_a_message_still() {
        let message = message(2, 5, &[(12, &[0, 0, 0, 9]), (9, b"a long packet")]);
        let (mut buffer, range) = buffer(&message);
        let mut current = Current::new().unwrap();
        let frame = Frame { bytes: 0..message.len(), len: message.len(), overhead: 16, counted: 13 };
        assert_eq!((frame.caplen(message.len(), 13), frame.caplen(message.len(), 6)), (message.len(), 22));
        current.place(&header(b""), &frame, &mut buffer, range);
        current.cut(22, 16, &buffer);
        let record = current.record(&buffer);
        assert_eq!(record.data.len(), 22);
        let cut = parsed(record.data);
        assert_eq!((cut.sequence(), cut.payload()), (Some(9), &b"a long"[..]));
    }

    #[test]
    fn a_record_that_was_cut_off_has_only_zeros_behind_it() {
        let message = message(2, 5, &[(9, b"a long packet")]);
        let (mut buffer, range) = buffer(&message);
        let mut current = Current::new().unwrap();
        for (made, caplen, expected) in
            [(&b""[..], 13, &b"a long packet"[..]), (b"HH", 8, b"HHa long"), (b"HH", 1, b"H")]
        {
            current.place(&header(made), &frame(8..21, 1000), &mut buffer, range.clone());
            current.cut(caplen, 0, &buffer);
            assert_eq!(current.record(&buffer).data, expected);
            assert_eq!(current.record(&buffer).len, 1000);
            let behind = &current.window.buffer[caplen..];
            assert!(behind.len() >= READABLE_TAIL && behind.iter().all(|&byte| byte == 0), "caplen {caplen}");
        }
    }
}
