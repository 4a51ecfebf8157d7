//! What really captures when the launcher starts a command: programs behind others, dumpcap behind tshark, programs
//! with a libpcap that the library cannot stand in for.

#[path = "../../tests/kernel/support/mod.rs"]
#[allow(dead_code)]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use support::client::library;
use support::network::{Network, in_private_network, is_root};
use support::program::{Finished, Program};
use support::traffic::Udp;

const LAUNCHER: &str = env!("CARGO_BIN_EXE_pcap-nflog");
const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/clients");

fn launcher() -> Program {
    Program::new(LAUNCHER).env("PCAP_NFLOG_LIB", library())
}

/// It was refused with `words`, and nothing ran.
fn refused(ended: &Finished, words: &[&str]) {
    assert_eq!(ended.status.code(), Some(126), "{ended:?}");
    assert_eq!(ended.stdout(), "", "{ended:?}");
    words.iter().for_each(|word| assert!(ended.stderr().contains(word), "no '{word}': {ended:?}"));
}

/// Whether tcpdump, which says its libpcap's version, had the library.
fn has_the_library(ended: &Finished) -> bool {
    assert!(ended.stdout().contains("tcpdump version"), "{ended:?}");
    ended.stdout().contains("pcap-nflog ")
}

/// An executable file with `text`.
fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// What sudo does with the environment, under its name: it needs no rules, no password, and no root.
fn sudo(folder: &Path) -> PathBuf {
    let script =
        script(folder, "sudo", "#!/bin/sh\nexec env -i PATH=\"$PATH\" PCAP_NFLOG_LIB=\"$PCAP_NFLOG_LIB\" \"$@\"\n");
    std::os::unix::fs::symlink(LAUNCHER, folder.join("pcap-nflog")).unwrap();
    script
}

/// The launcher with a folder in front of PATH.
fn launcher_with(folder: &Path) -> Program {
    let mut path = folder.as_os_str().to_owned();
    path.push(":");
    path.push(support::network::search_path());
    launcher().env("PATH", path)
}

#[test]
fn a_program_behind_others_has_the_library() {
    in_private_network(|_| {
        for command in [
            "sh -c|tcpdump --version",
            "sh -ec|true && exec tcpdump --version",
            "env A=b tcpdump --version",
            "env -u LD_PRELOAD tcpdump --version",
            "timeout 100 tcpdump --version",
            "nice -n 1 timeout --signal INT 100 env A=b tcpdump --version",
        ] {
            let (words, script) =
                command.split_once('|').map_or((command, None), |(words, script)| (words, Some(script)));
            let ended = launcher().args(words.split(' ')).args(script).succeed();
            assert!(has_the_library(&ended), "{command}: {ended:?}");
            assert_eq!(ended.stderr(), "", "{command}");
        }
        let ended = launcher().args(["xargs", "tcpdump"]).input("--version\n").succeed();
        assert!(has_the_library(&ended), "{ended:?}");
    });
}

#[test]
fn a_program_that_would_not_get_the_library_is_refused_with_what_to_do() {
    in_private_network(|network| {
        let folder = network.folder().join("bin");
        sudo(&folder);
        let run = |line: &str| launcher_with(&folder).args(line.split(' ')).run();
        // What is refused here is how it goes without the launcher's look.
        let mut path = folder.as_os_str().to_owned();
        path.push(":/usr/sbin:/usr/bin:/sbin:/bin");
        let lost = Program::new(folder.join("sudo")).args(["tcpdump", "--version"]).env("LD_PRELOAD", library());
        assert!(!has_the_library(&lost.env("PATH", &path).succeed()));
        for (line, instead) in [
            ("sudo tcpdump --version", "sudo pcap-nflog tcpdump --version"),
            ("timeout 5 nice sudo tcpdump --version", "sudo pcap-nflog tcpdump --version"),
            ("env -i tcpdump --version", "env -i pcap-nflog tcpdump --version"),
            ("env -u LD_PRELOAD -u LD_LIBRARY_PATH tcpdump", "-u LD_LIBRARY_PATH pcap-nflog tcpdump"),
        ] {
            refused(&run(line), &["it does not hand LD_PRELOAD on", instead]);
        }
        let shell = launcher_with(&folder).args(["sh", "-c", "exec sudo tcpdump --version 2>&1"]).run();
        refused(&shell, &["sudo: it does not hand", "sudo pcap-nflog tcpdump --version"]);
        // And that is right.
        let instead = Program::new(folder.join("sudo")).args(["pcap-nflog", "tcpdump", "--version"]);
        let instead = instead.env("PATH", &path).env("PCAP_NFLOG_LIB", library()).succeed();
        assert!(has_the_library(&instead), "{instead:?}");
        assert!(has_the_library(&run("sudo pcap-nflog tcpdump --version").succeeded()));
    });
}

