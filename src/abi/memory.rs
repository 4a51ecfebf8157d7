//! Memory that the caller gets. What it frees comes from malloc(3), as libpcap's own, so that it does not matter who
//! made it.

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_int};
use std::ptr;

use super::error::Failed;
use super::types::PCAP_ERROR;

/// Memory full of zeros for `count` values.
pub(super) fn zeros<T>(count: usize) -> Result<*mut T, Failed> {
    // SAFETY: calloc takes any sizes, and refuses a product that overflows.
    let memory = unsafe { libc::calloc(count.max(1), size_of::<T>().max(1)) };
    if memory.is_null() { Err(Failed::new(PCAP_ERROR, "out of memory")) } else { Ok(memory.cast()) }
}

/// Puts a copy of `values` into `*place`, and returns how many there are.
///
/// # Safety
///
/// `place` is null or can be written.
pub(super) unsafe fn array(values: &[c_int], place: *mut *mut c_int) -> Result<c_int, Failed> {
    if place.is_null() {
        return Err(Failed::null("the place for the list"));
    }
    let copy = zeros(values.len())?;
    // SAFETY: the copy has room for the values; the caller promises that `place` can be written.
    unsafe {
        ptr::copy_nonoverlapping(values.as_ptr(), copy, values.len());
        *place = copy;
    }
    Ok(values.len() as c_int)
}

/// A copy of `text` as a C string; it ends at a NUL in the text, if there is one.
pub(super) fn string(text: &str) -> Result<*mut c_char, Failed> {
    let text = CString::new(text.split('\0').next().unwrap_or("")).unwrap_or_default();
    // SAFETY: it is a C string.
    let copy = unsafe { libc::strdup(text.as_ptr()) };
    if copy.is_null() { Err(Failed::new(PCAP_ERROR, "out of memory")) } else { Ok(copy) }
}

/// A C string with `text` that stays until this thread's next call.
pub(super) fn until_next(text: impl Into<Vec<u8>>) -> *mut c_char {
    thread_local!(static TEXT: RefCell<CString> = RefCell::default());
    let text = CString::new(text).unwrap_or_default();
    TEXT.with_borrow_mut(|kept| {
        *kept = text;
        kept.as_ptr().cast_mut()
    })
}
