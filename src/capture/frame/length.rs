//! The length of a packet before the kernel copied less of it: its own header tells.

use crate::capture::layers::ethertype;

/// The fixed part of an IPv6 header.
const IPV6_HEADER: usize = 40;

/// The longest packet that the kernel makes or passes on (`GSO_MAX_SIZE`, linux/netdevice.h).
pub const LONGEST: usize = 8 * 65_535;

/// `IPPROTO_TCP`.
const TCP: u8 = 6;

/// The least that a TCP packet has whose header says 0. Segmentation offload has yet to split it (or has merged it), and its
/// length does not fit 16 bits (`iph_set_totlen`, linux/ip.h; `ipv6_set_payload_len`, net/ipv6.h).
const OFFLOADED_MIN: usize = 65_536;

/// The length in bytes that the packet of the given ethertype had; never below what was copied of it. Where its
/// header does not tell (it was cut off, or the protocol has no such field), what was copied is all that is known, and
/// of a TCP packet whose length does not fit the field, that it does not. Whether less than the packet was copied is not known, as each rule may say how much: so a
/// header that claims more than there is, where IP has not looked at it yet, is believed.
#[inline]
pub fn of_packet(kind: u16, packet: &[u8]) -> usize {
    let claimed = match kind {
        ethertype::IPV4 => of_ipv4(packet),
        ethertype::IPV6 => of_ipv6(packet),
        ethertype::ARP => of_arp(packet),
        _ => None,
    };
    claimed.unwrap_or(0).max(packet.len())
}

/// Total Length, RFC 791.
#[inline]
fn of_ipv4(packet: &[u8]) -> Option<usize> {
    let &[_, _, high, low] = packet.first_chunk()?;
    match u16::from_be_bytes([high, low]) {
        0 => (*packet.get(9)? == TCP).then_some(OFFLOADED_MIN),
        length => Some(length.into()),
    }
}

/// Payload Length, RFC 8200; where it is 0, the Jumbo Payload option of a Hop-by-Hop header, RFC 2675.
#[inline]
fn of_ipv6(packet: &[u8]) -> Option<usize> {
    let &[_, _, _, _, high, low, next_header] = packet.first_chunk()?;
    let length = match u16::from_be_bytes([high, low]) {
        0 if next_header == 0 => jumbo(packet)?,
        0 if next_header == TCP => OFFLOADED_MIN,
        0 => return None,
        length => length.into(),
    };
    Some(IPV6_HEADER + length)
}

fn jumbo(packet: &[u8]) -> Option<usize> {
    const PAD1: u8 = 0;
    const JUMBO: u8 = 0xc2;
    let &[_, units] = packet.get(IPV6_HEADER..)?.first_chunk()?;
    let end = packet.len().min(IPV6_HEADER + (usize::from(units) + 1) * 8);
    let mut options = packet.get(IPV6_HEADER + 2..end)?;
    loop {
        options = match *options {
            [PAD1, ref rest @ ..] => rest,
            // A packet can claim anything before IP has looked at it: four gigabytes, for one.
            [JUMBO, 4, a, b, c, d, ..] => {
                return Some(u32::from_be_bytes([a, b, c, d]) as usize).filter(|&length| length <= LONGEST);
            }
            [_, length, ref rest @ ..] => rest.get(usize::from(length)..)?,
            _ => return None,
        }
    }
}

/// RFC 826: the lengths of the two addresses are in the header, and there are two of each.
fn of_arp(packet: &[u8]) -> Option<usize> {
    let &[_, _, _, _, hardware, protocol] = packet.first_chunk()?;
    Some(8 + 2 * (usize::from(hardware) + usize::from(protocol)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_and_ipv6_tell_their_length() {
        assert_eq!(of_packet(ethertype::IPV4, &[0x45, 0, 0x01, 0x00]), 256);
        assert_eq!(of_packet(ethertype::IPV6, &[0x60, 0, 0, 0, 0x01, 0x00, 17]), 296);
        assert_eq!(of_packet(ethertype::ARP, &[0, 1, 8, 0, 6, 4]), 28);
    }

    #[test]
    fn what_was_copied_is_the_least() {
        assert_eq!(of_packet(ethertype::IPV4, &[0x45, 0, 0, 2, 9, 9]), 6);
        assert_eq!(of_packet(ethertype::IPV4, &[0x45, 0, 0, 0, 9, 9]), 6);
        assert_eq!(of_packet(ethertype::IPV6, &[0x60, 0, 0, 0, 0, 0, 17, 64]), 8);
        for length in 0..4 {
            assert_eq!(of_packet(ethertype::IPV4, &[0x45, 0, 9, 9][..length]), length);
        }
        assert_eq!(of_packet(0x88cc, &[1, 2, 3]), 3);
        assert_eq!(of_packet(ethertype::IPV4, &[]), 0);
    }

    #[test]
    fn a_tcp_packet_whose_length_does_not_fit_the_header_is_at_least_so_long() {
        let v4 = |protocol| [0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol];
        assert_eq!(of_packet(ethertype::IPV4, &v4(6)), 65_536);
        assert_eq!(of_packet(ethertype::IPV4, &v4(17)), 10);
        assert_eq!(of_packet(ethertype::IPV6, &[0x60, 0, 0, 0, 0, 0, 6, 64]), 40 + 65_536);
    }

    #[test]
    fn a_jumbograms_length_is_in_its_option() {
        let mut packet = vec![0x60, 0, 0, 0, 0, 0, 0, 64];
        packet.resize(40, 0);
        packet.extend([6, 1, 0, 1, 1, 9, 0xc2, 4, 0, 2, 0, 0, 5, 5, 5, 5]);
        assert_eq!(of_packet(ethertype::IPV6, &packet), 40 + 0x20000);
        for length in 40..52 {
            assert_eq!(of_packet(ethertype::IPV6, &packet[..length]), length, "cut to {length}");
        }
        packet[48..52].fill(0xff);
        assert_eq!(of_packet(ethertype::IPV6, &packet), packet.len(), "no packet is that long");
    }
}
