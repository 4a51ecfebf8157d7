//! What can't be opened: the error says what was attempted, why it failed, and what to do.

use crate::support::client::{library, preloaded, reader, with_libpcap};
use crate::support::network::{bound_groups, in_private_network, in_rootless_network, in_rootless_network_for_tcpdump};
use crate::support::program::{Program, Stream};

#[test]
fn a_malformed_device_name_is_refused_with_the_reason_and_the_grammar() {
    const NAMES: &[(&str, &str)] = &[
        ("nflog:", "no group"),
        ("nflog:x", "'x' is not a number"),
        ("nflog:5x", "'5x' is not a number"),
        ("nflog:5,", "empty group"),
        ("nflog:,5", "empty group"),
        ("nflog:5,,6", "empty group"),
        ("nflog:65536", "65536 is out of range"),
        ("nflog:99999999999999999999", "out of range"),
        ("nflog:-1", "negative"),
        ("nflog:5-", "no last group"),
        ("nflog:7-5", "backwards"),
        ("nflog:1-65536", "out of range"),
        ("nflog:0x", "hexadecimal"),
        ("nflog:08", "octal"),
        ("nflog: 5", "not a number"),
        ("nflog:5 ", "not a number"),
        ("nflog:+5", "not a number"),
        ("nflog:5@", "no link type"),
        ("nflog@", "no link type"),
        ("nflog:5@PPP", "'PPP' is not one of RAW"),
        ("nflog:@RAW", "no group"),
        ("nflog:5@RAW@RAW", "is not one of RAW"),
    ];
    in_private_network(|_| {
        let lines = preloaded("refused").args(NAMES.iter().map(|(name, _)| name)).succeed().lines();
        assert_eq!(lines.len(), 2 * NAMES.len(), "{lines:#?}");
        for ((name, reason), texts) in NAMES.iter().zip(lines.chunks(2)) {
            for text in texts {
                assert!(text.starts_with(name) && text.contains(reason), "{name} ({reason}): {text}");
                assert!(text.contains("nflog[:GROUP"), "{name}: {text}");
            }
        }
    });
}

#[test]
fn a_device_name_in_upper_case_is_refused_with_a_hint() {
    in_private_network(|_| {
        for name in ["NFLOG:5", "Nflog:5@RAW", "nFLOG:"] {
            let lines = preloaded("refused").arg(name).succeed().lines();
            let hint = format!(
                "{name}: NFLOG devices are in lower case: {}; the form is",
                name.replacen(&name[..5], "nflog", 1)
            );
            assert!(lines.iter().all(|text| text.starts_with(&hint)), "{lines:?}");
        }
        // These could be interfaces.
        for name in ["NFLOG", "Nflog0", "NFLOG@RAW"] {
            assert!(reader(name).run().stdout().starts_with("activate: -5: "), "{name}");
        }
    });
}

#[test]
fn a_device_name_that_is_longer_than_the_error_buffer_is_refused_within_it() {
    in_private_network(|_| {
        let name = format!("nflog:{}", "5,".repeat(5000));
        let lines = preloaded("refused").arg(name).succeed().lines();
        assert!(lines.iter().all(|text| text.starts_with("nflog:5,5,") && text.len() == 255), "{lines:#?}");
    });
}

#[test]
fn a_name_that_only_begins_like_ours_is_the_system_libpcaps() {
    in_private_network(|_| {
        let ended = reader("nflogger0").run();
        assert_eq!(ended.status.code(), Some(1));
        // libpcap finds no such interface when it activates it.
        assert!(ended.stdout().starts_with("activate: -5: "), "{ended:?}");
    });
}

#[test]
fn an_unknown_link_type_is_refused_wherever_it_is_given() {
    in_private_network(|_| {
        let by_variable = reader("nflog:5").env("PCAP_NFLOG_LINKTYPE", "PPP").run().stdout();
        assert!(by_variable.starts_with("create: PCAP_NFLOG_LINKTYPE=PPP: not one of RAW, "), "{by_variable}");
        let by_call = reader("nflog:5").arg("linktype=PPP").run().stdout();
        assert!(by_call.starts_with("set_datalink: "), "{by_call}");
        assert!(by_call.len() > "set_datalink: \n".len(), "no text");
    });
}

