//! Packets that come while a capture is being set up, and datagrams that are not the kernel's.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, mem};

use pcap_nflog::capture::{Device, LinkType, Options, ReaderThread, Session};

use crate::support::DEADLINE;
use crate::support::network::{Network, in_private_network};
use crate::support::traffic::Udp;

/// Runs `body` while datagrams are being logged, at 10,000 a second.
fn during_traffic(body: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut udp = Udp::v4();
            while !stop.load(Ordering::Relaxed) {
                udp.send_many(100, 100, 10_000);
            }
        });
        // Also when the body panics: the scope waits for the sender.
        struct Stop<'a>(&'a AtomicBool);
        impl Drop for Stop<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _stop = Stop(&stop);
        body();
    });
}

/// Logs each datagram to the groups 1 to 4.
fn log_to_four_groups(network: &Network) {
    let rules = [1, 2, 3, 4].map(|group| format!("udp dport 9000 log group {group}"));
    network.output_rules(&rules.each_ref().map(String::as_str));
}

/// The group and the number (`NFULA_SEQ`) of a record of link type NFLOG.
fn group_and_number(record: &[u8]) -> (u16, Option<u32>) {
    const NFULA_SEQ: u16 = 12;
    let group = u16::from_be_bytes([record[2], record[3]]);
    let mut attributes = &record[4..];
    while let Some([length @ .., kind_low, kind_high]) = attributes.first_chunk::<4>() {
        let length = usize::from(u16::from_ne_bytes(*length));
        if u16::from_ne_bytes([*kind_low, *kind_high]) == NFULA_SEQ {
            return (group, Some(u32::from_be_bytes(attributes[4..8].try_into().unwrap())));
        }
        attributes = attributes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    (group, None)
}

#[test]
fn packets_logged_while_a_capture_is_set_up_are_kept_and_no_activation_fails() {
    in_private_network(|network| {
        log_to_four_groups(network);
        let device: Device = "nflog:1-4@NFLOG".parse().unwrap();
        let options = Options { timeout: Some(DEADLINE), immediate: true, ..Options::default() };
        during_traffic(|| {
            for _ in 0..300 {
                let mut session = Session::open(&device, &options).unwrap();
                assert_eq!(session.link_type(), LinkType::Nflog);
                let mut first = BTreeMap::new();
                while first.len() < 4 {
                    let record = session.read().unwrap().expect("packets come all the time");
                    // The kernel works a request off step by step: one that is logged in its midst, when the group
                    // is bound already, has no number yet.
                    if let (group, Some(number)) = group_and_number(record.data) {
                        first.entry(group).or_insert(number);
                    }
                }
                // The kernel numbers a group's packets from 0 on.
                assert_eq!(first, BTreeMap::from([(1, 0), (2, 0), (3, 0), (4, 0)]));
                let statistics = session.statistics();
                assert_eq!((statistics.lost, statistics.malformed), (0, 0));
            }
        });
    });
}

#[test]
fn an_answer_that_finds_the_receive_buffer_full_of_packets_is_asked_for_again() {
    in_private_network(|network| {
        log_to_four_groups(network);
        let device: Device = "nflog:1-4".parse().unwrap();
        // The kernel's least: a few packets fill it.
        let options = Options { timeout: Some(DEADLINE), immediate: true, buffer_size: 1, ..Options::default() };
        during_traffic(|| {
            for _ in 0..300 {
                let mut session = Session::open(&device, &options).unwrap();
                session.read().unwrap().expect("packets come all the time");
            }
        });
    });
}

/// A netfilter netlink socket, other than the capture's.
fn netlink_socket() -> OwnedFd {
    // SAFETY: socket(2) takes no pointers, and what it returns is owned by nothing else.
    unsafe {
        let fd = libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_NETFILTER);
        assert!(fd >= 0, "{}", std::io::Error::last_os_error());
        OwnedFd::from_raw_fd(fd)
    }
}

/// A netfilter netlink socket that takes what anyone sends, and its port id.
fn listener() -> (OwnedFd, u32) {
    let socket = netlink_socket();
    // SAFETY: zeros are a valid address; the pointers are to it and to its length, which outlive the calls.
    unsafe {
        let mut address: libc::sockaddr_nl = mem::zeroed();
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        let mut length = mem::size_of::<libc::sockaddr_nl>() as libc::socklen_t;
        assert_eq!(libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length), 0);
        assert_eq!(libc::getsockname(socket.as_raw_fd(), (&raw mut address).cast(), &mut length), 0);
        (socket, address.nl_pid)
    }
}

/// Sends to another netlink socket; says what the kernel makes of it.
fn send_to_port(socket: &OwnedFd, port_id: u32, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: zeros are a valid address; the pointers and lengths are those of `bytes` and of `address`.
    let sent = unsafe {
        let mut address: libc::sockaddr_nl = mem::zeroed();
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        address.nl_pid = port_id;
        let (to, length) = ((&raw const address).cast(), mem::size_of::<libc::sockaddr_nl>() as libc::socklen_t);
        libc::sendto(socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0, to, length)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[test]
fn another_process_can_send_nothing_to_a_capture() {
    in_private_network(|network| {
        network.log_udp();
        let (stranger, mut udp) = (netlink_socket(), Udp::v4());
        // It may send, where that is taken: what follows is not for want of privilege.
        let (_listener, port) = listener();
        send_to_port(&stranger, port, b"anything").expect("a socket that is not connected takes it");
        // A packet message that would be well formed, an answer, the end of a batch, and no message at all.
        let mut forged = vec![32, 0, 0, 0, 0, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        forged.extend([2, 0, 0, 5, 8, 0, 9, 0, 0x45, 0, 0, 4, 0, 0, 0, 0]);
        let answer = [20, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
        let done = [16, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let garbage = [0xff; 1000];
        for reader_thread in [ReaderThread::Off, ReaderThread::On] {
            let options = Options { timeout: Some(DEADLINE), reader_thread, ..Options::default() };
            let mut session = Session::open(&"nflog:5".parse().unwrap(), &options).unwrap();
            for datagram in [&forged[..], &answer, &done, &garbage, &garbage[..3]] {
                let refused = send_to_port(&stranger, session.port_id().unwrap(), datagram).unwrap_err();
                assert_eq!(refused.raw_os_error(), Some(libc::ECONNREFUSED));
                udp.send(100);
                let record = session.read().unwrap().expect("the packet that follows");
                assert_eq!((record.len, record.data.len()), (128, 128));
            }
            let seen = session.statistics();
            assert_eq!((seen.received, seen.malformed, seen.lost), (5, 0, 0), "{seen:?}");
        }
    });
}
