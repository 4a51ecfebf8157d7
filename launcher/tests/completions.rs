//! What bash, zsh and fish make of a line when the user presses tab. bash and zsh run in a terminal, as users have them.

#[allow(dead_code)]
mod launched;

use std::ffi::OsString;
use std::path::Path;

use launched::support::client::library;
use launched::support::network::{Network, in_private_network, search_path};
use launched::support::program::{Program, Running, Stream};

/// A line up to the cursor, and the words that it is completed to. `probe` has completions of its own: alpha and beta.
/// A rule logs to group 4242.
const LINES: [(&str, &[&str]); 20] = [
    ("--linkt", &["--linktype"]),
    ("--imm", &["--immediate"]),
    ("--linktype EN", &["--linktype", "EN10MB"]),
    ("--linktype=LINUX_SLL2 tap --dr", &["--linktype=LINUX_SLL2", "tap", "--dry-run"]),
    ("--device nflog:42", &["--device", "nflog:4242"]),
    ("doct", &["doctor"]),
    ("setpri", &["setpriv"]),
    ("probe al", &["probe", "alpha"]),
    ("probe --linkt", &["probe", "--linkt"]),
    ("--linktype RAW --device nflog:5 probe al", &["--linktype", "RAW", "--device", "nflog:5", "probe", "alpha"]),
    ("doctor setpri", &["doctor", "setpriv"]),
    ("doctor probe al", &["doctor", "probe", "alpha"]),
    ("doctor probe --linkt", &["doctor", "probe", "--linkt"]),
    ("tap --hooks pre", &["tap", "--hooks", "prerouting"]),
    ("tap --hooks input,pre", &["tap", "--hooks", "input,prerouting"]),
    ("tap 'udp dport 53' --linkt", &["tap", "udp dport 53", "--linktype"]),
    ("tap 'udp dport 53' ", &["tap", "udp dport 53", "--"]),
    ("tap 'udp dport 53' -- setpri", &["tap", "udp dport 53", "--", "setpriv"]),
    ("tap 'udp dport 53' -- probe al", &["tap", "udp dport 53", "--", "probe", "alpha"]),
    ("tap 'udp dport 53' -- probe --linkt", &["tap", "udp dport 53", "--", "probe", "--linkt"]),
];

fn file(shell: &str) -> String {
    format!("{}/completions/pcap-nflog.{shell}", env!("CARGO_MANIFEST_DIR"))
}

/// A shell that finds the launcher, and nothing of the user's.
fn shell(name: &str, network: &Network) -> Program {
    network.rules("inet", "input", &["udp dport 9000 log group 4242"]);
    let mut path: OsString = Path::new(env!("CARGO_BIN_EXE_pcap-nflog")).parent().unwrap().into();
    path.push(":");
    path.push(search_path());
    let terminal = "import pty, sys; pty.spawn(sys.argv[1:])";
    let program = Program::new("python3").args(["-c", terminal]).arg(Program::new(name).path());
    program.env("PATH", path).env("HOME", network.folder()).env("TERM", "dumb").env("PCAP_NFLOG_LIB", library())
}

/// The words of the line after the tab: the shell itself prints them.
fn completed(shell: &mut Running, number: usize, line: &str) -> Vec<String> {
    const TO_THE_START: char = '\x01';
    const TO_THE_END: char = '\x05';
    shell.write(&format!("pcap-nflog {line}\t{TO_THE_START}printf '<%s>' {number} {TO_THE_END}; echo\n",));
    let answer = format!("<{number}><pcap-nflog><");
    let printed = shell.await_line(Stream::Stdout, &answer);
    let words = printed.split_once(&answer).unwrap().1.trim_end().trim_end_matches('>');
    words.split("><").map(str::to_owned).collect()
}

/// Presses tab at the end of each line.
fn completes_each_line(mut shell: Running) {
    for (number, (line, words)) in LINES.iter().enumerate() {
        assert_eq!(completed(&mut shell, number, line), *words, "{line}");
    }
}

#[test]
fn bash_completes_the_launchers_words_and_hands_the_rest_to_the_commands_completion() {
    const BASH_COMPLETION: &str = "/usr/share/bash-completion/bash_completion";
    assert!(Path::new(BASH_COMPLETION).is_file(), "install the Debian package bash-completion");
    in_private_network(|network| {
        let mut bash = shell("bash", network).args(["--norc", "-i"]).start();
        bash.write(&format!("PS1= PS2=; source {BASH_COMPLETION}\n"));
        bash.write(&format!("complete -W 'alpha beta' probe; source {}\n", file("bash")));
        // What a package brings: interfaces.
        assert_eq!(completed(&mut bash, 99, "tcpdump -i l"), ["tcpdump", "-i", "lo"]);
        completes_each_line(bash);
    });
}

#[test]
fn zsh_completes_the_launchers_words_and_hands_the_rest_to_the_commands_completion() {
    in_private_network(|network| {
        let functions = network.folder().join("functions");
        std::fs::create_dir(&functions).unwrap();
        std::fs::copy(file("zsh"), functions.join("_pcap-nflog")).unwrap();
        let mut zsh = shell("zsh", network).args(["-f", "-i"]).start();
        zsh.write(&format!("PS1= PS2=; bindkey -e; fpath=({} $fpath)\n", functions.display()));
        zsh.write("autoload -U compinit; compinit -u -D; _probe() { compadd alpha beta }; compdef _probe probe\n");
        completes_each_line(zsh);
    });
}

#[test]
fn fish_completes_the_launchers_words_and_hands_the_rest_to_the_commands_completion() {
    in_private_network(|network| {
        for (line, words) in LINES {
            // It says what it would offer for the last word.
            let script = format!(
                "complete -c probe -f -a 'alpha beta'; source {}; complete -C \"pcap-nflog {line}\"",
                file("fish")
            );
            let mut fish = shell("fish", network).args(["--no-config", "-c", &script]);
            fish = fish.env("XDG_CONFIG_HOME", network.folder());
            let offered = fish.succeed().stdout();
            let offered: Vec<_> = offered.lines().map(|line| line.split('\t').next().unwrap().trim_end()).collect();
            let expected = words.last().unwrap();
            match line.ends_with(expected) {
                true => assert_eq!(offered, [""; 0], "{line}"),
                false => assert_eq!(offered, [*expected], "{line}"),
            }
        }
    });
}
