//! Writes the man pages and the shell completions: `cargo run -p pcap-nflog-launcher --example generate`, or `make
//! man`. `pcap-nflog.1` and the completions are made from the command line's definitions, `pcap_nflog.3` from the
//! comments in `pcap_nflog.h`, which are those of the exported functions.

#[path = "../../src/command_line.rs"]
#[allow(dead_code)]
mod command_line;
mod completions;
mod library_page;
mod program_page;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::CommandFactory;

use command_line::CommandLine;

fn main() -> io::Result<()> {
    // Another folder than the repository, for the test that compares.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let into = std::env::args_os().nth(1).map_or_else(|| root.clone(), PathBuf::from);
    for (path, text) in files(&root)? {
        let path = into.join(path);
        fs::create_dir_all(path.parent().expect("each is in a folder"))?;
        fs::write(path, text)?;
    }
    Ok(())
}

/// What is generated: paths in the repository, and contents.
fn files(root: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let header = fs::read_to_string(root.join("include/pcap_nflog.h"))?;
    let mut files = vec![
        ("man/pcap-nflog.1".into(), program_page::page(CommandLine::command())),
        ("man/pcap_nflog.3".into(), library_page::page(&header)),
    ];
    for (shell, text) in completions::all(&CommandLine::command()) {
        files.push((format!("launcher/completions/pcap-nflog.{shell}"), text.into_bytes()));
    }
    Ok(files)
}
