//! Runs programs (`bpf_filter`, libpcap): a load outside of the packet, a division by zero and an operation that
//! does not exist reject the packet.

use super::decode::Op;
use super::program::MEMORY_WORDS;

/// How many jumps backwards a run may make. A chain of headers in 256 KiB has fewer; but on some packets, libpcap's
/// `protochain` never comes to an end (behind an authentication header), and a packet must not stop a capture.
const ROUNDS_MAX: u32 = 1 << 16;

/// Runs a program on `packet`, the captured bytes of a packet that was `len` bytes long. `packet_type` is what
/// linux/if_packet.h calls the packet's way; a program that asks for it where it is not known rejects the packet.
#[inline]
pub(super) fn run(ops: &[Op], packet: &[u8], len: u32, packet_type: Option<u8>) -> u32 {
    execute(ops, packet, len, packet_type).unwrap_or(0)
}

fn execute(ops: &[Op], packet: &[u8], len: u32, packet_type: Option<u8>) -> Option<u32> {
    let mut a = 0u32;
    let mut x = 0u32;
    let mut memory = [0u32; MEMORY_WORDS];
    let mut at = 0usize;
    let mut rounds = ROUNDS_MAX;
    macro_rules! jump {
        ($holds:expr, $jt:expr, $jf:expr) => {
            at += usize::from(if $holds { $jt } else { $jf })
        };
    }
    macro_rules! test {
        ($value:expr, $mask:expr, $test:expr, $jt:expr, $jf:expr) => {{
            a = $value & $mask;
            jump!($test(a), $jt, $jf)
        }};
    }
    loop {
        // Validation has seen to it that there is always a next one: the check stands in for unsafe code.
        let op = ops.get(at)?;
        at += 1;
        match *op {
            Op::WordEq { jt, jf, at: from, mask, k } => test!(word(packet, from)?, mask, |a| a == k, jt, jf),
            Op::WordGt { jt, jf, at: from, mask, k } => test!(word(packet, from)?, mask, |a| a > k, jt, jf),
            Op::WordGe { jt, jf, at: from, mask, k } => test!(word(packet, from)?, mask, |a| a >= k, jt, jf),
            Op::WordSet { jt, jf, at: from, mask, k } => test!(word(packet, from)?, mask, |a| a & k != 0, jt, jf),
            Op::HalfEq { jt, jf, at: from, mask, k } => test!(half(packet, from)?, mask, |a| a == k, jt, jf),
            Op::HalfGt { jt, jf, at: from, mask, k } => test!(half(packet, from)?, mask, |a| a > k, jt, jf),
            Op::HalfGe { jt, jf, at: from, mask, k } => test!(half(packet, from)?, mask, |a| a >= k, jt, jf),
            Op::HalfSet { jt, jf, at: from, mask, k } => test!(half(packet, from)?, mask, |a| a & k != 0, jt, jf),
            Op::ByteEq { jt, jf, at: from, mask, k } => test!(byte(packet, from)?, mask, |a| a == k, jt, jf),
            Op::ByteGt { jt, jf, at: from, mask, k } => test!(byte(packet, from)?, mask, |a| a > k, jt, jf),
            Op::ByteGe { jt, jf, at: from, mask, k } => test!(byte(packet, from)?, mask, |a| a >= k, jt, jf),
            Op::ByteSet { jt, jf, at: from, mask, k } => test!(byte(packet, from)?, mask, |a| a & k != 0, jt, jf),
            Op::HalfAtXEq { jt, jf, at: from, mask, k } => {
                test!(half(packet, x.checked_add(from)?)?, mask, |a| a == k, jt, jf)
            }
            Op::HalfAtXGt { jt, jf, at: from, mask, k } => {
                test!(half(packet, x.checked_add(from)?)?, mask, |a| a > k, jt, jf)
            }
            Op::HalfAtXGe { jt, jf, at: from, mask, k } => {
                test!(half(packet, x.checked_add(from)?)?, mask, |a| a >= k, jt, jf)
            }
            Op::ByteAtXEq { jt, jf, at: from, mask, k } => {
                test!(byte(packet, x.checked_add(from)?)?, mask, |a| a == k, jt, jf)
            }
            Op::ByteAtXSet { jt, jf, at: from, mask, k } => {
                test!(byte(packet, x.checked_add(from)?)?, mask, |a| a & k != 0, jt, jf)
            }
            Op::Eq { jt, jf, mask, k } => test!(a, mask, |a| a == k, jt, jf),
            Op::Gt { jt, jf, mask, k } => test!(a, mask, |a| a > k, jt, jf),
            Op::Ge { jt, jf, mask, k } => test!(a, mask, |a| a >= k, jt, jf),
            Op::Set { jt, jf, mask, k } => test!(a, mask, |a| a & k != 0, jt, jf),
            Op::AnyOf { jt, jf, k } => jump!((a == k[0]) | (a == k[1]) | (a == k[2]), jt, jf),
            Op::EqX { jt, jf } => jump!(a == x, jt, jf),
            Op::GtX { jt, jf } => jump!(a > x, jt, jf),
            Op::GeX { jt, jf } => jump!(a >= x, jt, jf),
            Op::SetX { jt, jf } => jump!(a & x != 0, jt, jf),
            Op::Goto(to) => {
                if (to as usize) < at {
                    rounds = rounds.checked_sub(1)?;
                }
                at = to as usize;
            }
            Op::Word(from) => a = word(packet, from)?,
            Op::Half(from) => a = half(packet, from)?,
            Op::Byte(from) => a = byte(packet, from)?,
            Op::WordAtX(from) => a = word(packet, x.checked_add(from)?)?,
            Op::HalfAtX(from) => a = half(packet, x.checked_add(from)?)?,
            Op::ByteAtX(from) => a = byte(packet, x.checked_add(from)?)?,
            Op::PacketType => a = packet_type?.into(),
            Op::Length => a = len,
            Op::LengthToX => x = len,
            Op::HeaderLengthToX(from) => x = (byte(packet, from)? & 0xf) << 2,
            Op::Constant(k) => a = k,
            Op::ConstantToX(k) => x = k,
            Op::Recall(index) => a = memory[usize::from(index) % MEMORY_WORDS],
            Op::RecallToX(index) => x = memory[usize::from(index) % MEMORY_WORDS],
            Op::Store(index) => memory[usize::from(index) % MEMORY_WORDS] = a,
            Op::StoreX(index) => memory[usize::from(index) % MEMORY_WORDS] = x,
            Op::Add(k) => a = a.wrapping_add(k),
            Op::Mul(k) => a = a.wrapping_mul(k),
            Op::Div(k) => a = a.checked_div(k)?,
            Op::Mod(k) => a = a.checked_rem(k)?,
            Op::Or(k) => a |= k,
            Op::And(k) => a &= k,
            Op::Xor(k) => a ^= k,
            Op::Shl(k) => a <<= k & 31,
            Op::Shr(k) => a >>= k & 31,
            Op::AddX => a = a.wrapping_add(x),
            Op::SubX => a = a.wrapping_sub(x),
            Op::MulX => a = a.wrapping_mul(x),
            Op::DivX => a = a.checked_div(x)?,
            Op::ModX => a = a.checked_rem(x)?,
            Op::OrX => a |= x,
            Op::AndX => a &= x,
            Op::XorX => a ^= x,
            Op::ShlX => a = a.checked_shl(x).unwrap_or(0),
            Op::ShrX => a = a.checked_shr(x).unwrap_or(0),
            Op::Neg => a = a.wrapping_neg(),
            Op::ToX => x = a,
            Op::FromX => a = x,
            Op::Return(k) => return Some(k),
            Op::ReturnA => return Some(a),
            Op::Reject => return None,
        }
    }
}

