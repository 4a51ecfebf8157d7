//! Classic BPF: which programs are valid, and their verdicts.

use pcap_nflog::bpf::{Instruction, Program};

use crate::random::Random;
use crate::system::system;

/// Loads from the packet, and from nothing else.
const LOADS: [u16; 7] = [0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0xb1];
/// Memory and constants; the length.
const MOVES: [u16; 12] = [0x00, 0x01, 0x60, 0x61, 0x02, 0x03, 0x80, 0x81, 0x07, 0x87, 0x07, 0x87];
const ARITHMETIC: [u16; 21] = [
    0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0x94, 0x9c,
    0xa4, 0xac,
];
const JUMPS: [u16; 8] = [0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d];

/// The memory words that a generated program uses: older libpcaps leave the others as they were.
const WORDS: [u32; 3] = [0, 7, 15];

fn constant(random: &mut Random) -> u32 {
    match random.below(8) {
        0..=4 => random.below(48) as u32,
        5 => random.pick(&[0xff, 0x1fff, 0xf0, 0xffff, 0x8000_0000, 31, 32, 33, 63, 64]),
        6 => u32::MAX - random.below(48) as u32,
        _ => random.next(),
    }
}

fn instruction(random: &mut Random, left: usize) -> Instruction {
    let mut k = constant(random);
    let (mut jt, mut jf) = (0, 0);
    let code = match random.below(10) {
        0..=3 => random.pick(&LOADS),
        4 | 5 => random.pick(&MOVES),
        6 => random.pick(&ARITHMETIC),
        7 | 8 if left > 0 => {
            // Short jumps make the sequences that are fused.
            let reach = if random.once_in(3) { left } else { left.min(3) };
            (jt, jf) = (random.below(reach) as u8, random.below(reach) as u8);
            random.pick(&JUMPS)
        }
        9 if left > 0 && random.once_in(2) => {
            k = random.below(left) as u32;
            0x05
        }
        _ => random.pick(&[0x06, 0x16]),
    };
    match code {
        0x60 | 0x61 | 0x02 | 0x03 => k = random.pick(&WORDS),
        0x34 | 0x94 => k = k.max(1),
        // Undefined in C from 32 on.
        0x64 | 0x74 => k &= 31,
        _ => {}
    }
    Instruction { code, jt, jf, k }
}

fn plain(code: u16, k: u32) -> Instruction {
    Instruction { code, jt: 0, jf: 0, k }
}

/// What the decoder makes one operation of, mostly as it does so, sometimes with a number that is another.
fn idiom(random: &mut Random, left: usize) -> Vec<Instruction> {
    let at = random.below(8) as u32;
    let byte = random.below(4) as u32;
    let beyond = random.below(3) as u8;
    let mut idiom = match random.below(6) {
        // One of two ports.
        0 => vec![
            plain(0xb1, at),
            plain(0x48, random.below(4) as u32),
            Instruction { code: 0x15, jt: beyond + 2, jf: 0, k: byte },
            plain(0x48, random.below(4) as u32),
            Instruction { code: 0x15, jt: beyond, jf: random.below(3) as u8, k: byte },
        ],
        // Bytes of a half word swapped.
        1 => vec![plain(0x48, at), plain(0x24, 0x1_0001), plain(0x74, 8), plain(0x54, 0xffff)],
        2 => vec![plain(0x04, 3), plain(0x54, !3), plain(0x0c, 0), plain(0x07, 0)],
        // One of three protocols.
        3 => {
            let tests = (0..3u8).rev().map(|test| Instruction { code: 0x15, jt: beyond + test, jf: 0, k: byte });
            let mut tests: Vec<_> = tests.collect();
            tests.iter_mut().for_each(|test| test.k = random.below(6) as u32);
            [vec![plain(0x30, at)], tests].concat()
        }
        // A chain of comparisons, with steps in between that only go on.
        _ => {
            let mut chain = vec![plain(0x30, at)];
            for _ in 0..4 + random.below(6) {
                if random.once_in(4) {
                    let over = random.below(2) as u32;
                    chain.push(plain(0x05, over));
                    chain.extend((0..over).map(|_| plain(0x04, 1)));
                }
                let jf = if random.once_in(6) { 1 } else { 0 };
                chain.push(Instruction { code: 0x15, jt: random.below(8) as u8, jf, k: random.below(12) as u32 });
            }
            chain
        }
    };
    if random.once_in(3) {
        let other = random.below(idiom.len());
        match random.below(3) {
            0 => idiom[other].k ^= 1,
            1 if idiom[other].code == 0x15 => idiom[other].jt ^= 1,
            _ if idiom[other].code == 0x15 => idiom[other].jf ^= 1,
            _ => {}
        }
    }
    // Nothing may jump behind the program, which has three more instructions.
    let room = left.saturating_sub(idiom.len()) + 2;
    for (at, instruction) in idiom.clone().iter().enumerate() {
        let reach = (idiom.len() - 1 - at + room) as u8;
        idiom[at].jt = instruction.jt.min(reach);
        idiom[at].jf = instruction.jf.min(reach);
    }
    idiom
}

