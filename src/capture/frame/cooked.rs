//! LINUX_SLL and LINUX_SLL2: cooked headers (linux/if_packet.h, tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html).

use super::Header;
use crate::capture::info::LinkAddress;
use crate::capture::interfaces::Interfaces;
use crate::capture::layers::Layers;
use crate::capture::message::{Direction, Hook, Message, family};

/// Packet types, linux/if_packet.h.
const TO_US: u8 = 0;
const BROADCAST: u8 = 1;
const MULTICAST: u8 = 2;
const TO_OTHERS: u8 = 3;
const OUTGOING: u8 = 4;

/// What a cooked header says of the interface and the sender.
pub struct Sender {
    packet_type: u8,
    interface: u32,
    hardware_type: u16,
    address: LinkAddress,
}

impl Sender {
    /// Of `message`. A packet that came in has its sender's address and its interface's ARPHRD type in the message;
    /// for one that goes out, both are the interface's own.
    pub fn of(message: &Message, layers: &Layers, interfaces: &mut Interfaces) -> Sender {
        let outgoing = message.direction() == Direction::Out;
        let interface = interface(message, outgoing);
        let known = message.hardware_type().filter(|_| !outgoing);
        let hardware_type = known.unwrap_or_else(|| interfaces.get(interface).hardware_type);
        // The IP families' link header is the one that a forwarded packet came in with.
        let link_header = layers.ethernet.filter(|_| !matches!(message.family(), family::IPV4 | family::IPV6));
        let address = match (link_header, message.link_address()) {
            (_, Some(address)) if !outgoing => address,
            (Some(ethernet), _) if outgoing => LinkAddress::new(&ethernet[6..12]),
            _ if outgoing => interfaces.get(interface).address,
            _ => LinkAddress::default(),
        };
        let packet_type = packet_type(message, layers, || interfaces.get(interface).address);
        Sender { packet_type, interface, hardware_type, address }
    }

    /// Version 1: packet type, ARPHRD type, address length, address, protocol.
    pub fn sll(&self, layers: &Layers, header: &mut Header) {
        header.push_u16(self.packet_type.into());
        header.push_u16(self.hardware_type);
        header.push_u16(self.address.as_bytes().len() as u16);
        header.push(&self.address.padded());
        protocol(header, layers);
        tag_behind(header, layers);
    }

    /// Version 2: protocol, reserved, interface index, ARPHRD type, packet type, address length, address.
    pub fn sll2(&self, layers: &Layers, header: &mut Header) {
        protocol(header, layers);
        header.push_u16(0);
        header.push(&self.interface.to_be_bytes());
        header.push_u16(self.hardware_type);
        header.push(&[self.packet_type, self.address.as_bytes().len() as u8]);
        header.push(&self.address.padded());
        tag_behind(header, layers);
    }
}

/// The tag's protocol where there is a tag: the header is then followed by the tag and the packet's ethertype, as
/// libpcap has it.
fn protocol(header: &mut Header, layers: &Layers) {
    header.push_u16(layers.vlan.map_or(layers.ethertype, |vlan| vlan.protocol));
}

fn tag_behind(header: &mut Header, layers: &Layers) {
    if let Some(vlan) = layers.vlan {
        header.push_u16(vlan.tci);
        header.push_u16(layers.ethertype);
    }
}

/// The interface that the packet came in by, or goes out by if it is outgoing; of a bridge table, the port.
fn interface(message: &Message, outgoing: bool) -> u32 {
    let bridged = message.family() == family::BRIDGE;
    let physical = |index: Option<u32>, port: Option<u32>| if bridged { port.or(index) } else { index };
    let input = physical(message.input_interface(), message.physical_input_interface());
    let output = physical(message.output_interface(), message.physical_output_interface());
    let (first, second) = if outgoing { (output, input) } else { (input, output) };
    first.or(second).unwrap_or(0)
}

/// The packet type: from the hook, and for a packet that came in from the address that it came to. `receiver` is the
/// interface's own.
fn packet_type(message: &Message, layers: &Layers, receiver: impl FnOnce() -> LinkAddress) -> u8 {
    match message.direction() {
        Direction::Out => OUTGOING,
        Direction::Both => TO_OTHERS,
        Direction::In => match layers.ethernet {
            Some([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ..]) => BROADCAST,
            Some([first, ..]) if first & 1 != 0 => MULTICAST,
            Some(ethernet) if takes_all(message) && ethernet[..6] != *receiver().as_bytes() => TO_OTHERS,
            _ => TO_US,
        },
    }
}

/// Whether the hook sees packets to others, too: it stands before the choice.
fn takes_all(message: &Message) -> bool {
    match message.hook() {
        Some(Hook::Ingress) => true,
        Some(Hook::Prerouting) => message.family() == family::BRIDGE,
        _ => false,
    }
}