/// What is said where the kernel wants a privilege that `front` leaves the reader without.
fn denied(front: &[&str]) -> String {
    let preload = format!("LD_PRELOAD={}", library().display());
    let reader = Program::new(front[0]).args(&front[1..]).args(["env", &preload]).arg(with_libpcap("reader"));
    let text = reader.arg("nflog:5").run().stdout();
    let start = "activate: -8: nflog:5: binding group 5: permission denied: needs CAP_NET_ADMIN";
    assert!(text.starts_with(start), "{text}");
    assert!(text.len() < start.len() + 200 && !text.ends_with("..."), "{text}");
    text
}

/// As in a container that was given nothing more.
const ROOT_WITHOUT: [&str; 5] =
    ["setpriv", "--inh-caps=-net_admin", "--ambient-caps=-net_admin", "--bounding-set=-net_admin", "--"];

#[test]
fn root_without_cap_net_admin_is_told_how_a_container_gets_it() {
    let containers = || {
        let text = denied(&ROOT_WITHOUT);
        assert!(text.contains("root lacks it here") && !text.contains("run it as root"), "{text}");
        for words in ["docker run --cap-add NET_ADMIN", "podman", "Kubernetes", "capabilities.add"] {
            assert!(text.contains(words), "no '{words}': {text}");
        }
    };
    in_private_network(|_| containers());
}

#[test]
fn root_of_a_user_namespace_without_cap_net_admin_is_told_so_too() {
    in_rootless_network(|_| assert!(denied(&ROOT_WITHOUT).contains("--cap-add NET_ADMIN")));
}

#[test]
fn another_user_is_told_to_become_root() {
    in_rootless_network_for_tcpdump(|_| {
        let text = denied(&ROOT_WITHOUT);
        assert!(text.contains("run it as root, or in a network namespace of your own (unshare -Urn)"), "{text}");
    });
}

/// As in a container without root that has the host's network.
#[test]
fn who_has_cap_net_admin_in_another_user_namespace_is_told_that_it_does_not_count() {
    in_private_network(|_| {
        let text = denied(&["unshare", "--user", "--map-root-user", "--"]);
        assert!(text.contains("in another user namespace") && text.contains("network of its own"), "{text}");
    });
}

#[test]
fn a_group_that_is_taken_names_its_reader_and_leaves_nothing_behind() {
    in_private_network(|_| {
        let owner = reader("nflog:5").start().await_ready();
        let before = bound_groups();
        let mut second = reader("nflog:4,5,6").arg("hold=1").start().await_ready();
        // Still open: the groups that it had bound already are free again.
        assert_eq!(bound_groups(), before);
        let text = second.await_line(Stream::Stdout, "activate: ");
        let named = format!("group 5 is already read by reader-libpcap (pid {})", owner.pid());
        assert!(text.starts_with("activate: -1: nflog:4,5,6: ") && text.contains(&named), "{text}");
        second.write("\n");
        assert_eq!(second.finish().status.code(), Some(1));
        // The first reader reads on.
        assert_eq!(bound_groups(), before);
        owner.signal(libc::SIGTERM);
    });
}

#[test]
fn a_group_that_is_taken_is_not_mistaken_for_a_lack_of_privilege_where_its_reader_cannot_be_told() {
    in_private_network(|_| {
        let _owner = reader("nflog:5").start().await_ready();
        let ended = reader("nflog:5").hide(&["/proc"]).run();
        let text = "activate: -1: nflog:5: group 5 is already read by another process";
        assert!(ended.stdout().starts_with(text), "{ended:?}");
    });
}

#[test]
fn a_kernel_without_nflog_is_told_with_what_to_load() {
    in_private_network(|_| {
        let text = preloaded("nolog").succeed().stdout();
        assert!(text.starts_with("-5: ") && text.contains("modprobe nfnetlink_log"), "{text}");
    });
}
