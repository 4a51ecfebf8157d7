//! Prints the packets of an NFLOG device, with the capture core alone: no libpcap, no C.
//!
//! `cargo run --example print -- nflog:5`

use std::process::ExitCode;

use pcap_nflog::capture::{Device, Error, Options, Session};

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_else(|| "nflog".into());
    match print(&name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("print: {name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a line for each packet: when it came, its true length, how much of it is here, and its first bytes.
fn print(name: &str) -> Result<(), Error> {
    let device: Device = name.parse()?;
    // An IP header is enough here, so the kernel copies no more than it must.
    let options = Options { snaplen: 64, ..Options::default() };
    let mut session = Session::open(&device, &options)?;
    while let Some(record) = session.read()? {
        let start: Vec<_> = record.data.iter().take(20).map(|byte| format!("{byte:02x}")).collect();
        let start = start.concat();
        let stamp = record.stamp;
        println!(
            "{}.{:09} {} bytes, {} here: {start}",
            stamp.seconds,
            stamp.nanoseconds,
            record.len,
            record.data.len()
        );
    }
    Ok(())
}
