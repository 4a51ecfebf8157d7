//! How often to look for packets while they come fast.
//!
//! Each batch that is full wakes a reader that waits for it, which costs more than what is in it when packets are large.
//! But packets wait for their batch anyhow, up to the flush time. So where full batches come faster than that, the
//! reader rests for as long, and then takes all that have come (network cards do so: interrupt moderation).

use std::time::{Duration, Instant};

/// The most that can come, in bytes per second: more than a machine can log. The socket's buffer must last for a rest.
const FASTEST: u64 = 1 << 30;

/// Looks at how batches come, and says how long to rest.
pub struct Pace {
    /// How long a rest is; zero where there is none.
    rest: Duration,
    /// A batch of at least so many bytes was sent because it was full.
    full: usize,
    /// When there was nothing to receive, where full batches had come.
    since: Option<Instant>,
    /// Full batches that came since then, in a row.
    batches: u32,
    /// How long it took to fill each of those before.
    filling: Duration,
}

impl Pace {
    /// For batches of `batch_bytes` that wait for `flush`, into a socket's buffer of `buffer` bytes.
    pub fn new(flush: Duration, batch_bytes: u32, buffer: u32) -> Self {
        let lasts = Duration::from_nanos(u64::from(buffer) * 1_000_000_000 / FASTEST);
        Pace {
            rest: flush.min(lasts),
            full: batch_bytes as usize / 2,
            since: None,
            batches: 0,
            filling: Duration::ZERO,
        }
    }

    /// A batch of so many bytes was received. Returns how long ago it was sent, as far as can be told.
    #[inline]
    pub fn received(&mut self, length: usize) -> Duration {
        if length < self.full && !self.rests() {
            // The flush timer sent it.
            (self.since, self.batches) = (None, 0);
            return Duration::ZERO;
        }
        self.received_fast(length)
    }

    fn received_fast(&mut self, length: usize) -> Duration {
        self.batches = self.batches.saturating_add(1);
        // Batches that came during a rest were filled one after the other.
        let age = match self.since.filter(|_| self.rests()) {
            Some(since) => since.elapsed().saturating_sub(self.filling * self.batches),
            None => Duration::ZERO,
        };
        if length < self.full {
            (self.since, self.batches, self.filling) = (None, 0, Duration::ZERO);
        }
        age
    }

    /// Whether batches come so fast that the reader rests.
    #[inline]
    fn rests(&self) -> bool {
        !self.filling.is_zero()
    }

    /// Whether it matters when there is nothing to receive: a full batch has come. Otherwise the reader may as well wait
    /// where it receives.
    #[inline]
    pub fn looks(&self) -> bool {
        self.rests() || (self.batches != 0 && !self.rest.is_zero())
    }

    /// There is nothing to receive. Returns how long to rest before looking again; none is to wait for packets.
    pub fn empty(&mut self) -> Option<Duration> {
        let since = self.since.take();
        if self.rest.is_zero() || self.batches == 0 {
            // No clock is read for those who get nothing out of it.
            (self.batches, self.filling) = (0, Duration::ZERO);
            return None;
        }
        let now = Instant::now();
        // A rest that finds no batch is a wake-up for nothing.
        let filling = since.map(|since| (now - since) / self.batches).filter(|&filling| filling < self.rest);
        (self.since, self.batches) = (Some(now), 0);
        self.filling = filling.unwrap_or_default();
        filling.map(|_| self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than the machine can be busy with something else.
    const FLUSH: Duration = Duration::from_secs(3);

    fn pace() -> Pace {
        Pace::new(FLUSH, 131_072, u32::MAX)
    }

    #[test]
    fn a_reader_rests_while_full_batches_come_fast() {
        let mut pace = pace();
        assert_eq!(pace.empty(), None);
        pace.received(131_072);
        assert_eq!(pace.empty(), None);
        for _ in 0..3 {
            pace.since = Instant::now().checked_sub(Duration::from_millis(500));
            pace.received(131_072);
            assert_eq!(pace.empty(), Some(FLUSH));
        }
    }

    #[test]
    fn it_waits_for_batches_that_come_slowly_or_are_not_full_and_for_the_first() {
        for (milliseconds, lengths) in [(4000, &[131_072][..]), (500, &[131_072, 30_000]), (500, &[])] {
            let mut pace = pace();
            pace.empty();
            pace.since = Instant::now().checked_sub(Duration::from_millis(milliseconds));
            lengths.iter().for_each(|&length| _ = pace.received(length));
            assert_eq!(pace.empty(), None, "{lengths:?} in {milliseconds} ms");
        }
    }

    #[test]
    fn it_looks_for_more_behind_a_full_batch_and_while_it_rests_only() {
        let mut pace = pace();
        assert!(!pace.looks());
        pace.received(30_000);
        assert!(!pace.looks(), "behind a flushed batch");
        pace.received(131_072);
        assert!(pace.looks(), "behind a full batch");
        assert_eq!(pace.empty(), None);
        assert!(!pace.looks(), "when nothing more had come");
        pace.since = Instant::now().checked_sub(Duration::from_millis(500));
        pace.received(131_072);
        assert_eq!(pace.empty(), Some(FLUSH));
        assert!(pace.looks(), "while it rests");
        pace.received(30_000);
        assert!(!pace.looks(), "behind a flushed batch that came during a rest");
        let mut immediate = Pace::new(Duration::ZERO, 131_072, 16 << 20);
        immediate.received(131_072);
        assert!(!immediate.looks(), "in immediate mode");
    }

    #[test]
    fn there_is_no_rest_in_immediate_mode_nor_one_that_a_small_buffer_does_not_last_for() {
        assert_eq!(Pace::new(Duration::ZERO, 131_072, 16 << 20).rest, Duration::ZERO);
        assert_eq!(Pace::new(FLUSH, 131_072, 1 << 20).rest, Duration::from_nanos(976_562));
    }

    #[test]
    fn batches_of_a_rest_were_sent_one_after_the_other() {
        let mut pace = pace();
        pace.filling = Duration::from_secs(3);
        pace.since = Instant::now().checked_sub(Duration::from_secs(10));
        let ages = [0; 4].map(|_| pace.received(131_072));
        let about = |age: Duration, seconds: u64| (seconds..seconds + 3).contains(&age.as_secs());
        assert!(about(ages[0], 7) && about(ages[1], 4) && about(ages[2], 1), "{ages:?}");
    }
}
