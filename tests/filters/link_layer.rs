//! Expressions for link type NFLOG that speak of the record itself, alone and among others: `pcap_compile` of this
//! library against libpcap's. What libpcap compiles for the link type is right as it is; a packet is what it is to raw
//! IP; and what libpcap refuses, it refuses with its own words.

use std::ffi::{CStr, CString, c_int};
use std::fmt::Write as _;
use std::ptr;

use pcap_nflog::abi::filter::{pcap_compile, pcap_compile_nopcap, pcap_freecode};
use pcap_nflog::abi::open::pcap_close;
use pcap_nflog::abi::savefile::{pcap_open_dead, pcap_open_offline};
use pcap_nflog::abi::status::pcap_geterr;
use pcap_nflog::abi::types::{PCAP_ERRBUF_SIZE, bpf_program, pcap_t};
use pcap_nflog::bpf::{Instruction, Program};

use crate::expressions::ADDRESSES;
use crate::messages::ip_packet;
use crate::nflog::with_packet;
use crate::random::Random;
use crate::system::system;

const RAW: i32 = 12;
const NFLOG: i32 = 239;
const SNAPLEN: c_int = 262_144;
const NETMASK: u32 = 0xffff_ff00;

/// What an expression compiles to on a handle of `pcap_open_dead` or of a savefile, or the text of the failure.
type Compiled = Result<Vec<Instruction>, String>;

fn taken(mut program: bpf_program) -> Vec<Instruction> {
    // SAFETY: it was compiled just now.
    unsafe {
        let instructions = std::slice::from_raw_parts(program.bf_insns.cast::<Instruction>(), program.bf_len as usize);
        let instructions = instructions.to_vec();
        pcap_freecode(&mut program);
        instructions
    }
}

/// `pcap_compile` of this library on a handle, which is closed.
fn compiled_on(p: *mut pcap_t, expression: &str, optimize: bool) -> Compiled {
    let text = CString::new(expression).unwrap();
    let mut program = bpf_program { bf_len: 0, bf_insns: ptr::null_mut() };
    // SAFETY: the handle is open, and not used any more.
    unsafe {
        let result = pcap_compile(p, &mut program, text.as_ptr(), optimize.into(), NETMASK);
        let result = match result {
            0 => Ok(taken(program)),
            _ => Err(CStr::from_ptr(pcap_geterr(p)).to_string_lossy().into_owned()),
        };
        pcap_close(p);
        result
    }
}

fn on_dead_handle(expression: &str, optimize: bool) -> Compiled {
    compiled_on(pcap_open_dead(NFLOG, SNAPLEN), expression, optimize)
}

/// An empty savefile of the link type, closed when the process ends.
fn savefile() -> CString {
    let mut bytes = Vec::new();
    for field in [0xa1b2_c3d4, 2 | 4 << 16, 0, 0, SNAPLEN as u32, NFLOG as u32] {
        bytes.extend(u32::to_ne_bytes(field));
    }
    if cfg!(target_endian = "big") {
        bytes[4..8].copy_from_slice(&[0, 2, 0, 4]);
    }
    let path = format!("{}/link_layer.{:?}.pcap", env!("CARGO_TARGET_TMPDIR"), std::thread::current().id());
    std::fs::write(&path, bytes).unwrap();
    CString::new(path).unwrap()
}

fn on_savefile(file: &CStr, expression: &str, optimize: bool) -> Compiled {
    let mut errbuf = [0; PCAP_ERRBUF_SIZE];
    // SAFETY: the path is a C string; the buffer is as large as it must be.
    let p = unsafe { pcap_open_offline(file.as_ptr(), errbuf.as_mut_ptr()) };
    assert!(!p.is_null());
    compiled_on(p, expression, optimize)
}

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

