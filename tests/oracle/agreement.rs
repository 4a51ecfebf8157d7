//! The same packets, captured by AF_PACKET and by NFLOG at the same time, agree in every byte and length.

use std::collections::BTreeMap;

use pcap_nflog::capture::{Direction, Layout, LinkType, Message, Options, attribute};

use crate::afpacket::{AfPacket, Seen};
use crate::log::{Logged, Logs, group, nft, statements};
use crate::model::{ARP, Expected, IPV4, IPV6, innermost, reassembled};
use crate::support::network::in_private_network;
use crate::support::program::Program;
use crate::topology::{Topology, index_of};
use crate::traffic::{self, Site, hosts};

/// The interfaces that IP is on, and the number of its network.
const IP_INTERFACES: [(&str, u8); 5] = [("lan0", 1), ("br0", 2), ("lan0.7", 7), ("provider.5", 5), ("lo", 0)];

/// What AF_PACKET has seen of a namespace, and the names of its interfaces.
struct World {
    seen: Vec<Seen>,
    indices: BTreeMap<&'static str, u32>,
}

/// A place where packets are logged, and the packets that must be.
struct Place {
    /// Family, hook, and device where there is one.
    rule: &'static str,
    way: Direction,
    expected: fn(&World) -> Vec<Expected>,
    /// Whether the payload begins with the link header.
    headed: bool,
}

const fn place(rule: &'static str, way: Direction, expected: fn(&World) -> Vec<Expected>) -> Place {
    Place { rule, way, expected, headed: false }
}

const fn headed(rule: &'static str, expected: fn(&World) -> Vec<Expected>) -> Place {
    Place { rule, way: Direction::Out, expected, headed: true }
}

const PLACES: &[Place] = &[
    place("netdev ingress lan0", Direction::In, ingress),
    headed("netdev egress lan0", |world| of(world.left("lan0")).into_iter().map(Expected::headed).collect()),
    place("netdev ingress lo", Direction::In, |world| of(world.came("lo"))),
    place("netdev ingress port0", Direction::In, |world| of(world.came("port0"))),
    headed("netdev egress port1", |world| of(world.left("port1")).into_iter().map(Expected::headed).collect()),
    headed("netdev egress lo", |world| of(world.left("lo")).into_iter().map(Expected::headed).collect()),
    // This family's messages have no tag.
    place("inet ingress lan0", Direction::In, |world| {
        let whole = ingress(world).into_iter().filter(|packet| is_ip(packet) && packet.is_whole());
        whole.map(Expected::untagged).collect()
    }),
    place("inet prerouting", Direction::In, prerouting),
    place("inet input", Direction::In, |world| {
        let (v4, v6) = prerouting(world).into_iter().filter(|packet| world.is_to_us(packet)).partition(is_ipv4);
        // IPv6 puts fragments together behind the hook.
        let v4: Vec<Expected> = reassembled(v4);
        [v4, v6].concat()
    }),
    place("inet forward", Direction::Both, |world| {
        let unicast = prerouting(world).into_iter().filter(|packet| packet.packet_type == 0);
        unicast.filter(|packet| !world.is_to_us(packet)).map(Expected::forwarded).collect()
    }),
    place("inet output", Direction::Out, output),
    place("inet postrouting", Direction::Out, |world| {
        let mut all = output(world);
        // What we send to many comes back to us, on a second way through the hook.
        all.extend(looped(world));
        all.extend(world.forwarded());
        all
    }),
    place("ip prerouting", Direction::In, |world| prerouting(world).into_iter().filter(is_ipv4).collect()),
    place("ip6 output", Direction::Out, |world| output(world).into_iter().filter(|packet| !is_ipv4(packet)).collect()),
    place("arp input", Direction::In, |world| {
        of(world.on_ip_interfaces(false)).into_iter().filter(|p| is_arp(p) && p.packet_type != 3).collect()
    }),
    headed("arp output", |world| {
        of(world.on_ip_interfaces(true))
            .into_iter()
            .filter(|p| is_arp(p) && !traffic::is_odd(ARP, &p.rest))
            .map(Expected::headed)
            .collect()
    }),
    place("bridge prerouting", Direction::In, |world| of(world.ports(false))),
    place("bridge input", Direction::In, |world| {
        let port_of = |packet: &Expected| {
            let port = world.ports(false).find(|seen| seen.address == packet.address);
            port.expect("what came to the bridge came by a port").index
        };
        of(world.came("br0")).into_iter().map(|packet| Expected { index: port_of(&packet), ..packet }).collect()
    }),
    place("bridge forward", Direction::Both, bridged),
    place("bridge output", Direction::Out, |world| {
        let ours = world.address_of("br0");
        of(world.ports(true)).into_iter().filter(|packet| packet.address == ours).collect()
    }),
    place("bridge postrouting", Direction::Out, |world| of(world.ports(true))),
    place(EBTABLES, Direction::Both, bridged),
];

