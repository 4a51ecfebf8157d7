//! One process that opens a group more than once: the handle that reads has it. The scenarios are in
//! `tests/clients/twice.c`.

use pcap_nflog::capture::{Device, Error, Options, ReaderThread, Session};

use crate::support::DEADLINE;
use crate::support::client::{preloaded, reader};
use crate::support::network::{Network, bound_groups, in_private_network, in_rootless_network};
use crate::support::traffic::Udp;

/// Logs what the scenarios send.
fn log(network: &Network) {
    network.output_rules(&[
        "udp dport 9000 log group 5",
        "udp dport 9000 udp length 14 log group 6",
        "udp dport 9000 udp length 15 log group 7",
    ]);
}

fn succeeds(network: &Network, scenario: &str) {
    log(network);
    let ended = preloaded("twice").arg(scenario).succeed();
    assert_eq!(ended.stdout(), "done\n", "{ended:?}");
    assert_eq!(bound_groups(), []);
}

#[test]
fn a_handle_that_was_never_read_gives_its_group_up_to_one_that_is_and_may_have_it_back() {
    in_private_network(|network| succeeds(network, "kept"));
}

#[test]
fn the_same_without_root() {
    in_rootless_network(|network| succeeds(network, "kept"));
}

#[test]
fn a_second_handle_that_is_never_read_leaves_the_first_alone() {
    in_private_network(|network| succeeds(network, "receiving"));
}

#[test]
fn a_handle_has_the_group_when_the_other_is_closed_before_it_reads() {
    in_private_network(|network| succeeds(network, "closed"));
}

#[test]
fn of_several_groups_each_goes_to_the_handle_that_reads_it_and_no_packet_of_the_others_is_lost() {
    in_private_network(|network| succeeds(network, "groups"));
}

#[test]
fn a_read_that_cannot_have_all_of_its_groups_takes_none_from_another_handle() {
    in_private_network(|network| succeeds(network, "all_or_none"));
}

#[test]
fn a_handle_whose_read_was_refused_does_not_keep_what_it_has_from_others() {
    in_private_network(|network| succeeds(network, "refused"));
}

#[test]
fn while_its_reads_are_refused_a_handle_keeps_no_more_than_its_buffer_and_counts_the_rest() {
    in_private_network(|network| succeeds(network, "bounded"));
}

#[test]
fn of_three_handles_each_has_the_group_when_those_that_read_it_are_closed() {
    in_private_network(|network| succeeds(network, "three"));
}

#[test]
fn a_program_that_selects_before_it_reads_waits_for_packets_or_finds_the_error() {
    in_private_network(|network| succeeds(network, "selecting"));
}

#[test]
fn a_program_that_waits_on_the_sockets_descriptor_gets_its_packets() {
    in_private_network(|network| succeeds(network, "fileno"));
}

#[test]
fn of_two_threads_that_read_at_the_same_moment_one_has_the_group_and_all_packets() {
    in_private_network(|network| succeeds(network, "threads"));
}

#[test]
fn threads_that_open_read_and_close_one_group_take_each_other_for_no_other_process() {
    in_private_network(|network| succeeds(network, "opening"));
}

#[test]
fn a_fork_while_another_thread_opens_leaves_the_child_able_to_open() {
    in_private_network(|network| succeeds(network, "forking"));
}

#[test]
fn a_first_read_without_the_privilege_says_that_it_is_needed_and_takes_nothing() {
    in_private_network(|network| succeeds(network, "dropped"));
}

#[test]
fn a_child_reads_what_its_parent_opened_twice() {
    in_private_network(|network| succeeds(network, "daemonized"));
}

#[test]
fn a_child_takes_nothing_from_a_parent_that_reads() {
    in_private_network(|network| succeeds(network, "child_of_a_reader"));
}

#[test]
fn a_group_of_another_process_is_an_error_at_activation_whatever_this_process_has_open() {
    in_private_network(|network| {
        log(network);
        let _owner = reader("nflog:5").start().await_ready();
        let ours = Session::open(&"nflog:6".parse().unwrap(), &Options::default()).unwrap();
        let refused = Session::open(&"nflog:5,6".parse().unwrap(), &Options::default()).err().unwrap();
        assert!(matches!(&refused, Error::GroupTaken { group: 5, owner } if owner.starts_with("reader")), "{refused}");
        drop(ours);
    });
}

/// Sends so many datagrams, and takes as many records.
fn gets(session: &mut Session, udp: &mut Udp, count: u64) {
    let before = session.statistics();
    for _ in 0..count {
        udp.send(100);
    }
    for _ in 0..count {
        assert!(session.read().unwrap().is_some(), "a packet never came");
    }
    let now = session.statistics();
    assert_eq!((now.delivered - before.delivered, now.lost, now.malformed), (count, 0, 0));
}

#[test]
fn a_session_that_reads_has_its_groups_whether_or_not_a_thread_reads_for_it() {
    in_private_network(|network| {
        log(network);
        let (device, mut udp): (Device, _) = ("nflog:5".parse().unwrap(), Udp::v4());
        for threads in [[ReaderThread::Off; 2], [ReaderThread::On; 2], [ReaderThread::Off, ReaderThread::On]] {
            let [mut first, mut second] = threads.map(|reader_thread| {
                let options = Options { timeout: Some(DEADLINE), reader_thread, ..Options::default() };
                Session::open(&device, &options).unwrap()
            });
            // Those are the first one's, which never asked for them.
            for _ in 0..50 {
                udp.send(100);
            }
            second.set_nonblocking(true);
            assert!(second.read().unwrap().is_none());
            second.set_nonblocking(false);
            gets(&mut second, &mut udp, 100);
            let refused = first.read().err().unwrap();
            assert!(matches!(refused, Error::GroupReadHere { group: 5 }), "{refused}");
            gets(&mut second, &mut udp, 100);
            drop(second);
            first.set_nonblocking(true);
            assert!(first.read().unwrap().is_none());
            first.set_nonblocking(false);
            gets(&mut first, &mut udp, 100);
            assert_eq!(first.statistics().received, 100);
        }
    });
}

#[test]
fn the_same_group_of_two_network_namespaces_is_two_groups() {
    in_private_network(|network| {
        log(network);
        let (device, options): (Device, _) = ("nflog:5".parse().unwrap(), Options::default());
        let elsewhere = std::thread::scope(|scope| {
            let open = || {
                // SAFETY: unshare(2) takes no pointers; this thread alone goes to the new namespace, and ends there.
                assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNET) }, 0, "{}", std::io::Error::last_os_error());
                Session::open(&device, &options).unwrap()
            };
            scope.spawn(open).join().unwrap()
        });
        // Neither is in the other's way, nor is another process here mistaken for the one there.
        let _owner = reader("nflog:5").start().await_ready();
        let refused = Session::open(&device, &options).err().unwrap();
        assert!(matches!(refused, Error::GroupTaken { group: 5, .. }), "{refused}");
        drop(elsewhere);
    });
}
