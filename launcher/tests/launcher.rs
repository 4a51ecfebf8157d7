//! The launcher against the real kernel and unmodified programs.

#[allow(dead_code)]
mod launched;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use launched::support::client::library;
use launched::support::network::{self, in_private_network};
use launched::support::program::{Finished, Program};
use launched::support::traffic::Udp;
use launched::{launched, launcher, refused, status};

#[test]
fn a_linked_program_and_one_that_loads_libpcap_by_name_both_get_the_library() {
    in_private_network(|_| {
        let tcpdump = launched(&["tcpdump", "--version"]);
        assert!(tcpdump.stdout().contains("pcap-nflog") || tcpdump.stderr().contains("pcap-nflog"), "{tcpdump:?}");
        let script = "import ctypes; f = ctypes.CDLL('libpcap.so.0.8').pcap_lib_version; \
                      f.restype = ctypes.c_char_p; print(f().decode())";
        // With the preloaded library alone this would be the system's.
        let python = launcher().args(["python3", "-c", script]).succeed();
        assert!(python.stdout().contains("(pcap-nflog "), "{python:?}");
    });
}

#[test]
fn what_the_user_had_in_the_environment_is_kept() {
    in_private_network(|_| {
        let show = "echo $LD_PRELOAD; echo $LD_LIBRARY_PATH; echo $PCAP_NFLOG_LINKTYPE; echo $PCAP_NFLOG_DEVICES";
        let launcher = launcher().env("LD_PRELOAD", "libc.so.6").env("LD_LIBRARY_PATH", "/nowhere:/else");
        let launcher = launcher.env("PCAP_NFLOG_DEVICES", "nflog:1");
        let options = ["--linktype", "en10mb", "--device", "nflog:2", "--device", "nflog:3-4", "sh", "-c", show];
        let lines = launcher.args(options).succeed().lines();
        assert_eq!(lines[0], format!("{}:libc.so.6", library().display()));
        assert!(lines[1].ends_with("/drop-in:/nowhere:/else"), "{lines:?}");
        assert_eq!(lines[2..], ["EN10MB", "nflog:1 nflog:2 nflog:3-4"]);
        // The devices that the command's arguments name are listed as well: some programs open no others.
        let show = ["sh", "-c", "echo $PCAP_NFLOG_DEVICES; : -i", "-inflog:7", "nflog:x", "lo"];
        assert_eq!(launched(&show).succeeded().lines(), ["nflog:7"]);
        let show = ["tap", "--linktype", "en10mb", "udp dport 53", "--", "sh", "-c", "echo $PCAP_NFLOG_DEVICES = {}"];
        let lines = launched(&show).succeeded().lines();
        let device = lines[0].split_once(" = ").expect("both").1;
        assert!(device.ends_with("@EN10MB") && lines[0].split(' ').next() == Some(device), "{lines:?}");
        // A launcher under the launcher adds nothing.
        let path = env!("CARGO_BIN_EXE_pcap-nflog");
        let nested = launched(&[path, "sh", "-c", "echo $LD_PRELOAD"]).succeeded();
        assert_eq!(nested.lines(), [library().display().to_string()]);
    });
}

#[test]
fn immediate_mode_is_asked_for_in_front_of_the_command_and_behind_tap() {
    in_private_network(|_| {
        let show = |options: &[&str], command: &str| {
            let words = [options, &["sh", "-c", command]].concat();
            launcher().env("PCAP_NFLOG_IMMEDIATE", "0").args(words).succeed().stdout()
        };
        assert_eq!(show(&["--immediate"], "echo $PCAP_NFLOG_IMMEDIATE"), "1\n");
        assert_eq!(show(&["tap", "--immediate", "udp dport 53", "--"], "echo $PCAP_NFLOG_IMMEDIATE; : {}"), "1\n");
        assert_eq!(show(&["tap", "udp dport 53", "--"], "echo $PCAP_NFLOG_IMMEDIATE; : {}"), "0\n");
    });
}