const EBTABLES: &str = "ebtables FORWARD";

fn of<'a>(seen: impl Iterator<Item = &'a Seen>) -> Vec<Expected> {
    seen.map(Expected::of).collect()
}

fn is_ipv4(packet: &Expected) -> bool {
    packet.protocol == IPV4
}

fn is_ip(packet: &Expected) -> bool {
    matches!(packet.protocol, IPV4 | IPV6)
}

fn is_arp(packet: &Expected) -> bool {
    packet.protocol == ARP
}

fn is_to_many(packet: &Expected) -> bool {
    match packet.protocol {
        IPV4 => packet.rest[16] >= 224 || packet.rest[19] == 255,
        _ => packet.rest[24] == 0xff,
    }
}

/// What a device's hook sees of packets that come in.
fn ingress(world: &World) -> Vec<Expected> {
    let mut all = of(world.came("lan0"));
    all.extend(back(world).into_iter().filter(|packet| packet.index == world.indices["lan0"]));
    all
}

/// What IP hooks see of packets that come in.
fn prerouting(world: &World) -> Vec<Expected> {
    let came = of(world.on_ip_interfaces(false)).into_iter().filter(Expected::is_whole);
    let mut all: Vec<_> = came.filter(|p| is_ip(p) && p.packet_type < 3).map(Expected::unpadded).collect();
    all.extend(back(world));
    all
}

/// What this host sends, before it is cut into fragments and has a link header.
fn output(world: &World) -> Vec<Expected> {
    let left = of(world.on_ip_interfaces(true)).into_iter().filter(|packet| is_ip(packet) && world.is_from_us(packet));
    let left = left.filter(|packet| !traffic::is_odd(packet.protocol, &packet.rest));
    reassembled(left.map(Expected::unlinked).collect())
}

