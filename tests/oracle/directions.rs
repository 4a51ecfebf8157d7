//! pcap_setdirection, and the packet types of cooked headers that agree with it.

use crate::log::nft;
use crate::support::client::tcpdump_preloaded;
use crate::support::network::in_private_network_for_tcpdump;
use crate::support::program::Stream;
use crate::support::wait_until;
use crate::topology::Topology;
use crate::traffic::hosts;

/// Where each hook's packets go by this host: what comes in has 100 bytes, what goes out 200, what passes 300.
const HOOKS: [(&str, &str, &[usize]); 9] = [
    ("netdev", "ingress device lan0", &[100, 300]),
    ("inet", "ingress device lan0", &[100, 300]),
    ("inet", "prerouting", &[100, 300]),
    ("inet", "input", &[100]),
    ("inet", "forward", &[300]),
    ("inet", "output", &[200]),
    ("inet", "postrouting", &[200, 300]),
    ("netdev", "egress device lan0", &[200]),
    ("bridge", "output", &[300]),
];

fn send(size: usize, network: u8, host: u8) {
    let [to, _] = hosts(network, host);
    std::net::UdpSocket::bind("0.0.0.0:0").unwrap().send_to(&vec![1; size - 28], (to, 9000)).unwrap();
}

#[test]
fn a_direction_takes_the_packets_of_its_hooks_and_the_cooked_type_agrees() {
    in_private_network_for_tcpdump(|network| {
        let topology = Topology::new();
        let mut script = String::new();
        for (number, (family, hook, _)) in HOOKS.iter().enumerate() {
            script += &format!("add table {family} watch\n");
            script += &format!("add chain {family} watch at{number} {{ type filter hook {hook} priority 0; }}\n");
            let statements = ["in", "out", "inout"].map(|way| format!(" log group {}", group(number, way))).concat();
            script += &format!("add rule {family} watch at{number} udp dport 9000{statements}\n");
        }
        // Neighbours are known, so that no packet waits for another.
        topology.east.run(|| send(100, 1, 1));
        topology.east.run(|| send(300, 2, 3));
        send(200, 1, 2);
        std::thread::sleep(std::time::Duration::from_millis(50));
        nft(&script);
        for (number, (family, hook, lens)) in HOOKS.into_iter().enumerate() {
            let way = match hook.split(' ').next().unwrap() {
                "forward" => "inout",
                "output" | "postrouting" | "egress" => "out",
                _ => "in",
            };
            for wanted in ["in", "out", "inout"] {
                let file = network.folder().join(format!("{number}-{wanted}"));
                let tcpdump = tcpdump_preloaded().args(["-Q", wanted, "-y", "LINUX_SLL2", "-U", "-w"]).arg(&file);
                let running = tcpdump.args(["-i", &format!("nflog:{}", group(number, wanted))]).start();
                running.await_line(Stream::Stderr, "listening on");
                topology.east.run(|| send(100, 1, 1));
                send(200, 1, 2);
                topology.east.run(|| send(300, 2, 3));
                let taken = wanted == "inout" || way == "inout" || way == wanted;
                let packet_type = match way {
                    "in" => 0,
                    "out" => 4,
                    _ => 3,
                };
                let expected: Vec<_> = lens.iter().filter(|_| taken).map(|&len| (len, packet_type)).collect();
                wait_until("the packets are written", || records(&file).len() >= expected.len());
                // More of them would come now.
                crate::log::await_flush();
                running.signal(libc::SIGINT);
                running.finish().succeeded();
                // Two that came from a neighbour may have changed places: each CPU has a queue of its own.
                let mut written = records(&file);
                written.sort_unstable();
                assert_eq!(written, expected, "{family} {hook}, -Q {wanted}");
            }
        }
    });
}

fn group(hook: usize, way: &str) -> usize {
    10 * hook + way.len()
}

/// Length of the IP packet and packet type of each record in a savefile.
fn records(file: &std::path::Path) -> Vec<(usize, u8)> {
    let bytes = std::fs::read(file).unwrap();
    let mut all = Vec::new();
    let mut at = 24;
    // A record that is being written is none yet.
    while let Some(caplen) = bytes.get(at + 8..).and_then(|rest| rest.first_chunk()) {
        let caplen = u32::from_ne_bytes(*caplen) as usize;
        if at + 16 + caplen > bytes.len() {
            break;
        }
        all.push((caplen - 20, bytes[at + 16 + 10]));
        at += 16 + caplen;
    }
    all
}
