//! Programs of many kinds, unchanged, each shows the traffic that was sent, filtered. Each test leaves a line for the
//! table in the README (`make matrix`).

#[path = "clients/python.rs"]
mod python;
#[path = "../../tests/kernel/support/mod.rs"]
#[allow(dead_code)]
mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::client::library;
use support::network::{Network, in_private_network, in_private_network_for_tcpdump};
use support::program::{Program, Running, Stream};
use support::traffic::{V4, talk_over_tcp};
use support::wait_until;

const FILTER: &str = "udp port 9000";
const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

/// How a program comes to the library.
const PRELOADED: &str = "preloaded";
const BY_NAME: &str = "loads libpcap by name";
const LINKED: &str = "linked with it";

fn launcher() -> Program {
    Program::new(env!("CARGO_BIN_EXE_pcap-nflog")).env("PCAP_NFLOG_LIB", library())
}

/// A program under the launcher. That it is there is checked first, for the name of its package.
fn tool(name: &str, package: &str) -> Program {
    let there = Command::new("sh").args(["-c", &format!("PATH=$PATH:/usr/sbin:/sbin; command -v {name}")]).output();
    assert!(
        there.is_ok_and(|found| found.status.success()),
        "{name} is not there: install the Debian package {package}"
    );
    launcher().arg(name)
}

/// The rules of every test: UDP to ports 9000 and 9001, and a TCP port, to group 5.
fn log(network: &Network) {
    network.output_rules(&[
        "udp dport { 9000, 9001 } log group 5",
        "tcp dport 9002 log group 5",
        "tcp sport 9002 log group 5",
    ]);
}

/// Sends `wanted-1` to `wanted-3` to port 9000, and `other` to port 9001 around them.
fn send() {
    let bind = |port| std::net::UdpSocket::bind((V4, port)).unwrap();
    let (_wanted, _other, sender) = (bind(9000), bind(9001), bind(0));
    for number in 1..=3 {
        sender.send_to(b"other", (V4, 9001)).unwrap();
        sender.send_to(format!("wanted-{number}").as_bytes(), (V4, 9000)).unwrap();
        sender.send_to(b"other", (V4, 9001)).unwrap();
    }
}

/// Leaves the line for the README: what was used, and that it works.
fn works(tool: &str, package: &str, way: &str, device: &str) {
    let (version, link_type) = (version(package), device.split_once('@').map_or("RAW", |part| part.1));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("matrix");
    fs::create_dir_all(&folder).unwrap();
    let line = format!("| {tool} | {version} | {way} | {link_type} | yes |\n");
    let tool = tool.strip_suffix(&format!(" {version}")).unwrap_or(tool);
    let name: String = format!("{tool}-{version}").chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    fs::write(folder.join(format!("{name}-{link_type}")), line).unwrap();
}

/// The upstream version of a Debian package, or of a program that says its own; otherwise the text is a version.
fn version(package: &str) -> String {
    let output = match package {
        // These often come from elsewhere.
        "python3" | "/usr/bin/python3" | "nodejs" => {
            Command::new(package.trim_end_matches("js")).arg("--version").output()
        }
        _ => Command::new("dpkg-query").args(["-W", "-f", "${Version}", package]).stderr(Stdio::null()).output(),
    };
    let output = output.ok().filter(|output| output.status.success());
    let text = output.map_or_else(|| package.to_owned(), |output| String::from_utf8_lossy(&output.stdout).into_owned());
    let word = text.split_whitespace().last().unwrap_or_default().trim_start_matches('v');
    let upstream = word.split_once(':').map_or(word, |part| part.1);
    upstream.split(['-', '+']).next().unwrap_or_default().to_owned()
}

/// The payloads that were sent are printed, and nothing else.
fn prints_payloads(program: Program, device: &str) {
    let program = program.args([device, FILTER]).start();
    program.await_line(Stream::Stderr, "ready");
    send();
    assert_eq!(program.finish().succeeded().lines(), ["wanted-1", "wanted-2", "wanted-3"]);
}

