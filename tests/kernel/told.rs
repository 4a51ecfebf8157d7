//! What pcap-nflog tells beyond libpcap: of each packet, of losses, and by its example.

use std::path::Path;

use pcap_nflog::capture::{Device, Error, Options, Session};

use crate::support::DEADLINE;
use crate::support::client::Installed;
use crate::support::network::{Network, in_private_network};
use crate::support::program::Program;
use crate::support::traffic::{Udp, V6};

/// The uid that the packets of this test's own sockets have.
fn own_uid() -> u32 {
    // SAFETY: geteuid(2) takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Runs the `told` client while a datagram is logged on its way out, and on its way in, and another to group 7.
fn told(network: &Network, options: &[&str]) -> Vec<String> {
    network.rules("inet", "output", &["udp dport 9000 meta mark set 66 log group 5 prefix \"going out\""]);
    network.rules("inet", "input", &["udp dport 9000 log group 5 prefix \"coming in\"", "udp dport 9000 log group 7"]);
    let client = Installed::new(network).compile("told", &[]);
    let client = Program::new(client).args(options).start().await_ready();
    Udp::new(V6, 9000).send(100);
    let mut lines = client.finish().succeeded().lines();
    lines.sort();
    lines
}

/// Whether this kernel can add conntrack entries to what it logs; where it can't, what activation says.
fn conntrack_is_available() -> Result<(), String> {
    let options = Options { conntrack: true, ..Options::default() };
    Session::open(&"nflog:9".parse::<Device>().unwrap(), &options).map(drop).map_err(|error| error.to_string())
}

#[test]
fn what_the_kernel_said_of_each_packet_is_told_and_nonsense_is_refused() {
    in_private_network(|network| {
        let own = own_uid();
        let gid = own;
        let expected = [
            "group=5 family=10 hook=1 protocol=0x86dd mark=66 stamped in=1 sequence=1 address=6 prefix=coming in"
                .into(),
            format!(
                "group=5 family=10 hook=3 protocol=0x86dd mark=66 out=1 uid={own} gid={gid} sequence=0 prefix=going out"
            ),
            "group=7 family=10 hook=1 protocol=0x86dd mark=66 stamped in=1 sequence=0 address=6".into(),
        ];
        let lines = told(network, &[]);
        // Whether a packet that came in over loopback still has its socket depends on the kernel.
        let without_ids = |line: &String| match line.contains("hook=1") {
            true => line.replace(&format!(" uid={own} gid={gid}"), ""),
            false => line.clone(),
        };
        assert_eq!(lines.iter().map(without_ids).collect::<Vec<_>>(), expected);
    });
}

/// Not every kernel can (CONFIG_NETFILTER_NETLINK_GLUE_CT, nf_conntrack_netlink): then activation must say so.
#[test]
fn the_conntrack_entry_is_told_when_it_was_asked_for_or_activation_says_what_is_missing() {
    in_private_network(|network| {
        if let Err(text) = conntrack_is_available() {
            assert!(text.starts_with("conntrack entries are not available: modprobe nf_conntrack_netlink"), "{text}");
            return;
        }
        // A rule that looks at the state makes the kernel track connections.
        network.rules("ip6", "prerouting", &["ct state new ct mark set 77"]);
        let lines = told(network, &["conntrack"]);
        let told = |line: &String| line.contains("hook=1") && line.contains("ct_id=some ct_mark=77 ct_info=2");
        assert!(lines.iter().any(told), "{lines:#?}");
    });
}

#[test]
fn a_strict_capture_ends_the_read_at_a_loss_and_goes_on_behind_it() {
    in_private_network(|network| {
        network.log_udp();
        let device: Device = "nflog:5".parse().unwrap();
        let options = Options { timeout: Some(DEADLINE), buffer_size: 65536, strict: true, ..Options::default() };
        let mut session = Session::open(&device, &options).unwrap();
        let mut udp = Udp::v4();
        let (mut received, mut told) = (0, 0);
        while told == 0 {
            udp.send_many(20_000, 100, 1_000_000);
            session.set_nonblocking(true);
            loop {
                match session.read() {
                    Ok(Some(_)) => received += 1,
                    Ok(None) => break,
                    Err(Error::Lost { packets }) => told += packets,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        assert_eq!(told, session.statistics().lost);
        assert_eq!(received, session.statistics().delivered);
        assert_eq!(session.lost_of_group(5), Some(told));
        assert_eq!(session.lost_of_group(6), None);
    });
}

#[test]
fn the_example_shows_who_sent_each_packet() {
    in_private_network(|network| {
        network.rules("inet", "output", &["udp dport 9000 meta mark set 0x42 log group 5 prefix \"mine\x1b[31m\""]);
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/nflog-who.c");
        let who = Installed::new(network).compile_file(&source, &[]);
        let who = Program::new(who).args(["nflog:5", "2"]).start();
        who.await_line(crate::support::program::Stream::Stderr, "reading nflog:5");
        Udp::v4().send(100);
        Udp::v6().send(200);
        let lines = who.finish().succeeded().lines();
        assert_eq!(lines.len(), 2, "{lines:#?}");
        for (line, addresses) in lines.iter().zip(["127.0.0.1 > 127.0.0.1 length=128", "::1 > ::1 length=248"]) {
            let rest = line.split_once(' ').map_or("", |(_, rest)| rest);
            let (before, after) = rest.split_once(" user=").unwrap_or_default();
            assert_eq!(before, "group=5 hook=output", "{line}");
            let (_user, after) = after.split_once(' ').unwrap_or_default();
            assert_eq!(after, format!("mark=0x42 out=lo prefix=\"mine?[31m\" {addresses}"), "{line}");
        }
    });
}
