//! The library's allocator: malloc(3), and a reserve for when malloc fails.
//!
//! Rust's own types abort the process when an allocation fails. Inside somebody else's program that must not happen. So what
//! malloc(3) refuses comes from a static reserve, which is large enough for any call of this library, and a call that
//! begins while much of it is in use fails with a text. Large buffers do not come from here: they are mapped, and
//! mapping can fail (`capture::sys::Pages`).

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

/// The size of the reserve in bytes. It is in .bss: what is not used takes no memory.
const SIZE: usize = 4 << 20;

/// What one call may need: a filter's programs, a ruleset's dump.
const FOR_A_CALL: usize = 2 << 20;

/// malloc(3), and the reserve behind it.
pub struct Allocator;

static RESERVE: Reserve = Reserve { memory: Memory(UnsafeCell::new([0; SIZE])), state: AtomicU64::new(0) };

/// Memory that is handed out from its beginning on, and is whole again when all of it was given back.
struct Reserve {
    memory: Memory,
    /// The allocations that live in it (upper half), and how many bytes were handed out (lower half).
    state: AtomicU64,
}

#[repr(C, align(4096))]
struct Memory(UnsafeCell<[u8; SIZE]>);

// SAFETY: `Reserve::allocate` hands each byte to one caller at a time; nothing else touches them.
unsafe impl Sync for Memory {}

const ONE: u64 = 1 << 32;

impl Reserve {
    fn start(&self) -> *mut u8 {
        self.memory.0.get().cast()
    }

    fn has(&self, memory: *mut u8) -> bool {
        (memory as usize).wrapping_sub(self.start() as usize) < SIZE
    }

    #[cold]
    #[inline(never)]
    fn allocate(&self, layout: Layout) -> *mut u8 {
        if layout.align() > align_of::<Memory>() {
            return ptr::null_mut();
        }
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let start = (state as u32 as usize).next_multiple_of(layout.align());
            let Some(end) = start.checked_add(layout.size()).filter(|&end| end <= SIZE) else {
                return ptr::null_mut();
            };
            let next = (((state >> 32) + 1) << 32) | end as u64;
            match self.state.compare_exchange_weak(state, next, Ordering::Acquire, Ordering::Relaxed) {
                // SAFETY: `start` is within the memory, as `end` is.
                Ok(_) => return unsafe { self.start().add(start) },
                Err(changed) => state = changed,
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn free(&self) {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            // The last one leaves all of it free.
            let next = if state < 2 * ONE { 0 } else { state - ONE };
            match self.state.compare_exchange_weak(state, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(changed) => state = changed,
            }
        }
    }
}

/// Whether a call that begins now may lack memory: malloc(3) fails, and much of the reserve is in use.
#[inline]
pub fn is_low() -> bool {
    RESERVE.state.load(Ordering::Relaxed) as u32 as usize > SIZE - FOR_A_CALL && !malloc_has_some()
}

#[cold]
#[inline(never)]
fn malloc_has_some() -> bool {
    let Ok(layout) = Layout::from_size_align(64 << 10, 16) else { return false };
    // SAFETY: the layout has a size, and the memory is freed with the same one.
    unsafe {
        // Looked at from outside: the optimizer may leave out a pair of calls whose memory nobody uses.
        let memory = std::hint::black_box(System.alloc(layout));
        if !memory.is_null() {
            System.dealloc(memory, layout);
        }
        !memory.is_null()
    }
}

// SAFETY: memory comes from `System` or, disjoint from that, from the reserve, which hands each byte out once until all was
// given back; both respect the layout. Nothing here unwinds.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let memory = unsafe { System.alloc(layout) };
        if memory.is_null() { RESERVE.allocate(layout) } else { memory }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if RESERVE.has(memory) {
            return RESERVE.free();
        }
        // SAFETY: as the caller promises; what is not the reserve's is `System`'s.
        unsafe { System.dealloc(memory, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let memory = unsafe { System.alloc_zeroed(layout) };
        if !memory.is_null() {
            return memory;
        }
        let memory = RESERVE.allocate(layout);
        if !memory.is_null() {
            // SAFETY: it was just handed out, with so many bytes.
            unsafe { ptr::write_bytes(memory, 0, layout.size()) };
        }
        memory
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !RESERVE.has(memory) {
            // SAFETY: as the caller promises.
            let moved = unsafe { System.realloc(memory, layout, size) };
            if !moved.is_null() {
                return moved;
            }
        }
        // SAFETY: the caller promises that `size`, rounded up to the alignment, does not overflow.
        let moved = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !moved.is_null() {
            // SAFETY: the old memory has `layout.size()` bytes, the new one `size`, and they are apart; the old one is
            // the caller's to give up, and was not freed, as its reallocation failed.
            unsafe {
                ptr::copy_nonoverlapping(memory, moved, layout.size().min(size));
                self.dealloc(memory, layout);
            }
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserve() -> Box<Reserve> {
        let layout = Layout::new::<Reserve>();
        // SAFETY: a reserve is bytes and an integer, for which zeros are valid; the box frees it with the same layout.
        unsafe { Box::from_raw(System.alloc_zeroed(layout).cast()) }
    }

    #[test]
    fn memory_is_handed_out_once_and_all_again_when_the_last_came_back() {
        let reserve = reserve();
        let layout = Layout::from_size_align(1000, 64).unwrap();
        let (first, second) = (reserve.allocate(layout), reserve.allocate(layout));
        assert!(reserve.has(first) && first as usize % 64 == 0 && second as usize >= first as usize + 1000);
        reserve.free();
        assert_ne!(reserve.allocate(layout), first, "one is still there");
        reserve.free();
        reserve.free();
        assert_eq!(reserve.allocate(layout), first);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let reserve = reserve();
        assert!(reserve.allocate(Layout::from_size_align(SIZE + 1, 1).unwrap()).is_null());
        assert!(!reserve.allocate(Layout::from_size_align(SIZE, 1).unwrap()).is_null());
        assert!(reserve.allocate(Layout::from_size_align(1, 1).unwrap()).is_null());
        assert!(!reserve.has(ptr::null_mut()));
    }
}
