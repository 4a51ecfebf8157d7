//! Expressions for link type NFLOG that speak of the record itself, alone and among others: what libpcap compiles for the
//! link type is right as it is, and a packet is what it is to raw IP.

use std::fmt::Write as _;

use pcap_nflog::bpf::Program;

use crate::expressions::ADDRESSES;
use crate::messages::ip_packet;
use crate::nflog::with_packet;
use crate::ours::{NFLOG, RAW, on_dead_handle};
use crate::random::Random;
use crate::system::system;

/// Judges a message and the packet in it.
type Judge = Box<dyn Fn(&[u8], &[u8]) -> bool>;

/// A part of an expression, whose verdict somebody else knows.
enum Tree {
    /// libpcap's program for NFLOG judges the message.
    Link(String),
    /// libpcap's program for raw IP judges the packet.
    Packet(String),
    /// A comparison of one with the other: where the packet is IPv4, the function judges both.
    Cross(String, Judge),
    Not(Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
}

/// A message with the packet in it.
struct Case {
    message: Vec<u8>,
    len: u32,
    packet: Vec<u8>,
}

fn case(random: &mut Random) -> Case {
    let (protocol, packet) = ip_packet(random);
    let (message, _) = with_packet(random, protocol, &packet);
    let len = message.len() as u32 + if random.once_in(4) { random.below(200) as u32 } else { 0 };
    Case { message, len, packet }
}

fn compare(relation: &str, left: u32, right: u32) -> bool {
    match relation {
        "=" => left == right,
        "!=" => left != right,
        "<" => left < right,
        ">" => left > right,
        "<=" => left <= right,
        _ => left >= right,
    }
}

fn relation(random: &mut Random) -> &'static str {
    random.pick(&["=", "!=", "<", ">", "<=", ">="])
}

/// All loads are within the message: one that is not rejects the packet, whatever else is asked.
fn link(random: &mut Random) -> String {
    let word = random.pick(&["link", "ether", "fddi", "tr", "wlan", "ppp", "slip"]);
    let (at, size) = (random.below(5), random.pick(&["", ":1", ":2", ":4"]));
    let (relation, number) = (relation(random), random.below(12));
    match random.below(9) {
        0 => format!("greater {}", 60 + random.below(120)),
        1 => format!("less {}", 60 + random.below(120)),
        2 => format!("len {relation} {}", 60 + random.below(120)),
        3 => format!("len & {} {relation} {number}", 1 + random.below(15)),
        4 => format!("{word}[{word}[{at}] & 7{size}] {relation} {number}"),
        5 => format!("{word}[{at}] + len {relation} {word}[4:2] * 5"),
        6 => format!("{word}[len & 3 | 1{size}] {relation} {number}"),
        _ => format!("{word}[{at}{size}] {relation} {number}"),
    }
}

fn packet(random: &mut Random) -> String {
    let port = random.pick(&[53, 80, 443, 22, 1000]);
    match random.below(6) {
        0 => format!("host {}", random.pick(&ADDRESSES)),
        1 => format!("{}port {port}", random.pick(&["", "tcp ", "udp src "])),
        2 => format!("portrange {port}-{}", port + 2),
        3 => format!("ip[{}] & 3 = {}", random.below(20), random.below(4)),
        4 => format!("net {}", random.pick(&["10.0.0.0/8", "192.168.0.0/16", "fd00::/16"])),
        _ => random.pick(&["ip", "ip6", "tcp", "udp", "icmp", "sctp", "ip multicast", "ip proto 50"]).to_owned(),
    }
}

fn cross(random: &mut Random) -> Tree {
    let (at, other, number) = (random.below(8), random.below(20), random.below(12) as u32);
    let relation = relation(random);
    let byte = |bytes: &[u8], at: usize| u32::from(bytes[at]);
    match random.below(5) {
        0 => Tree::Cross(
            format!("link[{at}] {relation} ip[{other}]"),
            Box::new(move |message, packet| compare(relation, byte(message, at), byte(packet, other))),
        ),
        1 => Tree::Cross(
            format!("link[ip[{other}] & 7] {relation} {number}"),
            Box::new(move |message, packet| compare(relation, byte(message, (packet[other] & 7).into()), number)),
        ),
        2 => Tree::Cross(
            format!("ip[link[{at}] & 15] {relation} {number}"),
            Box::new(move |message, packet| compare(relation, byte(packet, (message[at] & 15).into()), number)),
        ),
        3 => Tree::Cross(
            format!("link[((ip[{other}] & 3) + 1)] - 1 {relation} link[{at}] & ip[0]"),
            Box::new(move |message, packet| {
                let left = byte(message, usize::from(packet[other] & 3) + 1).wrapping_sub(1);
                compare(relation, left, byte(message, at) & byte(packet, 0))
            }),
        ),
        // What the optimizer makes one instruction of.
        _ => Tree::Cross(
            format!("link[(4 * (link[{at}] & 0xf)) & 7] {relation} ip[4 * (ip[0] & 0xf) - 5]"),
            Box::new(move |message, packet| {
                let left = byte(message, (4 * usize::from(message[at] & 15)) & 7);
                compare(relation, left, byte(packet, 4 * usize::from(packet[0] & 15) - 5))
            }),
        ),
    }
}

