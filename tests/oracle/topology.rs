//! The networks that the oracle's packets travel: the test's own namespace in the middle, and others around it.
//!
//! ```text
//! east ── lan0 (plain, VLAN 7, VLAN 100 of a provider with VLAN 5 in it) ── the test ── br0 ─┬─ port0 ── north
//!                                                                                           └─ port1 ── south
//! ```
//!
//! Where the kernel was built without VLAN interfaces (8021q), tagged frames are only those that raw sockets send.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use crate::support::program::Program;

type Job = Box<dyn FnOnce() + Send>;

/// A network namespace, and the thread that lives in it.
pub struct Peer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    id: i32,
}

impl Peer {
    pub fn new() -> Peer {
        let (jobs, queue) = channel::<Job>();
        let (tell, told) = channel();
        let thread = std::thread::spawn(move || {
            // SAFETY: both are system calls without pointers; the namespace is this thread's alone.
            let (made, id) = unsafe { (libc::unshare(libc::CLONE_NEWNET), libc::gettid()) };
            assert_eq!(made, 0, "no other network namespace: {}", std::io::Error::last_os_error());
            tell.send(id).unwrap();
            queue.into_iter().for_each(|job| job());
        });
        Peer { jobs: Some(jobs), thread: Some(thread), id: told.recv().expect("a namespace") }
    }

    /// Runs `job` there, to its end.
    pub fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = channel();
        let job = Box::new(move || {
            let _ = tell.send(catch_unwind(AssertUnwindSafe(job)));
        });
        self.jobs.as_ref().unwrap().send(job).unwrap();
        told.recv().unwrap().unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Configures it: lines of ip(8).
    pub fn ip(&self, lines: &str) {
        let lines = lines.to_owned();
        self.run(move || ip(&lines));
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.jobs = None;
        let _ = self.thread.take().unwrap().join();
    }
}

/// Configures this namespace: lines of ip(8).
pub fn ip(lines: &str) {
    Program::new("ip").args(["-batch", "-"]).input(lines).succeed();
}

/// The index of an interface of this namespace.
pub fn index_of(name: &str) -> u32 {
    let name = std::ffi::CString::new(name).unwrap();
    // SAFETY: the pointer is to a C string.
    unsafe { libc::if_nametoindex(name.as_ptr()) }
}

/// All networks, set up.
pub struct Topology {
    /// Whether there are VLAN interfaces.
    pub vlans: bool,
    pub east: Peer,
    pub north: Peer,
    pub south: Peer,
}

/// Adds addresses to an interface and starts it. IPv6 without duplicate address detection: it would take seconds.
fn up(name: &str, network: u8, host: u8) -> String {
    format!(
        "addr add 10.77.{network}.{host}/24 brd + dev {name}\n\
         addr add fd77:{network}::{host}/64 dev {name} nodad\n\
         link set {name} up\n"
    )
}

/// A link, with VLANs on it.
fn trunk(name: &str, host: u8, vlans: bool) -> String {
    if !vlans {
        return up(name, 1, host);
    }
    format!(
        "link add link {name} name {name}.7 type vlan id 7\n\
         link add link {name} name provider type vlan protocol 802.1ad id 100\n\
         link add link provider name provider.5 type vlan id 5\n\
         {}link set provider up\n{}{}",
        up(name, 1, host),
        up(&format!("{name}.7"), 7, host),
        up("provider.5", 5, host)
    )
}

impl Topology {
    pub fn new() -> Topology {
        let (east, north, south) = (Peer::new(), Peer::new(), Peer::new());
        let mut lines = "link add br0 type bridge mcast_snooping 0\n".to_owned();
        for (here, peer, there) in [("lan0", &east, "lan1"), ("port0", &north, "eth0"), ("port1", &south, "eth0")] {
            lines += &format!("link add {here} type veth peer name {there} netns {}\n", peer.id);
        }
        lines += "link set port0 master br0 up\nlink set port1 master br0 up\n";
        lines += &up("br0", 2, 1);
        // With its own MTU of 64 KiB, TCP makes packets of two such, which are split between the hooks and AF_PACKET.
        lines += "link set lo mtu 16436\n";
        ip(&lines);
        let tried =
            Program::new("ip").args(["link", "add", "link", "lan0", "name", "tried", "type", "vlan", "id", "1"]);
        let vlans = tried.run().status.success();
        if vlans {
            ip("link del tried");
        } else {
            // Not println: the test harness would swallow it.
            let _ = writeln!(std::io::stderr(), "this kernel has no VLAN interfaces (8021q): tests go without them");
        }
        ip(&trunk("lan0", 1, vlans));
        east.ip(&format!("link set lo up\n{}route add default via 10.77.1.1\n", trunk("lan1", 2, vlans)));
        east.ip("route add default via fd77:1::1");
        for (peer, host) in [(&north, 2), (&south, 3)] {
            peer.ip(&format!("link set lo up\n{}route add default via 10.77.2.1\n", up("eth0", 2, host)));
            peer.ip("route add default via fd77:2::1");
        }
        for setting in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
            set(setting, "1");
        }
        // Where it is there, br_netfilter would show bridged packets to the hooks of IP, too.
        for family in ["iptables", "ip6tables", "arptables"] {
            let setting = format!("bridge/bridge-nf-call-{family}");
            if std::path::Path::new("/proc/sys/net").join(&setting).exists() {
                set(&setting, "0");
            }
        }
        Topology { vlans, east, north, south }
    }
}

fn set(setting: &str, value: &str) {
    let path = format!("/proc/sys/net/{setting}");
    std::fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
}
