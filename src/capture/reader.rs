//! The reader thread: it empties the socket into user memory while the caller is busy, where the kernel grants less
//! buffer than was asked for.
//!
//! Whole buffers go over a bounded channel to the caller and back, and are used again. A buffer gathers datagrams
//! until it is full or the caller can use it: so memory is filled well when the caller is slow, and nothing is kept
//! from one that is not. When all the memory that was asked for is full, the thread waits for the caller, and the
//! kernel's buffer fills up behind it.
//!
//! A fork leaves the thread with the parent. The child makes one of its own when it reads, and leaves the parent's
//! things alone: what the thread held at the time of the fork is the parent's to deliver.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use super::batch::{Batch, READABLE_TAIL};
use super::netlink::{self, Receipt};
use super::sys;

/// The room of a buffer: several datagrams of the largest kind, or thousands of small ones.
const ROOM: usize = 1 << 20;

/// How many buffers so much memory is good for. Two are the least: one is filled while the other is emptied.
pub fn buffers_in(bytes: usize) -> usize {
    bytes / (ROOM + READABLE_TAIL)
}

/// What the caller and the thread share, besides the channels.
struct Shared {
    /// Raised when there is a buffer for a caller that waits.
    ready: OwnedFd,
    /// Whether the caller waits for a buffer.
    waiting: AtomicBool,
    /// Whether the thread waits for packets while it holds some.
    holding: AtomicBool,
    /// Whether the thread waits for a buffer to fill.
    starving: AtomicBool,
    /// Raised to wake the thread: the caller waits, it has given a buffer back, or the thread is to end.
    attention: OwnedFd,
    ended: AtomicBool,
}

/// A running reader thread.
pub struct Reader {
    filled: Receiver<io::Result<Batch>>,
    empty: Sender<Batch>,
    shared: Arc<Shared>,
    thread: Option<sys::Thread>,
    generation: u32,
}

impl Reader {
    /// Starts a thread that reads `socket` into at most so many buffers.
    #[cold]
    #[inline(never)]
    pub fn start(socket: Arc<OwnedFd>, buffers: usize) -> io::Result<Reader> {
        let buffers = buffers.max(2);
        let (filled_sender, filled) = bounded(buffers);
        let (empty, empty_receiver) = bounded(buffers);
        // The first is made here: where there is no memory for it, there is no thread.
        let _ = empty.try_send(Batch::with_room(ROOM)?);
        let shared = Arc::new(Shared {
            ready: sys::event()?,
            waiting: AtomicBool::new(false),
            holding: AtomicBool::new(false),
            starving: AtomicBool::new(false),
            attention: sys::event()?,
            ended: AtomicBool::new(false),
        });
        let worker = Worker {
            socket,
            filled: filled_sender,
            empty: empty_receiver,
            shared: shared.clone(),
            unmade: buffers - 1,
        };
        let thread = sys::Thread::start(move || worker.run())?;
        Ok(Reader { filled, empty, shared, thread: Some(thread), generation: sys::generation() })
    }

    /// Whether the thread is this process's: a fork leaves it behind.
    pub fn is_here(&self) -> bool {
        self.generation == sys::generation()
    }

    /// Takes the next buffer, in exchange for one that was emptied.
    #[inline(never)]
    pub fn exchange(&self, batch: &mut Batch) -> io::Result<Receipt> {
        match self.filled.try_recv() {
            Ok(Ok(filled)) => {
                let mut emptied = std::mem::replace(batch, filled);
                emptied.clear();
                // The caller's first buffer is one more than the channel was made for: it may go.
                let _ = self.empty.try_send(emptied);
                // As for `ask`: the thread says that it has no buffer, and then looks for one.
                fence(Ordering::SeqCst);
                if self.shared.starving.load(Ordering::SeqCst) {
                    sys::raise(&self.shared.attention);
                }
                Ok(Receipt::Datagram)
            }
            Ok(Err(error)) => Err(error),
            Err(TryRecvError::Empty) => {
                self.ask();
                Ok(Receipt::Empty)
            }
            Err(TryRecvError::Disconnected) => Err(io::Error::other("the reader thread has ended")),
        }
    }

    /// Whether a buffer can be taken.
    pub fn has_more(&self) -> bool {
        !self.filled.is_empty()
    }

    /// Makes [`Reader::ready`] tell of the next buffer. Says whether there is one already.
    #[inline(never)]
    pub fn await_buffer(&self) -> bool {
        sys::lower(&self.shared.ready);
        self.ask();
        self.has_more()
    }

