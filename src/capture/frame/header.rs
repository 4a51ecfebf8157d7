//! A link header that is made here: few bytes, on the stack.

/// A link header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    bytes: [u8; Header::LONGEST],
    length: usize,
}

impl Header {
    /// The longest header: Linux cooked v2 and a VLAN tag.
    pub const LONGEST: usize = 24;

    /// Begins anew.
    #[inline]
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// Adds bytes at the end. What does not fit is a mistake in this module's callers, whose headers are of fixed
    /// lengths.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// Adds 16 bits in network order.
    #[inline]
    pub fn push_u16(&mut self, value: u16) {
        self.push(&value.to_be_bytes());
    }

    /// Its bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Its length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is no header.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}