/// Every kind of primitive that pcap-filter(7) has, and what is no expression at all.
const PRIMITIVES: [&str; 84] = [
    "link[0] = 2",
    "ether[0:2] = 2",
    "link[100] = 1",
    "link[link[0]] = 1",
    "link[-1] = 1",
    "len > 100",
    "greater 100",
    "less 100",
    "len & 1 = 0",
    "1 = 1",
    "",
    "inbound",
    "outbound",
    "ifindex 3",
    "ifname lo",
    "on lo",
    "rnr 1",
    "rset x",
    "action pass",
    "reason match",
    "link proto 2048",
    "ether proto \\ip",
    "link proto \\arp",
    "llc",
    "llc i",
    "mpls",
    "mpls 5",
    "vlan",
    "vlan 5",
    "vlan 5000",
    "ether broadcast",
    "link multicast",
    "broadcast",
    "multicast",
    "ether host 1:2:3:4:5:6",
    "link src 1:2:3:4:5:6",
    "wlan type data",
    "type mgt",
    "subtype beacon",
    "dir 1",
    "dir fromds",
    "radio[0] = 0",
    "vpi 1",
    "vci 1",
    "lane",
    "oam",
    "fisu",
    "opc 1",
    "link host $21",
    "decnet host 10.15",
    "ip",
    "ip6",
    "arp",
    "rarp",
    "tcp",
    "udp port 80",
    "port 80",
    "portrange 1-9",
    "host 1.2.3.4",
    "ip6 host fd00::1",
    "net 10.0.0.0/8",
    "ip proto 6",
    "proto 17",
    "ip6 protochain 6",
    "tcp[0] = 1",
    "ip[0] = 1",
    "icmp[0] = 0",
    "ip multicast",
    "ip6 multicast",
    "ip broadcast",
    "iso",
    "isis",
    "stp",
    "ipx",
    "atalk",
    "lat",
    "moprc",
    "pppoes",
    "geneve",
    "vlan and tcp",
    "tcp prt 80",
    "(tcp",
    "tcp port nosuchservice",
    "netbeui[0] = 1",
];

#[test]
fn what_libpcap_refuses_for_the_link_type_is_refused_with_its_words() {
    let file = savefile();
    let (mut same, mut refused, mut judged) = (0, 0, 0);
    let not_found = system().compile(NFLOG, "ip", false).unwrap_err();
    for primitive in PRIMITIVES {
        // Alone, behind what libpcap does not find in a message, and before it.
        for expression in [primitive.to_owned(), format!("udp or {primitive}"), format!("not ({primitive}) and ip6")] {
            let alone = expression == primitive;
            let for_raw = system().compile(RAW, &expression, false);
            let kinds = [
                (system().compile(NFLOG, &expression, false), system().compile(NFLOG, primitive, false), None),
                (
                    system().compile_offline(&file, &expression, false),
                    system().compile_offline(&file, primitive, false),
                    Some(&file),
                ),
            ];
            for (whole, part, file) in kinds {
                let ours = match file {
                    None => on_dead_handle(&expression, false),
                    Some(file) => on_savefile(file, &expression, false),
                };
                let link_protocol = ["link proto", "ether proto"].iter().any(|words| primitive.starts_with(words));
                // What libpcap would say of any link type, or of one that has no link layer.
                let own = part.err().filter(|why| *why != not_found || link_protocol);
                if let Ok(program) = whole {
                    assert_eq!(ours, Ok(program), "{expression}");
                    same += 1;
                } else if own.is_some() || for_raw.is_err() {
                    let told = ours.expect_err(&expression);
                    assert!(own.as_ref().is_none_or(|own| *own == told), "{expression}: {told}, not {own:?}");
                    assert!(!told.contains("Raw IP") && !told.contains("DLT_RAW"), "{expression}: {told}");
                    refused += 1;
                } else {
                    assert!(ours.is_ok(), "{expression}: {ours:?}");
                    judged += 1;
                }
                if alone && file.is_none() {
                    without_a_handle(&expression);
                }
            }
        }
    }
    println!("{same} as libpcap compiles them, {refused} refused, {judged} judge the packet");
    assert!(same > 15 && refused > 100 && judged > 100);
}

/// `pcap_compile_nopcap` does what `pcap_compile` does on a handle without a capture.
fn without_a_handle(expression: &str) {
    let text = CString::new(expression).unwrap();
    let mut program = bpf_program { bf_len: 0, bf_insns: ptr::null_mut() };
    // SAFETY: the program can be written; the expression is a C string.
    let result = unsafe { pcap_compile_nopcap(SNAPLEN, NFLOG, &mut program, text.as_ptr(), 1, NETMASK) };
    match on_dead_handle(expression, true) {
        Ok(expected) => assert_eq!((result, taken(program)), (0, expected), "{expression}"),
        Err(why) => assert_eq!(result, -1, "{expression}: {why}"),
    }
}

#[test]
fn a_byte_of_the_record_takes_no_walk_through_it() {
    for expression in ["link[0] = 2", "len > 100", "greater 100 and ether[4:2] = 8"] {
        let program = on_dead_handle(expression, true).unwrap();
        assert_eq!(program, system().compile(NFLOG, expression, true).unwrap(), "{expression}");
        assert!(program.len() <= 6, "{expression}: {program:?}");
    }
}