    /// Asks for the next buffer, full or not. The caller says that it waits and then looks whether the thread holds
    /// something; the thread says that it holds something and then looks whether the caller waits: so one of them
    /// sees the other.
    fn ask(&self) {
        self.shared.waiting.store(true, Ordering::SeqCst);
        if self.shared.holding.load(Ordering::SeqCst) {
            sys::raise(&self.shared.attention);
        }
    }

    /// Readable when there is a buffer, after [`Reader::await_buffer`].
    pub fn ready(&self) -> &OwnedFd {
        &self.shared.ready
    }

    /// Leaves everything to the process that the thread is in.
    pub fn abandon(self) {
        std::mem::forget(self);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.is_here() {
            // There is no thread to end in this process. The channels may be in the middle of something for ever.
            self.thread = None;
            std::mem::forget(std::mem::replace(&mut self.empty, bounded(0).0));
            std::mem::forget(std::mem::replace(&mut self.filled, crossbeam_channel::never()));
            return;
        }
        self.shared.ended.store(true, Ordering::SeqCst);
        sys::raise(&self.shared.attention);
        if let Some(thread) = self.thread.take() {
            thread.join();
        }
    }
}

/// The thread's side.
struct Worker {
    socket: Arc<OwnedFd>,
    filled: Sender<io::Result<Batch>>,
    empty: Receiver<Batch>,
    shared: Arc<Shared>,
    /// Buffers that can still be made: they are made when they are needed.
    unmade: usize,
}

impl Worker {
    fn run(mut self) {
        while let Some(mut batch) = self.buffer() {
            let outcome = self.fill(&mut batch);
            let failed = outcome.is_err();
            if self.shared.ended.load(Ordering::SeqCst) || self.hand_over(outcome.map(|()| batch)).is_err() || failed {
                return;
            }
        }
    }

    /// An empty buffer; none when the caller is gone. Where there is no memory for a further one, those that there are must
    /// do.
    fn buffer(&mut self) -> Option<Batch> {
        if let Ok(batch) = self.empty.try_recv() {
            return Some(batch);
        }
        if self.unmade > 0 {
            self.unmade -= 1;
            if let Ok(batch) = Batch::with_room(ROOM) {
                return Some(batch);
            }
        }
        // Not the channel's own wait: it makes a handle of this thread, and aborts where there is no memory for it.
        loop {
            self.shared.starving.store(true, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            let batch = self.empty.try_recv().ok();
            if batch.is_some() || self.shared.ended.load(Ordering::SeqCst) {
                self.shared.starving.store(false, Ordering::SeqCst);
                return batch;
            }
            let woken = sys::wait(&self.shared.attention, &self.shared.attention, None);
            if woken.is_err_and(|error| error.raw_os_error() != Some(libc::EINTR)) {
                // The process may not even poll (RLIMIT_NOFILE): look again, but not all the time.
                std::thread::sleep(Duration::from_millis(1));
            }
            sys::lower(&self.shared.attention);
        }
    }

    /// Receives until the buffer is full, or it has something that the caller can use, or the thread is to end.
    fn fill(&self, batch: &mut Batch) -> io::Result<()> {
        while batch.has_room() && !self.shared.ended.load(Ordering::SeqCst) {
            match netlink::receive(&self.socket, batch)? {
                Receipt::Datagram if self.is_wanted() => return Ok(()),
                Receipt::Datagram | Receipt::Overrun | Receipt::Interrupted => {}
                Receipt::Empty => {
                    self.shared.holding.store(!batch.is_empty(), Ordering::SeqCst);
                    // The caller has nothing, or will soon have nothing.
                    if !batch.is_empty() && (self.is_wanted() || self.filled.is_empty()) {
                        return Ok(());
                    }
                    match sys::wait(&self.socket, &self.shared.attention, None) {
                        Ok([_, true]) => sys::lower(&self.shared.attention),
                        Err(error) if error.raw_os_error() != Some(libc::EINTR) => return Err(error),
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether the caller waits, and nothing is on its way to it.
    fn is_wanted(&self) -> bool {
        self.shared.waiting.load(Ordering::SeqCst) && self.filled.is_empty()
    }

    /// There is room for all buffers that there are.
    fn hand_over(&self, outcome: io::Result<Batch>) -> Result<(), ()> {
        self.filled.try_send(outcome).map_err(|_| ())?;
        if self.shared.waiting.swap(false, Ordering::SeqCst) {
            sys::raise(&self.shared.ready);
        }
        Ok(())
    }
}
