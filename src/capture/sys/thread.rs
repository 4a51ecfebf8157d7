//! Threads: one of the library's own, and the cancellation of others'.

use std::ffi::{CStr, c_int, c_void};
use std::io;
use std::mem;
use std::ptr;

unsafe extern "C-unwind" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
    fn pthread_testcancel();
}

/// A thread of this library's own. std's cannot be used where memory may be short: it aborts the process when it cannot make
/// its handle of a thread.
pub struct Thread(libc::pthread_t);

impl Thread {
    /// Starts a thread that runs `body`, with all signals blocked and a small stack. `name` is shortened to 15 bytes.
    pub fn start<F: FnOnce() + Send + 'static>(name: &CStr, body: F) -> io::Result<Thread> {
        const STACK: usize = 128 << 10;
        extern "C" fn run<F: FnOnce()>(body: *mut c_void) -> *mut c_void {
            // SAFETY: the pointer came from `Box::into_raw` of this type just below, and is the thread's alone.
            let body = unsafe { Box::from_raw(body.cast::<F>()) };
            // A panic ends the thread: whoever waits for it sees its channel end.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            ptr::null_mut()
        }
        let body = Box::into_raw(Box::new(body));
        // SAFETY: both are integers or bytes, for which zeros are valid.
        let (mut thread, mut attributes): (libc::pthread_t, libc::pthread_attr_t) = unsafe { mem::zeroed() };
        // SAFETY: the pointers are to values that outlive the calls; the attributes are initialized before they are used and
        // destroyed once. The body is `run`'s from its start on.
        let error = unsafe {
            match libc::pthread_attr_init(&raw mut attributes) {
                0 => {
                    libc::pthread_attr_setstacksize(&raw mut attributes, STACK.max(libc::PTHREAD_STACK_MIN));
                    let create = || libc::pthread_create(&raw mut thread, &raw const attributes, run::<F>, body.cast());
                    let error = without_signals(create);
                    libc::pthread_attr_destroy(&raw mut attributes);
                    error
                }
                error => error,
            }
        };
        if error != 0 {
            // SAFETY: no thread was started that has it.
            drop(unsafe { Box::from_raw(body) });
            return Err(io::Error::from_raw_os_error(error));
        }
        // SAFETY: the thread was not joined yet; the name is a C string. A name that is refused is no failure.
        unsafe { libc::pthread_setname_np(thread, name.as_ptr()) };
        Ok(Thread(thread))
    }

    /// Waits for its end.
    pub fn join(self) {
        // SAFETY: it is this process's own thread, joined once, as `self` is gone then.
        unsafe { libc::pthread_join(self.0, ptr::null_mut()) };
    }
}

/// Runs `body` with all signals blocked: a thread that it starts has them blocked for ever.
fn without_signals<T>(body: impl FnOnce() -> T) -> T {
    // SAFETY: sigset_t is plain integers, for which zeros are valid.
    let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = unsafe { (mem::zeroed(), mem::zeroed()) };
    // SAFETY: the pointers are to `all` and `before`, which outlive the calls. No argument is invalid, so both succeed.
    unsafe {
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
    }
    let result = body();
    // SAFETY: `before` was filled in above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut()) };
    result
}

/// Lets the thread be cancelled here, if somebody wants that.
#[inline]
pub fn cancellation_point() {
    // SAFETY: it takes nothing; that it may not return is what its callers call it for.
    unsafe { pthread_testcancel() };
}

/// The cancellation state of a thread before [`CancelState::disable`].
#[derive(Clone, Copy)]
pub struct CancelState(c_int);

impl CancelState {
    /// Keeps the thread from being cancelled until [`CancelState::restore`]. pthread_setcancelstate(3) makes no system
    /// call.
    #[inline]
    pub fn disable() -> CancelState {
        /// `PTHREAD_CANCEL_DISABLE`, pthread.h, of glibc and of musl.
        const DISABLE: c_int = 1;
        let mut before = 0;
        // SAFETY: the pointer is to `before`, which outlives the call.
        unsafe { pthread_setcancelstate(DISABLE, &mut before) };
        CancelState(before)
    }

    /// Lets the thread be cancelled again, if it could before.
    #[inline]
    pub fn restore(self) {
        let mut before = 0;
        // SAFETY: the pointer is to `before`, which outlives the call; the state is one that the thread had.
        unsafe { pthread_setcancelstate(self.0, &mut before) };
    }
}
