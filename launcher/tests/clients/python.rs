//! Python: ctypes, scapy and pyshark.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::support::network::in_private_network;
use super::*;

#[test]
fn a_python_program_prints_what_was_sent() {
    in_private_network(|network| {
        log(network);
        // The system's, and one from elsewhere that may be before it in PATH.
        for interpreter in ["/usr/bin/python3", "python3"] {
            prints_payloads(script(interpreter, "python3", "print.py"), "nflog:5");
            works("Python, ctypes", interpreter, BY_NAME, "nflog:5");
        }
    });
}

/// The current version, and the two before it. Debian's own is older.
const SCAPY: [&str; 3] = ["2.8.0", "2.7.0", "2.6.1"];

/// Installs a package of PyPI's once, with what it needs or alone.
fn installed(package: &str, version: &str, options: &[&str]) -> PathBuf {
    let folder = prepared(&format!("{package}-{version}"), |folder| {
        let environment = folder.join("environment");
        fetch("python3", &["-m", "venv", environment.to_str().unwrap()], "python3-venv");
        let (pip, target) = (environment.join("bin/pip"), folder.join("packages"));
        let wanted = format!("{package}=={version}");
        let install = [&["install", "--quiet", "--target", target.to_str().unwrap(), &wanted], options].concat();
        fetch(pip.to_str().unwrap(), &install, "python3-venv");
        let _ = fs::remove_dir_all(environment);
    });
    folder.join("packages")
}

#[test]
fn scapy_does_with_nflog_what_it_does_with_interfaces() {
    let versions = SCAPY.map(|version| installed("scapy", version, &["--no-deps"]));
    in_private_network(|network| {
        network.output_rules(&["udp dport 9000 log group 5", "udp dport 9001 log group 6"]);
        network.rules("inet", "input", &["udp dport 9000 log group 7"]);
        let of_pypi = versions.iter().zip(SCAPY).map(|(packages, version)| {
            (script("python3", "python3", "scapy_behaviour.py").env("PYTHONPATH", packages), version.to_owned())
        });
        let of_debian = launcher().arg("/usr/bin/python3").arg(Path::new(CLIENTS).join("scapy_behaviour.py"));
        for (scapy, scapy_version) in of_pypi.chain([(of_debian, version("python3-scapy"))]) {
            let mut scapy = scapy.env("HOME", network.folder()).start();
            let ended =
                scapy.ended_within(Duration::from_secs(60)).unwrap_or_else(|| panic!("does not end: {scapy:?}"));
            let lines = ended.succeeded().lines();
            assert_eq!(lines.iter().filter(|line| line.starts_with("ok ")).count(), 12, "{lines:#?}");
            assert!(lines.contains(&format!("scapy {scapy_version}")), "another version ran: {lines:#?}");
            works(&format!("scapy {scapy_version}"), &scapy_version, BY_NAME, "nflog:5");
        }
    });
}

/// It opens what `tshark -D` lists, and runs dumpcap and tshark.
#[test]
fn pyshark_shows_what_was_sent() {
    const VERSION: &str = "0.6";
    let packages = installed("pyshark", VERSION, &[]);
    in_private_network(|network| {
        log(network);
        for device in ["nflog:5", "nflog:5@EN10MB"] {
            let program = script("python3", "python3", "pyshark_capture.py").args([device, FILTER]);
            let program = program.env("PYTHONPATH", &packages).env("HOME", network.folder());
            let program = await_reader(program.start());
            send();
            assert_eq!(program.finish().succeeded().lines(), ["wanted-1", "wanted-2", "wanted-3"]);
            works("pyshark", VERSION, PRELOADED, device);
        }
    });
}