#[test]
fn a_static_program_is_found_behind_others() {
    in_private_network(|network| {
        let (binary, source) = (network.folder().join("static"), network.folder().join("static.c"));
        fs::write(&source, "int main(void) { return 0; }\n").unwrap();
        Program::new("cc").args(["-static", "-o"]).arg(&binary).arg(&source).succeed();
        let program = binary.to_str().unwrap();
        refused(&launcher().args(["timeout", "5", program]).run(), &["it is statically linked"]);
        let wrapper = script(network.folder(), "wrapper", &format!("#!/usr/bin/env {program}\n"));
        refused(&launcher().arg(&wrapper).run(), &["it is statically linked"]);
        // As a wrapper it is no obstacle: it hands the environment on.
        let timeout = network.folder().join("timeout");
        let source = network.folder().join("timeout.c");
        fs::write(&source, "#include <unistd.h>\nint main(int c, char **v) { return c < 3 || execvp(v[2], v + 2); }\n")
            .unwrap();
        Program::new("cc").args(["-static", "-o"]).arg(&timeout).arg(&source).succeed();
        assert!(has_the_library(&launcher().arg(&timeout).args(["5", "tcpdump", "--version"]).succeed()));
    });
}

#[test]
fn what_a_script_may_lose_is_a_warning() {
    in_private_network(|network| {
        let folder = network.folder().join("bin");
        sudo(&folder);
        let script = "if true; then tcpdump --version; else sudo tcpdump -i \"$1\"; fi";
        let ended = launcher_with(&folder).args(["sh", "-c", script]).succeed();
        assert!(has_the_library(&ended), "{ended:?}");
        let expected = "pcap-nflog: warning: sudo: it does not hand LD_PRELOAD on to its command; put pcap-nflog \
                        between them: sudo pcap-nflog tcpdump -i ...\n";
        assert_eq!(ended.stderr(), expected);
    });
}

#[test]
fn the_doctor_follows_a_command_to_what_captures() {
    in_private_network(|network| {
        let folder = network.folder().join("bin");
        sudo(&folder);
        let doctor = |line: &str| launcher_with(&folder).arg("doctor").args(line.split(' ')).run();
        let well = doctor("timeout -k 1 5 env A=b tcpdump -i nflog:5 -c 1").succeeded().stdout();
        let last = well.lines().last().unwrap();
        assert!(last.starts_with("ok    program") && last.contains("timeout runs /usr/bin/env runs "), "{well}");
        assert!(last.contains("tcpdump: the library can be put under it; all else goes to /"), "{well}");
        let ill = doctor("timeout 5 sudo tcpdump -i nflog:5");
        assert_eq!(ill.status.code(), Some(1), "{ill:?}");
        let fail = "FAIL  program     sudo: it does not hand LD_PRELOAD on to its command; put pcap-nflog between them: \
                    sudo pcap-nflog tcpdump -i nflog:5";
        assert_eq!(ill.stdout().lines().last().unwrap(), fail);
    });
}

