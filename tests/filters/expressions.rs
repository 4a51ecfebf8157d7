//! Expressions by the grammar of pcap-filter(7), as far as it speaks of IP packets.

use crate::random::Random;

const PROTOCOLS: [&str; 9] = ["tcp", "udp", "icmp", "icmp6", "sctp", "ah", "esp", "igmp", "pim"];
pub const ADDRESSES: [&str; 4] = ["10.0.0.1", "10.0.0.2", "192.168.1.1", "224.0.0.1"];
const ADDRESSES6: [&str; 3] = ["fd00::1", "fd00::2", "ff02::1"];

pub fn expression(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 2 } else { 6 }) {
        0 | 1 => primitive(random),
        2 => format!("not {}", parenthesised(random, depth - 1)),
        3 => format!("{} and {}", parenthesised(random, depth - 1), parenthesised(random, depth - 1)),
        4 => format!("{} or {}", parenthesised(random, depth - 1), parenthesised(random, depth - 1)),
        _ => format!("!({} && {})", expression(random, depth - 1), parenthesised(random, depth - 1)),
    }
}

fn parenthesised(random: &mut Random, depth: usize) -> String {
    format!("({})", expression(random, depth))
}

fn primitive(random: &mut Random) -> String {
    let way = random.pick(&["", "src ", "dst ", "src or dst ", "src and dst "]);
    let number = random.below(140);
    match random.below(16) {
        0 => random.pick(&["ip", "ip6", "tcp", "udp", "icmp", "icmp6", "sctp", "igmp", "ah", "esp"]).to_owned(),
        1 => format!("{way}host {}", random.pick(&ADDRESSES)),
        2 => format!("ip6 {way}host {}", random.pick(&ADDRESSES6)),
        3 => format!("{way}net {}", random.pick(&["10.0.0.0/8", "192.168.0.0/16", "fd00::/16", "10.0.0.0/30"])),
        4 => format!("{}{way}port {}", random.pick(&["", "tcp ", "udp ", "sctp "]), port(random)),
        5 => {
            let first = port(random);
            format!("{}{way}portrange {first}-{}", random.pick(&["", "tcp ", "udp "]), first + random.below(9))
        }
        6 => format!("{} {}", random.pick(&["greater", "less"]), random.below(120)),
        7 => format!("{} proto {}", random.pick(&["ip", "ip6"]), random.pick(&["6", "17", "58", "1", "44", "\\udp"])),
        8 => random.pick(&["ip multicast", "ip6 multicast", "ip broadcast", "ether proto 0x86dd"]).to_owned(),
        9 => format!("tcp[tcpflags] & (tcp-syn|tcp-fin) {} 0", random.pick(&["=", "!=", ">"])),
        10 => format!("icmp[icmptype] {} icmp-echo", random.pick(&["=", "!="])),
        11 => format!("{} protochain {}", random.pick(&["ip", "ip6"]), random.pick(&["6", "17", "58"])),
        12 => format!("ip[{number}] & 0x{:x} != {}", random.below(256), random.below(4)),
        _ => {
            let relation = random.pick(&["=", "!=", "<", ">", "<=", ">="]);
            format!("{} {relation} {}", arithmetic(random, 2), arithmetic(random, 2))
        }
    }
}

fn port(random: &mut Random) -> usize {
    random.pick(&[53, 80, 443, 22, 1000]) + random.below(3)
}

fn arithmetic(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 4 } else { 7 }) {
        0 => random.below(120).to_string(),
        1 => "len".to_owned(),
        2 => {
            let protocol = random.pick(&["ip", "ip6", "ether", PROTOCOLS[0], PROTOCOLS[1], PROTOCOLS[2]]);
            format!("{protocol}[{}{}]", random.below(60), random.pick(&["", ":1", ":2", ":4"]))
        }
        3 => format!("ip[{} & 63]", random.pick(&["len", "ip[9]", "ip[3]"])),
        4 => format!("-({})", arithmetic(random, depth - 1)),
        _ => {
            let operator = random.pick(&["+", "-", "*", "&", "|", "^", "<<", ">>", "/", "%"]);
            let right = match operator {
                // By constants: libpcap refuses those that it finds to be 0, sometimes wrongly.
                "<<" | ">>" | "/" | "%" => (1 + random.below(31)).to_string(),
                _ => arithmetic(random, depth - 1),
            };
            format!("({} {operator} {right})", arithmetic(random, depth - 1))
        }
    }
}
