//! What a cooked header says of an interface that the kernel's message names by its index alone: its ARPHRD type and
//! its link address. Each interface is asked once.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::info::LinkAddress;
use super::sys;

/// ARPHRD_VOID, linux/if_arp.h: nothing is known.
const UNKNOWN: u16 = 0xffff;

/// ARPHRD types, linux/if_arp.h, whose addresses have six bytes.
const SIX_BYTES: [u16; 5] = [1, 6, 772, 801, 803];

/// An interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its ARPHRD type; 0xffff where it is not known.
    pub hardware_type: u16,
    /// Its link address; empty where it has none, or is not known.
    pub address: LinkAddress,
}

/// The interfaces that were asked for so far.
pub struct Interfaces {
    /// A socket of the network namespace that the interfaces are in.
    socket: Arc<OwnedFd>,
    known: Vec<(u32, Interface)>,
}

impl Interfaces {
    /// Of the network namespace of `socket`.
    pub fn new(socket: Arc<OwnedFd>) -> Self {
        Interfaces { socket, known: Vec::new() }
    }

    /// The interface with `index`, as it was when it was first asked for.
    #[inline]
    pub fn get(&mut self, index: u32) -> Interface {
        match self.known.iter().find(|known| known.0 == index) {
            Some(&(_, interface)) => interface,
            None => self.ask(index),
        }
    }

    #[cold]
    fn ask(&mut self, index: u32) -> Interface {
        let interface = match sys::interface(&self.socket, index) {
            Ok((hardware_type, address)) => {
                let length = if SIX_BYTES.contains(&hardware_type) { 6 } else { 0 };
                Interface { hardware_type, address: LinkAddress::new(&address[..length]) }
            }
            // It is gone, or in another namespace by now.
            Err(_) => Interface { hardware_type: UNKNOWN, address: LinkAddress::default() },
        };
        self.known.push((index, interface));
        interface
    }
}
