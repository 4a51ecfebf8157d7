//! Prints the payloads of three UDP datagrams over IPv4, with the crate `pcap`: `print_pcap DEVICE FILTER`, under the
//! launcher.

use pcap::{Capture, Error};

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let (device, filter) = (arguments.next().unwrap_or("nflog:5".into()), arguments.next().unwrap_or("udp".into()));
    let mut capture = Capture::from_device(device.as_str())?.timeout(100).open()?;
    capture.filter(&filter, true)?;
    eprintln!("ready");
    let mut packets = 0;
    while packets < 3 {
        match capture.next_packet() {
            Ok(packet) => println!("{}", String::from_utf8_lossy(&packet.data[28..])),
            Err(Error::TimeoutExpired) => continue,
            Err(error) => return Err(error),
        }
        packets += 1;
    }
    Ok(())
}
