//! What is not NFLOG: with the library preloaded it is as without.

use std::fs;

use crate::support::client::{preloaded, tcpdump, tcpdump_preloaded, with_libpcap};
use crate::support::network::{in_private_network, in_private_network_for_tcpdump};
use crate::support::program::{Program, Stream};
use crate::support::savefile;
use crate::support::traffic::{END, Udp};

#[test]
fn a_savefile_read_preloaded_is_the_same_byte_for_byte() {
    in_private_network_for_tcpdump(|network| {
        for (kind, bytes) in savefile::all_kinds() {
            let file = network.folder().join(kind);
            fs::write(&file, bytes).unwrap();
            // One name, since it shows in messages.
            let copy = network.folder().join("copy");
            let read = |program: Program| {
                let ended = program.arg(&file).arg(&copy).succeed();
                let written = fs::read(&copy).ok();
                let _ = fs::remove_file(&copy);
                (ended.stdout(), written)
            };
            let plain = read(Program::new(with_libpcap("offline")));
            assert!(plain.0.lines().count() > 3 || plain.0.starts_with("open: "), "{kind}: {plain:?}");
            assert_eq!(read(preloaded("offline")), plain, "{kind}");

            let dump = |program: Program| program.args(["-e", "-vv", "-XX", "-tttt", "-r"]).arg(&file).run();
            let (plain, ours) = (dump(tcpdump()), dump(tcpdump_preloaded()));
            assert_eq!(ours.status, plain.status, "{kind}");
            assert_eq!(ours.stdout(), plain.stdout(), "{kind}");
            assert_eq!(ours.stderr(), plain.stderr(), "{kind}");
        }
    });
}

#[test]
fn a_capture_on_loopback_preloaded_shows_what_it_shows_without() {
    in_private_network_for_tcpdump(|_| {
        let programs = [tcpdump(), tcpdump_preloaded()].map(|program| {
            let running = program.args(["-i", "lo", "-e", "udp port 9000"]).start();
            running.await_line(Stream::Stderr, "listening on lo, link-type EN10MB");
            running
        });
        let (mut v4, mut v6) = (Udp::v4(), Udp::v6());
        for size in [0, 100, 1400, 60_000] {
            v4.send(size);
            v6.send(size);
        }
        v4.send_end();
        let [plain, ours] = programs.map(|running| {
            running.await_line(Stream::Stdout, &format!("length {}", END.len()));
            running.signal(libc::SIGINT);
            running.finish().succeeded()
        });
        assert_eq!(plain.lines().len(), 9 + 1, "nine packets, and the line of the ^C: {plain:?}");
        assert_eq!(ours.stdout(), plain.stdout());
        assert_eq!(ours.stderr(), plain.stderr());
    });
}

#[test]
fn a_program_that_reads_loopback_preloaded_gets_every_packet() {
    in_private_network(|_| {
        const ETHERNET: usize = 14;
        let until = format!("until={}", ETHERNET + 28 + END.len());
        for by in ["loop", "dispatch", "next", "next_ex"] {
            let options = [until.clone(), format!("by={by}"), "filter=udp port 9000".into()];
            let reader = preloaded("reader").arg("lo").args(options).start().await_ready();
            let mut udp = Udp::v4();
            (0..50).for_each(|_| udp.send(100));
            udp.send_end();
            let ended = reader.finish().succeeded();
            assert_eq!((ended.number("packets"), ended.number("datalink")), (51, 1), "{by}: {ended:?}");
        }
    });
}