#[inline(always)]
fn word(packet: &[u8], at: u32) -> Option<u32> {
    packet.get(at as usize..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[inline(always)]
fn half(packet: &[u8], at: u32) -> Option<u32> {
    packet.get(at as usize..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes).into())
}

#[inline(always)]
fn byte(packet: &[u8], at: u32) -> Option<u32> {
    packet.get(at as usize).map(|&byte| byte.into())
}

#[cfg(test)]
mod tests {
    use super::super::{Instruction, Program};

    fn run(instructions: &[(u16, u8, u8, u32)], packet: &[u8]) -> u32 {
        let instructions: Vec<_> =
            instructions.iter().map(|&(code, jt, jf, k)| Instruction { code, jt, jf, k }).collect();
        Program::new(&instructions).unwrap().run(packet, 1000)
    }

    const RETURN_A: (u16, u8, u8, u32) = (0x16, 0, 0, 0);

    #[test]
    fn loads_are_big_endian_and_outside_of_the_packet_reject() {
        let packet = [1, 2, 3, 4, 5];
        assert_eq!(run(&[(0x20, 0, 0, 1), RETURN_A], &packet), 0x02030405);
        assert_eq!(run(&[(0x28, 0, 0, 3), RETURN_A], &packet), 0x0405);
        assert_eq!(run(&[(0x30, 0, 0, 4), RETURN_A], &packet), 5);
        for (code, k) in [(0x20, 2), (0x28, 4), (0x30, 5), (0x20, u32::MAX), (0x30, u32::MAX)] {
            assert_eq!(run(&[(code, 0, 0, k), (0x06, 0, 0, 1)], &packet), 0, "{code:#x} at {k}");
        }
    }

    #[test]
    fn indexed_loads_do_not_wrap_around() {
        let program = [(0x01, 0, 0, 2), (0x50, 0, 0, u32::MAX), (0x06, 0, 0, 1)];
        assert_eq!(run(&program, &[1, 2, 3]), 0);
    }

    #[test]
    fn division_by_a_zero_x_rejects_and_long_shifts_give_zero() {
        assert_eq!(run(&[(0x00, 0, 0, 7), (0x3c, 0, 0, 0), (0x06, 0, 0, 1)], &[]), 0);
        assert_eq!(run(&[(0x00, 0, 0, 7), (0x9c, 0, 0, 0), (0x06, 0, 0, 1)], &[]), 0);
        assert_eq!(run(&[(0x00, 0, 0, 7), (0x01, 0, 0, 32), (0x6c, 0, 0, 0), (0x04, 0, 0, 5), RETURN_A], &[]), 5);
    }

    #[test]
    fn lengths_header_lengths_and_memory_work() {
        assert_eq!(run(&[(0x80, 0, 0, 0), RETURN_A], &[]), 1000);
        assert_eq!(run(&[(0xb1, 0, 0, 0), (0x87, 0, 0, 0), RETURN_A], &[0x45]), 20);
        let program = [(0x00, 0, 0, 9), (0x02, 0, 0, 15), (0x00, 0, 0, 1), (0x60, 0, 0, 15), RETURN_A];
        assert_eq!(run(&program, &[]), 9);
    }

    #[test]
    fn an_operation_that_does_not_exist_rejects() {
        assert_eq!(run(&[(0x38, 0, 0, 0), (0x06, 0, 0, 1)], &[1, 2, 3, 4]), 0);
    }
}