/// The lines that show the datagrams are three, and none shows the others. `size` tells them apart.
fn shows_three(program: Running, is_shown: impl Fn(&str) -> bool) {
    send();
    let ended = program.finish().succeeded();
    let shown: Vec<_> = ended.lines().into_iter().filter(|line| is_shown(line)).collect();
    assert_eq!(shown.len(), 3, "{ended:?}");
    assert!(!ended.stdout().contains("9001"), "{ended:?}");
}

/// Waits until a program reads group 5, where it does not say so.
fn await_reader(program: Running) -> Running {
    wait_until("group 5 is read", || support::network::bound_groups().iter().any(|bound| bound.0 == 5));
    program
}

#[test]
fn tcpdump_shows_what_was_sent() {
    in_private_network_for_tcpdump(|network| {
        log(network);
        for device in ["nflog:5", "nflog:5@EN10MB", "nflog:5@LINUX_SLL2", "nflog:5@NFLOG"] {
            let program = tool("tcpdump", "tcpdump").args(["-lnn", "-c", "3", "-i", device, FILTER]).start();
            program.await_line(Stream::Stderr, "listening on");
            shows_three(program, |line| line.contains(".9000: UDP, length 8"));
            works("tcpdump", "tcpdump", PRELOADED, device);
        }
    });
}

#[test]
fn tshark_shows_what_was_sent() {
    in_private_network(|network| {
        log(network);
        for device in ["nflog:5", "nflog:5@NFLOG"] {
            // From 4.4 on it says that it has started only at this level.
            let program = tool("tshark", "tshark").args(["--log-level", "info"]);
            let program = program.args(["-nl", "-c", "3", "-i", device, "-f", FILTER]);
            let program = await_reader(program.env("HOME", network.folder()).start());
            program.await_line(Stream::Stderr, "Capture started");
            shows_three(program, |line| line.contains("9000 Len=8"));
            works("tshark", "tshark", PRELOADED, device);
        }
        let devices = tool("tshark", "tshark").arg("-D").env("HOME", network.folder()).succeed().stdout();
        assert!(devices.contains("nflog:5"), "{devices}");
    });
}

#[test]
fn dumpcap_writes_what_was_sent() {
    in_private_network(|network| {
        log(network);
        let file = network.folder().join("written.pcapng");
        let program = tool("dumpcap", "wireshark-common").args(["-q", "-c", "3", "-i", "nflog:5", "-f", FILTER, "-w"]);
        let program = await_reader(program.arg(&file).start());
        send();
        program.finish().succeeded();
        // Not tcpdump, which would try to become another user.
        let read = Program::new("tshark").args(["-n", "-r"]).arg(&file).env("HOME", network.folder()).succeed();
        assert_eq!(read.lines().iter().filter(|line| line.contains("9000 Len=8")).count(), 3, "{read:?}");
        works("dumpcap", "wireshark-common", PRELOADED, "nflog:5");
    });
}

#[test]
fn ngrep_shows_what_was_sent() {
    in_private_network_for_tcpdump(|network| {
        log(network);
        for device in ["nflog:5", "nflog:5@EN10MB"] {
            let program = tool("ngrep", "ngrep").args(["-l", "-d", device, "-n", "3", "wanted", "udp"]).start();
            program.await_line(Stream::Stdout, "filter:");
            shows_three(program, |line| line.contains("wanted-"));
            works("ngrep", "ngrep", PRELOADED, device);
        }
    });
}

#[test]
fn tcpflow_shows_both_sides_of_a_conversation() {
    in_private_network(|network| {
        log(network);
        for device in ["nflog:5", "nflog:5@EN10MB"] {
            let program = launcher().args(["sh", "-c", "cd \"$0\" && exec tcpflow -C -i \"$1\" tcp port 9002"]);
            let program = await_reader(program.arg(network.folder()).arg(device).start());
            talk_over_tcp(V4, 9002);
            program.await_line(Stream::Stdout, "world");
            program.signal(libc::SIGINT);
            let shown = program.finish().stdout();
            assert!(shown.contains("hello") && shown.contains("world"), "{shown}");
            works("tcpflow", "tcpflow", PRELOADED, device);
        }
    });
}

