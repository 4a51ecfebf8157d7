//! Traffic over the private network's loopback, bounded in number and rate.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

pub const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// The payload of the datagram that tells a reader that no more will come. No other has its length.
pub const END: &[u8] = b"the end";
/// The length of the IPv4 packet with that payload.
pub const END_LEN: u32 = 20 + 8 + END.len() as u32;

/// Sends UDP datagrams to one port.
pub struct Udp {
    socket: UdpSocket,
    to: SocketAddr,
    /// Holds the port open, so that no ICMP error comes back. What it receives is thrown away.
    _receiver: UdpSocket,
    sent: u64,
}

impl Udp {
    pub fn new(ip: IpAddr, port: u16) -> Udp {
        let to = SocketAddr::new(ip, port);
        let receiver = UdpSocket::bind(to).unwrap_or_else(|error| panic!("binding {to}: {error}"));
        Udp { socket: UdpSocket::bind((ip, 0)).unwrap(), to, _receiver: receiver, sent: 0 }
    }

    /// To port 9000 over IPv4, which `Network::log_udp` logs.
    pub fn v4() -> Udp {
        Udp::new(V4, 9000)
    }

    /// To port 9000 over IPv6.
    pub fn v6() -> Udp {
        Udp::new(V6, 9000)
    }

    /// Sends one datagram with `size` bytes of payload. Where it has room, it begins with its number.
    pub fn send(&mut self, size: usize) {
        let mut payload = vec![b'.'; size];
        if let Some(number) = payload.first_chunk_mut() {
            *number = self.sent.to_be_bytes();
        }
        self.send_payload(&payload);
    }

    /// Sends the datagram that ends a reader.
    pub fn send_end(&mut self) {
        self.send_payload(END);
    }

    fn send_payload(&mut self, payload: &[u8]) {
        self.socket.send_to(payload, self.to).unwrap_or_else(|error| panic!("sending to {}: {error}", self.to));
        self.sent += 1;
    }

    /// Sends `count` datagrams at a rate.
    pub fn send_many(&mut self, count: u64, size: usize, per_second: u64) {
        let start = Instant::now();
        for index in 0..count {
            let due = Duration::from_nanos(index * 1_000_000_000 / per_second);
            // Sleeps for a millisecond at least: the packets that become due meanwhile follow at once.
            if let Some(early) = due.checked_sub(start.elapsed()) {
                std::thread::sleep(early.max(Duration::from_millis(1)));
            }
            self.send(size);
        }
    }

    /// The datagrams sent so far.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// How tcpdump shows one of these with `size` bytes of payload.
    pub fn line(&self, size: usize) -> String {
        let from = self.socket.local_addr().unwrap();
        let ip = if self.to.is_ipv4() { "IP" } else { "IP6" };
        format!("{ip} {}.{} > {}.{}: UDP, length {size}", from.ip(), from.port(), self.to.ip(), self.to.port())
    }
}

/// A connection to `port`, one message and its answer, and the end of the connection from the client's side.
pub fn talk_over_tcp(ip: IpAddr, port: u16) {
    let listener = TcpListener::bind((ip, port)).unwrap();
    let mut client = TcpStream::connect((ip, port)).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let mut received = [0; 5];
    client.write_all(b"hello").unwrap();
    server.read_exact(&mut received).unwrap();
    server.write_all(b"world").unwrap();
    client.read_exact(&mut received).unwrap();
    drop(client);
    assert_eq!(server.read(&mut received).unwrap(), 0);
}
