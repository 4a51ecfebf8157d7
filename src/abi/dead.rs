//! A handle of the system's libpcap without a capture, for what only the system's libpcap does: compiling filters
//! and writing savefiles.

use std::ffi::{CStr, c_int, c_uint};

use super::error::Failed;
use super::handle::{Precision, State};
use super::types::*;
use crate::system::forward;

/// A handle of `pcap_open_dead`, closed when dropped.
pub(super) struct Dead(*mut pcap_t);

impl Dead {
    /// One with the link type, the snapshot length and the precision of an activated handle of ours.
    pub fn of(state: &mut State) -> Result<Dead, Failed> {
        let snapshot = state.snapshot()?;
        let dlt = state.active()?.link_type().dlt();
        let precision: c_uint = match state.precision {
            Precision::Micro => PCAP_TSTAMP_PRECISION_MICRO as c_uint,
            Precision::Nano => PCAP_TSTAMP_PRECISION_NANO as c_uint,
        };
        Dead::open(dlt, snapshot, precision)
    }

    /// One with the link type `dlt`, a snapshot length and a precision.
    pub fn open(dlt: c_int, snapshot: c_int, precision: c_uint) -> Result<Dead, Failed> {
        const FUNCTION: &str = "pcap_open_dead_with_tstamp_precision";
        let dead: *mut pcap_t = forward!(pcap_open_dead_with_tstamp_precision(dlt, snapshot, precision)
            else return Err(Failed::missing(FUNCTION)));
        if dead.is_null() {
            Err(Failed::new(PCAP_ERROR, format!("{FUNCTION} failed: out of memory")))
        } else {
            Ok(Dead(dead))
        }
    }

    /// The handle, for as long as this value lives.
    pub fn as_ptr(&self) -> *mut pcap_t {
        self.0
    }

    /// What libpcap says of the last failure on it.
    pub fn error(&self) -> String {
        let text = forward!(pcap_geterr(self.0) else c"unknown error".as_ptr().cast_mut());
        // SAFETY: libpcap's error buffer is a C string that lives as long as its handle.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }
}

impl Drop for Dead {
    fn drop(&mut self) {
        forward!(pcap_close(self.0) else ())
    }
}
