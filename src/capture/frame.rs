//! Frames: what a record is made of under each link type.
//!
//! A record has the bytes, the length and the link header that AF_PACKET captures of the same packet (`tests/oracle`),
//! but where the kernel's hooks stand elsewhere, or its messages tell less:
//!
//! | where | a record differs from AF_PACKET's | because |
//! | --- | --- | --- |
//! | OUTPUT, POSTROUTING | EN10MB: addresses are zeros | the link header is made behind these hooks |
//! | POSTROUTING, forwarded | EN10MB: the header that the packet came in with | the kernel gives that one |
//! | OUTPUT, POSTROUTING | one packet, and no fragments of it | it is cut behind these hooks |
//! | INPUT, IPv4 | one packet, and no fragments of it | they are put together before this hook; IPv6 does so behind it |
//! | FORWARD | the packet as it came in, its hop count lowered; cooked type 3 (to others) | AF_PACKET has it twice, on its way in and on its way out |
//! | PREROUTING, INPUT, FORWARD | no padding | IP cuts off what stands behind the packet first |
//! | all hooks of IP | no tag | NFULA_VLAN is in the bridge and netdev families' messages only |
//! | IP, ARP | nothing of what raw sockets send and of packets to other hosts | they do not pass these hooks; ingress, egress and the bridge's see them |
//! | POSTROUTING, ingress, PREROUTING, INPUT | once more what this host sends to a group that it is in itself, coming back without a link header or sender, as one to us | AF_PACKET leaves it out |
//! | bridge INPUT, OUTPUT | SLL2: the port | AF_PACKET has it on the bridge and on the port; so this is one of both |
//! | egress | a packet before its last segmentation, where the device cannot send it whole | that is done behind this hook |
//! | all | at most 65,531 bytes of a packet | an attribute's length has 16 bits |
//! | ingress, egress, bridge | len is what the IP header claims, though there was less | the message does not tell whether all of the packet was copied |
//! | all | len = caplen for IPv4 packets of 64 KiB and more, and what is cut off behind an IP packet is not in len | no field of the packet or of the message tells it |
//!
//! Checksums that a device is yet to fill in are as unfinished here as there. With connection tracking, the fragments of
//! both families are put together before PREROUTING already.

mod cooked;
mod ethernet;
mod header;
mod length;

use std::ops::Range;

pub use header::Header;
pub use length::LONGEST as LONGEST_PACKET;

use super::interfaces::Interfaces;
use super::layers::{Layers, NetworkLayer, ethertype};
use super::link_type::LinkType;
use super::message::{Message, attribute};

/// What a message becomes under a link type: bytes of the message, behind the header that was made for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Which bytes of the message follow the header.
    pub bytes: Range<usize>,
    /// The length in bytes before any truncation, header included.
    pub len: usize,
    /// How many of the frame's bytes the snaplen does not count: for NFLOG, what stands before the payload.
    pub overhead: usize,
    /// How many of the frame's bytes the snaplen counts.
    pub counted: usize,
}

impl Frame {
    /// How many bytes are left of the frame's `captured` under a snaplen.
    #[inline]
    pub fn caplen(&self, captured: usize, snaplen: usize) -> usize {
        if self.counted > snaplen { self.overhead + snaplen } else { captured }
    }
}

/// The frame of `message` under `link_type`, with its header, if it has one, in `header`; `None` when the link type
/// cannot hold the packet.
#[inline]
pub fn frame(
    link_type: LinkType,
    message: &Message,
    interfaces: &mut Interfaces,
    header: &mut Header,
) -> Option<Frame> {
    header.clear();
    match link_type {
        LinkType::Raw | LinkType::Ipv4 | LinkType::Ipv6 => packet(link_type, message),
        LinkType::Nflog => Some(whole_message(message)),
        _ => Some(linked(link_type, message, interfaces, header)),
    }
}

/// The packet behind a link header.
fn linked(link_type: LinkType, message: &Message, interfaces: &mut Interfaces, header: &mut Header) -> Frame {
    let layers = Layers::of(message);
    let start = if link_type == LinkType::Ethernet {
        ethernet::header(message, &layers, header)
    } else {
        let sender = cooked::Sender::of(message, &layers, interfaces);
        if link_type == LinkType::Sll {
            sender.sll(&layers, header)
        } else {
            sender.sll2(&layers, header)
        }
        layers.network
    };
    behind(header.len(), message, layers.network_layer(), start)
}

/// Where the payload's bytes begin in the message.
#[inline]
fn payload_start(message: &Message) -> Option<usize> {
    message.offset(attribute::PAYLOAD)
}

/// The IP packet alone, behind all tags.
#[inline]
fn packet(link_type: LinkType, message: &Message) -> Option<Frame> {
    let payload = message.payload();
    let (kind, at) = NetworkLayer::of(message).innermost(payload);
    let holds = match kind {
        ethertype::IPV4 => link_type != LinkType::Ipv6,
        ethertype::IPV6 => link_type != LinkType::Ipv4,
        _ => false,
    };
    if !holds {
        return None;
    }
    let start = payload_start(message).unwrap_or(0);
    let len = length::of_packet(kind, &payload[at..]);
    Some(Frame { bytes: start + at..start + payload.len(), len, overhead: 0, counted: payload.len() - at })
}

/// The payload from `start` on, behind a header of so many bytes.
fn behind(header: usize, message: &Message, network: NetworkLayer, start: usize) -> Frame {
    let payload = message.payload();
    let (kind, at) = network.innermost(payload);
    let start = start.min(at);
    let len = header + (at - start) + length::of_packet(kind, &payload[at..]);
    let first = payload_start(message).unwrap_or(0);
    let counted = header + payload.len() - start;
    Frame { bytes: first + start..first + payload.len(), len, overhead: 0, counted }
}

/// The message as LINKTYPE_NFLOG has it. Of its bytes, the snaplen counts the payload's.
#[inline]
fn whole_message(message: &Message) -> Frame {
    let bytes = 0..message.bytes().len();
    let payload = message.payload();
    let (kind, at) = NetworkLayer::of(message).innermost(payload);
    let whole = at + length::of_packet(kind, &payload[at..]);
    let overhead = payload_start(message).unwrap_or(bytes.end);
    // The kernel puts the payload last. Elsewhere, nothing can be cut off it.
    let last = bytes.end < overhead + payload.len() + 4;
    let (counted, len) = match last {
        // The whole packet's message would be padded, too.
        true if whole > payload.len() => (payload.len(), overhead + whole.next_multiple_of(4)),
        true => (payload.len(), bytes.end),
        false => (0, bytes.end + whole - payload.len()),
    };
    Frame { len, bytes, overhead, counted }
}

#[cfg(test)]
mod tests;
