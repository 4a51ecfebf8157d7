//! Names that somebody else chose cannot steer the terminal that the launcher writes to.

#[allow(dead_code)]
mod launched;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use launched::launcher;
use launched::support::network::in_private_network;
use launched::support::program::{Finished, Program, Running};

/// What was written, in both streams, is lines of printable text.
fn printable(finished: &Finished) -> String {
    let text = finished.stdout() + &finished.stderr();
    let steers = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!text.contains(steers), "{text:?}");
    text
}

/// A process of an evil name reads group 5, and a table of an evil name logs to group 6.
fn evil_reader_and_rule() -> Running {
    let ruleset = r#"{"nftables": [
        {"add": {"table": {"family": "inet", "name": "\u001b[31mt\nx"}}},
        {"add": {"chain": {"family": "inet", "table": "\u001b[31mt\nx", "name": "\u202ec\r"}}},
        {"add": {"rule": {"family": "inet", "table": "\u001b[31mt\nx", "chain": "\u202ec\r", "comment": "\u001b[2J",
            "expr": [{"log": {"prefix": "\u001b]0;title\u0007\n", "group": 6}}]}}}]}"#;
    Program::new("nft").args(["-j", "-f", "-"]).input(ruleset).succeed();
    let rename = "import runpy, sys; open('/proc/self/comm', 'wb').write(b'\\x1b[31mr\\nme\\x7f'); sys.argv[:1] = []; \
                  runpy.run_path(sys.argv[0], run_name='__main__')";
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/print.py");
    launcher().args(["python3", "-c", rename, script, "nflog:5", "udp"]).start().await_ready()
}

#[test]
fn the_list_and_the_doctor_show_them_as_printable_text() {
    in_private_network(|_| {
        let reader = evil_reader_and_rule();
        let comm = fs::read(format!("/proc/{}/comm", reader.pid())).unwrap();
        assert_eq!(comm, b"\x1b[31mr\nme\x7f\n", "the kernel has another name for it");
        let list = printable(&launcher().arg("list").succeed());
        let named = format!("?[31mr?me? (pid {})", reader.pid());
        assert!(list.contains(&named) && list.contains("?[31mt?x  ?c? "), "{list}");
        assert_eq!(list.lines().count(), 3, "{list}");
        let doctor = printable(&launcher().arg("doctor").run());
        assert!(doctor.contains(&format!("group 5 is read by {named}")), "{doctor}");
        assert!(doctor.contains("group 6 is logged to by inet ?[31mt?x ?c?"), "{doctor}");
        assert!(doctor.lines().all(|line| ["ok  ", "note", "FAIL"].iter().any(|mark| line.starts_with(mark))));
    });
}

#[test]
fn failures_show_them_as_printable_text() {
    in_private_network(|network| {
        let file = network.folder().join("\x1b[31mprogram\nok    library");
        fs::write(&file, "not executable").unwrap();
        let file = file.to_str().unwrap();
        let doctor = printable(&launcher().args(["doctor", file]).run());
        assert!(doctor.contains("?[31mprogram?ok    library: permission denied"), "{doctor}");
        assert!(printable(&launcher().arg(file).run()).contains("?[31mprogram\nok    library: permission denied"));
        // A program that seems to have a libpcap of its own is warned of.
        let program = network.folder().join("\x1b[31mpro\ngram");
        let mut binary = fs::read(Program::new("true").path()).unwrap();
        binary.extend(b"libpcap version 1.10");
        fs::write(&program, binary).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let warned = printable(&launcher().arg(&program).run());
        assert!(warned.contains("warning: ") && warned.contains("?[31mpro?gram: "), "{warned}");
        // nft shows in its answer what it did not understand.
        let tap = launcher().args(["tap", "\x1b[31miifnam \"\x1b[31mif\"", "--", "true", "{}"]).run();
        let text = printable(&tap);
        assert!(text.contains("nft refuses it") && text.contains("?[31m"), "{text}");
    });
}