/// What this host sends to groups that it is in itself.
fn looped(world: &World) -> Vec<Expected> {
    let all_hosts = |packet: &Expected| {
        is_ipv4(packet) || packet.rest[24..40] == [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    };
    output(world).into_iter().filter(|packet| is_to_many(packet) && all_hosts(packet)).collect()
}

/// What of it comes back. AF_PACKET does not show it again; there is no link header, and no sender is told.
fn back(world: &World) -> Vec<Expected> {
    looped(world).into_iter().map(|packet| Expected { packet_type: 0, address: Vec::new(), ..packet }).collect()
}

/// What the bridge passes on: all but what is for the bridge itself.
fn bridged(world: &World) -> Vec<Expected> {
    let ours = world.address_of("br0");
    let passed = of(world.ports(false)).into_iter().filter(|packet| packet.link.unwrap()[..6] != ours);
    passed.map(|packet| Expected { packet_type: 3, ..packet }).collect()
}

impl World {
    /// What the traffic must contain for the agreement to mean something.
    fn assert_varied(&self) {
        let came = of(self.came("lan0"));
        let any = |what: &str, is: fn(&Expected) -> bool| assert!(came.iter().any(is), "no {what} came in");
        any("packet that segmentation is yet to split", |packet| is_ipv4(packet) && packet.rest.len() > 1500);
        any("fragment", |packet| is_ipv4(packet) && packet.rest[6] & 0x20 != 0);
        any("fragment of IPv6", |packet| packet.protocol == IPV6 && packet.rest[6] == 44);
        any("hop-by-hop header", |packet| packet.protocol == IPV6 && packet.rest[6] == 0);
        any("destination options", |packet| packet.protocol == IPV6 && packet.rest[6] == 60);
        any("ICMP", |packet| is_ipv4(packet) && packet.rest[9] == 1);
        any("ICMPv6", |packet| packet.protocol == IPV6 && packet.rest[6] == 58);
        any("ARP", is_arp);
        any("tagged frame", |packet| packet.tag.is_some_and(|tag| tag.0 == 0x8100));
        any("tag in a tag", |packet| packet.tag.is_some_and(|tag| tag.0 == 0x88a8) && packet.protocol == 0x8100);
        any("LLC", |packet| packet.protocol == 4);
        any("broadcast", |packet| packet.packet_type == 1);
        any("multicast", |packet| packet.packet_type == 2);
        any("frame to others", |packet| packet.packet_type == 3);
    }

    fn came(&self, name: &'static str) -> impl Iterator<Item = &Seen> {
        self.seen.iter().filter(move |seen| seen.index == self.indices[name] && !seen.outgoing())
    }

    fn left(&self, name: &'static str) -> impl Iterator<Item = &Seen> {
        self.seen.iter().filter(move |seen| seen.index == self.indices[name] && seen.outgoing())
    }

    fn ports(&self, outgoing: bool) -> impl Iterator<Item = &Seen> {
        let ports = [self.indices["port0"], self.indices["port1"]];
        self.seen.iter().filter(move |seen| ports.contains(&seen.index) && seen.outgoing() == outgoing)
    }

    /// What is on an interface itself, and not on a VLAN on it.
    fn on_ip_interfaces(&self, outgoing: bool) -> impl Iterator<Item = &Seen> {
        let indices = IP_INTERFACES.map(|(name, _)| self.indices[name]);
        let seen = self.seen.iter().filter(move |seen| indices.contains(&seen.index) && seen.tag.is_none());
        seen.filter(move |seen| seen.outgoing() == outgoing)
    }

    /// What is passed on, as it leaves: the hook still has the link header that it came in with.
    fn forwarded(&self) -> Vec<Expected> {
        let came: Vec<Expected> =
            prerouting(self).into_iter().filter(|p| p.packet_type == 0 && !self.is_to_us(p)).collect();
        let left = of(self.on_ip_interfaces(true)).into_iter().filter(|p| is_ip(p) && !self.is_from_us(p));
        let with_its_link = |packet: Expected| {
            let before = came.iter().find(|before| Expected::forwarded((*before).clone()).rest == packet.rest);
            Expected { link: before.expect("what was passed on came in").link, ..packet }
        };
        left.map(with_its_link).collect()
    }

    fn address_of(&self, name: &'static str) -> Vec<u8> {
        self.left(name).next().expect("something left").address.clone()
    }

    fn is_ours(&self, protocol: u16, address: &[u8]) -> bool {
        match protocol {
            IPV4 => address[0] == 127 || address[..2] == [10, 77] && address[3] == 1,
            _ => address[15] == 1 && (address[0] == 0xfd || address[0] == 0),
        }
    }

    fn is_from_us(&self, packet: &Expected) -> bool {
        let source = if is_ipv4(packet) { &packet.rest[12..16] } else { &packet.rest[8..24] };
        self.is_ours(packet.protocol, source)
    }

    fn is_to_us(&self, packet: &Expected) -> bool {
        let target = if is_ipv4(packet) { &packet.rest[16..20] } else { &packet.rest[24..40] };
        // Of the multicast addresses, those of all hosts, and the one that neighbours ask for ours by, end in 1, too.
        self.is_ours(packet.protocol, target) || is_to_many(packet) && matches!(target[target.len() - 1], 1 | 255)
    }
}

/// Whether a packet is part of the test, and not what a kernel sends on its own account.
fn is_of_the_test(protocol: u16, rest: &[u8]) -> bool {
    let (protocol, at) = innermost(protocol, rest);
    let packet = &rest[at..];
    match protocol {
        IPV4 => packet[12] == 127 || packet[12..14] == [10, 77],
        IPV6 => packet[8..10] == [0xfd, 0x77] || packet[8..24] == *[[0; 15].as_slice(), &[1]].concat(),
        _ => true,
    }
}

fn rules() -> String {
    let mut script = String::new();
    for (number, place) in PLACES.iter().enumerate() {
        let words: Vec<&str> = place.rule.split(' ').collect();
        if place.rule == EBTABLES {
            continue;
        }
        let (family, hook) = (words[0], words[1]);
        let device = words.get(2).map_or(String::new(), |device| format!("device {device} "));
        // inet's ingress drops broken packets, on the same hook as netdev's.
        let priority = if family == "netdev" { -10 } else { 0 };
        let chain = format!("type filter hook {hook} {device}priority {priority};");
        script += &format!("add table {family} watch\n");
        script += &format!("add chain {family} watch place{number} {{ {chain} }}\n");
        script += &format!("add rule {family} watch place{number}{}\n", statements(number));
    }
    script
}

fn ebtables_rules() {
    let place = PLACES.iter().position(|place| place.rule == EBTABLES).unwrap();
    for link_type in 0..5 {
        let group = group(place, link_type).to_string();
        Program::new("ebtables").args(["-A", "FORWARD", "--nflog-group", &group]).succeed();
    }
}

/// All traffic, and what both sides saw of it.
fn capture(options: &Options) -> (World, Vec<Logged>) {
    let topology = Topology::new();
    let names = ["lan0", "lan0.7", "provider", "provider.5", "br0", "port0", "port1", "lo"];
    let indices: BTreeMap<_, _> = names.map(|name| (name, index_of(name))).into();
    let mut afpacket = AfPacket::new();
    let mut logs = Logs::open(PLACES.len(), options);
    nft(&rules());
    ebtables_rules();
    let (mut seen, mut logged) = (Vec::new(), Vec::new());
    let mut step = |action: &dyn Fn()| {
        action();
        logged.extend(logs.take());
        seen.extend(afpacket.take());
    };
    let (east, north, south) = (Site::At(&topology.east), Site::At(&topology.north), Site::At(&topology.south));
    // From, to, network, host: by each link, in both directions, by way of this host and past it.
    let ways = [
        (Site::Here, east, 1, 2),
        (east, Site::Here, 1, 1),
        (Site::Here, east, 7, 2),
        (east, Site::Here, 7, 1),
        (Site::Here, east, 5, 2),
        (east, Site::Here, 5, 1),
        (Site::Here, north, 2, 2),
        (south, Site::Here, 2, 1),
        (north, south, 2, 3),
        (east, south, 2, 3),
        (north, east, 1, 2),
    ];
    let is_there = |network: u8| topology.vlans || network < 5;
    for (from, to, network, host) in ways.into_iter().filter(|way| is_there(way.2)) {
        for ip in hosts(network, host) {
            step(&|| from.run(move || traffic::ping(ip, 56)));
            step(&|| from.run(move || traffic::udp(ip)));
            step(&|| traffic::tcp(from, to, ip, 300_000));
            if ip.is_ipv6() {
                step(&|| from.run(move || traffic::extended(ip)));
            }
        }
    }
    for ip in ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()] {
        step(&|| traffic::ping(ip, 1));
        step(&|| traffic::udp(ip));
        step(&|| traffic::tcp(Site::Here, Site::Here, ip, 300_000));
    }
    for (site, network, host, interface) in [
        (Site::Here, 1, 1, "lan0"),
        (Site::Here, 7, 1, "lan0.7"),
        (Site::Here, 2, 1, "br0"),
        (east, 1, 2, "lan1"),
        (east, 7, 2, "lan1.7"),
        (north, 2, 2, "eth0"),
    ] {
        if !is_there(network) {
            continue;
        }
        step(&|| site.run(move || traffic::to_many(network, host, interface)));
    }
    let (lan0, br0) = (address_of("lan0"), address_of("br0"));
    let lan1 = east.run(|| address_of("lan1"));
    let eth0 = north.run(|| address_of("eth0"));
    step(&|| east.run(move || traffic::odd_frames("lan1", lan1, lan0, [10, 77, 1, 2], [10, 77, 1, 1])));
    step(&|| traffic::odd_frames("lan0", lan0, lan1, [10, 77, 1, 1], [10, 77, 1, 2]));
    step(&|| north.run(move || traffic::odd_frames("eth0", eth0, br0, [10, 77, 2, 2], [10, 77, 2, 1])));
    seen.retain(|frame| is_of_the_test(frame.protocol, &frame.frame[14..]));
    (World { seen, indices }, logged)
}