#[test]
fn a_library_that_the_dynamic_linker_does_not_take_is_told() {
    in_private_network(|network| {
        let text = network.folder().join("library.so");
        fs::write(&text, "not a library\n").unwrap();
        let ended = Program::new(LAUNCHER).env("PCAP_NFLOG_LIB", &text).args(["tcpdump", "--version"]).run();
        refused(&ended, &["tcpdump: the dynamic linker does not take the library", "library.so"]);
    });
}

/// Compiles clients of tests/clients.
fn compile(binary: &Path, sources: &[&str], options: &[&str]) {
    let sources = sources.iter().map(|name| format!("{CLIENTS}/{name}.c"));
    Program::new("cc").arg("-o").arg(binary).args(sources).args(options).succeed();
}

#[test]
fn a_libpcap_in_the_program_itself_is_told() {
    in_private_network(|network| {
        let program = network.folder().join("program");
        compile(&program, &["which", "ask", "own"], &["-DOWN=\"within\""]);
        let ended = launcher().arg(&program).succeed();
        assert_eq!(ended.lines()[0], "savefile: within");
        assert!(ended.stderr().contains("it seems to have a libpcap linked into it"), "{ended:?}");
        // Neither does one that has none, nor one that is linked with a shared one.
        for program in ["true", "tcpdump", "tshark"] {
            let ended = launcher().args([program, "--version"]).succeed();
            assert!(!ended.stderr().contains("libpcap linked into it"), "{ended:?}");
        }
    });
}

#[test]
fn a_program_whose_libpcap_has_more_than_others_starts_and_has_both() {
    in_private_network(|network| {
        let folder = network.folder();
        let (own, program) = (folder.join("libpcap.so.1"), folder.join("program"));
        let extra = folder.join("extra.c");
        fs::write(&extra, "int pcap_of_a_vendor(void) { return 7; }\n").unwrap();
        let shared = ["-shared", "-fPIC", "-DOWN=\"own\"", "-Wl,-soname,libpcap.so.1", extra.to_str().unwrap()];
        compile(&own, &["own"], &shared);
        let more = folder.join("more.c");
        fs::write(
            &more,
            "int pcap_of_a_vendor(void);\n__attribute__((constructor)) static void more(void) \
             { __builtin_printf(\"vendor: %d\\n\", pcap_of_a_vendor()); }\n",
        )
        .unwrap();
        let linked = [more.to_str().unwrap(), own.to_str().unwrap(), "-Wl,-rpath,$ORIGIN", "-Wl,-z,now"];
        compile(&program, &["which", "ask"], &linked);
        let lines = launcher().arg(&program).succeed().lines();
        assert_eq!(lines[..2], ["vendor: 7", "savefile: own"]);
        assert!(lines[3].contains("pcap-nflog"), "{lines:?}");
        let doctor = launcher().arg("doctor").arg(&program).succeed().stdout();
        assert!(doctor.contains("its libpcap has more than others (pcap_of_a_vendor)"), "{doctor}");
    });
}

/// Copies of tshark and dumpcap, of the library and of the launcher, where every user can reach them.
fn copies(network: &Network) -> PathBuf {
    let folder = network.folder().join("copies");
    fs::create_dir(&folder).unwrap();
    for name in ["tshark", "dumpcap"] {
        fs::copy(Program::new(name).path(), folder.join(name)).unwrap();
    }
    fs::copy(LAUNCHER, folder.join("pcap-nflog")).unwrap();
    fs::copy(library(), folder.join("libpcap_nflog.so")).unwrap();
    folder
}

/// Runs a command of the copies' folder while datagrams come; the lines that show them.
fn shown(program: Program, folder: &Path) -> Vec<String> {
    let running = program.env("HOME", folder).env("PCAP_NFLOG_LIB", folder.join("libpcap_nflog.so")).start();
    let mut udp = Udp::v4();
    support::wait_until("the group is read", || !support::network::bound_groups().is_empty());
    for _ in 0..3 {
        udp.send(100);
    }
    let lines = running.finish().succeeded().lines();
    lines.into_iter().filter(|line| line.contains("UDP")).collect()
}

