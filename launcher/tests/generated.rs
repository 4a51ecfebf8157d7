//! The man pages and the completions that are committed are those that the sources make.

use std::fs;
use std::path::Path;
use std::process::Command;

const FILES: [&str; 5] = [
    "man/pcap-nflog.1",
    "man/pcap_nflog.3",
    "launcher/completions/pcap-nflog.bash",
    "launcher/completions/pcap-nflog.zsh",
    "launcher/completions/pcap-nflog.fish",
];

#[test]
fn man_pages_and_completions_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let into = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    let generate = Path::new(env!("CARGO_BIN_EXE_pcap-nflog")).with_file_name("examples").join("generate");
    assert!(generate.is_file(), "{} is not there: cargo build -p pcap-nflog-launcher --examples", generate.display());
    assert!(Command::new(generate).arg(&into).status().unwrap().success());
    for file in FILES {
        let (committed, made) = (fs::read(root.join(file)), fs::read(into.join(file)).unwrap());
        assert!(committed.is_ok_and(|committed| committed == made), "{file} is not current: make man");
    }
}
