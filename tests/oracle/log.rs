//! The other side: what NFLOG delivers of the same packets, at many places and in each link type at once.

use std::time::{Duration, Instant};

use pcap_nflog::capture::{Device, Direction, Fetched, LinkType, Options, Session, Wait};

use crate::support::program::Program;
use crate::support::slack;

/// The link types that are compared. A place logs to one group for each.
pub const LINK_TYPES: [LinkType; 5] =
    [LinkType::Raw, LinkType::Ethernet, LinkType::Sll, LinkType::Sll2, LinkType::Nflog];

/// Waits until the kernel has sent what it gathered: the flush time is 10 ms, and it counts by ticks of up to 10 ms.
pub fn await_flush() {
    std::thread::sleep(Duration::from_millis(30) * slack());
}

/// How long nothing must come until all is there, `milliseconds` on a machine of usual speed.
pub fn quiet(milliseconds: u64) -> Wait {
    Wait::Until(Instant::now() + Duration::from_millis(milliseconds) * slack())
}

/// A record, and what the kernel said with it.
#[derive(Clone, Debug)]
pub struct Logged {
    pub link_type: LinkType,
    /// The place's number.
    pub place: usize,
    pub data: Vec<u8>,
    pub len: usize,
    pub direction: Direction,
    /// The ethertype.
    pub protocol: u16,
    pub payload: Vec<u8>,
}

/// The group of a place and a link type.
pub fn group(place: usize, link_type: usize) -> usize {
    10 * place + link_type
}

/// What logs a packet at a place, once for each link type.
pub fn statements(place: usize) -> String {
    let statements: Vec<_> =
        (0..LINK_TYPES.len()).map(|link_type| format!(" log group {}", group(place, link_type))).collect();
    statements.concat()
}

/// Loads an nftables script.
pub fn nft(script: &str) {
    Program::new("nft").args(["-f", "-"]).input(script).succeed();
}

/// Sessions in each link type, for all places.
pub struct Logs(Vec<Session>);

impl Logs {
    pub fn open(places: usize, options: &Options) -> Logs {
        let open = |link_type: usize| {
            let groups: Vec<String> = (0..places).map(|place| group(place, link_type).to_string()).collect();
            let device: Device = format!("nflog:{}", groups.join(",")).parse().unwrap();
            let options = Options { link_type: Some(LINK_TYPES[link_type]), ..options.clone() };
            Session::open(&device, &options).unwrap()
        };
        Logs((0..LINK_TYPES.len()).map(open).collect())
    }

    /// All records of what was logged before.
    pub fn take(&mut self) -> Vec<Logged> {
        let mut all = Vec::new();
        await_flush();
        for session in &mut self.0 {
            let link_type = session.link_type();
            records(session, |session| {
                let record = session.record();
                let (data, len) = (record.data.to_vec(), record.len as usize);
                let message = session.message().unwrap();
                all.push(Logged {
                    link_type,
                    place: usize::from(message.group()) / 10,
                    data,
                    len,
                    direction: message.direction(),
                    protocol: message.protocol().unwrap(),
                    payload: message.payload().to_vec(),
                });
            });
            assert_eq!((session.statistics().lost, session.statistics().malformed), (0, 0));
        }
        all
    }
}

pub fn nanoseconds(stamp: pcap_nflog::capture::Stamp) -> i128 {
    i128::from(stamp.seconds) * 1_000_000_000 + i128::from(stamp.nanoseconds)
}

/// Calls `each` for each record that has come. Where a thread reads the socket, it may need some time to hand over
/// what it has.
fn records(session: &mut Session, mut each: impl FnMut(&mut Session)) {
    loop {
        while session.advance() {
            each(session);
        }
        if session.fetch(quiet(10)).unwrap() != Fetched::Batch {
            return;
        }
    }
}
