//! The oracle's traffic: each kind of packet that the link types must hold.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::afpacket::send_frames;
use crate::model::{ARP, IPV4, IPV6, checksum};
use crate::topology::Peer;

/// Payload sizes of UDP datagrams: empty ones, odd ones, around the MTU, and many fragments.
const SIZES: [usize; 10] = [0, 1, 17, 18, 500, 1451, 1472, 1473, 5000, 60_000];

/// The host of a network, in both families.
pub fn hosts(network: u8, host: u8) -> [IpAddr; 2] {
    let wide = format!("fd77:{network}::{host}");
    [Ipv4Addr::new(10, 77, network, host).into(), wide.parse::<Ipv6Addr>().unwrap().into()]
}

fn any(ip: IpAddr) -> SocketAddr {
    match ip {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// Bytes that tell where each of them was.
fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at / 251 + at) as u8).collect()
}

/// Sends UDP datagrams of all sizes to a closed port: ICMP errors come back.
pub fn udp(to: IpAddr) {
    for size in SIZES {
        let socket = UdpSocket::bind(any(to)).unwrap();
        socket.send_to(&pattern(size), (to, 9000)).unwrap_or_else(|error| panic!("{size} bytes to {to}: {error}"));
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

/// Sends UDP datagrams with IPv6 extension headers: hop-by-hop and destination options, alone and with fragments.
pub fn extended(to: IpAddr) {
    // Next header and length are the kernel's to fill in; then PadN of four bytes.
    let options = [0u8, 0, 1, 4, 0, 0, 0, 0];
    for kinds in [&[libc::IPV6_HOPOPTS][..], &[libc::IPV6_DSTOPTS], &[libc::IPV6_HOPOPTS, libc::IPV6_DSTOPTS]] {
        let socket = UdpSocket::bind(any(to)).unwrap();
        for &kind in kinds {
            option(&socket, libc::IPPROTO_IPV6, kind, &options);
        }
        for size in [10, 3000] {
            socket.send_to(&pattern(size), (to, 9001)).unwrap();
        }
    }
}

fn option(socket: &impl AsRawFd, level: i32, name: i32, value: &[u8]) {
    let length = value.len() as libc::socklen_t;
    // SAFETY: the pointer and the length are the slice's.
    let set = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, value.as_ptr().cast(), length) };
    assert_eq!(set, 0, "option {name}: {}", std::io::Error::last_os_error());
}

/// Sends an echo request; the answer comes from the kernel on the other side.
pub fn ping(to: IpAddr, size: usize) {
    let (domain, protocol, kind) = match to {
        IpAddr::V4(_) => (libc::AF_INET, libc::IPPROTO_ICMP, 8),
        IpAddr::V6(_) => (libc::AF_INET6, libc::IPPROTO_ICMPV6, 128),
    };
    // SAFETY: socket(2) takes no pointers, and what it returns is owned by nothing else.
    let socket = unsafe {
        let fd = libc::socket(domain, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol);
        assert!(fd >= 0, "raw socket: {}", std::io::Error::last_os_error());
        UdpSocket::from(OwnedFd::from_raw_fd(fd))
    };
    let mut request = vec![kind, 0, 0, 0, 0x12, 0x34, 0, 1];
    request.extend(pattern(size));
    let sum = checksum(&request).to_be_bytes();
    // Of ICMPv6 the kernel makes the checksum.
    request[2..4].copy_from_slice(&sum);
    socket.send_to(&request, (to, 0)).unwrap();
}

/// Where something runs: in the test's own namespace, or in another.
#[derive(Clone, Copy)]
pub enum Site<'a> {
    Here,
    At(&'a Peer),
}

impl Site<'_> {
    pub fn run<T: Send + 'static>(self, job: impl FnOnce() -> T + Send + 'static) -> T {
        match self {
            Site::Here => job(),
            Site::At(peer) => peer.run(job),
        }
    }
}

/// Sends `size` bytes over TCP from `client` to `server`, which has the address `to`, and half as many back.
pub fn tcp(client: Site, server: Site, to: IpAddr, size: usize) {
    // A socket stays in the namespace that it was made in, whichever thread uses it.
    let listener = server.run(move || TcpListener::bind((to, 0)).unwrap());
    let address = listener.local_addr().unwrap();
    let answering = std::thread::spawn(move || answer(listener, size));
    client.run(move || ask(address, size));
    answering.join().unwrap();
}

