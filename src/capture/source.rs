//! Where batches come from: the socket, or the reader thread that empties it.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use super::batch::Batch;
use super::netlink::{self, Receipt, Socket};
use super::options::{Options, ReaderThread};
use super::reader::{self, Reader};
use super::sys;

/// A socket, and perhaps the thread that reads it.
pub struct Source {
    pub socket: Socket,
    /// How many buffers a reader thread has; none where there is to be no thread.
    buffers: Option<usize>,
    /// Whether a thread that cannot be started is an error. Otherwise reads do without one.
    insists: bool,
    reader: Option<Reader>,
}

impl Source {
    /// Of `socket`, whose buffer may be smaller than `options` ask for.
    pub fn new(socket: Socket, options: &Options) -> Source {
        let asked = options.buffer_size as usize;
        let refused = asked.saturating_sub(socket.buffer_size() as usize);
        let buffers = match options.reader_thread {
            ReaderThread::Off => None,
            ReaderThread::On => Some(reader::buffers_in(asked)),
            // Less than two buffers are not worth a thread.
            ReaderThread::Auto => Some(reader::buffers_in(refused)).filter(|&buffers| buffers >= 2),
        };
        Source { socket, buffers, insists: options.reader_thread == ReaderThread::On, reader: None }
    }

    /// Puts the next datagram into `batch`, which is cleared, if there is one; of a source that
    /// [is bare](Source::is_bare).
    #[inline(always)]
    pub fn receive(&mut self, batch: &mut Batch) -> io::Result<Receipt> {
        batch.clear();
        let received = sys::receive(self.socket.fd(), batch.space());
        self.finish_receive(batch, received)
    }

    /// What an attempt to receive into `batch`, which was cleared before, came to.
    #[inline(always)]
    pub fn finish_receive(&mut self, batch: &mut Batch, received: io::Result<usize>) -> io::Result<Receipt> {
        let receipt = netlink::finish_receive(batch, received)?;
        if receipt == Receipt::Datagram && batch.is_answer() {
            // The kernel's answer to the message that ended a wait.
            batch.clear();
            return Ok(Receipt::Interrupted);
        }
        Ok(receipt)
    }

    /// Puts the next datagrams into `batch`, which is cleared, without waiting: those that came early, then those of the
    /// reader thread.
    #[cold]
    #[inline(never)]
    pub fn receive_held(&mut self, batch: &mut Batch) -> io::Result<Receipt> {
        if self.socket.has_early() {
            batch.clear();
            self.socket.take_early(batch);
            return Ok(Receipt::Datagram);
        }
        let Some(buffers) = self.buffers else { return self.receive(batch) };
        let insists = self.insists;
        match self.reader(buffers) {
            Ok(reader) => reader.exchange(batch),
            Err(error) if insists => Err(without_thread(error)),
            Err(_) => {
                // A limit on processes, a seccomp filter, no memory: the kernel's buffer must do, from now on.
                self.buffers = None;
                self.receive(batch)
            }
        }
    }

    /// The reader thread, started if this process has none. That it cannot be started is an error.
    #[inline(never)]
    fn reader(&mut self, buffers: usize) -> io::Result<&Reader> {
        if let Some(reader) = self.reader.take_if(|reader| !reader.is_here()) {
            reader.abandon();
        }
        if self.reader.is_none() {
            self.reader = Some(Reader::start(self.socket.fd().clone(), buffers)?);
        }
        self.reader.as_ref().ok_or_else(|| io::Error::other("the reader thread is gone"))
    }

    /// Whether all that there is to receive is in the socket.
    #[inline]
    pub fn is_bare(&self) -> bool {
        self.buffers.is_none() && !self.socket.has_early()
    }

    /// The reader thread of this process. After a fork, the parent's is no business of the child's.
    fn running(&self) -> Option<&Reader> {
        self.reader.as_ref().filter(|reader| reader.is_here())
    }

    /// Gets ready to wait for the next datagram. Says whether there is one already.
    pub fn await_datagram(&self) -> bool {
        self.running().is_some_and(Reader::await_buffer)
    }

    /// What to wait on, after [`Source::await_datagram`].
    pub fn readable(&self) -> &OwnedFd {
        match self.running() {
            Some(reader) => reader.ready(),
            None => self.socket.fd(),
        }
    }

    /// The same, as a number.
    pub fn raw_readable(&self) -> RawFd {
        self.readable().as_raw_fd()
    }

    /// Whether datagrams are in the process.
    pub fn has_more(&self) -> bool {
        self.socket.has_early() || self.running().is_some_and(Reader::has_more)
    }

    /// The size of the buffer in bytes, the kernel's and the reader thread's together, as far as it was granted.
    pub fn buffer_size(&self, asked: u32) -> u32 {
        if self.buffers.is_some() { asked } else { self.socket.buffer_size().min(asked) }
    }
}

/// Why a read fails where a reader thread was insisted on.
fn without_thread(error: io::Error) -> io::Error {
    let text = format!("the reader thread cannot be started: {error}; with the mode auto, reads do without it");
    io::Error::new(error.kind(), text)
}
