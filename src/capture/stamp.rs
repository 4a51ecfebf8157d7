//! Times of packets.

use std::time::Duration;

use super::sys;

/// A time since the epoch (CLOCK_REALTIME).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
}

impl Stamp {
    /// Now.
    #[inline]
    pub fn now() -> Stamp {
        let (seconds, nanoseconds) = sys::real_time();
        Stamp { seconds, nanoseconds }
    }

    /// `struct nfulnl_msg_packet_timestamp` (linux/netfilter/nfnetlink_log.h): seconds and microseconds, 64 bits each, in
    /// network order.
    #[inline]
    pub fn of_kernel(value: &[u8; 16]) -> Stamp {
        let both = u128::from_be_bytes(*value);
        let (seconds, microseconds) = ((both >> 64) as i64, both as u64);
        // The kernel's are below a million: a division is for others' messages.
        let microseconds = if microseconds < 1_000_000 { microseconds } else { microseconds % 1_000_000 };
        Stamp { seconds, nanoseconds: microseconds as u32 * 1000 }
    }

    /// The time `earlier` before this one.
    pub fn before(self, earlier: Duration) -> Stamp {
        let seconds = self.seconds - earlier.as_secs() as i64;
        match self.nanoseconds.checked_sub(earlier.subsec_nanos()) {
            Some(nanoseconds) => Stamp { seconds, nanoseconds },
            None => {
                Stamp { seconds: seconds - 1, nanoseconds: self.nanoseconds + 1_000_000_000 - earlier.subsec_nanos() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_subtracted_over_the_second() {
        let stamp = Stamp { seconds: 2, nanoseconds: 5_000_000 };
        assert_eq!(stamp.before(Duration::from_millis(10)), Stamp { seconds: 1, nanoseconds: 995_000_000 });
        assert_eq!(stamp.before(Duration::from_millis(5)), Stamp { seconds: 2, nanoseconds: 0 });
    }
}