fn answer(listener: TcpListener, size: usize) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut bytes = vec![0; size];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(bytes, pattern(size));
    stream.write_all(&bytes[..size / 2]).unwrap();
}

fn ask(address: SocketAddr, size: usize) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&pattern(size)).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len(), size / 2);
}

/// Sends a broadcast and multicasts on a network.
pub fn to_many(network: u8, host: u8, interface: &str) {
    let socket = UdpSocket::bind(any(Ipv4Addr::UNSPECIFIED.into())).unwrap();
    socket.set_broadcast(true).unwrap();
    option(&socket, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, interface.as_bytes());
    for to in [Ipv4Addr::new(10, 77, network, 255), Ipv4Addr::BROADCAST, Ipv4Addr::new(224, 0, 0, 1)] {
        socket.send_to(&pattern(100), (to, 9002)).unwrap();
    }
    let [_, source] = hosts(network, host);
    let socket = UdpSocket::bind((source, 0)).unwrap();
    option(&socket, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, interface.as_bytes());
    socket.send_to(&pattern(100), ("ff02::1".parse::<Ipv6Addr>().unwrap(), 9002)).unwrap();
}

/// An Ethernet frame.
pub fn ethernet(to: [u8; 6], from: [u8; 6], kind: &[u8], rest: &[u8]) -> Vec<u8> {
    [&to, &from, kind, rest].concat()
}

/// A UDP datagram without a checksum, over IPv4.
pub fn datagram(from: [u8; 4], to: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let len = (28 + payload.len()) as u16;
    let [high, low] = len.to_be_bytes();
    let mut packet = vec![0x45, 0, high, low, 0x77, 0x77, 0, 0, 64, 17, 0, 0];
    packet.extend([from, to].concat());
    let sum = checksum(&packet).to_be_bytes();
    packet[10..12].copy_from_slice(&sum);
    let udp = [0x23, 0x28, 0x23, 0x29].into_iter().chain((8 + payload.len() as u16).to_be_bytes()).chain([0, 0]);
    packet.extend(udp);
    packet.extend(payload);
    packet
}

/// Frames as no socket but a raw one sends them: padded, tagged in the frame itself, of other protocols, to others.
pub fn odd_frames(interface: &str, from: [u8; 6], to: [u8; 6], source: [u8; 4], target: [u8; 4]) {
    let small = datagram(source, target, b"small");
    let mut padded = small.clone();
    padded.resize(46, 0xee);
    let arp = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &from, &source, &[0; 6], &source, &[0; 18]].concat();
    let mut atomic = vec![0x60, 0, 0, 0, 0, 20, 44, 64];
    let wide = |ip: [u8; 4]| [0xfd, 0x77, 0, ip[2], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ip[3]];
    atomic.extend([wide(source), wide(target)].concat());
    atomic.extend([59, 0, 0, 0, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    let mut claiming = small.clone();
    claiming[2..4].copy_from_slice(&[4, 0]);
    let frames = [
        ethernet(to, from, &[8, 0], &padded),
        ethernet(to, from, &[8, 0], &claiming),
        ethernet(to, from, &[0x86, 0xdd], &atomic),
        ethernet([0xff; 6], from, &[8, 6], &arp),
        ethernet([2, 2, 2, 2, 2, 2], from, &[8, 0], &small),
        // Tags of VLANs that nobody is on.
        ethernet([0xff; 6], from, &[0x81, 0, 0x60, 99, 8, 0], &small),
        ethernet([0xff; 6], from, &[0x88, 0xa8, 0, 98, 0x81, 0, 0, 97, 8, 0], &small),
        // A protocol for experiments, and LLC with its length in place of the ethertype.
        ethernet([0xff; 6], from, &[0x88, 0xb5], &[0xe0; 50]),
        ethernet([0xff; 6], from, &[0, 10], &[0xe1; 50]),
    ];
    send_frames(interface, &frames);
}

/// Whether a packet is one of [`odd_frames`]: it does not come from the IP stack, and no hook of IP or ARP saw it leave.
pub fn is_odd(protocol: u16, packet: &[u8]) -> bool {
    match protocol {
        IPV4 => packet[4..6] == [0x77, 0x77],
        IPV6 => packet[6] == 44 && packet[44..48] == [1, 2, 3, 4],
        ARP => packet.len() > 28,
        _ => true,
    }
}
