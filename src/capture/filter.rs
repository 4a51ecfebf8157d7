//! Filters: which frames a capture delivers.

use super::frame::Frame;
use super::layers::{NetworkLayer, ethertype};
use super::link_type::LinkType;
use super::message::{Direction, Message};
use crate::bpf::Program;

/// What decides which frames are delivered.
#[derive(Clone, Debug)]
pub enum Filter {
    /// A program for frames of the capture's link type.
    Frame(Program),
    /// For link type NFLOG: a program for messages, and the one for raw IP packets that it was made of. An IP packet is
    /// judged by the latter, without a walk through its message, whose length is the record's all the same.
    Packet {
        /// The program for raw IP packets.
        packet: Program,
        /// The program for messages.
        message: Program,
    },
}

impl Filter {
    /// Which way a packet went, as far as the filter asks for it.
    #[inline]
    pub(super) fn way(&self, message: &Message) -> Direction {
        let (Filter::Frame(program) | Filter::Packet { packet: program, .. }) = self;
        if program.asks_packet_type() { message.direction() } else { Direction::Both }
    }

    /// Whether a frame passes: its bytes before the snaplen cuts them, its length, which way it went.
    #[inline]
    pub fn takes(&self, bytes: &[u8], len: usize, way: Direction) -> bool {
        let (Filter::Frame(program) | Filter::Packet { message: program, .. }) = self;
        program.run_typed(bytes, len as u32, packet_type(way)) != 0
    }

    /// Whether the record passes of an IP packet that was not cut off: `frame` is all of it, and `packet` in it the packet.
    #[inline]
    pub(super) fn takes_whole(&self, link_type: LinkType, frame: &[u8], packet: &[u8], way: Direction) -> bool {
        match (self, link_type) {
            (Filter::Packet { packet: program, .. }, LinkType::Nflog) => {
                program.run_typed(packet, frame.len() as u32, packet_type(way)) != 0
            }
            _ => self.takes(frame, frame.len(), way),
        }
    }

    /// Whether the frame of `message` passes that has no header in front of the message's bytes.
    #[inline]
    pub(super) fn takes_headless(&self, link_type: LinkType, message: &Message, frame: &Frame) -> bool {
        let way = self.way(message);
        if let (Filter::Packet { packet, .. }, LinkType::Nflog) = (self, link_type) {
            let NetworkLayer { ethertype, at } = NetworkLayer::of(message);
            if matches!(ethertype, ethertype::IPV4 | ethertype::IPV6) && at == 0 {
                return packet.run_typed(message.payload(), frame.len as u32, packet_type(way)) != 0;
            }
        }
        self.takes(&message.bytes()[frame.bytes.clone()], frame.len, way)
    }
}

/// As linux/if_packet.h has it, as far as filters tell: outgoing, or to us.
fn packet_type(way: Direction) -> u8 {
    if way == Direction::Out { 4 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::{message, parsed};
    use super::*;
    use crate::bpf::Instruction;

    const V4: &[u8] = &[0x45, 0, 0, 100, 1, 2, 3, 4];

    fn program(instructions: &[(u16, u8, u8, u32)]) -> Program {
        let instructions: Vec<_> =
            instructions.iter().map(|&(code, jt, jf, k)| Instruction { code, jt, jf, k }).collect();
        Program::new(&instructions).unwrap()
    }

    fn whole(bytes: &[u8], len: usize) -> Frame {
        Frame { bytes: 0..bytes.len(), len, overhead: 0, counted: 0 }
    }

    #[test]
    fn an_ip_packet_in_a_message_is_judged_by_the_packets_program_and_any_other_by_the_messages() {
        // The packet's: is the record 100 bytes long? The message's: never.
        let packet = program(&[(0x80, 0, 0, 0), (0x15, 0, 1, 100), (0x06, 0, 0, 1), (0x06, 0, 0, 0)]);
        let filter = Filter::Packet { packet, message: program(&[(0x06, 0, 0, 0)]) };
        let judged = |family, protocol: [u8; 2], untold| {
            let bytes = message(family, 5, &[(1, &[protocol[0], protocol[1], 1, 0]), (9, V4)]);
            filter.takes_headless(LinkType::Nflog, &parsed(&bytes), &whole(&bytes, bytes.len() + untold))
        };
        assert!(judged(2, [8, 0], 76) && judged(7, [8, 0], 76) && judged(10, [0x86, 0xdd], 76));
        assert!(!judged(2, [8, 0], 75));
        assert!(!judged(3, [8, 6], 76) && !judged(7, [0x81, 0], 76));
    }

    #[test]
    fn a_packets_program_is_not_run_on_frames_of_another_link_type() {
        let filter = Filter::Packet { packet: program(&[(0x06, 0, 0, 1)]), message: program(&[(0x06, 0, 0, 0)]) };
        let bytes = message(2, 5, &[(1, &[8, 0, 1, 0]), (9, V4)]);
        assert!(!filter.takes_headless(LinkType::Raw, &parsed(&bytes), &whole(&bytes, 100)));
    }

    #[test]
    fn a_program_can_ask_which_way_a_packet_went() {
        let outbound = program(&[(0x28, 0, 0, 0xffff_f004), (0x15, 0, 1, 4), (0x06, 0, 0, 1), (0x06, 0, 0, 0)]);
        let filter = Filter::Frame(outbound.clone());
        assert!(filter.takes(V4, 100, Direction::Out) && !filter.takes(V4, 100, Direction::In));
        assert_eq!(outbound.run(V4, 100), 0);
    }
}