#[test]
fn tshark_captures_where_dumpcap_takes_the_library_and_is_refused_where_not() {
    in_private_network(|network| {
        network.log_udp();
        let folder = copies(network);
        let copy = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let capture = ["-l", "-n", "-c", "3", "-i", "nflog:5", "-f", "udp port 9000"];
        Program::new("setcap").args(["cap_net_raw,cap_net_admin=eip", &copy("dumpcap")]).succeed();

        // Root's programs are not protected from root.
        let tshark = Program::new(copy("pcap-nflog")).arg(copy("tshark")).args(capture);
        assert_eq!(shown(tshark, &folder).len(), 3);
        if !is_root() {
            // A user namespace of one user has no other.
            return;
        }
        let user = || Program::new("setpriv").args(["--reuid", "1000", "--regid", "1000", "--clear-groups"]);
        let user = || user().env("HOME", &folder).env("PCAP_NFLOG_LIB", folder.join("libpcap_nflog.so"));
        let launched = |words: &[&str]| user().arg(copy("pcap-nflog")).args(words).run();
        // Without the library it is libpcap's own reader that captures: it cannot filter.
        let lost = user().arg("env").arg(format!("LD_PRELOAD={}", copy("libpcap_nflog.so"))).arg(copy("tshark"));
        let lost = lost.args(capture).run();
        let told = lost.stderr();
        assert!(told.contains("NFLOG") && told.contains("filtering not implemented"), "{lost:?}");
        let tshark = copy("tshark");
        let reason = "which has file capabilities and so ignores LD_PRELOAD";
        let instead = "sudo pcap-nflog dumpcap -q -i nflog:5 -w - | tshark -i -";
        refused(&launched(&[&tshark, "-i", "nflog:5"]), &[reason, instead]);
        refused(&launched(&["timeout", "5", &tshark, "-inflog:5"]), &[reason]);
        refused(&launched(&[&copy("dumpcap"), "-i", "nflog:5"]), &["it has file capabilities", "sudo pcap-nflog"]);
        let doctor = launched(&["doctor", &tshark, "-i", "nflog:5"]);
        assert!(doctor.stdout().contains(reason) && doctor.status.code() == Some(1), "{doctor:?}");
        // Nothing is lost where NFLOG is not asked for; where it cannot be told, that is said.
        for (words, warned) in
            [(&["--version"][..], false), (&["-i", "lo", "--list-data-link-types"], false), (&["-D"], true)]
        {
            let ended = launched(&[&[tshark.as_str()], words].concat()).succeeded();
            assert_eq!(ended.stderr().contains(reason), warned, "{words:?}: {ended:?}");
        }

        // What it says instead works: the capture alone as root,
        let pipe = "\"$0\" \"$1\" -q -i nflog:5 -c 3 -w - | setpriv --reuid 1000 --clear-groups \"$2\" -l -n -i -";
        let pipe = Program::new("sh").args(["-c", pipe, &copy("pcap-nflog"), &copy("dumpcap"), &tshark]);
        assert_eq!(shown(pipe, &folder).len(), 3);
        // and copies that have no file capabilities, with the capability from elsewhere.
        let plain = folder.join("plain");
        fs::create_dir(&plain).unwrap();
        for name in ["tshark", "dumpcap"] {
            fs::copy(folder.join(name), plain.join(name)).unwrap();
        }
        let raised = ["--inh-caps", "+net_admin,+net_raw", "--ambient-caps", "+net_admin,+net_raw"];
        let ambient = user().args(raised).arg(copy("pcap-nflog")).arg(plain.join("tshark")).args(capture);
        assert_eq!(shown(ambient, &folder).len(), 3);
    });
}
