//! Lengths: what was captured, what there was, and what stands behind it in memory.

use pcap_nflog::capture::{Device, Fetched, LinkType, Options, Session};

use crate::log::{LINK_TYPES, group, nft, quiet, statements};
use crate::support::network::in_private_network;
use crate::support::program::Program;
use crate::support::slack;
use crate::support::traffic::Udp;
use crate::topology::Topology;
use crate::traffic::{self, Site, hosts};

/// What stands before the IP packet in each of the link types.
const HEADERS: [usize; 4] = [0, 14, 16, 20];
/// Programs may read so far behind a record.
const TAIL: usize = 65_536;

fn open(device: &str, link_type: LinkType, snaplen: u32) -> Session {
    let options = Options { link_type: Some(link_type), snaplen, ..Options::default() };
    Session::open(&device.parse::<Device>().unwrap(), &options).unwrap()
}

/// caplen and len of all records that have come; and checks what is behind them.
fn lengths(session: &mut Session) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    loop {
        while session.advance() {
            let record = session.record();
            // SAFETY: so far behind its data a record is readable, as its documentation promises.
            let behind = unsafe { std::slice::from_raw_parts(record.data.as_ptr().add(record.data.len()), TAIL) };
            if (record.len as usize) > record.data.len() {
                assert!(behind.iter().all(|&byte| byte == 0), "something is behind {} bytes", record.data.len());
            }
            all.push((record.data.len(), record.len as usize));
        }
        if session.fetch(quiet(60)).unwrap() != Fetched::Batch {
            return all;
        }
    }
}

const SIZES: [usize; 8] = [0, 1, 4, 36, 68, 1000, 1472, 9000];

fn send_all() {
    let (mut v4, mut v6) = (Udp::v4(), Udp::v6());
    for size in SIZES {
        v4.send(size);
        v6.send(size);
    }
}

/// The lengths of the packets that this sends.
fn sent() -> impl Iterator<Item = usize> {
    SIZES.into_iter().flat_map(|size| [28 + size, 48 + size])
}

#[test]
fn caplen_is_at_most_the_snaplen_and_len_the_true_length() {
    in_private_network(|network| {
        network.output_rules(&[&format!("udp dport 9000{}", statements(0))]);
        for snaplen in [1, 64, 96, 1500, 262_144] {
            let mut sessions: Vec<Session> =
                (0..4).map(|index| open(&format!("nflog:{}", group(0, index)), LINK_TYPES[index], snaplen)).collect();
            send_all();
            for (session, header) in sessions.iter_mut().zip(HEADERS) {
                let expected: Vec<_> = sent().map(|len| ((len + header).min(snaplen as usize), len + header)).collect();
                assert_eq!(lengths(session), expected, "{:?}, snaplen {snaplen}", session.link_type());
            }
        }
    });
}

/// On egress the kernel copies from the link header on.
#[test]
fn a_snaplen_is_used_up_by_the_packet_alone_also_where_the_payload_begins_with_a_link_header() {
    in_private_network(|_| {
        nft(
            "table netdev watch {\n chain out {\n  type filter hook egress device lo priority 0\n  udp dport 9000 log group 5\n }\n}\n",
        );
        for (link_type, header) in [(LinkType::Raw, 0), (LinkType::Ethernet, 14)] {
            let mut session = open("nflog:5", link_type, 1000);
            Udp::v4().send(1400);
            assert_eq!(lengths(&mut session), [(1000, 1428 + header)], "{link_type:?}");
        }
    });
}

#[test]
fn a_message_has_at_most_snaplen_bytes_of_its_payload() {
    in_private_network(|network| {
        network.log_udp();
        for snaplen in [1, 64, 1500] {
            let mut session = open("nflog:5", LinkType::Nflog, snaplen);
            send_all();
            let lengths = lengths(&mut session);
            assert_eq!(lengths.len(), 2 * SIZES.len());
            for ((caplen, len), sent) in lengths.into_iter().zip(sent()) {
                // The whole message ends with its padding.
                let cut_off = match sent > snaplen as usize {
                    true => sent.next_multiple_of(4) - snaplen as usize,
                    false => 0,
                };
                assert_eq!(len - caplen, cut_off, "{caplen} of {len}, of a packet of {sent}");
            }
        }
    });
}

