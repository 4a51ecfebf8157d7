//! Netlink attributes, one after the other: `struct nlattr`, linux/netlink.h.

/// The type field's upper bits are NLA_F_NESTED and NLA_F_NET_BYTEORDER.
const TYPE_MASK: u16 = 0x3fff;
const HEADER: usize = 4;

/// The attributes of a message or inside of a nested one: type and value. Ends at the first that is not whole.
pub struct Attributes<'a>(pub &'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let &[l0, l1, t0, t1] = self.0.first_chunk::<HEADER>()?;
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let value = self.0.get(HEADER..length)?;
        // The last attribute's padding may be missing.
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some((u16::from_ne_bytes([t0, t1]) & TYPE_MASK, value))
    }
}

/// The value of the first attribute of type `kind`.
pub fn find(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    Attributes(bytes).find(|attribute| attribute.0 == kind).map(|attribute| attribute.1)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The bytes of an attribute.
    pub fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = (4 + value.len() as u16).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn attributes_are_taken_in_order_whatever_flags_their_types_have() {
        let bytes = [attribute(0x8001, b"abc"), attribute(2, b""), attribute(0x4003, b"defgh")].concat();
        let all: Vec<_> = Attributes(&bytes).collect();
        assert_eq!(all, [(1, &b"abc"[..]), (2, b""), (3, b"defgh")]);
        assert_eq!(find(&bytes, 3), Some(&b"defgh"[..]));
        assert_eq!(find(&bytes, 4), None);
    }

    #[test]
    fn attributes_that_are_not_whole_end_the_walk() {
        let bytes = attribute(1, b"abcdefgh");
        for length in 0..bytes.len() {
            assert_eq!(Attributes(&bytes[..length]).count(), 0, "{length}");
        }
        for length in 0..4u16 {
            let mut bytes = bytes.clone();
            bytes[..2].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(Attributes(&bytes).count(), 0, "{length}");
        }
    }
}
