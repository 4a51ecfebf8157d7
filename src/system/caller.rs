//! Who calls: the program, or a libpcap that is loaded beside this library. A libpcap's calls of its own functions lead
//! here, too, where this library comes first; but what it gets for an answer it takes for its own.

#[cfg(target_env = "gnu")]
mod walk {
    use std::cell::UnsafeCell;

    /// Held while a stack is walked, and by a fork. Some unwinders take a lock of the dynamic linker's (i386's, and all with a
    /// glibc before 2.35): a child that is forked meanwhile would find it locked for ever, by a thread that it does not have.
    struct Lock(UnsafeCell<libc::pthread_mutex_t>);

    // SAFETY: it is used by pthread_mutex_lock(3) and pthread_mutex_unlock(3), and written to where there is one thread.
    unsafe impl Sync for Lock {}

    /// Recursive: a signal handler may fork during a walk.
    const UNLOCKED: libc::pthread_mutex_t = libc::PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
    static LOCK: Lock = Lock(UnsafeCell::new(UNLOCKED));

    extern "C" fn lock() {
        // SAFETY: the mutex is initialised, and stays for ever.
        unsafe { libc::pthread_mutex_lock(LOCK.0.get()) };
    }

    extern "C" fn unlock() {
        // SAFETY: as above; this thread has locked it.
        unsafe { libc::pthread_mutex_unlock(LOCK.0.get()) };
    }

    extern "C" fn forget() {
        // SAFETY: a child has no other thread, and this one's new number is not that of who has locked it.
        unsafe { LOCK.0.get().write(UNLOCKED) };
    }

    /// Runs when this library is loaded.
    #[used]
    #[unsafe(link_section = ".init_array")]
    static AT_LOAD: extern "C" fn() = {
        extern "C" fn at_load() {
            // SAFETY: the handlers stay for as long as the library: glibc forgets them when it is unloaded. Without memory for
            // them, forks do not wait.
            unsafe { libc::pthread_atfork(Some(lock), Some(unlock), Some(forget)) };
        }
        at_load
    };

    /// The addresses that the calls on this thread's stack return to, from the innermost on: how many there are.
    pub fn walk(frames: &mut [*mut libc::c_void]) -> usize {
        lock();
        // SAFETY: there is room for that many addresses. Each frame of this library has its unwind table.
        let count = unsafe { libc::backtrace(frames.as_mut_ptr(), i32::try_from(frames.len()).unwrap_or(i32::MAX)) };
        unlock();
        usize::try_from(count).unwrap_or(0)
    }
}

/// Whether a libpcap calls the function of this library that the calling thread is in.
#[cfg(target_env = "gnu")]
pub(crate) fn is_libpcap() -> bool {
    /// More frames than this library has below an exported function that opens a device.
    const MOST: usize = 12;
    let mut frames = [std::ptr::null_mut(); MOST];
    let count = walk::walk(&mut frames);
    let caller = frames[..count].iter().find(|address| !super::search::is_our_own(**address));
    caller.is_some_and(|address| super::search::is_in_libpcap(*address))
}

#[cfg(not(target_env = "gnu"))]
pub(crate) fn is_libpcap() -> bool {
    false
}