#[test]
fn a_rule_that_logs_less_than_the_packet_leaves_the_length_true() {
    in_private_network(|network| {
        network.output_rules(&["udp dport 9000 log snaplen 50 group 5", "udp dport 9000 log snaplen 8 group 6"]);
        network.iptables("iptables-legacy", "-A OUTPUT -p udp --dport 9000 -j NFLOG --nflog-size 60 --nflog-group 7");
        network.iptables("ip6tables-nft", "-A OUTPUT -p udp --dport 9000 -j NFLOG --nflog-size 60 --nflog-group 7");
        for (group, copied) in [(5, 50), (6, 8), (7, 60)] {
            for (link_type, header) in LINK_TYPES.into_iter().zip(HEADERS) {
                let mut session = open(&format!("nflog:{group}"), link_type, 262_144);
                send_all();
                let expected: Vec<_> = sent().map(|len| (len.min(copied) + header, len + header)).collect();
                assert_eq!(lengths(&mut session), expected, "group {group}, {link_type:?}");
            }
        }
    });
}

#[test]
fn behind_a_short_record_there_is_nothing_of_a_longer_one_before() {
    in_private_network(|network| {
        network.output_rules(&["udp dport 9000 log snaplen 200 group 5", "udp dport 9000 log snaplen 50 group 5"]);
        for (link_type, header) in LINK_TYPES.into_iter().zip(HEADERS) {
            let mut session = open("nflog:5", link_type, 262_144);
            Udp::v4().send(500);
            Udp::v6().send(500);
            let expected = [528, 548].map(|len| [200, 50].map(|copied| (copied + header, len + header))).concat();
            assert_eq!(lengths(&mut session), expected, "{link_type:?}");
        }
    });
}

#[test]
fn a_rule_that_logs_no_bytes_makes_records_all_the_same() {
    in_private_network(|network| {
        network.iptables("iptables-nft", "-A OUTPUT -p udp --dport 9000 -j NFLOG --nflog-size 0 --nflog-group 5");
        for (link_type, header) in LINK_TYPES.into_iter().zip(HEADERS) {
            let mut session = open("nflog:5", link_type, 262_144);
            Udp::v4().send(100);
            assert_eq!(lengths(&mut session), [(header, header)], "{link_type:?}");
        }
    });
}

/// The length of an IPv6 packet by its own header, if that tells.
fn told(packet: &[u8]) -> Option<usize> {
    match u16::from_be_bytes([packet[4], packet[5]]) {
        // Hop-by-hop options with a jumbo payload (RFC 2675), as the kernel writes them.
        0 if packet[6] == 0 && packet[42] == 0xc2 => {
            Some(40 + u32::from_be_bytes(*packet[44..].first_chunk().unwrap()) as usize)
        }
        0 => None,
        length => Some(40 + usize::from(length)),
    }
}

#[test]
fn packets_beyond_64_kib_have_the_length_that_their_header_tells() {
    in_private_network(|_| {
        // Loopback's own MTU is 64 KiB: TCP makes packets of two such.
        nft("add table inet watch\n\
             add chain inet watch out { type filter hook output priority 0; }\n\
             add rule inet watch out meta l4proto tcp log group 5\n");
        let mut longest = [0, 0];
        for (index, ip) in ["::1", "127.0.0.1"].into_iter().enumerate() {
            let mut session = open("nflog:5", LinkType::Raw, 2000);
            // Segments grow with the receiver's window, and that with how fast the receiver reads.
            traffic::tcp(Site::Here, Site::Here, ip.parse().unwrap(), 2_000_000 * slack() as usize);
            loop {
                while session.advance() {
                    let record = session.record();
                    let (captured, len) = (record.data.len(), record.len as usize);
                    if index == 0 {
                        assert_eq!(Some(len), told(record.data).or(Some(captured)));
                    }
                    longest[index] = longest[index].max(len);
                }
                if session.fetch(quiet(60)).unwrap() != Fetched::Batch {
                    break;
                }
            }
        }
        println!("the longest packets: {longest:?}");
        assert!(longest.iter().all(|&len| len > 40_000));
    });
}