fn tree(random: &mut Random, depth: usize) -> Tree {
    let half = |random: &mut Random| Box::new(tree(random, depth.saturating_sub(1)));
    match random.below(if depth == 0 { 5 } else { 8 }) {
        0 | 1 => Tree::Link(link(random)),
        2 | 3 => Tree::Packet(packet(random)),
        4 => cross(random),
        5 => Tree::Not(half(random)),
        6 => Tree::And(half(random), half(random)),
        _ => Tree::Or(half(random), half(random)),
    }
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Tree::Link(text) | Tree::Packet(text) | Tree::Cross(text, _) => text.clone(),
            Tree::Not(one) => format!("not ({})", one.text()),
            Tree::And(one, other) => format!("({}) and ({})", one.text(), other.text()),
            Tree::Or(one, other) => format!("({}) or ({})", one.text(), other.text()),
        }
    }

    /// Whether it is true of a message; an error where libpcap cannot compile a part.
    fn verdict(&self, case: &Case) -> Result<bool, String> {
        let judged = |link_type, text: &str, bytes: &[u8]| {
            let program = system().compile(link_type, text, false)?;
            Ok::<_, String>(system().run(&program, bytes, case.len) != 0)
        };
        Ok(match self {
            Tree::Link(text) => judged(NFLOG, text, &case.message)?,
            Tree::Packet(text) => judged(RAW, text, &case.packet)?,
            Tree::Cross(_, judge) => judged(RAW, "ip", &case.packet)? && judge(&case.message, &case.packet),
            Tree::Not(one) => !one.verdict(case)?,
            Tree::And(one, other) => one.verdict(case)? & other.verdict(case)?,
            Tree::Or(one, other) => one.verdict(case)? | other.verdict(case)?,
        })
    }
}

#[test]
fn bytes_and_length_are_the_records_and_all_else_is_the_packets() {
    let mut random = Random::new();
    let (mut expressions, mut runs, mut accepted, mut complex) = (0u32, 0u32, 0u32, 0u32);
    while expressions < 4_000 {
        let tree = tree(&mut random, 2);
        let optimize = !random.once_in(4);
        let expression = tree.text();
        let program = match on_dead_handle(&expression, optimize) {
            Ok(program) => program,
            Err(why) if why.contains("rejects all packets") => continue,
            Err(why) if why.contains("too complex") => {
                complex += 1;
                continue;
            }
            Err(why) => panic!("{expression}: {why}"),
        };
        let ours = Program::new(&program).unwrap();
        assert!(system().is_valid(&program), "{expression}");
        for _ in 0..8 {
            let case = case(&mut random);
            let expected = tree.verdict(&case).unwrap_or_else(|why| panic!("{expression}: {why}"));
            let found = system().run(&program, &case.message, case.len) != 0;
            let shown = || {
                let mut shown = format!("{expression} (optimized: {optimize}) of {} bytes:", case.len);
                write!(shown, " {:02x?} with {:02x?}", case.message, case.packet).unwrap();
                shown
            };
            assert_eq!(found, expected, "{}", shown());
            assert_eq!(ours.run(&case.message, case.len) != 0, expected, "{}", shown());
            runs += 1;
            accepted += u32::from(expected);
        }
        expressions += 1;
    }
    println!("{accepted} of {runs} accepted; {complex} expressions were too complex");
    assert!(accepted > runs / 10 && accepted < runs / 10 * 9, "{accepted} of {runs} accepted");
    assert!(complex < 20, "{complex} expressions were too complex");
}

#[test]
fn a_byte_of_the_record_takes_no_walk_through_it() {
    for expression in ["link[0] = 2", "len > 100", "greater 100 and ether[4:2] = 8"] {
        let program = on_dead_handle(expression, true).unwrap();
        assert_eq!(program, system().compile(NFLOG, expression, true).unwrap(), "{expression}");
        assert!(program.len() <= 6, "{expression}: {program:?}");
    }
}
