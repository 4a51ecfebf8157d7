//! The ways in besides preloading: linked, without any libpcap, and in libpcap's place.

use crate::support::client::{Installed, installed_libpcaps, library, with_libpcap, without_libpcap};
use crate::support::network::{Network, in_private_network, in_rootless_network};
use crate::support::program::{Program, Running};
use crate::support::savefile;
use crate::support::traffic::{END, END_LEN, Udp};

/// The length of an Ethernet header.
const ETHERNET: u32 = 14;

/// Compiles the reader with `options`, and captures with it.
fn a_linked_program_captures(network: &Network, options: &[&str]) {
    network.log_udp();
    let reader = Installed::new(network).compile("reader", options);
    let reader = Program::new(reader).args(["nflog:5".into(), format!("until={END_LEN}")]).start().await_ready();
    let mut udp = Udp::v4();
    (0..10).for_each(|_| udp.send(100));
    udp.send_end();
    let ended = reader.finish().succeeded();
    assert_eq!((ended.number("packets"), ended.number("drop")), (11, 0), "{ended:?}");
}

#[test]
fn a_program_that_is_linked_by_pkg_config_captures() {
    in_private_network(|network| a_linked_program_captures(network, &["-DWITH_PCAP_NFLOG_H"]));
}

#[test]
fn a_program_that_is_linked_by_pkg_config_with_libpcaps_header_captures() {
    in_private_network(|network| a_linked_program_captures(network, &[]));
}

#[test]
fn a_program_that_is_linked_by_pkg_config_with_our_header_alone_captures() {
    in_private_network(|network| {
        a_linked_program_captures(network, &["-DWITH_PCAP_NFLOG_H", "-DPCAP_NFLOG_STANDALONE"]);
    });
}

/// Sends packets until the `alone` client has its three and has checked the rest; returns its texts.
fn capture_alone(client: Running) -> Vec<String> {
    let mut udp = Udp::v4();
    (0..3).for_each(|_| udp.send(100));
    client.finish().succeeded().lines()
}

#[test]
fn a_libpcap_that_is_named_and_is_not_there_is_told_by_what_needs_it_and_capture_works() {
    in_private_network(|network| {
        network.log_udp();
        let client = Installed::new(network).compile("alone", &["-DWITH_PCAP_NFLOG_H", "-ldl"]);
        let client = Program::new(client).env("PCAP_NFLOG_LIBPCAP", "/nonexistent").start().await_ready();
        let texts = capture_alone(client);
        assert_eq!(texts.len(), 3);
        assert!(texts.iter().all(|text| text.contains("PCAP_NFLOG_LIBPCAP=/nonexistent")), "{texts:#?}");
    });
}

fn captures_where_no_libpcap_is(network: &Network) {
    let client = Installed::new(network).compile("alone", &["-DWITH_PCAP_NFLOG_H", "-DPCAP_NFLOG_STANDALONE", "-ldl"]);
    let client = Program::new(client).arg("hidden").hide(&installed_libpcaps()).start().await_ready();
    let texts = capture_alone(client);
    assert_eq!(texts.len(), 3);
    assert!(texts.iter().all(|text| text.contains("install libpcap (tried libpcap.so.0.8")), "{texts:#?}");
}

#[test]
fn where_no_libpcap_is_what_needs_it_says_so_and_capture_works() {
    in_private_network(|network| {
        network.log_udp();
        captures_where_no_libpcap_is(network);
    });
}

#[test]
fn where_no_libpcap_is_capture_works_without_root() {
    in_rootless_network(|network| {
        network.log_udp();
        captures_where_no_libpcap_is(network);
    });
}

/// Reads NFLOG, loopback and a savefile with a program that finds our library under libpcap's name.
fn reads_everything(network: &Network, program: &dyn Fn() -> Program) {
    network.log_udp();
    let folder = Installed::new(network).drop_in();
    let start = |source: &str, last: u32| {
        let program = program().env("LD_LIBRARY_PATH", &folder).args([source.to_owned(), last.to_string()]);
        program.start().await_ready()
    };
    for (device, header, link_type) in [("nflog:5", 0, 12), ("lo", ETHERNET, 1)] {
        let client = start(device, header + END_LEN);
        let mut udp = Udp::v4();
        (0..10).for_each(|_| udp.send(100));
        udp.send_end();
        let ended = client.finish().succeeded();
        assert_eq!(ended.number("packets"), 11, "{device}: {ended:?}");
        let lens = 10 * 128 + END.len() as i64 + 28 + 11 * i64::from(header);
        assert_eq!(ended.number("lens"), lens, "{device}: {ended:?}");
        assert_eq!(ended.number("datalink"), link_type, "{device}: {ended:?}");
    }
    let file = network.folder().join("saved.pcap");
    std::fs::write(&file, savefile::ethernet(&[60, 70, 80])).unwrap();
    let ended = start(file.to_str().unwrap(), 0).finish().succeeded();
    assert_eq!((ended.number("packets"), ended.number("lens")), (3, 210), "{ended:?}");
    assert_eq!(ended.number("end"), -2, "{ended:?}");
}

#[test]
fn a_c_program_that_loads_libpcap_by_name_finds_ours_and_behind_it_the_systems() {
    in_private_network(|network| {
        let client = without_libpcap("dynamic");
        reads_everything(network, &|| Program::new(&client));
    });
}

#[test]
fn a_python_program_that_loads_libpcap_by_name_finds_ours_and_behind_it_the_systems() {
    in_private_network(|network| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/dynamic.py");
        reads_everything(network, &|| Program::new("python3").arg(script));
    });
}

#[test]
fn a_program_that_loads_libpcap_by_name_finds_ours_when_it_is_preloaded_as_well() {
    in_private_network(|network| {
        let client = without_libpcap("dynamic");
        let library = library();
        reads_everything(network, &|| Program::new(&client).env("LD_PRELOAD", &library));
    });
}

#[test]
fn a_program_that_is_linked_with_libpcap_finds_ours_in_its_place_and_behind_it_the_systems() {
    in_private_network(|network| {
        network.log_udp();
        let installed = Installed::new(network);
        let same = installed.lib().join("libpcap_nflog.so.0");
        // The folder alone; with the same library preloaded as well; with another copy of it preloaded.
        for preload in [None, Some(same), Some(library())] {
            for (device, header) in [("nflog:5", 0), ("lo", ETHERNET)] {
                let until = format!("until={}", header + END_LEN);
                let mut reader = Program::new(with_libpcap("reader")).env("LD_LIBRARY_PATH", installed.drop_in());
                if let Some(preload) = &preload {
                    reader = reader.env("LD_PRELOAD", preload);
                }
                let reader = reader.args([device, "filter=udp port 9000", &until]).start().await_ready();
                let mut udp = Udp::v4();
                (0..10).for_each(|_| udp.send(100));
                udp.send_end();
                let ended = reader.finish().succeeded();
                assert_eq!(ended.number("packets"), 11, "{preload:?} {device}: {ended:?}");
                let link_type = if device == "lo" { 1 } else { 12 };
                assert_eq!(ended.number("datalink"), link_type, "{preload:?} {device}: {ended:?}");
            }
        }
    });
}
