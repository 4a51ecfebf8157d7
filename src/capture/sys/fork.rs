//! Forks, counted. A child shares its parent's descriptors, and has none of its threads.

use std::sync::atomic::{AtomicU32, Ordering};

use once_cell::sync::OnceCell;

/// How often this process was forked, or has forked; and how often the former.
static FORKS: AtomicU32 = AtomicU32::new(0);
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Counts forks from now on. What is made before is this process's.
pub fn count_forks() {
    static COUNTED: OnceCell<()> = OnceCell::new();
    extern "C" fn in_parent() {
        FORKS.fetch_add(1, Ordering::SeqCst);
    }
    extern "C" fn in_child() {
        GENERATION.fetch_add(1, Ordering::SeqCst);
        FORKS.fetch_add(1, Ordering::SeqCst);
    }
    COUNTED.get_or_init(|| {
        // SAFETY: the handlers only count, and stay as long as the library: glibc forgets them when it is unloaded. Where there
        // is no memory for them, forks are not seen.
        unsafe { libc::pthread_atfork(None, Some(in_parent), Some(in_child)) };
    });
}

/// How many forks there were, in which this process was the parent or the child.
#[inline]
pub fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// What tells this process from its parent, and costs no system call.
#[inline]
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}