#[test]
fn exit_statuses_are_those_of_a_shell() {
    in_private_network(|network| {
        assert_eq!(status(&launched(&["sh", "-c", "exit 7"])), 7);
        refused(&["no-such-command"], 127, "no-such-command: command not found");
        refused(&["/no/such/command"], 127, "/no/such/command: no such file");
        refused(&["/etc/passwd"], 126, "it is not executable");
        refused(&["/etc"], 126, "is a directory");
        refused(&["--device", "nflog:x", "true"], 2, "group 'x' is not a number");
        refused(&["--linktype", "PPP", "true"], 2, "[possible values: RAW, ");
        let tip = "tip: MATCH is one argument, in quotes, and -- stands between it and COMMAND: pcap-nflog tap 'udp";
        for words in ["tap 'udp dport 53'", "tap 'udp dport 53' tcpdump -i {}", "tap udp dport 53 -- tcpdump -i {}"] {
            let split = Program::new("sh").args(["-c", &format!("printf '%s\n' {words}")]).succeed().lines();
            refused(&split.iter().map(String::as_str).collect::<Vec<_>>(), 2, tip);
        }
        let script = network.folder().join("script");
        fs::write(&script, "#!/no/such/interpreter\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        refused(&[script.to_str().unwrap()], 127, "the interpreter that it names is not there");
        let missing = launcher().env("PCAP_NFLOG_LIB", "/no/such/library").arg("true").run();
        assert_eq!(status(&missing), 125, "{missing:?}");
    });
}

#[test]
fn programs_that_cannot_be_preloaded_are_refused_with_the_reason() {
    in_private_network(|network| {
        let binary = network.folder().join("static");
        let source = network.folder().join("static.c");
        fs::write(&source, "int main(void) { return 0; }\n").unwrap();
        Program::new("cc").args(["-static", "-o"]).arg(&binary).arg(&source).succeed();
        refused(&[binary.to_str().unwrap()], 126, "it is statically linked");
        let doctor = launched(&["doctor", binary.to_str().unwrap()]);
        assert_eq!(status(&doctor), 1, "{doctor:?}");
        assert!(doctor.stdout().contains("FAIL  program"), "{doctor:?}");
        let group = network.folder().join("setgid");
        fs::copy("/bin/true", &group).unwrap();
        // Of another group where this user may give it away, of none that is mapped otherwise.
        let foreign = std::os::unix::fs::chown(&group, None, Some(1)).is_ok();
        fs::set_permissions(&group, fs::Permissions::from_mode(0o2755)).unwrap();
        if foreign {
            refused(&[group.to_str().unwrap()], 126, "set-user-ID or set-group-ID");
        } else {
            assert_eq!(status(&launched(&[group.to_str().unwrap()])), 0);
        }
    });
}

#[test]
fn the_list_shows_table_chain_rule_prefix_counter_and_reader() {
    in_private_network(|network| {
        network.output_rules(&["udp dport 9000 counter log prefix \"dns\" group 5", "udp dport 9001 log group 6"]);
        let mut udp = Udp::v4();
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/print.py");
        let reader = launcher().args(["python3", program, "nflog:6", "udp"]).start().await_ready();
        for _ in 0..3 {
            udp.send(10);
        }
        let list = launched(&["list"]).succeeded().lines();
        let cells: Vec<Vec<&str>> = list.iter().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(cells.len(), 3, "{list:?}");
        assert_eq!(cells[0], ["GROUP", "FAMILY", "TABLE", "CHAIN", "RULE", "PACKETS", "PREFIX", "READ", "BY"]);
        assert_eq!(cells[1][..4], ["5", "inet", "watch", "output"]);
        assert_eq!(cells[1][5..], ["3", "\"dns\"", "-"]);
        assert_eq!(cells[2][5..], ["-", "-", "python3", "(pid", &format!("{})", reader.pid())]);
        // The number of a rule is what it is deleted by.
        Program::new("nft").args(["delete", "rule", "inet", "watch", "output", "handle", cells[1][4]]).succeed();
        assert_eq!(launched(&["list"]).succeeded().lines().len(), 2);
    });
}

#[test]
fn the_doctor_names_what_is_there_and_what_is_missing() {
    in_private_network(|network| {
        network.log_udp();
        let well = launched(&["doctor", "tcpdump"]).succeeded().stdout();
        for words in ["ok    library", "ok    libpcap", "ok    kernel", "ok    privilege", "ok    program"] {
            assert!(well.contains(words), "no '{words}' in {well}");
        }
        assert!(well.contains("group 5 is logged to by inet watch output"), "{well}");
        let drop = ["--bounding-set", "-all", "--inh-caps", "-all", "--ambient-caps", "-all"];
        let unprivileged = Program::new("setpriv").args(drop).arg(env!("CARGO_BIN_EXE_pcap-nflog"));
        let ill = unprivileged.arg("doctor").env("PCAP_NFLOG_LIB", library()).run();
        assert_eq!(status(&ill), 1, "{ill:?}");
        let advice =
            "permission denied: needs CAP_NET_ADMIN: root lacks it here, as in a container: docker run --cap-add";
        for words in [format!(": {advice}"), format!("note  rules       the rules cannot be read: {advice}")] {
            assert!(ill.stdout().contains("FAIL  privilege") && ill.stdout().contains(&words), "{ill:?}");
        }
        let unprivileged = Program::new("setpriv").args(drop).arg(env!("CARGO_BIN_EXE_pcap-nflog"));
        let list = unprivileged.arg("list").run();
        assert_eq!(status(&list), 125, "{list:?}");
        assert!(list.stderr().contains(advice), "{list:?}");
        assert_eq!(network::bound_groups(), []);
    });
}

/// All files and folders below `folder`, by their paths in it.
fn tree(folder: &std::path::Path) -> Vec<String> {
    let found = Program::new("find").arg(folder).args(["-mindepth", "1", "-printf", "%P\n"]).succeed();
    let mut lines = found.lines();
    lines.sort();
    lines
}

fn make(target: &str, prefix: &std::path::Path) -> Finished {
    let make = Program::new("make").args(["-C", concat!(env!("CARGO_MANIFEST_DIR"), "/.."), target]);
    let make = make.arg(format!("PREFIX={}", prefix.display())).arg(format!("LIBRARY={}", library().display()));
    make.arg(concat!("LAUNCHER=", env!("CARGO_BIN_EXE_pcap-nflog"))).run()
}

#[test]
fn an_installed_launcher_finds_the_library_of_its_prefix() {
    in_private_network(|network| {
        let prefix = network.folder().join("prefix");
        make("install", &prefix).succeeded();
        let show = "echo $LD_PRELOAD; echo $LD_LIBRARY_PATH";
        let installed = Program::new(prefix.join("bin/pcap-nflog")).env("PCAP_NFLOG_LIB", "");
        let lines = installed.args(["sh", "-c", show]).succeed().lines();
        assert!(lines[0].starts_with(&format!("{}/lib/libpcap_nflog.so.0", prefix.display())), "{lines:?}");
        assert_eq!(lines[1], format!("{}/lib/pcap-nflog", prefix.display()));
        for page in ["man1/pcap-nflog.1", "man3/pcap_nflog.3"] {
            assert!(prefix.join("share/man").join(page).is_file(), "{page}");
        }
    });
}

#[test]
fn uninstalling_removes_what_was_installed_and_nothing_else() {
    in_private_network(|network| {
        let prefix = network.folder().join("prefix");
        make("install", &prefix).succeeded();
        fs::write(prefix.join("share/man/man1/other.1"), "of another program\n").unwrap();
        make("install", &prefix).succeeded();
        make("uninstall", &prefix).succeeded();
        let left: Vec<_> = tree(&prefix).into_iter().filter(|path| !prefix.join(path).is_dir()).collect();
        assert_eq!(left, ["share/man/man1/other.1"]);
        let own: Vec<_> = tree(&prefix).into_iter().filter(|path| path.contains("pcap")).collect();
        assert_eq!(own, [""; 0]);
    });
}

#[test]
fn a_prefix_that_cannot_be_written_to_is_named_and_left_alone() {
    in_private_network(|_| {
        let refused = make("install", std::path::Path::new("/proc/nowhere"));
        assert!(!refused.status.success());
        assert!(refused.stderr().contains("cannot write to /proc/nowhere/bin"), "{refused:?}");
    });
}
