//! Who calls: the program, or a libpcap that is loaded beside this library. A libpcap's calls of its own functions lead
//! here, too, where this library comes first; but what it gets for an answer it takes for its own.

use std::ffi::c_void;

/// Whether a libpcap calls the function of this library that the calling thread is in.
#[cfg(target_env = "gnu")]
pub(crate) fn is_libpcap() -> bool {
    /// More frames than this library has below an exported function that opens a device.
    const MOST: usize = 12;
    let mut frames = [std::ptr::null_mut::<c_void>(); MOST];
    // SAFETY: there is room for that many addresses. Each frame of this library has its unwind table.
    let count = unsafe { libc::backtrace(frames.as_mut_ptr(), MOST as i32) };
    let frames = &frames[..usize::try_from(count).unwrap_or(0)];
    let caller = frames.iter().find(|address| !super::search::is_our_own(**address));
    caller.is_some_and(|address| super::search::is_in_libpcap(*address))
}

#[cfg(not(target_env = "gnu"))]
pub(crate) fn is_libpcap() -> bool {
    false
}