/// It opens only what is listed, and nothing lists a device with a link type of its own: the launcher does, by the
/// command's arguments.
#[test]
fn trafshow_shows_the_flow_that_was_sent() {
    in_private_network(|network| {
        log(network);
        tool("trafshow", "netdiag");
        for device in ["nflog:5", "nflog:5@EN10MB"] {
            // It draws on a terminal: here each of the orders to that begins a line.
            let terminal =
                "import os, pty, sys; pty.spawn(sys.argv[1:], lambda fd: os.read(fd, 4096).replace(b'\\x1b', b'\\n'))";
            let program = Program::new("python3").args(["-c", terminal, env!("CARGO_BIN_EXE_pcap-nflog")]);
            let program = program.args(["trafshow", "-n", "-i", device, FILTER]);
            let program = await_reader(program.env("TERM", "vt100").env("PCAP_NFLOG_LIB", library()).start());
            send();
            // The three of them: destination, protocol and bytes.
            program.await_line(Stream::Stdout, "127.0.0.1,9000            17         108");
            assert!(!format!("{program:?}").contains(",9001"), "{program:?}");
            drop(program);
            // It ends with its terminal.
            wait_until("group 5 is free", || support::network::bound_groups().is_empty());
            works("trafshow", "netdiag", PRELOADED, device);
        }
    });
}

/// urlsnarf opens the device twice, as other programs with libnids do: once to read, and once for the link type.
#[test]
fn urlsnarf_shows_what_was_asked_for() {
    in_private_network(|network| {
        network.output_rules(&["tcp dport 8080 log group 5", "tcp sport 8080 log group 5"]);
        tool("urlsnarf", "dsniff");
        let program = launcher().args(["stdbuf", "-oL", "urlsnarf", "-n", "-i", "nflog:5"]).start();
        program.await_line(Stream::Stderr, "listening on");
        program.await_blocked();
        let listener = TcpListener::bind((V4, 8080)).unwrap();
        for name in ["first", "second"] {
            let mut client = TcpStream::connect((V4, 8080)).unwrap();
            let (mut server, _) = listener.accept().unwrap();
            let request = format!("GET /{name} HTTP/1.0\r\nHost: wanted\r\n\r\n");
            client.write_all(request.as_bytes()).unwrap();
            server.read_exact(&mut vec![0; request.len()]).unwrap();
            server.write_all(b"HTTP/1.0 204 No Content\r\n\r\n").unwrap();
            program.await_line(Stream::Stdout, &format!("\"GET http://wanted/{name} HTTP/1.0\""));
        }
        program.signal(libc::SIGTERM);
        works("urlsnarf", "dsniff", PRELOADED, "nflog:5");
    });
}

/// The flows that nfdump finds: source, destination port, packets.
fn flows(folder: &Path) -> Vec<String> {
    let read = Program::new("nfdump").arg("-R").arg(folder).args(["-q", "-o", "fmt:%sa %dp %pkt"]).succeed();
    let words = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    read.lines().iter().map(words).filter(|line| !line.is_empty()).collect()
}

