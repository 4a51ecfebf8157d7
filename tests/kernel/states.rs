//! What calls do before and after activation, and with bad arguments.

use crate::support::client::{preloaded, with_libpcap};
use crate::support::network::in_private_network;
use crate::support::program::Program;

#[test]
fn each_call_returns_before_and_after_activation_what_libpcaps_does() {
    // libpcap says that the link type is not one of a device that it has not opened, and that there is no monitor mode
    // where it is too late to ask; its manual says this.
    const AS_IN_THE_MANUAL: [&str; 2] = ["created pcap_set_datalink(p, 147): -3", "active pcap_can_set_rfmon(p): -4"];
    in_private_network(|_| {
        let reference = Program::new(with_libpcap("states")).arg("lo").succeed().lines();
        let ours = preloaded("states").arg("nflog:5").succeed().lines();
        assert!(reference.len() > 50, "{reference:#?}");
        let differs = |(ours, reference): (&String, &String)| {
            (ours != reference && !AS_IN_THE_MANUAL.contains(&ours.as_str()))
                .then(|| format!("{ours}, libpcap's {reference}"))
        };
        let differences: Vec<_> = ours.iter().zip(&reference).filter_map(differs).collect();
        assert!(differences.is_empty(), "{differences:#?}");
        assert!(AS_IN_THE_MANUAL.iter().all(|line| ours.iter().any(|ours| ours == line)), "{ours:#?}");
        assert_eq!(ours.len(), reference.len());
    });
}

#[test]
fn settings_are_refused_after_activation_and_reads_before_it() {
    const NOT_ACTIVATED: &str = ": -3";
    const ACTIVATED: &str = ": -4";
    in_private_network(|_| {
        let lines = preloaded("states").arg("nflog:5").succeed().lines();
        let expect = |start: &str, end: &str| {
            let found: Vec<_> = lines.iter().filter(|line| line.starts_with(start)).collect();
            assert!(!found.is_empty() && found.iter().all(|line| line.ends_with(end)), "{start}{end}: {lines:#?}");
        };
        for setting in ["snaplen", "promisc", "timeout", "immediate_mode", "buffer_size", "tstamp_type", "rfmon"] {
            expect(&format!("created pcap_set_{setting}("), ": 0");
            expect(&format!("active pcap_set_{setting}("), ACTIVATED);
        }
        for call in ["next_ex", "dispatch", "loop", "stats", "setfilter", "datalink", "list_datalinks", "snapshot"] {
            expect(&format!("created pcap_{call}("), NOT_ACTIVATED);
        }
        expect("created pcap_activate(", ": 0");
        expect("active pcap_activate(", ACTIVATED);
    });
}

#[test]
fn a_device_that_was_opened_in_one_call_leaves_no_text() {
    in_private_network(|_| {
        assert_eq!(preloaded("opened").arg("nflog:5").succeed().lines(), ["''"]);
    });
}

#[test]
fn a_null_pointer_is_an_error_with_a_text() {
    in_private_network(|_| {
        preloaded("nulls").succeed();
    });
}
