//! Runs programs (`bpf_filter`, libpcap): a load outside of the packet, a division by zero and an operation that
//! does not exist reject the packet.

use super::program::{Instruction, MEMORY_WORDS};

/// Runs a validated program on `packet`, the captured bytes of a packet that was `len` bytes long.
pub(super) fn run(program: &[Instruction], packet: &[u8], len: u32) -> u32 {
    execute(program, packet, len).unwrap_or(0)
}

fn execute(program: &[Instruction], packet: &[u8], len: u32) -> Option<u32> {
    let mut a = 0u32;
    let mut x = 0u32;
    let mut memory = [0u32; MEMORY_WORDS];
    let mut at = 0usize;
    loop {
        let Instruction { code, jt, jf, k } = *program.get(at)?;
        at += 1;
        let jump = |holds: bool| usize::from(if holds { jt } else { jf });
        match code {
            0x20 => a = word(packet, k)?,
            0x28 => a = half(packet, k)?,
            0x30 => a = byte(packet, k)?,
            0x40 => a = word(packet, x.checked_add(k)?)?,
            0x48 => a = half(packet, x.checked_add(k)?)?,
            0x50 => a = byte(packet, x.checked_add(k)?)?,
            0x80 => a = len,
            0x81 => x = len,
            0xb1 => x = (byte(packet, k)? & 0xf) << 2,
            0x00 => a = k,
            0x01 => x = k,
            0x60 => a = *memory.get(k as usize)?,
            0x61 => x = *memory.get(k as usize)?,
            0x02 => *memory.get_mut(k as usize)? = a,
            0x03 => *memory.get_mut(k as usize)? = x,
            0x05 => at = (at as u32).wrapping_add(k) as usize,
            0x15 => at += jump(a == k),
            0x1d => at += jump(a == x),
            0x25 => at += jump(a > k),
            0x2d => at += jump(a > x),
            0x35 => at += jump(a >= k),
            0x3d => at += jump(a >= x),
            0x45 => at += jump(a & k != 0),
            0x4d => at += jump(a & x != 0),
            0x04 | 0x0c | 0x14 | 0x1c | 0x24 | 0x2c | 0x34 | 0x3c | 0x44 | 0x4c | 0x54 | 0x5c | 0x64 | 0x6c | 0x74
            | 0x7c | 0x94 | 0x9c | 0xa4 | 0xac => a = arithmetic(code & 0xf0, a, if code & 8 == 0 { k } else { x })?,
            0x84 => a = a.wrapping_neg(),
            0x07 => x = a,
            0x87 => a = x,
            0x06 => return Some(k),
            0x16 => return Some(a),
            _ => return None,
        }
    }
}

#[inline]
fn arithmetic(operation: u16, a: u32, operand: u32) -> Option<u32> {
    Some(match operation {
        0x00 => a.wrapping_add(operand),
        0x10 => a.wrapping_sub(operand),
        0x20 => a.wrapping_mul(operand),
        0x30 => a.checked_div(operand)?,
        0x40 => a | operand,
        0x50 => a & operand,
        0x60 => a.checked_shl(operand).unwrap_or(0),
        0x70 => a.checked_shr(operand).unwrap_or(0),
        0x90 => a.checked_rem(operand)?,
        _ => a ^ operand,
    })
}

#[inline]
fn word(packet: &[u8], at: u32) -> Option<u32> {
    packet.get(at as usize..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[inline]
fn half(packet: &[u8], at: u32) -> Option<u32> {
    packet.get(at as usize..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes).into())
}

#[inline]
fn byte(packet: &[u8], at: u32) -> Option<u32> {
    packet.get(at as usize).map(|&byte| byte.into())
}

#[cfg(test)]
mod tests {
    use super::super::Program;
    use super::*;

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