#[test]
fn with_connection_tracking_fragments_are_put_together_before_prerouting() {
    in_private_network(|_| {
        let topology = Topology::new();
        let chain = "add table inet watch\nadd chain inet watch in { type filter hook prerouting priority 0; }\n";
        let rule = "udp dport 9000 log group 5\nadd rule inet watch in ip frag-off & 0x1fff != 0 log group 5\n\
                    add rule inet watch in exthdr frag exists log group 5\n";
        let send = || topology.east.run(|| hosts(1, 1).map(send_5000));
        for (state, fragments) in [("", true), ("ct state new,established,untracked ", false)] {
            nft(&format!("{chain}add rule inet watch in {state}{rule}"));
            let mut session = open("nflog:5", LinkType::Raw, 100);
            send();
            let lengths: Vec<usize> = lengths(&mut session).into_iter().map(|(_, len)| len).collect();
            Program::new("nft").args(["delete", "table", "inet", "watch"]).succeed();
            assert_eq!(lengths.iter().any(|&len| len <= 1500), fragments, "{lengths:?}");
            if !fragments {
                assert_eq!(lengths, [5028, 5048]);
            }
        }
    });
}

fn send_5000(to: std::net::IpAddr) {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    std::net::UdpSocket::bind(any).unwrap().send_to(&[7; 5000], (to, 9000)).unwrap();
}

/// Sends so many bytes over a TCP connection of its own, and takes them.
fn tcp(address: &str, bytes: usize) {
    use std::io::{Read, Write, copy, repeat, sink};
    let listener = std::net::TcpListener::bind(address).unwrap();
    let mut client = std::net::TcpStream::connect(address).unwrap();
    let mut server = listener.accept().unwrap().0;
    let reading = std::thread::spawn(move || copy(&mut server, &mut sink()).unwrap());
    copy(&mut repeat(7).take(bytes as u64), &mut client).unwrap();
    client.flush().unwrap();
    drop(client);
    assert_eq!(reading.join().unwrap(), bytes as u64);
}

/// A TCP segment: its sequence number, the length of all its headers, the length field of the IP header, and the record's
/// length.
struct Segment {
    sequence: u32,
    headers: usize,
    field: u16,
    len: usize,
}

impl Segment {
    fn of(packet: &[u8], len: usize) -> Segment {
        let number = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
        let (field, mut tcp) = if packet[0] >> 4 == 4 { (number(2), 20) } else { (number(4), 40) };
        if packet[0] >> 4 == 6 && packet[6] == 0 {
            // A Hop-by-Hop header, which has the length then.
            tcp += 8 * (1 + usize::from(packet[41]));
        }
        let sequence = u32::from_be_bytes(packet[tcp + 4..tcp + 8].try_into().unwrap());
        Segment { sequence, headers: tcp + 4 * usize::from(packet[tcp + 12] >> 4), field, len }
    }
}

#[test]
fn a_tcp_packet_that_is_too_long_for_its_headers_field_is_never_told_to_be_short() {
    in_private_network(|network| {
        network.rules("inet", "output", &["tcp dport 9000 log group 5"]);
        for address in ["127.0.0.1:9000", "[::1]:9000"] {
            let mut session = open("nflog:5", LinkType::Raw, 96);
            tcp(address, 3_000_000);
            let mut segments = Vec::new();
            loop {
                while session.advance() {
                    let record = session.record();
                    segments.push(Segment::of(record.data, record.len as usize));
                }
                if session.fetch(quiet(60)).unwrap() != Fetched::Batch {
                    break;
                }
            }
            let mut long = 0;
            for pair in segments.windows(2) {
                let (segment, next) = (&pair[0], &pair[1]);
                let truth = segment.headers + next.sequence.wrapping_sub(segment.sequence) as usize;
                // What is sent again does not tell how long the segment before it was.
                if segment.field == 0 && (65_536..1 << 20).contains(&truth) {
                    assert!((65_536..=truth).contains(&segment.len), "{} of {truth} bytes", segment.len);
                    long += 1;
                }
            }
            println!("{address}: {} segments, {long} too long for the field", segments.len());
        }
    });
}