/// A valid program. It has no jump backwards, so it ends.
fn program(random: &mut Random) -> Vec<Instruction> {
    let mut program = Vec::new();
    for word in WORDS {
        program.push(Instruction { code: 0x00, jt: 0, jf: 0, k: random.next() });
        program.push(Instruction { code: 0x02, jt: 0, jf: 0, k: word });
    }
    let length = 1 + random.below(30);
    while program.len() < WORDS.len() * 2 + length {
        let left = WORDS.len() * 2 + length - program.len();
        match random.below(8) {
            1 | 2 if left > 3 => {
                let idiom = idiom(random, left);
                program.extend(idiom);
            }
            // What expressions compile to: load, mask, compare, compare again.
            0 if left > 6 => {
                program.push(Instruction { code: random.pick(&LOADS), jt: 0, jf: 0, k: constant(random) });
                if random.once_in(2) {
                    program.push(Instruction { code: 0x54, jt: 0, jf: 0, k: random.pick(&[0xf0, 0x0f, 3, 1]) });
                }
                let tests = 1 + random.below(3) as u8;
                let far = random.below(2) as u8;
                for test in (0..tests).rev() {
                    let jf = if test == 0 { random.below(2) as u8 } else { 0 };
                    let jt = if random.once_in(8) { 0 } else { test + far };
                    program.push(Instruction { code: 0x15, jt, jf, k: random.below(16) as u32 });
                }
            }
            _ => program.push(instruction(random, left)),
        }
    }
    program.push(Instruction { code: 0x16, jt: 0, jf: 0, k: 0 });
    program.push(Instruction { code: 0x06, jt: 0, jf: 0, k: random.next() });
    program.push(Instruction { code: 0x06, jt: 0, jf: 0, k: 0 });
    program
}

#[test]
fn every_verdict_is_libpcaps() {
    let mut random = Random::new();
    let (mut runs, mut accepted) = (0u32, 0u32);
    for _ in 0..250_000 {
        let instructions = program(&mut random);
        let program = Program::new(&instructions).unwrap_or_else(|invalid| panic!("{invalid}: {instructions:?}"));
        assert!(system().is_valid(&instructions), "{instructions:?}");
        for _ in 0..8 {
            let size = random.pick(&[0, 1, 2, 3, 4, 5, 13, 20, 40, 64]);
            let mut packet = random.bytes(size);
            if random.once_in(2) {
                packet.iter_mut().for_each(|byte| *byte &= 15);
            }
            let len = random.next();
            let verdict = system().run(&instructions, &packet, len);
            assert_eq!(program.run(&packet, len), verdict, "{instructions:?} on {packet:?} of {len} bytes");
            runs += 1;
            accepted += u32::from(verdict != 0);
        }
    }
    // Neither verdict is the only one.
    assert!(runs == 2_000_000 && accepted > runs / 10 && accepted < runs / 10 * 9, "{accepted} of {runs} accepted");
}

