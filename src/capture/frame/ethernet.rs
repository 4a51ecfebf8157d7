//! EN10MB: the true Ethernet header, the VLAN tag put back; where the kernel gave none, one made from what is known.

use super::Header;
use crate::capture::layers::{ETHERNET_HEADER, Layers};
use crate::capture::message::Message;

/// Two addresses: what stands before a tag.
const ADDRESSES: usize = 12;

/// Makes the header of `message`, and says where in the payload the bytes behind it begin.
pub fn header(message: &Message, layers: &Layers, header: &mut Header) -> usize {
    let Some(ethernet) = layers.ethernet else {
        // The addresses are not known (the packet has no link header yet, or its link is none), but for the sender's
        // where the kernel told it.
        let mut addresses = [0; ADDRESSES];
        if let Some(Ok(sender)) = message.link_address().map(|address| <[u8; 6]>::try_from(address.as_bytes())) {
            addresses[6..].copy_from_slice(&sender);
        }
        header.push(&addresses);
        tag(header, layers);
        header.push_u16(layers.ethertype);
        return layers.network;
    };
    if layers.vlan.is_none() && layers.network == ETHERNET_HEADER {
        // The payload begins with just this header.
        return 0;
    }
    header.push(&ethernet[..ADDRESSES]);
    tag(header, layers);
    header.push(&ethernet[ADDRESSES..]);
    layers.network
}

fn tag(header: &mut Header, layers: &Layers) {
    if let Some(vlan) = layers.vlan {
        header.push_u16(vlan.protocol);
        header.push_u16(vlan.tci);
    }
}
