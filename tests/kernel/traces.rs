//! What a capture leaves behind: nothing.

use std::fs;
use std::path::Path;

use crate::support::client::{Installed, preloaded, reader};
use crate::support::network::{bound_groups, in_private_network};
use crate::support::program::{Program, Stream};
use crate::support::traffic::{END_LEN, Udp};

#[test]
fn opening_and_closing_10000_times_leaks_neither_memory_nor_descriptors() {
    in_private_network(|_| {
        // Without malloc's store of small blocks for each thread, which count as allocated.
        let client = preloaded("openclose").env("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0");
        let ended = client.arg("10000").succeed();
        assert_eq!(ended.number("descriptors"), 0, "{ended:?}");
        // A byte each time would be more.
        assert!(ended.number("allocated") < 10_000, "{ended:?}");
        // What malloc keeps for later goes up and down by the size of a receive buffer or two.
        assert!(ended.number("kib") < 2048, "{ended:?}");
        assert_eq!(bound_groups(), []);
    });
}

/// A program under valgrind, which fails if it finds an error or memory that nothing points to any more.
fn valgrind(program: &Path) -> Program {
    let options = ["--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite,possible", "--error-exitcode=99"];
    Program::new("valgrind").args(options).arg(program)
}

#[test]
fn valgrind_finds_nothing_in_opening_and_closing() {
    in_private_network(|network| {
        let client = Installed::new(network).compile("openclose", &[]);
        valgrind(&client).arg("20").succeed();
    });
}

#[test]
fn valgrind_finds_nothing_in_capturing_with_a_filter() {
    in_private_network(|network| {
        network.log_udp();
        let client = Installed::new(network).compile("reader", &[]);
        for options in
            [["snaplen=64", "by=loop"], ["linktype=NFLOG", "by=next_ex"], ["filter=udp port 9000", "by=dispatch"]]
        {
            let until = if options[0] == "linktype=NFLOG" { "count=101".into() } else { format!("until={END_LEN}") };
            let reader = valgrind(&client).arg("nflog:5").args(options).arg(until).start().await_ready();
            let (mut v4, mut v6) = (Udp::v4(), Udp::v6());
            for _ in 0..20 {
                [0, 50, 1400].into_iter().for_each(|size| v4.send(size));
                [100, 9000].into_iter().for_each(|size| v6.send(size));
            }
            v4.send_end();
            let ended = reader.finish().succeeded();
            assert_eq!((ended.number("packets"), ended.number("drop")), (101, 0), "{ended:?}");
        }
    });
}

/// Which logger each protocol family has in this namespace.
fn loggers() -> String {
    fs::read_to_string("/proc/net/netfilter/nf_log").unwrap()
}

#[test]
fn a_capture_leaves_the_namespaces_loggers_alone() {
    in_private_network(|network| {
        network.log_udp();
        let before = loggers();
        let reader = reader("nflog:5,6").arg(format!("until={END_LEN}")).start().await_ready();
        assert_eq!(loggers(), before, "while it captures");
        assert_eq!(bound_groups().iter().map(|&(group, _)| group).collect::<Vec<_>>(), [5, 6]);
        Udp::v4().send_end();
        reader.finish().succeeded();
        assert_eq!(loggers(), before, "afterwards");
        assert_eq!(bound_groups(), [], "afterwards");
    });
}

#[test]
fn an_activation_that_fails_leaves_no_group_bound() {
    in_private_network(|_| {
        let owner = reader("nflog:300").start().await_ready();
        let before = (bound_groups(), loggers());
        // All groups up to the last are bound before it fails.
        let failing = reader("nflog:1-300").arg("hold=1").start().await_ready();
        failing.await_line(Stream::Stdout, "group 300 is already read by");
        assert_eq!((bound_groups(), loggers()), before);
        drop(owner);
        assert_eq!(bound_groups(), []);
    });
}
