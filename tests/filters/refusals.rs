//! What libpcap refuses for link type NFLOG is refused in its own words.

use crate::ours::{NFLOG, RAW, on_dead_handle, on_savefile, savefile, without_a_handle};
use crate::system::system;

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
            }
        }
    }
    println!("{same} as libpcap compiles them, {refused} refused, {judged} judge the packet");
    assert!(same > 15 && refused > 100 && judged > 100);
}

#[test]
fn without_a_handle_the_program_is_that_of_a_handle_without_a_capture() {
    for expression in PRIMITIVES {
        assert_eq!(without_a_handle(expression), on_dead_handle(expression, true).ok(), "{expression}");
    }
}