#[test]
fn softflowd_exports_the_flow_that_was_sent_to_nfcapd() {
    in_private_network(|network| {
        log(network);
        for device in ["nflog:5", "nflog:5@EN10MB"] {
            let folder = network.folder().join(device.replace(':', "-"));
            fs::create_dir(&folder).unwrap();
            let collector = Program::new("nfcapd").args(["-b", "127.0.0.1", "-p", "2055", "-t", "3600", "-w"]);
            let collector = collector.arg(&folder).start();
            wait_until("nfcapd listens", || fs::read_to_string("/proc/net/udp").unwrap().contains(":0807 "));
            // What stands before the first colon is an interface index for softflowd.
            let exporter =
                tool("softflowd", "softflowd").args(["-D", "-c", "none", "-t", "udp=1s", "-t", "expint=1s", "-n"]);
            let exporter = exporter.args(["127.0.0.1:2055", "-i"]).arg(format!("1:{device}")).arg(FILTER);
            let exporter = await_reader(exporter.start());
            send();
            exporter.await_line(Stream::Stderr, "sent 1 netflow packets");
            exporter.signal(libc::SIGTERM);
            exporter.finish();
            // It ends without a look at what it has yet to receive.
            wait_until("nfcapd has received all", || {
                let sockets = fs::read_to_string("/proc/net/udp").unwrap();
                sockets.lines().filter(|line| line.contains(":0807 ")).all(|line| line.contains(":00000000 "))
            });
            collector.await_blocked();
            collector.signal(libc::SIGTERM);
            collector.finish();
            assert_eq!(flows(&folder), ["127.0.0.1 9000 3"]);
            works("softflowd to nfcapd", "softflowd", PRELOADED, device);
        }
    });
}

/// nfpcapd reads live traffic from a packet socket of its own, without libpcap. Its savefiles are libpcap's.
#[test]
fn nfpcapd_makes_flows_of_what_dumpcap_has_written() {
    in_private_network(|network| {
        log(network);
        let (file, flow_files) = (network.folder().join("written.pcap"), network.folder().join("flows"));
        fs::create_dir(&flow_files).unwrap();
        let writer =
            tool("dumpcap", "wireshark-common").args(["-q", "-P", "-c", "3", "-i", "nflog:5", "-f", FILTER, "-w"]);
        let writer = await_reader(writer.arg(&file).start());
        send();
        writer.finish().succeeded();
        launcher().args(["nfpcapd", "-r"]).arg(&file).arg("-w").arg(&flow_files).succeed();
        assert_eq!(flows(&flow_files), ["127.0.0.1 9000 3"]);
        works("nfpcapd -r, of what dumpcap wrote", "nfdump", "savefile", "nflog:5");
    });
}

