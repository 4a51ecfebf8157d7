//! Stamps: when a packet was at its hook.

use std::time::{SystemTime, UNIX_EPOCH};

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
    pub fn now() -> Stamp {
        // A clock before 1970 is as good as one at 1970: no packet's time can be told with it.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Stamp { seconds: since.as_secs() as i64, nanoseconds: since.subsec_nanos() }
    }
}
