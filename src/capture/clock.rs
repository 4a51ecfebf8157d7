//! Stamps: when a packet was at its hook.
//!
//! The kernel stamps packets that come in. Those that go out have no stamp, and the reader sees them when their batch
//! was sent: because it was full, or because its first packet had waited for the flush time. So an estimate has
//! bounds: a packet is not younger than the read, nor than the next stamped packet of its batch, and not older than
//! the record before it; and the first packet of a batch that the flush timer sent is older than the read by the
//! flush time. Batches that came while the reader rested (`pace.rs`) are taken for read when they were filled.
//!
//! The kernel's stamps are never changed. Estimates of a group never go backwards, unless the clock was set back.

use std::time::Duration;

use super::batch::{self, Step};
use super::layout::Layout;
use super::message::{Message, attribute};
use super::stamp::Stamp;

/// Gives each record its stamp.
pub struct Clock {
    /// How long a batch's first packet waits for the flush timer; zero where each packet is sent at once.
    flush: Duration,
    /// How much later than a read a record of the one before can be, unless the clock was set back.
    step: Duration,
    /// A batch of at least so many bytes may have been sent because it was full.
    full: usize,
    /// The last stamp of each group.
    previous: Vec<Stamp>,
    /// What was found ahead in the batch in hand.
    ahead: Ahead,
    /// The estimate for further packets of the batch in hand.
    settled: Settled,
    /// How many batches came since the last stamped packet.
    unstamped: u32,
}

/// No record of a read is later than the read itself, but by less than this; one that is was stamped before the clock was
/// set back. Smaller steps are waited out, so that stamps stay in order.
const STEP: Duration = Duration::from_millis(20);

/// After so many batches without a stamp, full ones are not searched for one: at their rate, an estimate is no further
/// off than the flush time anyhow.
const UNSTAMPED_MANY: u32 = 16;

/// The next stamped packet of a batch, for all packets before `until`.
#[derive(Clone, Copy)]
struct Ahead {
    until: usize,
    stamp: Option<Stamp>,
}

/// The stamp of all packets of the group at `group` without one of their own, before `until`.
#[derive(Clone, Copy, Default)]
struct Settled {
    until: usize,
    group: usize,
    stamp: Stamp,
}

/// The most that one message can add to a batch: a batch that has room for it was not sent for want of room.
const MESSAGE_MAX: usize = 66_000;

impl Clock {
    /// For so many groups, whose batches have `batch_bytes` of room and wait for `flush`.
    pub fn new(groups: usize, flush: Duration, batch_bytes: usize) -> Self {
        Clock {
            flush,
            // A batch that came during a rest counts as read earlier, by the flush time at most.
            step: STEP.max(2 * flush),
            full: batch_bytes.saturating_sub(MESSAGE_MAX),
            previous: vec![Stamp::default(); groups],
            ahead: Ahead { until: 0, stamp: None },
            settled: Settled::default(),
            unstamped: 0,
        }
    }

    /// A new batch, of so many bytes, is in hand.
    pub fn begin_batch(&mut self, length: usize) {
        let search = length < self.full || self.unstamped < UNSTAMPED_MANY;
        self.ahead = Ahead { until: if search { 0 } else { usize::MAX }, stamp: None };
        self.settled.until = 0;
        self.unstamped = self.unstamped.saturating_add(1);
    }

    /// The stamp of a message of the group at `index`, which has the `kernel`'s or none. Its batch, `datagram`, was
    /// received at `received` and goes on at `next`.
    #[inline]
    pub fn stamp<'a>(
        &mut self,
        index: usize,
        kernel: Option<Stamp>,
        received: Stamp,
        datagram: impl FnOnce() -> &'a [u8],
        at: usize,
        next: usize,
    ) -> Stamp {
        match kernel {
            Some(stamp) => {
                self.unstamped = 0;
                self.settled.until = 0;
                if let Some(previous) = self.previous.get_mut(index) {
                    *previous = stamp;
                }
                stamp
            }
            None if next <= self.settled.until && index == self.settled.group => self.settled.stamp,
            None => self.estimated(index, received, datagram(), at, next),
        }
    }

    #[inline(never)]
    fn estimated(&mut self, index: usize, received: Stamp, datagram: &[u8], at: usize, next: usize) -> Stamp {
        let estimate = self.estimate(received, datagram, at, next);
        let stamp = match self.previous.get_mut(index) {
            Some(previous) => {
                let clock_was_set_back = previous.before(self.step) > received;
                *previous = if clock_was_set_back { estimate } else { estimate.max(*previous) };
                *previous
            }
            None => estimate,
        };
        // The batch's first packet may be older than the others.
        self.settled = Settled { until: if at == 0 { 0 } else { self.ahead.until }, group: index, stamp };
        stamp
    }

    fn estimate(&mut self, received: Stamp, datagram: &[u8], at: usize, next: usize) -> Stamp {
        let first_of_flush = at == 0 && datagram.len() < self.full;
        let latest = if first_of_flush { received.before(self.flush) } else { received };
        if next > self.ahead.until {
            self.ahead = next_stamped(datagram, next);
        }
        self.ahead.stamp.map_or(latest, |stamp| stamp.min(latest))
    }
}