fn address_of(name: &'static str) -> [u8; 6] {
    let shown = Program::new("ip").args(["-br", "link", "show", "dev", name]).succeed().stdout();
    let text = shown.split_ascii_whitespace().nth(2).unwrap().to_owned();
    let bytes: Vec<u8> = text.split(':').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

/// What both sides have, less what both agree on.
fn differences<T: Ord + Clone>(left: &[T], right: &[T]) -> (Vec<T>, Vec<T>) {
    let (mut left, mut right) = (left.to_vec(), right.to_vec());
    left.sort();
    right.sort();
    let only = |these: &[T], those: &[T]| {
        let mut rest = those.iter().peekable();
        let mut only = Vec::new();
        for one in these {
            while rest.peek().is_some_and(|other| *other < one) {
                rest.next();
            }
            if rest.peek() == Some(&one) {
                rest.next();
            } else {
                only.push(one.clone());
            }
        }
        only
    };
    (only(&left, &right), only(&right, &left))
}

fn shown(packets: &[Bytes]) -> String {
    let line = |(data, len): &Bytes| {
        let hex: Vec<_> = data.iter().take(60).map(|byte| format!("{byte:02x}")).collect();
        let hex = hex.concat();
        format!("    len {len}, {} bytes: {hex}\n", data.len())
    };
    packets.iter().take(3).map(line).collect()
}

/// A record's bytes and length.
type Bytes = (Vec<u8>, usize);

fn agree(options: &Options) {
    let (world, logged) = capture(options);
    let cut = |(mut data, len): Bytes| {
        data.truncate(options.snaplen as usize);
        (data, len)
    };
    world.assert_varied();
    let mut problems = String::new();
    for (number, place) in PLACES.iter().enumerate() {
        let here: Vec<&Logged> = logged.iter().filter(|record| record.place == number).collect();
        let expected = (place.expected)(&world);
        println!("{:22} {:5} packets", place.rule, expected.len());
        if expected.is_empty() {
            problems += &format!("{}: no packets\n", place.rule);
        }
        for record in &here {
            if record.direction != place.way {
                problems += &format!("{}: {:?} is not {:?}\n", place.rule, record.direction, place.way);
            }
        }
        type Made = fn(&Expected) -> Option<Bytes>;
        let made: [(LinkType, Made); 4] = [
            (LinkType::Raw, Expected::raw),
            (LinkType::Ethernet, |packet| Some(packet.ethernet())),
            (LinkType::Sll, |packet| Some(packet.sll())),
            (LinkType::Sll2, |packet| Some(packet.sll2())),
        ];
        for (link_type, made) in made {
            let theirs: Vec<_> = expected.iter().filter_map(made).map(cut).collect();
            let records = here.iter().filter(|record| record.link_type == link_type && record.is_of_the_test(place));
            let ours: Vec<_> = records.map(|record| (record.data.clone(), record.len)).collect();
            problems += &compared(&format!("{} {link_type:?}", place.rule), &theirs, &ours);
        }
        let theirs: Vec<_> = expected
            .iter()
            .map(|packet| cut(packet.message()))
            .map(|(data, len)| (data, len.next_multiple_of(4)))
            .collect();
        let records = here.iter().filter(|r| r.link_type == LinkType::Nflog && r.is_of_the_test(place));
        let ours: Vec<_> = records.map(|record| record.delivered_payload()).collect();
        problems += &compared(&format!("{} NFLOG", place.rule), &theirs, &ours);
    }
    assert!(problems.is_empty(), "{problems}");
}

fn compared(what: &str, theirs: &[Bytes], ours: &[Bytes]) -> String {
    let (missing, surplus) = differences(theirs, ours);
    if missing.is_empty() && surplus.is_empty() {
        return String::new();
    }
    format!(
        "{what}: of {}, {} are missing:\n{}  of {}, {} are surplus:\n{}",
        theirs.len(),
        missing.len(),
        shown(&missing),
        ours.len(),
        surplus.len(),
        shown(&surplus)
    )
}

impl Logged {
    /// The payload in a message that was delivered, and the length that its attribute has without a snaplen, padded.
    fn delivered_payload(&self) -> Bytes {
        let mut layout = Layout::default();
        let message = Message::parse(&self.data, &mut layout).expect("a message");
        let payload = message.payload();
        (payload.to_vec(), self.len - message.offset(attribute::PAYLOAD).unwrap_or(self.len))
    }

    fn is_of_the_test(&self, place: &Place) -> bool {
        let (protocol, at) = match place.headed {
            true => (u16::from_be_bytes([self.payload[12], self.payload[13]]), 14),
            false => (self.protocol, 0),
        };
        is_of_the_test(protocol, &self.payload[at..])
    }
}

#[test]
fn every_byte_length_and_header_agrees_with_af_packet() {
    in_private_network(|_| agree(&Options::default()));
}

#[test]
fn lengths_are_the_true_ones_when_the_kernel_copied_less() {
    in_private_network(|_| agree(&Options { snaplen: 96, ..Options::default() }));
}
