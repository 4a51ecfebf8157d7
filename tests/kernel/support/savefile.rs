//! Savefiles of many kinds, made byte by byte: what a library under test wrote proves nothing about reading.

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;

const ETHERNET: u32 = 1;

/// A savefile in the classic format, whose numbers are written by `number`. The packets have the bytes 0, 1, 2, …
/// after `header`.
fn classic(number: fn(u32) -> [u8; 4], magic: u32, link_type: u32, header: &[u8], lens: &[usize]) -> Vec<u8> {
    let [major, minor] = [2u32, 4].map(|part| {
        // Two 16-bit numbers: the significant half of a 32-bit one.
        let bytes = number(part);
        if bytes[0] == 0 { [bytes[2], bytes[3]] } else { [bytes[0], bytes[1]] }
    });
    let mut file = number(magic).to_vec();
    file.extend([major, minor].concat());
    for field in [0, 0, 65_535, link_type] {
        file.extend(number(field));
    }
    for (index, &len) in lens.iter().enumerate() {
        let mut packet = header.to_vec();
        packet.extend((0..=255).cycle().take(len.saturating_sub(header.len())));
        // Every other one was cut.
        let caplen = if index % 2 == 0 { packet.len() } else { packet.len() / 2 };
        for field in [1_700_000_000 + index as u32, 123_456 + index as u32, caplen as u32, packet.len() as u32] {
            file.extend(number(field));
        }
        file.extend(&packet[..caplen]);
    }
    file
}

/// A savefile of Ethernet frames with these lengths, each captured whole or by half.
pub fn ethernet(lens: &[usize]) -> Vec<u8> {
    classic(u32::to_le_bytes, MICROSECONDS, ETHERNET, &[], lens)
}

/// UDP to port 9000 over IPv4.
const UDP: &[u8] =
    &[0x45, 0, 0, 60, 0, 1, 0x40, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1, 0x80, 0, 0x23, 0x28, 0, 40, 0, 0];

/// Savefiles of every byte order, resolution, format and many link types, sound and broken ones.
pub fn all_kinds() -> Vec<(&'static str, Vec<u8>)> {
    let lens = [60, 61, 1514, 28, 100];
    let with = |link_header: &[u8]| [link_header, UDP].concat();
    let link = |link_type, header: &[u8]| classic(u32::to_le_bytes, MICROSECONDS, link_type, &with(header), &lens);
    let mut broken = ethernet(&lens);
    broken.truncate(broken.len() - 3);
    vec![
        ("ethernet", link(ETHERNET, &[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 8, 0])),
        ("null", link(0, &[2, 0, 0, 0])),
        ("raw", link(101, &[])),
        ("ipv4", link(228, &[])),
        ("802.11", link(105, &[8, 0, 0, 0])),
        ("sll", link(113, &[0, 4, 3, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0])),
        ("nflog", link(239, &[2, 0, 0, 5, 0x41, 0, 9, 0])),
        ("sll2", link(276, &[8, 0, 0, 0, 0, 0, 0, 1, 3, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0])),
        ("unknown-link-type", link(9999, &[])),
        ("big-endian", classic(u32::to_be_bytes, MICROSECONDS, 101, UDP, &lens)),
        ("nanoseconds", classic(u32::to_le_bytes, NANOSECONDS, 101, UDP, &lens)),
        ("big-endian-nanoseconds", classic(u32::to_be_bytes, NANOSECONDS, 101, UDP, &lens)),
        ("pcapng", pcapng(&lens)),
        ("no-packets", ethernet(&[])),
        ("cut-off", broken),
        ("empty", Vec::new()),
        ("not-a-savefile", b"this is no savefile at all, whatever it is called".to_vec()),
    ]
}

/// The same in the pcapng format: a section, an interface, and enhanced packet blocks.
fn pcapng(lens: &[usize]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut block = |kind: u32, body: &[u8]| {
        let total = (12 + body.len()) as u32;
        file.extend([kind.to_le_bytes(), total.to_le_bytes()].concat());
        file.extend(body);
        file.extend(total.to_le_bytes());
    };
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    block(0x0a0d_0d0a, &words(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]));
    block(1, &words(&[101, 65_535]));
    for (index, &len) in lens.iter().enumerate() {
        let mut packet = UDP.to_vec();
        packet.resize(len.max(UDP.len()), index as u8);
        let len = packet.len() as u32;
        let mut body = words(&[0, 395_812, 1_000_000 * index as u32, len, len]);
        packet.resize(packet.len().next_multiple_of(4), 0);
        body.extend(packet);
        block(6, &body);
    }
    file
}