/// What libpcap asks of a program in addition since 1.11: operations that the machine has, shifts that C defines, and no
/// jump to itself. The library takes what older ones take, and asks the one that is there for the rest.
fn is_strictly_valid(program: &[Instruction]) -> bool {
    const OTHERS: [u16; 3] = [0x05, 0x06, 0x16];
    program.iter().all(|&Instruction { code, k, .. }| {
        let known = [&LOADS[..], &MOVES, &ARITHMETIC, &JUMPS, &OTHERS].iter().any(|codes| codes.contains(&code));
        known && (!matches!(code, 0x64 | 0x74) || k < 32) && (code, k) != (0x05, u32::MAX)
    })
}

#[test]
fn the_programs_that_libpcap_finds_valid_are_valid_and_no_others() {
    let mut random = Random::new();
    // To return X is an operation that the machine does not have.
    let is_strict = !system().is_valid(&[plain(0x0e, 0)]);
    let mut valid = 0u32;
    for _ in 0..1_000_000 {
        let length = random.pick(&[0, 1, 1, 2, 3, 4]);
        let mut instructions: Vec<Instruction> = (0..length)
            .map(|_| Instruction {
                code: match random.below(16) {
                    0 => random.next() as u16,
                    1..=7 => random.next() as u16 & 0xff,
                    8..=9 => random.pick(&LOADS),
                    10..=11 => random.pick(&MOVES),
                    12..=13 => random.pick(&ARITHMETIC),
                    14 => random.pick(&JUMPS),
                    _ => 0x05,
                },
                jt: random.below(5) as u8,
                jf: random.below(5) as u8,
                k: if random.once_in(4) { random.next() } else { (random.below(24) as u32).wrapping_sub(4) },
            })
            .collect();
        if let Some(last) = instructions.last_mut().filter(|_| !random.once_in(8)) {
            last.code = random.pick(&[0x06, 0x16, 0x06, 0x16, 0x0e, 0x1e, 0xfe]);
        }
        let expected = system().is_valid(&instructions);
        let found = Program::new(&instructions);
        let is_valid = found.is_ok() && (!is_strict || is_strictly_valid(&instructions));
        assert_eq!(is_valid, expected, "{instructions:?}: {:?}", found.err());
        valid += u32::from(expected);
    }
    assert!((100_000..900_000).contains(&valid), "{valid} of a million were valid");
}

/// Expressions that libpcap compiles to loops, and to divisions and shifts that are there when it does not optimize.
#[test]
fn loops_and_arithmetic_of_compiled_expressions_have_libpcaps_verdicts() {
    let expressions = [
        "ip6 protochain 6",
        "ip protochain 6 or udp port 53",
        "1 << (len & 63) = 0",
        "len / (len & 3) = 2",
        "len % (ip[0] & 3) = 1",
        "-(len) >> ip[1] = 3",
    ];
    let mut random = Random::new();
    let mut accepted = 0;
    for (expression, optimize) in expressions.iter().flat_map(|it| [(it, false), (it, true)]) {
        // The optimizer takes some divisors for 0.
        let Ok(instructions) = system().compile(12, expression, optimize) else { continue };
        let program = Program::new(&instructions).unwrap();
        for _ in 0..5_000 {
            let size = 40 + random.below(60);
            let mut packet: Vec<u8> = random.bytes(size).iter().map(|byte| byte & 7).collect();
            packet[0] = random.pick(&[0x45, 0x46, 0x60]);
            for at in [6, 9, 40, 48, 56] {
                if let Some(next) = packet.get_mut(at) {
                    // Not 51: behind an authentication header, libpcap's program can go round for ever.
                    *next = random.pick(&[0, 6, 17, 43, 44, 60]);
                }
            }
            let verdict = system().run(&instructions, &packet, size as u32);
            assert_eq!(program.run(&packet, size as u32), verdict, "{expression} on {packet:?}");
            accepted += u32::from(verdict != 0);
        }
    }
    assert!(accepted > 1_000, "{accepted} accepted");
}

#[test]
fn a_program_that_never_ends_rejects_the_packet() {
    let (load, accept) = (plain(0x00, 1), plain(0x06, 1));
    let round = [load, plain(0x05, -2i32 as u32), accept];
    assert!(system().is_valid(&round));
    // libpcap 1.11 refuses a jump to itself.
    for endless in [&round[..], &[plain(0x05, u32::MAX), accept]] {
        assert_eq!(Program::new(endless).unwrap().run(&[], 0), 0);
    }
}
