//! No panic crosses the ABI: it becomes the function's error value and a text. Whatever else unwinds (a cancelled thread,
//! a C++ exception) comes from a callback or a call that blocks, and those are made outside of here.

use std::any::Any;
use std::ffi::{c_char, c_int, c_uint};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::error;
use super::types::PCAP_ERROR;
use crate::capture::Uncancelled;
use crate::reserve;

/// A type that a C function returns, with the value that says it failed.
pub(super) trait Failure: Copy {
    /// Whether there is such a value.
    const CAN_FAIL: bool = true;

    /// The value for a failure with pcap's `code`.
    fn failure(code: c_int) -> Self;
}

impl Failure for c_int {
    fn failure(code: c_int) -> Self {
        code
    }
}

impl Failure for c_uint {
    fn failure(_: c_int) -> Self {
        0
    }
}

// On 32-bit systems it is `c_int`.
#[cfg(target_pointer_width = "64")]
impl Failure for std::ffi::c_long {
    fn failure(_: c_int) -> Self {
        -1
    }
}

impl Failure for () {
    const CAN_FAIL: bool = false;

    fn failure(_: c_int) -> Self {}
}

impl<T> Failure for *mut T {
    fn failure(_: c_int) -> Self {
        std::ptr::null_mut()
    }
}

impl<T> Failure for *const T {
    fn failure(_: c_int) -> Self {
        std::ptr::null()
    }
}

/// Runs the body of an exported function. A panic in it becomes the function's error value, and a text in `errbuf`
/// where that is not null. The thread is not cancelled in it: it could not be unwound through frames that own something.
///
/// # Safety
///
/// `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
#[inline]
pub(super) unsafe fn guard<T: Failure>(errbuf: *mut c_char, body: impl FnOnce() -> T) -> T {
    let _uncancelled = Uncancelled::begin();
    if T::CAN_FAIL && reserve::is_low() {
        // SAFETY: as the caller promises.
        unsafe { error::write(errbuf, "out of memory") };
        T::failure(PCAP_ERROR)
    } else {
        // SAFETY: as the caller promises.
        unsafe { catch(errbuf, body) }.unwrap_or_else(T::failure)
    }
}

/// Runs a body that makes no call in which the thread can be cancelled: as [`guard`], without the price of that. The
/// error is `PCAP_ERROR`.
///
/// # Safety
///
/// As for [`guard`].
#[inline(always)]
pub(super) unsafe fn catch<T: Copy>(errbuf: *mut c_char, body: impl FnOnce() -> T) -> Result<T, c_int> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => Ok(value),
        Err(panic) => {
            // SAFETY: as the caller promises.
            unsafe { panicked(errbuf, &*panic) };
            // Nobody's destructor can panic again.
            std::mem::forget(panic);
            Err(PCAP_ERROR)
        }
    }
}

/// # Safety
///
/// As for [`guard`].
#[cold]
#[inline(never)]
unsafe fn panicked(errbuf: *mut c_char, panic: &(dyn Any + Send)) {
    // SAFETY: as the caller promises.
    unsafe { error::write(errbuf, &error::panicked(words(panic))) };
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("of an unknown kind")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn a_panic_becomes_the_error_value_and_a_text() {
        let mut errbuf = [0 as c_char; 256];
        // SAFETY: the buffer has 256 bytes.
        let code: c_int = unsafe { guard(errbuf.as_mut_ptr(), || panic!("seven is {}", 7)) };
        assert_eq!(code, PCAP_ERROR);
        // SAFETY: it was written as a C string.
        let text = unsafe { CStr::from_ptr(errbuf.as_ptr()) }.to_str().unwrap();
        assert!(text.contains("seven is 7"), "{text}");
        // SAFETY: a null buffer is allowed.
        let pointer: *mut u8 = unsafe { guard(std::ptr::null_mut(), || panic!("nowhere to say so")) };
        assert!(pointer.is_null());
    }
}
