//! Programs for NFLOG messages: the judge is the program of the same expression for raw IP, on the packet alone.

use std::collections::HashSet;

use pcap_nflog::bpf::nflog::{Source, Unsuitable, rewrite};
use pcap_nflog::bpf::{Instruction, Program};

use crate::expressions::expression;
use crate::messages::{Attribute, header, ip_packet, message, others};
use crate::random::Random;
use crate::system::system;

const RAW: i32 = 12;
const ETHERNET: i32 = 1;

/// A message, what of it was captured, its length; and the same of its packet.
#[derive(Debug)]
struct Case {
    message: Vec<u8>,
    len: u32,
    packet: Vec<u8>,
    packet_len: u32,
}

fn case(random: &mut Random) -> Case {
    let (protocol, mut packet) = ip_packet(random);
    if random.once_in(8) {
        packet.truncate(random.below(packet.len()));
    }
    if random.once_in(16) {
        packet.clear();
    }
    // What tells a packet that the kernel cut off from attributes behind the payload is the packet's own length.
    let whole = packet.len() >= 48;
    if whole {
        let (field, total) = if protocol == 0x0800 { (2, packet.len()) } else { (4, packet.len() - 40) };
        packet[field..field + 2].copy_from_slice(&(total as u16).to_be_bytes());
    }
    let family = if random.once_in(2) { if protocol == 0x0800 { 2 } else { 10 } } else { random.pick(&[1, 5, 7]) };
    let first = header(protocol, random.pick(&[0, 2, 3, 4]));
    let first = if family == 5 { header(protocol, 0) } else { first };
    let others = others(random);
    let mut attributes: Vec<Attribute> = vec![(1, &first)];
    attributes.extend(others.iter().map(|(kind, value)| (*kind, &value[..])));
    let payload: Attribute = (9 | random.pick(&[0, 0, 0x8000, 0x4000]), &packet);
    let between = (whole || packet.is_empty()) && random.once_in(4);
    attributes.insert(if between { random.below(attributes.len()) + 1 } else { attributes.len() }, payload);
    let at = attributes.iter().position(|attribute| attribute.0 & 0x3fff == 9).unwrap();
    let mut bytes = message(family, &attributes);
    let start = message(family, &attributes[..at]).len() + 4;
    let mut case =
        Case { len: bytes.len() as u32, packet_len: packet.len() as u32, message: Vec::new(), packet: packet.clone() };
    match random.below(8) {
        // The capture was cut off in the payload.
        0 if at + 1 == attributes.len() && !packet.is_empty() => {
            let kept = 1 + random.below(packet.len());
            bytes.truncate(start + kept);
            case.packet.truncate(kept);
        }
        // The kernel copied less than there was: the IP header tells.
        1 if at + 1 == attributes.len() && whole => {
            let untold = 1 + random.below(2000) as u32;
            case.len += untold;
            case.packet_len += untold;
            let total = case.packet_len as u16;
            let (field, total) = if protocol == 0x0800 { (2, total) } else { (4, total - 40) };
            case.packet[field..field + 2].copy_from_slice(&total.to_be_bytes());
            bytes[start + field..start + field + 2].copy_from_slice(&total.to_be_bytes());
        }
        _ => {}
    }
    case.message = bytes;
    case
}

/// The programs that `pcap_compile` makes of an expression.
fn compiled(expression: &str, optimize: bool) -> Option<(Program, Program)> {
    let raw = system().compile(RAW, expression, optimize).ok()?;
    let ethernet = system().compile(ETHERNET, expression, optimize).ok()?;
    Some((Program::new(&raw).unwrap(), Program::new(&ethernet).unwrap()))
}

/// A rewritten program, valid and without a jump backwards but its source's.
fn rewritten(expression: &str, raw: &Program, ethernet: &Program) -> Result<Vec<Instruction>, Unsuitable> {
    let rewritten = match rewrite(Source::Both { raw, ethernet }) {
        Err(Unsuitable::LinkHeader) => rewrite(Source::Raw(raw)),
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
            let expected = system().run(&oracle, &case.packet, case.packet_len);
            let found = system().run(&judged, &case.message, case.len);
            assert_eq!(found, expected, "{expression} (optimized: {optimize}) on {case:02x?}");
            assert_eq!(ours.run(&case.message, case.len), expected, "{expression} on {case:02x?}");
            assert_eq!(raw.run(&case.packet, case.packet_len), expected, "{expression} on {case:02x?}");
            runs += 1;
            accepted += u32::from(expected != 0);
        }
        seen.insert(expression);
    }
    println!("{accepted} of {runs} accepted; {complex} expressions left no scratch word");
    assert!(accepted > runs / 10 && accepted < runs / 10 * 9, "{accepted} of {runs} accepted");
    assert!(complex < 200, "{complex} expressions left no scratch word");
}
