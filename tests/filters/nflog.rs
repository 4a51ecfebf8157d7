//! Programs for NFLOG messages: the judge is the program of the same expression for raw IP, on the packet alone, of which
//! only the length is the message's.

use std::collections::HashSet;

use pcap_nflog::bpf::nflog::{Source, Unsuitable, Way, rewrite};
use pcap_nflog::bpf::{Instruction, Program};

use crate::expressions::expression;
use crate::messages::{Attribute, header, ip_packet, message, others};
use crate::random::Random;
use crate::system::system;

const RAW: i32 = 12;
const ETHERNET: i32 = 1;

/// A message, what of it was captured, its length; and what was captured of its packet.
#[derive(Debug)]
pub struct Case {
    pub message: Vec<u8>,
    pub len: u32,
    pub packet: Vec<u8>,
}

/// A message with an IP packet.
pub fn case(random: &mut Random) -> Case {
    let (protocol, mut packet) = ip_packet(random);
    if random.once_in(8) {
        packet.truncate(random.below(packet.len()));
    }
    if random.once_in(16) {
        packet.clear();
    }
    let (mut bytes, start) = with_packet(random, protocol, &packet);
    let mut len = bytes.len() as u32;
    match random.below(8) {
        // The capture was cut off in the payload.
        0 if start + packet.len().next_multiple_of(4) == bytes.len() && !packet.is_empty() => {
            packet.truncate(1 + random.below(packet.len()));
            bytes.truncate(start + packet.len());
        }
        // The kernel copied less than there was.
        1 => len += 1 + random.below(2000) as u32,
        _ => {}
    }
    Case { message: bytes, len, packet }
}

/// A message with a packet, and where that begins.
pub fn with_packet(random: &mut Random, protocol: u16, packet: &[u8]) -> (Vec<u8>, usize) {
    let family = if random.once_in(2) { if protocol == 0x0800 { 2 } else { 10 } } else { random.pick(&[1, 5, 7]) };
    let first = header(protocol, random.pick(&[0, 2, 3, 4]));
    let first = if family == 5 { header(protocol, 0) } else { first };
    let others = others(random);
    let mut attributes: Vec<Attribute> = vec![(1, &first)];
    attributes.extend(others.iter().map(|(kind, value)| (*kind, &value[..])));
    let payload: Attribute = (9 | random.pick(&[0, 0, 0x8000, 0x4000]), packet);
    let at = if random.once_in(4) { random.below(attributes.len()) + 1 } else { attributes.len() };
    attributes.insert(at, payload);
    (message(family, &attributes), message(family, &attributes[..at]).len() + 4)
}

/// The programs that `pcap_compile` makes of an expression.
fn compiled(expression: &str, optimize: bool) -> Option<(Program, Program)> {
    let raw = system().compile(RAW, expression, optimize).ok()?;
    let ethernet = system().compile(ETHERNET, expression, optimize).ok()?;
    Some((Program::new(&raw).unwrap(), Program::new(&ethernet).unwrap()))
}

/// A rewritten program, valid and without a jump backwards but its source's.
fn rewritten(expression: &str, raw: &Program, ethernet: &Program) -> Result<Vec<Instruction>, Unsuitable> {
    let rewritten = match rewrite(Source::Both { raw, ethernet }, Way::OfMessage) {
        Err(Unsuitable::LinkHeader) => rewrite(Source::Raw(raw), Way::OfMessage),
        other => other,
    }?;
    assert!(system().is_valid(&rewritten), "{expression}");
    Ok(rewritten)
}

/// The program with scratch memory that is 0 when it begins: libpcap's optimizer takes some stores away whose word is
/// read, and its `bpf_filter` finds there what the stack has.
fn with_empty_memory(program: &[Instruction]) -> Vec<Instruction> {
    let store = (0..16).map(|word| Instruction { code: 0x02, jt: 0, jf: 0, k: word });
    [Instruction::default()].into_iter().chain(store).chain(program.iter().copied()).collect()
}

#[test]
fn on_ip_packets_every_verdict_is_that_of_the_raw_program() {
    let mut random = Random::new();
    let mut seen = HashSet::new();
    let (mut runs, mut accepted, mut complex) = (0u32, 0u32, 0u32);
    while seen.len() < 10_000 {
        let expression = expression(&mut random, 2);
        let optimize = !random.once_in(4);
        if seen.contains(&expression) {
            continue;
        }
        let Some((raw, ethernet)) = compiled(&expression, optimize) else { continue };
        let Ok(program) = rewritten(&expression, &raw, &ethernet) else {
            complex += 1;
            continue;
        };
        let ours = Program::new(&program).unwrap();
        let (oracle, judged) = (with_empty_memory(raw.instructions()), with_empty_memory(&program));
        for _ in 0..24 {
            let case = case(&mut random);
            let expected = system().run(&oracle, &case.packet, case.len);
            let found = system().run(&judged, &case.message, case.len);
            assert_eq!(found, expected, "{expression} (optimized: {optimize}) on {case:02x?}");
            assert_eq!(ours.run(&case.message, case.len), expected, "{expression} on {case:02x?}");
            assert_eq!(raw.run(&case.packet, case.len), expected, "{expression} on {case:02x?}");
            runs += 1;
            accepted += u32::from(expected != 0);
        }
        seen.insert(expression);
    }
    println!("{accepted} of {runs} accepted; {complex} expressions left no scratch word");
    assert!(accepted > runs / 10 && accepted < runs / 10 * 9, "{accepted} of {runs} accepted");
    assert!(complex < 200, "{complex} expressions left no scratch word");
}
