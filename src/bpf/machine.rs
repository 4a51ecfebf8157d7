//! Runs programs (`bpf_filter`, libpcap): a load outside of the packet, a division by zero and an operation that
//! does not exist reject the packet.

use std::hint::black_box;

use super::decode::Code;
use super::op::{Load, Op};
use super::program::MEMORY_WORDS;

/// How many jumps backwards a run may make. A chain of headers in 256 KiB has fewer; but on some packets, libpcap's
/// `protochain` never comes to an end (behind an authentication header), and a packet must not stop a capture.
const ROUNDS_MAX: u32 = 1 << 16;

/// Runs a program on `packet`, the captured bytes of a packet that was `len` bytes long. `packet_type` is what
/// linux/if_packet.h calls the packet's way; a program that asks for it where it is not known rejects the packet.
#[inline]
pub(super) fn run(code: &Code, packet: &[u8], len: u32, packet_type: Option<u8>) -> u32 {
    execute(code, packet, len, packet_type).unwrap_or(0)
}

fn execute(code: &Code, packet: &[u8], len: u32, packet_type: Option<u8>) -> Option<u32> {
    let ops = code.ops();
    let mut a = 0u32;
    let mut x = 0u32;
    let mut memory = [0u32; MEMORY_WORDS];
    let mut at = 0usize;
    let mut rounds = ROUNDS_MAX;
    macro_rules! jump {
        ($holds:expr, $jump:expr) => {
            if $holds {
                // Keeps the two apart. As one addition of either number, the next operation could not begin before the
                // packet's bytes are there: a branch is foretold.
                black_box(());
                at += usize::from($jump.jt)
            } else {
                at += usize::from($jump.jf)
            }
        };
    }
    macro_rules! test {
        ($size:ident, $from:expr, $mask:expr, $test:expr, $jump:expr) => {{
            a = $size(packet, $from)? & $mask;
            jump!($test(a), $jump)
        }};
    }
    loop {
        debug_assert!(at < ops.len());
        // SAFETY: `at` begins with 0, and a program is not empty. Every jump leads to an operation, and so does every
        // entry of a table: they were resolved from instructions, where validation has made sure of it. Other operations
        // go on to the next, and the last one returns, since a program's last instruction does.
        #[allow(unsafe_code)]
        let op = unsafe { ops.get_unchecked(at) };
        at += 1;
        match *op {
            Op::WordEq(Load { at, mask }, k, ref jump) => test!(word, at, mask, |a| a == k, jump),
            Op::WordGt(Load { at, mask }, k, ref jump) => test!(word, at, mask, |a| a > k, jump),
            Op::WordGe(Load { at, mask }, k, ref jump) => test!(word, at, mask, |a| a >= k, jump),
            Op::WordSet(Load { at, mask }, k, ref jump) => test!(word, at, mask, |a| a & k != 0, jump),
            Op::HalfEq(Load { at, mask }, k, ref jump) => test!(half, at, mask, |a| a == k, jump),
            Op::HalfGt(Load { at, mask }, k, ref jump) => test!(half, at, mask, |a| a > k, jump),
            Op::HalfGe(Load { at, mask }, k, ref jump) => test!(half, at, mask, |a| a >= k, jump),
            Op::HalfSet(Load { at, mask }, k, ref jump) => test!(half, at, mask, |a| a & k != 0, jump),
            Op::ByteEq(Load { at, mask }, k, ref jump) => test!(byte, at, mask, |a| a == k, jump),
            Op::ByteGt(Load { at, mask }, k, ref jump) => test!(byte, at, mask, |a| a > k, jump),
            Op::ByteGe(Load { at, mask }, k, ref jump) => test!(byte, at, mask, |a| a >= k, jump),
            Op::ByteSet(Load { at, mask }, k, ref jump) => test!(byte, at, mask, |a| a & k != 0, jump),
            Op::HalfAtXEq(Load { at, mask }, k, ref jump) => test!(half, x.checked_add(at)?, mask, |a| a == k, jump),
            Op::HalfAtXGt(Load { at, mask }, k, ref jump) => test!(half, x.checked_add(at)?, mask, |a| a > k, jump),
            Op::HalfAtXGe(Load { at, mask }, k, ref jump) => test!(half, x.checked_add(at)?, mask, |a| a >= k, jump),
            Op::ByteAtXEq(Load { at, mask }, k, ref jump) => test!(byte, x.checked_add(at)?, mask, |a| a == k, jump),
            Op::ByteAtXSet(Load { at, mask }, k, ref jump) => {
                test!(byte, x.checked_add(at)?, mask, |a| a & k != 0, jump)
            }
            Op::ByteAnyOf(from, k, ref jump) => {
                a = byte(packet, from)?;
                jump!((a == k[0].into()) | (a == k[1].into()) | (a == k[2].into()), jump)
            }
            Op::EitherPort(ports, ref jump) => {
                x = (byte(packet, ports.header.into())? & 0xf) << 2;
                a = half(packet, x + u32::from(ports.first))?;
                if a != ports.port.into() {
                    a = half(packet, x + u32::from(ports.second))?;
                }
                jump!(a == ports.port.into(), jump)
            }
            Op::Eq(mask, k, ref jump) => {
                a &= mask;
                jump!(a == k, jump)
            }
            Op::Gt(mask, k, ref jump) => {
                a &= mask;
                jump!(a > k, jump)
            }
            Op::Ge(mask, k, ref jump) => {
                a &= mask;
                jump!(a >= k, jump)
            }
            Op::Set(mask, k, ref jump) => {
                a &= mask;
                jump!(a & k != 0, jump)
            }
            Op::AnyOf(k, ref jump) => jump!((a == k[0]) | (a == k[1]) | (a == k[2]), jump),
            Op::Switch(table) => at = code.table(table).find(a) as usize,
            Op::EqX(ref jump) => jump!(a == x, jump),
            Op::GtX(ref jump) => jump!(a > x, jump),
            Op::GeX(ref jump) => jump!(a >= x, jump),
            Op::SetX(ref jump) => jump!(a & x != 0, jump),
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
            Op::HalfAtXSwapped(from) => a = u16::from_le_bytes(load(packet, x.checked_add(from)?)?).into(),
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
            Op::AddAnd(k, mask) => a = a.wrapping_add(k) & mask,
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
            Op::AddToBoth => {
                a = a.wrapping_add(x);
                x = a;
            }
            Op::FromX => a = x,
            Op::Return(k) => return Some(k),
            Op::ReturnA => return Some(a),
            Op::Reject => return None,
        }
    }
}

#[inline(always)]
fn word(packet: &[u8], at: u32) -> Option<u32> {
    load(packet, at).map(u32::from_be_bytes)
}

#[inline(always)]
fn half(packet: &[u8], at: u32) -> Option<u32> {
    load(packet, at).map(|bytes| u16::from_be_bytes(bytes).into())
}

#[inline(always)]
fn byte(packet: &[u8], at: u32) -> Option<u32> {
    packet.get(at as usize).map(|&byte| byte.into())
}

#[inline(always)]
fn load<const COUNT: usize>(packet: &[u8], at: u32) -> Option<[u8; COUNT]> {
    let from = at as usize;
    packet.get(from..from.checked_add(COUNT)?)?.first_chunk().copied()
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
