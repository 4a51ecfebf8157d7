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
    /// Starts a thread that runs `body`, with all signals blocked and a small stack.
    pub fn start<F: FnOnce() + Send + 'static>(body: F) -> io::Result<Thread> {
        const STACK: usize = 128 << 10;
        /// What ps(1) shows: 15 bytes at most.
        const NAME: &CStr = c"nflog-reader";
        extern "C" fn run<F: FnOnce()>(body: *mut c_void) -> *mut c_void {
            // SAFETY: the name is a C string.
            unsafe { libc::prctl(libc::PR_SET_NAME, NAME.as_ptr()) };
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
                    let mut create = |attributes| {
                        without_signals(|| libc::pthread_create(&raw mut thread, attributes, run::<F>, body.cast()))
                    };
                    let error = match create(&raw const attributes) {
                        // glibc takes the thread-local storage of all libraries out of the stack: a small one may not do.
                        libc::EINVAL => create(ptr::null()),
                        error => error,
                    };
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

/// Keeps the thread from being cancelled while it lives. pthread_setcancelstate(3) makes no system call.
pub struct Uncancelled(c_int);

impl Uncancelled {
    /// From now on.
    #[inline]
    pub fn begin() -> Uncancelled {
        /// `PTHREAD_CANCEL_DISABLE`, pthread.h, of glibc and of musl.
        const DISABLE: c_int = 1;
        let mut before = 0;
        // SAFETY: the pointer is to `before`, which outlives the call.
        unsafe { pthread_setcancelstate(DISABLE, &mut before) };
        Uncancelled(before)
    }
}

impl Drop for Uncancelled {
    /// The thread can be cancelled again, if it could before: at its next cancellation point, which this is none.
    #[inline]
    fn drop(&mut self) {
        let mut before = 0;
        // SAFETY: the pointer is to `before`, which outlives the call; the state is one that the thread had.
        unsafe { pthread_setcancelstate(self.0, &mut before) };
    }
}