/// Looks for the next stamped packet from `at` on.
#[inline(always)]
fn next_stamped(datagram: &[u8], mut at: usize) -> Ahead {
    loop {
        let until = at;
        match batch::step(datagram, &mut at) {
            Step::Entry(entry) if entry.kind == batch::PACKET && may_be_stamped(entry.body) => {
                if let Some(stamp) =
                    Message::parse(entry.body, &mut Layout::default()).and_then(|message| message.stamp())
                {
                    return Ahead { until, stamp: Some(stamp) };
                }
            }
            Step::Entry(_) => {}
            Step::Malformed | Step::End => return Ahead { until: usize::MAX, stamp: None },
        }
    }
}

/// Whether a message's bytes look as if it had a stamp, at the price of one look: the kernel puts PACKET_HDR first, and
/// stamps nothing at a hook whose number is above FORWARD's (`__build_packet_message`, nfnetlink_log.c).
#[inline]
fn may_be_stamped(message: &[u8]) -> bool {
    // nfgenmsg, the attribute's length and type, ethertype, hook.
    let [kind_low, kind_high, _, _, hook] = match message.get(6..11).and_then(|bytes| bytes.first_chunk()) {
        Some(bytes) => *bytes,
        None => return true,
    };
    u16::from_ne_bytes([kind_low, kind_high]) != attribute::PACKET_HDR as u16 || hook <= 2
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::{message, parsed};
    use super::*;

    const FLUSH: Duration = Duration::from_millis(10);

    fn at(milliseconds: u64) -> Stamp {
        let since = Duration::from_millis(milliseconds);
        Stamp { seconds: since.as_secs() as i64, nanoseconds: since.subsec_nanos() }
    }

    /// A datagram of packets with the kernel's stamp or without, in milliseconds.
    fn datagram(stamps: &[Option<u64>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for stamp in stamps {
            let mut value = [0; 16];
            let body = match stamp {
                Some(milliseconds) => {
                    value[..8].copy_from_slice(&(milliseconds / 1000).to_be_bytes());
                    value[8..].copy_from_slice(&(milliseconds % 1000 * 1000).to_be_bytes());
                    message(2, 5, &[(1, &[8, 0, 1, 0]), (3, &value)])
                }
                None => message(2, 5, &[(1, &[8, 0, 3, 0])]),
            };
            bytes.extend((16 + body.len() as u32).to_ne_bytes());
            bytes.extend(batch::PACKET.to_ne_bytes());
            bytes.extend([0; 10]);
            bytes.extend(body);
        }
        bytes
    }

    fn stamps(clock: &mut Clock, stamps: &[Option<u64>], received: u64) -> Vec<Stamp> {
        let datagram = datagram(stamps);
        clock.begin_batch(datagram.len());
        let mut next = 0;
        let mut all = Vec::new();
        loop {
            let here = next;
            let Step::Entry(entry) = batch::step(&datagram, &mut next) else { return all };
            let message = parsed(entry.body);
            all.push(clock.stamp(0, message.stamp(), at(received), || &datagram, here, next));
        }
    }

    fn clock() -> Clock {
        Clock::new(1, FLUSH, 126_000)
    }

    #[test]
    fn the_kernels_stamp_is_taken() {
        assert_eq!(stamps(&mut clock(), &[Some(1234), Some(1235)], 2000), [at(1234), at(1235)]);
    }

    #[test]
    fn the_first_packet_of_a_flushed_batch_waited_for_the_flush_time() {
        assert_eq!(stamps(&mut clock(), &[None, None, None], 2000), [at(1990), at(2000), at(2000)]);
    }

    #[test]
    fn a_full_batchs_first_packet_and_one_sent_at_once_are_as_old_as_the_read() {
        let mut full = Clock::new(1, FLUSH, 0);
        assert_eq!(stamps(&mut full, &[None], 2000), [at(2000)]);
        let mut immediate = Clock::new(1, Duration::ZERO, 126_000);
        assert_eq!(stamps(&mut immediate, &[None], 2000), [at(2000)]);
    }

    #[test]
    fn an_estimate_is_not_younger_than_the_next_stamped_packet() {
        let given = [Some(1985), None, None, Some(1990), None, Some(1995), None];
        let expected = [1985, 1990, 1990, 1990, 1995, 1995, 2000].map(at);
        assert_eq!(stamps(&mut clock(), &given, 2000), expected);
    }

    #[test]
    fn estimates_of_a_group_never_go_backwards_and_the_kernels_stamps_are_what_they_are() {
        let mut clock = clock();
        assert_eq!(stamps(&mut clock, &[None, None], 2000), [at(1990), at(2000)]);
        assert_eq!(stamps(&mut clock, &[None, Some(2001), Some(1999)], 2005), [at(2000), at(2001), at(1999)]);
        assert_eq!(stamps(&mut clock, &[None, None], 2006), [at(1999), at(2006)]);
    }

    #[test]
    fn estimates_follow_a_clock_that_was_set_back() {
        let hour = 3_600_000;
        let mut clock = clock();
        assert_eq!(stamps(&mut clock, &[None, None], hour), [at(hour - 10), at(hour)]);
        assert_eq!(stamps(&mut clock, &[None, None], 5000), [at(4990), at(5000)]);
        assert_eq!(stamps(&mut clock, &[Some(hour)], 5001), [at(hour)]);
        assert_eq!(stamps(&mut clock, &[None, None], 5010), [at(5000), at(5010)]);
    }

    #[test]
    fn a_stamp_is_found_again_after_many_batches_without_one() {
        let mut clock = clock();
        for batch in 0..2 * u64::from(UNSTAMPED_MANY) {
            stamps(&mut clock, &[None], 2000 + batch);
        }
        assert_eq!(stamps(&mut clock, &[Some(3000), None, Some(3003)], 3010), [3000, 3003, 3003].map(at));
    }
}
