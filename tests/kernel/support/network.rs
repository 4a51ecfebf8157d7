//! A network namespace for each test.
//!
//! A test starts its own executable again under unshare(1), for itself alone: as root with a network namespace, as
//! another user with a user namespace, too. A user namespace can only be made by a process with one thread, which a
//! test executable is not: hence the new process.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::program::{NO_CHROOT, Program};
use super::{slack, wait_until};

/// Set in the process that runs inside: "root", or "rootless" where the network belongs to a user namespace.
const INSIDE: &str = "PCAP_NFLOG_TEST_INSIDE";
/// Set by users to do without the tests that need a namespace.
const SKIP: &str = "PCAP_NFLOG_SKIP_KERNEL_TESTS";
/// The longest that a whole test takes.
const TEST_LIMIT: Duration = Duration::from_secs(240);

/// The value of INSIDE, and a command that runs another in new namespaces.
type Kind = (&'static str, &'static [&'static str]);

const ROOT: Kind = ("root", &["unshare", "--net", "--"]);
/// As user 0 of a user namespace. The network is made second: its /proc/net/netfilter belongs to the user 0 that there
/// is by then.
const ROOTLESS: Kind = ("rootless", &["unshare", "--user", "--map-root-user", "unshare", "--net", "--"]);
/// With all capabilities, and not as user 0: then tcpdump would try to become another user, and there is none.
const ROOTLESS_TCPDUMP: Kind =
    ("rootless", &["unshare", "--net", "--user", "--map-user=1000", "--map-group=1000", "--keep-caps", "--"]);

/// The private network that a test runs in: loopback is up, and there are no rules.
pub struct Network {
    folder: PathBuf,
}

/// Runs the test's body in a private network. The body must be a closure in the test function itself: its type tells
/// the test's name.
pub fn in_private_network<F: FnOnce(&Network)>(body: F) {
    run(if is_root() { ROOT } else { ROOTLESS }, body);
}

/// The same for a body that starts tcpdump.
pub fn in_private_network_for_tcpdump<F: FnOnce(&Network)>(body: F) {
    run(if is_root() { ROOT } else { ROOTLESS_TCPDUMP }, body);
}

/// The same, without root's privileges also when root runs the tests.
pub fn in_rootless_network<F: FnOnce(&Network)>(body: F) {
    run(ROOTLESS, body);
}

/// The same for a body that starts tcpdump.
pub fn in_rootless_network_for_tcpdump<F: FnOnce(&Network)>(body: F) {
    run(ROOTLESS_TCPDUMP, body);
}

/// Whether this process has root's privileges, outside of any user namespace that a test made.
pub fn is_root() -> bool {
    match std::env::var_os(INSIDE) {
        Some(kind) => kind == ROOT.0,
        // SAFETY: geteuid(2) takes nothing and cannot fail.
        None => unsafe { libc::geteuid() == 0 },
    }
}

fn run<F: FnOnce(&Network)>((kind, unshare): Kind, body: F) {
    let name = test_name::<F>();
    if std::env::var_os(INSIDE).is_some() {
        let network = Network::set_up(name);
        body(&network);
        return;
    }
    if std::env::var_os(SKIP).is_some_and(|value| value == "1") {
        // Not println: the test harness would swallow it.
        let _ = writeln!(io::stderr(), "skipped: {name}: {SKIP}=1");
        return;
    }
    if let Err(problem) = namespace_can_be_made(unshare) {
        panic!(
            "no private network namespace: {problem}\n\
             As a normal user this needs user namespaces. They may be off here: see kernel.unprivileged_userns_clone,\n\
             user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns, or the settings of the container.\n\
             A chroot has none. {NO_CHROOT}\n\
             Otherwise run the tests as root (in a container, with CAP_SYS_ADMIN and CAP_NET_ADMIN).\n\
             {SKIP}=1 leaves these tests out."
        );
    }
    run_inside(name, kind, unshare);
}

/// The name of the test whose body has the type `F`: the path of the closure, without the crate and the closure.
fn test_name<F>() -> &'static str {
    let path = std::any::type_name::<F>();
    let path = path.split_once("::").map_or(path, |(_, rest)| rest);
    path.split("::{{closure}}").next().unwrap_or(path)
}

fn namespace_can_be_made(unshare: &[&str]) -> Result<(), String> {
    let output = Command::new(unshare[0]).args(&unshare[1..]).arg("true").output();
    let output = output.map_err(|error| format!("unshare (Debian package util-linux): {error}"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}

/// Runs the test `name`, and no other, in new namespaces, and passes its outcome on.
fn run_inside(name: &str, kind: &str, unshare: &[&str]) {
    let log_path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.log", name.replace("::", "-")));
    let log = File::create(&log_path).unwrap();
    let mut command = Command::new(unshare[0]);
    command.args(&unshare[1..]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(INSIDE, kind);
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    for variable in [
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "PCAP_NFLOG_LIBPCAP",
        "PCAP_NFLOG_LINKTYPE",
        "PCAP_NFLOG_DEVICES",
        "PCAP_NFLOG_IMMEDIATE",
        "PCAP_NFLOG_READER_THREAD",
    ] {
        command.env_remove(variable);
    }
    let mut child = command.spawn().unwrap();
    let (start, limit) = (Instant::now(), TEST_LIMIT * slack());
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break Some(status),
            None if start.elapsed() > limit => {
                // Its own children follow it: see Program::start.
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    // Indented: it has a summary of its own, which is not to be counted as one of this process.
    let output = String::from_utf8_lossy(&fs::read(&log_path).unwrap()).replace('\n', "\n    ");
    match status {
        Some(status) if status.success() => {
            // Otherwise a name that does not match would run nothing, and pass.
            assert!(output.contains("1 passed"), "'{name}' is not the test's name: nothing ran:\n    {output}");
        }
        Some(_) => panic!(
            "failed in its network namespace:
    {output}"
        ),
        None => panic!(
            "not done after {limit:?}:
    {output}"
        ),
    }
}

impl Network {
    fn set_up(name: &str) -> Network {
        let folder =
            std::env::temp_dir().join(format!("pcap-nflog-{}-{}", name.replace("::", "-"), std::process::id()));
        fs::create_dir(&folder).unwrap();
        let network = Network { folder };
        // tcpdump writes there after it has become another user.
        fs::set_permissions(&network.folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        Program::new("ip").args(["link", "set", "lo", "up"]).succeed();
        let v6 = UdpSocket::bind("[::1]:0");
        assert!(v6.is_ok(), "this system has no IPv6 (the namespace's loopback has no ::1): {}", v6.unwrap_err());
        network
    }

    /// A folder for the test's files, writable for every user.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds nftables rules to the `output` hook of a table of the inet family: each packet on loopback passes it once.
    pub fn output_rules(&self, rules: &[&str]) {
        self.rules("inet", "output", rules);
    }

    /// Adds nftables rules to a chain at `hook` in a table of `family`.
    pub fn rules(&self, family: &str, hook: &str, rules: &[&str]) {
        let chain = format!("{family} watch {hook}");
        let mut script = format!("add table {family} watch\n");
        script += &format!("add chain {chain} {{ type filter hook {hook} priority 0; }}\n");
        for rule in rules {
            script += &format!("add rule {chain} {rule}\n");
        }
        Program::new("nft").args(["-f", "-"]).input(&script).succeed();
    }

    /// Logs the UDP datagrams to port 9000 to group 5.
    pub fn log_udp(&self) {
        self.output_rules(&["udp dport 9000 log group 5"]);
    }

    /// Runs `iptables-nft`, `ip6tables-legacy` and the like.
    pub fn iptables(&self, tool: &str, arguments: &str) {
        let lock = self.folder.join("xtables.lock");
        Program::new(tool).args(arguments.split(' ')).env("XTABLES_LOCKFILE", lock).succeed();
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The groups that are bound in this network namespace, and by which netlink port.
pub fn bound_groups() -> Vec<(u16, u32)> {
    let table = fs::read_to_string("/proc/net/netfilter/nfnetlink_log").unwrap();
    let line = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        (fields.next().unwrap().parse().unwrap(), fields.next().unwrap().parse().unwrap())
    };
    table.lines().map(line).collect()
}

/// Waits until every netfilter socket of this network namespace has been read to its end.
pub fn await_drained() {
    wait_until("what was logged has been read", || {
        // sk, Eth (the netlink family), Pid (the port id), Groups, Rmem (the bytes that wait), …
        let table = fs::read_to_string("/proc/net/netlink").unwrap();
        let fields = table.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
        let netfilter = libc::NETLINK_NETFILTER.to_string();
        fields.filter(|fields| fields[1] == netfilter).all(|fields| fields[4] == "0")
    });
}

/// Where the tools are: /usr/sbin is not in every user's PATH.
pub fn search_path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/local/sbin:/usr/sbin:/sbin");
    path
}
