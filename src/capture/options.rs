//! What a capture can be told before it opens.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::link_type::LinkType;

/// The largest snaplen, in bytes: libpcap's `MAXIMUM_SNAPLEN`.
pub const SNAPLEN_MAX: u32 = 262_144;

/// The longest that a packet waits in the kernel for its batch to fill, unless told otherwise.
const FLUSH_MAX: Duration = Duration::from_millis(10);

/// The room that a batch can be given, in bytes: from one page, the kernel's own default, to `NFULNL_NLBUFSIZ_MAX`
/// (nfnetlink_log.c).
pub const BATCH_BYTES: RangeInclusive<u32> = 4096..=131_072;

/// Whether a thread reads the socket into user memory while the caller is busy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReaderThread {
    /// Where the kernel grants less buffer than was asked for: the thread has the rest.
    #[default]
    Auto,
    /// Always, with as much memory as was asked for.
    On,
    /// Never.
    Off,
}

impl ReaderThread {
    /// All names, for an error's text.
    pub const NAMES: &str = "auto, on, off";

    /// The mode called `name`, in any case.
    pub fn from_name(name: &str) -> Option<ReaderThread> {
        [("auto", ReaderThread::Auto), ("on", ReaderThread::On), ("off", ReaderThread::Off)]
            .into_iter()
            .find_map(|(known, mode)| known.eq_ignore_ascii_case(name).then_some(mode))
    }
}

/// A capture's settings; the default is what `pcap_create` and no `pcap_set_*` gives.
#[derive(Clone, Debug)]
pub struct Options {
    /// The most bytes to deliver of a packet, 1 to [`SNAPLEN_MAX`].
    pub snaplen: u32,
    /// How long a read waits for a packet; `None` is for ever. It bounds the flush time as well.
    pub timeout: Option<Duration>,
    /// Deliver each packet at once: no batches.
    pub immediate: bool,
    /// The buffer between the kernel and the caller in bytes: the socket's, and what the kernel does not grant of it
    /// in this process's memory.
    pub buffer_size: u32,
    /// The link type; `None` is the device's, or RAW.
    pub link_type: Option<LinkType>,
    /// The kernel sends a batch after so many packets.
    pub batch_packets: u32,
    /// The kernel sends a batch when its messages fill so many bytes: 4,096 to 131,072.
    pub batch_bytes: u32,
    /// End the read with an error when packets were lost, instead of only counting them.
    pub strict: bool,
    /// Ask for the conntrack entry of each packet.
    pub conntrack: bool,
    /// Whether a thread of this library reads the socket.
    pub reader_thread: ReaderThread,
    /// How long a packet may wait for its batch to fill; `None` is the timeout, at most 10 ms. The kernel counts in
    /// hundredths of a second; less than one means its next tick.
    pub flush: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            snaplen: SNAPLEN_MAX,
            timeout: None,
            immediate: false,
            buffer_size: 16 << 20,
            link_type: None,
            batch_packets: 10_000,
            // Just under what rounds up to the next power of two with the skb's own overhead.
            batch_bytes: 131_072,
            strict: false,
            conntrack: false,
            reader_thread: ReaderThread::Auto,
            flush: None,
        }
    }
}

impl Options {
    /// How many packets make a batch.
    pub(super) fn threshold(&self) -> u32 {
        if self.immediate { 1 } else { self.batch_packets.max(1) }
    }

    /// The room for a batch in bytes.
    pub(super) fn batch_bytes(&self) -> u32 {
        self.batch_bytes.clamp(*BATCH_BYTES.start(), *BATCH_BYTES.end())
    }

    /// How long a batch's first packet waits for the kernel to send it; zero where it does not wait for a batch.
    pub(super) fn flush_time(&self) -> Duration {
        if self.threshold() == 1 { Duration::ZERO } else { Duration::from_millis(self.flush_hundredths() as u64 * 10) }
    }

    /// The flush time in hundredths of a second, as the kernel counts it.
    pub(super) fn flush_hundredths(&self) -> u32 {
        let flush = self.flush.unwrap_or_else(|| self.timeout.unwrap_or(FLUSH_MAX).min(FLUSH_MAX));
        u32::try_from(flush.as_millis() / 10).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flush_time_is_the_timeout_but_at_most_ten_milliseconds() {
        let flush = |ms| Options { timeout: Some(Duration::from_millis(ms)), ..Options::default() }.flush_hundredths();
        assert_eq!((flush(1), flush(9), flush(10), flush(1000)), (0, 0, 1, 1));
        assert_eq!(Options::default().flush_hundredths(), 1);
        let told = Options { flush: Some(Duration::from_millis(250)), ..Options::default() };
        assert_eq!(told.flush_hundredths(), 25);
    }

    #[test]
    fn immediate_mode_is_batches_of_one() {
        assert_eq!(Options { immediate: true, ..Options::default() }.threshold(), 1);
        assert_eq!(Options::default().threshold(), 10_000);
    }
}