#[test]
fn a_c_program_that_is_linked_with_the_library_prints_what_was_sent() {
    in_private_network(|network| {
        log(network);
        let prefix = network.folder().join("prefix");
        let make = Program::new("make").args(["-C", concat!(env!("CARGO_MANIFEST_DIR"), "/.."), "install"]);
        let variable = |name: &str, path: &Path| format!("{name}={}", path.display());
        let archive = library().with_extension("a");
        let make = make.arg(variable("PREFIX", &prefix)).arg(variable("LIBRARY", &library()));
        make.arg(variable("ARCHIVE", &archive))
            .arg(variable("LAUNCHER", Path::new(env!("CARGO_BIN_EXE_pcap-nflog"))))
            .succeed();
        let pkg_config = |options: &[&str]| {
            let config = Program::new("pkg-config").env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
            let flags = config.args(options).args(["--cflags", "--libs", "pcap_nflog"]).succeed().stdout();
            flags.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        let shared = compile("cc", "linked", &["-DPCAP_HEADER=<pcap_nflog.h>"], &pkg_config(&[]), network.folder());
        let run = Program::new(shared).env("LD_LIBRARY_PATH", prefix.join("lib"));
        prints_payloads(run, "nflog:5");
        works("C", "gcc", LINKED, "nflog:5");
        let mut flags = pkg_config(&["--static"]);
        for flag in &mut flags {
            if flag == "-lpcap_nflog" {
                *flag = "-l:libpcap_nflog.a".into();
            }
        }
        let with_archive = compile("cc", "archive", &["-DPCAP_HEADER=<pcap_nflog.h>"], &flags, network.folder());
        prints_payloads(Program::new(with_archive), "nflog:5");
        works("C, static library", "gcc", LINKED, "nflog:5");
    });
}

fn compile(compiler: &str, name: &str, options: &[&str], flags: &[String], folder: &Path) -> PathBuf {
    let binary = folder.join(name);
    let language = if compiler == "c++" { "c++" } else { "c" };
    let compiler = Program::new(compiler).args(["-Wall", "-Wextra", "-Werror", "-x", language]).args(options);
    let source = Path::new(CLIENTS).join("print.c");
    compiler.arg(source).args(["-x", "none", "-o"]).arg(&binary).args(flags).succeed();
    binary
}

#[test]
fn a_cpp_program_that_is_linked_with_libpcap_prints_what_was_sent() {
    in_private_network(|network| {
        log(network);
        let flags = ["-lpcap".to_owned()];
        let binary = compile("c++", "print", &["-DPCAP_HEADER=<pcap/pcap.h>"], &flags, network.folder());
        prints_payloads(launcher().arg(binary), "nflog:5");
        works("C++", "g++", PRELOADED, "nflog:5");
    });
}

/// A program of a scripting language.
fn script(interpreter: &str, package: &str, name: &str) -> Program {
    tool(interpreter, package).arg(Path::new(CLIENTS).join(name))
}

#[test]
fn a_perl_program_prints_what_was_sent() {
    in_private_network(|network| {
        log(network);
        prints_payloads(script("perl", "libnet-pcap-perl", "print.pl"), "nflog:5");
        works("Perl, Net::Pcap", "libnet-pcap-perl", PRELOADED, "nflog:5");
    });
}

#[test]
fn a_ruby_program_prints_what_was_sent() {
    in_private_network(|network| {
        log(network);
        prints_payloads(script("ruby", "ruby-pcaprub", "print.rb"), "nflog:5");
        works("Ruby, pcaprub", "ruby-pcaprub", PRELOADED, "nflog:5");
    });
}

#[test]
fn a_rust_program_prints_what_was_sent() {
    in_private_network(|network| {
        log(network);
        let binary = Path::new(env!("CARGO_BIN_EXE_pcap-nflog")).with_file_name("examples").join("print_pcap");
        assert!(binary.is_file(), "cargo build -p pcap-nflog-launcher --examples");
        prints_payloads(launcher().arg(binary), "nflog:5");
        works("Rust, crate pcap", "2.5.0", PRELOADED, "nflog:5");
    });
}

/// Makes `folder` in the build folder once; `make` fills another that becomes it.
fn prepared(folder: &str, make: impl Fn(&Path)) -> PathBuf {
    use std::os::fd::AsRawFd;
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let lock = fs::File::create(kept.with_extension("lock")).unwrap();
    // SAFETY: flock(2) takes no pointers, and the descriptor is open. The lock ends with it.
    assert_eq!(unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX) }, 0);
    if !kept.is_dir() {
        let new = kept.with_extension("new");
        let _ = fs::remove_dir_all(&new);
        fs::create_dir_all(&new).unwrap();
        make(&new);
        fs::rename(&new, &kept).unwrap();
    }
    kept
}

/// Runs a program outside of the private network: it may fetch something.
fn fetch(program: &str, arguments: &[&str], package: &str) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} (Debian package {package}): {error}"));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
}

#[test]
fn a_node_program_prints_what_was_sent() {
    let modules = prepared("koffi-3.3.4", |folder| {
        let folder = folder.to_str().unwrap();
        fetch("npm", &["install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, "koffi@3.3.4"], "npm");
    });
    in_private_network(|network| {
        log(network);
        let program = script("node", "nodejs", "print.js").env("NODE_PATH", modules.join("node_modules"));
        prints_payloads(program, "nflog:5");
        works("Node, koffi", "nodejs", BY_NAME, "nflog:5");
    });
}

#[test]
fn a_go_program_prints_what_was_sent() {
    let built = prepared("go-client", |folder| {
        let script = "GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$1/cache go build -o $1/print $2/print.go";
        fetch(
            "sh",
            &["-c", script, "sh", folder.to_str().unwrap(), CLIENTS],
            "golang-go, golang-github-google-gopacket-dev",
        );
    });
    in_private_network(|network| {
        log(network);
        prints_payloads(launcher().arg(built.join("print")), "nflog:5");
        works("Go, gopacket", "golang-github-google-gopacket-dev", PRELOADED, "nflog:5");
    });
}
