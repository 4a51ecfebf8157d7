//! The NFLOG socket and its requests (net/netfilter/nfnetlink_log.c, linux/netfilter/nfnetlink_log.h).
//!
//! A group is bound and configured by one request, so that it is complete when its first packet is logged. The
//! namespace's loggers (PF_BIND, PF_UNBIND) are left alone: groups are delivered without them.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use super::batch::{self, Batch, Step};
use super::error::{Error, Result};
use super::options::Options;
use super::stamp::Stamp;
use super::sys;

/// `NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG`.
const CONFIG: u16 = (4 << 8) | 1;
/// `NLM_F_REQUEST`, and with `NLM_F_ACK`, linux/netlink.h.
const REQUEST: u16 = 0x01;
pub const REQUEST_WITH_ACK: u16 = REQUEST | 0x04;
/// `enum nfulnl_attr_config`.
const CFG_CMD: u16 = 1;
const CFG_MODE: u16 = 2;
const CFG_NLBUFSIZ: u16 = 3;
const CFG_TIMEOUT: u16 = 4;
const CFG_QTHRESH: u16 = 5;
const CFG_FLAGS: u16 = 6;
/// `enum nfulnl_msg_config_cmds`: `NFULNL_CFG_CMD_BIND`, `NFULNL_CFG_CMD_UNBIND`.
const BIND: u8 = 1;
const UNBIND: u8 = 2;
/// `NFULNL_COPY_PACKET`.
const COPY_PACKET: u8 = 2;
/// `NFULNL_CFG_F_SEQ` and `NFULNL_CFG_F_CONNTRACK`.
const FLAG_SEQUENCE: u16 = 1;
const FLAG_CONNTRACK: u16 = 4;
/// The most of a packet that the kernel copies (`NFULNL_COPY_RANGE_MAX`): an attribute's length has 16 bits.
const COPY_RANGE_MAX: u32 = 65_531;
/// The least of a packet that is copied, whatever the snaplen: its length is in its IP header, and a filter looks at
/// the headers behind that. The record is cut to the snaplen after both.
const COPY_RANGE_MIN: u32 = 256;
/// What the copy range counts and the snaplen may not: on egress, a payload begins with a link header and its tags.
const LINK_HEADER_MAX: u32 = 22;
/// How often a request is made again that the kernel asks to repeat (EAGAIN: it has just loaded a module).
const REPEATS: usize = 8;
/// How often the kernel is asked again when packets had filled the receive buffer and its answer was dropped. Between
/// emptying a small buffer and asking, a busy machine fills it again more often than not.
const QUESTIONS: usize = 1000;

/// From this release on the kernel stamps what it logs (net/netfilter/nfnetlink_log.c); before, it passes on the stamp
/// that a packet has. Asking costs the machine some 25 ns for every packet that it receives, so it is done only before.
const STAMPS_ALWAYS: (u32, u32) = (6, 6);

/// Whose a group is after a request to bind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The socket's, from now on.
    New,
    /// The socket's, as it was before.
    Old,
    /// Another socket's.
    Taken,
}

/// What became of an attempt to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// A datagram is in the batch.
    Datagram,
    /// There is none now.
    Empty,
    /// The kernel had to drop datagrams.
    Overrun,
    /// A signal or a stop came first, or what came was the answer that ended a wait.
    Interrupted,
}

/// A netfilter netlink socket.
pub struct Socket {
    fd: Arc<OwnedFd>,
    sequence: u32,
    /// Datagrams of packets that came while an answer was awaited, their bytes, and how many are kept at most: no more than
    /// the receive buffer would have held. What comes beyond that is lost as it would be there, and counts as lost.
    early: VecDeque<(Vec<u8>, Stamp)>,
    early_bytes: usize,
    early_bytes_max: usize,
}

impl Socket {
    /// Opens a socket with a receive buffer of `buffer_size` bytes, or what of it the kernel grants.
    ///
    /// # Errors
    ///
    /// [`Error::NotAvailable`] where the kernel has no netfilter netlink; [`Error::System`] otherwise.
    pub fn open(buffer_size: u32) -> Result<Socket> {
        let fd = sys::netfilter_socket().map_err(|error| match error.raw_os_error() {
            Some(libc::EPROTONOSUPPORT | libc::EAFNOSUPPORT) => Error::NotAvailable,
            _ => Error::system("opening a netfilter netlink socket", error),
        })?;
        let size = i32::try_from(buffer_size).unwrap_or(i32::MAX);
        // The kernel's buffer is as large as the system allows: beyond net.core.rmem_max only with CAP_NET_ADMIN in
        // the initial user namespace. A smaller one loses nothing but time, so a refusal is no error.
        if sys::set_option(&fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, size).is_err() {
            let _ = sys::set_option(&fd, libc::SOL_SOCKET, libc::SO_RCVBUF, size);
        }
        // After an overrun the kernel would drop everything until the queue is empty, to report it by ENOBUFS. The
        // sequence numbers tell more. Where the option is unknown (before 2.6.30) ENOBUFS comes, and is handled.
        let _ = sys::set_option(&fd, libc::SOL_NETLINK, libc::NETLINK_NO_ENOBUFS, 1);
        if sys::kernel_release() < STAMPS_ALWAYS {
            // Packets are stamped on arrival while some socket of the machine, of whatever family but AF_UNIX, asks
            // for it (net/core/sock.c, sock_needs_netstamp). The kernel begins a moment after this returns: it patches
            // its code by deferred work (net/core/dev.c, netstamp_work).
            let _ = sys::set_option(&fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1);
        }
        let mut socket =
            Socket { fd: Arc::new(fd), sequence: 0, early: VecDeque::new(), early_bytes: 0, early_bytes_max: 0 };
        socket.early_bytes_max = (socket.buffer_size() as usize).max(batch::DATAGRAM_MAX);
        Ok(socket)
    }

    /// Binds `group` and configures it, all in one request, and awaits the kernel's answer. `batch` is only room to
    /// receive into.
    ///
    /// # Errors
    ///
    /// [`Error::PermissionDenied`], [`Error::NoConntrack`], [`Error::NotAvailable`] or [`Error::System`].
    pub fn bind_group(&mut self, group: u16, options: &Options, batch: &mut Batch) -> Result<Binding> {
        let action = || format!("binding group {group}");
        for _ in 0..REPEATS {
            let Err(error) = self.bind(group, options, batch) else { return Ok(Binding::New) };
            return match error.raw_os_error() {
                Some(libc::EAGAIN) => continue,
                Some(libc::EBUSY) => Ok(Binding::Old),
                Some(libc::EPERM) => match self.may_configure(batch) {
                    Ok(true) => Ok(Binding::Taken),
                    Ok(false) => Err(Error::PermissionDenied { action: action() }),
                    Err(error) => Err(Error::system(action(), error)),
                },
                Some(libc::EOPNOTSUPP) if options.conntrack => Err(Error::NoConntrack),
                // The subsystem's number is unknown to the kernel, and no module came when it asked for one.
                Some(libc::EINVAL) => Err(Error::NotAvailable),
                _ => Err(Error::system(action(), error)),
            };
        }
        Err(Error::system(action(), io::Error::from_raw_os_error(libc::EAGAIN)))
    }

    /// Whether this process may configure groups at all. EPERM is the kernel's word for a group that is taken, too;
    /// but it looks at the sender's privilege before it looks at a request. So one that it knows and does not serve,
    /// a packet's message, tells: it is refused for either reason.
    pub fn may_configure(&mut self, batch: &mut Batch) -> io::Result<bool> {
        let probe = |sequence, _| request(sequence, batch::PACKET, 0);
        Ok(self.ask(probe, batch)? != libc::EPERM)
    }

    /// Where the answer to the first request was dropped, the settings are sent once more, without the command, to
    /// learn whether the group is bound.
    fn bind(&mut self, group: u16, options: &Options, batch: &mut Batch) -> io::Result<()> {
        let command = |is_first: bool| is_first.then_some(BIND);
        match self.ask(|sequence, is_first| configuration(sequence, group, command(is_first), options), batch)? {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    /// Sends a request, given its sequence number and whether it is the first, until an answer comes; returns the
    /// answer's errno, 0 for done. The kernel works a request off before send(2) returns, so by then the answer is in
    /// the receive buffer, or was dropped because packets had filled it.
    fn ask(&mut self, request: impl Fn(u32, bool) -> Vec<u8>, batch: &mut Batch) -> io::Result<i32> {
        for question in 0..QUESTIONS {
            self.sequence += 1;
            sys::send(&self.fd, &request(self.sequence, question == 0))?;
            if let Some(errno) = self.await_answer(batch)? {
                return Ok(errno);
            }
        }
        Err(io::Error::from_raw_os_error(libc::ENOBUFS))
    }

    /// Receives until the answer to the latest request comes, and returns its errno; `None` when the receive buffer
    /// is empty and the answer was not in it. Packets that come before it are kept for later.
    fn await_answer(&mut self, batch: &mut Batch) -> io::Result<Option<i32>> {
        loop {
            batch.clear();
            match receive(&self.fd, batch)? {
                Receipt::Empty => return Ok(None),
                Receipt::Datagram => {
                    batch.take();
                    match answer_in(batch.bytes(), self.sequence) {
                        Some(errno) => return Ok(Some(errno)),
                        None => self.keep(batch.bytes(), batch.received()),
                    }
                }
                Receipt::Overrun | Receipt::Interrupted => {}
            }
        }
    }

    fn keep(&mut self, datagram: &[u8], received: Stamp) {
        if self.early_bytes + datagram.len() <= self.early_bytes_max {
            self.early_bytes += datagram.len();
            self.early.push_back((datagram.to_vec(), received));
        }
    }

    /// Puts the next datagram that came early into `batch`; says whether there was one.
    pub fn take_early(&mut self, batch: &mut Batch) -> bool {
        let Some((bytes, received)) = self.early.pop_front() else { return false };
        self.early_bytes -= bytes.len();
        batch.space()[..bytes.len()].copy_from_slice(&bytes);
        batch.push(bytes.len(), received);
        true
    }

    /// Whether datagrams wait that came early.
    pub fn has_early(&self) -> bool {
        !self.early.is_empty()
    }

    /// How many datagrams came early.
    pub fn early(&self) -> usize {
        self.early.len()
    }

    /// Forgets those of the first `count` datagrams that came early whose group is `unwanted`.
    pub fn discard_early(&mut self, count: usize, unwanted: impl Fn(u16) -> bool) {
        let mut index = 0;
        self.early.retain(|(bytes, _)| {
            index += 1;
            index > count || !group_of(bytes).is_some_and(&unwanted)
        });
        self.early_bytes = self.early.iter().map(|(bytes, _)| bytes.len()).sum();
    }

    /// The socket's descriptor.
    pub fn fd(&self) -> &Arc<OwnedFd> {
        &self.fd
    }

    /// The socket's descriptor, as a number.
    pub fn raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    /// The socket's port id: what /proc/net/netfilter/nfnetlink_log names the reader of a group by.
    pub fn port_id(&self) -> io::Result<u32> {
        sys::port_id(&self.fd)
    }

    /// The size of the receive buffer in bytes. The kernel keeps twice what was asked for, for its own overhead.
    pub fn buffer_size(&self) -> u32 {
        sys::option(&self.fd, libc::SOL_SOCKET, libc::SO_RCVBUF).map_or(0, |size| size.unsigned_abs() / 2)
    }

    /// Datagrams that the kernel dropped because the receive buffer was full; 0 where it does not say (before 4.12).
    pub fn drops(&self) -> u32 {
        sys::drops(&self.fd).unwrap_or(0)
    }
}

/// Receives the next datagram into `batch`, which must have room for it, if there is one.
#[inline(always)]
pub fn receive(fd: &OwnedFd, batch: &mut Batch) -> io::Result<Receipt> {
    let received = sys::receive(fd, batch.space());
    finish_receive(batch, received)
}

/// What an attempt to receive into `batch` came to.
#[inline(always)]
pub fn finish_receive(batch: &mut Batch, received: io::Result<usize>) -> io::Result<Receipt> {
    match received {
        Ok(length) => {
            batch.push(length, Stamp::now());
            Ok(Receipt::Datagram)
        }
        Err(error) => match error.raw_os_error() {
            Some(libc::EAGAIN) => Ok(Receipt::Empty),
            Some(libc::ENOBUFS) => Ok(Receipt::Overrun),
            Some(libc::EINTR) => Ok(Receipt::Interrupted),
            _ => Err(error),
        },
    }
}

/// Unbinds `group` from a socket that nobody reads, to which the kernel first sends what it has gathered. That it can't
/// be done, since the socket does not have the group, shows when another one binds it.
pub fn unbind(fd: &OwnedFd, group: u16) {
    let mut request = request(0, CONFIG, group);
    add(&mut request, CFG_CMD, &[UNBIND]);
    // Without an answer, unless it fails: whoever reads the socket takes no note of one that it did not ask for.
    request[6..8].copy_from_slice(&REQUEST.to_ne_bytes());
    sys::send_quietly(fd, &request);
}

/// The group of a datagram of packets: a batch is of one.
fn group_of(datagram: &[u8]) -> Option<u16> {
    match batch::step(datagram, &mut 0) {
        Step::Entry(entry) if entry.kind == batch::PACKET => {
            let [_, _, group @ ..] = entry.body.first_chunk::<4>()?;
            Some(u16::from_be_bytes(*group))
        }
        _ => None,
    }
}

/// The errno in the answer to request `sequence`, 0 for done, if the datagram holds that answer.
fn answer_in(datagram: &[u8], sequence: u32) -> Option<i32> {
    let mut at = 0;
    while let Step::Entry(entry) = batch::step(datagram, &mut at) {
        if entry.kind == batch::ERROR && entry.sequence == sequence {
            return entry.body.first_chunk().map(|errno| i32::from_ne_bytes(*errno).wrapping_neg());
        }
    }
    None
}

/// A request that sets up `group`, with `command` first if there is one.
fn configuration(sequence: u32, group: u16, command: Option<u8>, options: &Options) -> Vec<u8> {
    let flags = FLAG_SEQUENCE | if options.conntrack { FLAG_CONNTRACK } else { 0 };
    let mut mode = (options.snaplen + LINK_HEADER_MAX).clamp(COPY_RANGE_MIN, COPY_RANGE_MAX).to_be_bytes().to_vec();
    mode.extend([COPY_PACKET, 0]);

    let mut request = request(sequence, CONFIG, group);
    if let Some(command) = command {
        add(&mut request, CFG_CMD, &[command]);
    }
    add(&mut request, CFG_MODE, &mode);
    add(&mut request, CFG_NLBUFSIZ, &options.batch_bytes().to_be_bytes());
    add(&mut request, CFG_TIMEOUT, &options.flush_hundredths().to_be_bytes());
    add(&mut request, CFG_QTHRESH, &options.threshold().to_be_bytes());
    add(&mut request, CFG_FLAGS, &flags.to_be_bytes());
    request
}

/// Adds an attribute to a request.
fn add(request: &mut Vec<u8>, kind: u16, value: &[u8]) {
    request.extend((4 + value.len() as u16).to_ne_bytes());
    request.extend(kind.to_ne_bytes());
    request.extend(value);
    request.resize(request.len().next_multiple_of(4), 0);
    let length = request.len() as u32;
    request[0..4].copy_from_slice(&length.to_ne_bytes());
}

/// A request of a kind for a group, without attributes.
fn request(sequence: u32, kind: u16, group: u16) -> Vec<u8> {
    let length = batch::MESSAGE_HEADER as u32 + 4;
    let mut request = Vec::with_capacity(128);
    request.extend(length.to_ne_bytes());
    request.extend(kind.to_ne_bytes());
    request.extend(REQUEST_WITH_ACK.to_ne_bytes());
    request.extend(sequence.to_ne_bytes());
    request.extend([0; 4]);
    request.extend([libc::AF_UNSPEC as u8, 0]);
    request.extend(group.to_be_bytes());
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_release_is_the_one_that_procfs_tells() {
        let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        let (major, minor) = sys::kernel_release();
        let rest = text.strip_prefix(&format!("{major}.{minor}")).unwrap_or_else(|| panic!("{major}.{minor}: {text}"));
        assert!(!rest.starts_with(|next: char| next.is_ascii_digit()), "{major}.{minor}: {text}");
    }

    #[test]
    fn a_request_is_one_message_whose_attributes_fill_it() {
        let request = configuration(7, 0x1234, Some(BIND), &Options { snaplen: 1500, ..Options::default() });
        let mut at = 0;
        let Step::Entry(entry) = batch::step(&request, &mut at) else { panic!("not a message") };
        assert_eq!((entry.kind, entry.sequence, at), (CONFIG, 7, request.len()));
        let message = super::super::message::tests::parsed(entry.body);
        assert_eq!(message.group(), 0x1234);
        assert_eq!(message.attribute(CFG_CMD.into()), Some(&[BIND][..]));
        assert_eq!(message.attribute(CFG_MODE.into()), Some(&[0, 0, 0x05, 0xf2, COPY_PACKET, 0][..]));
        assert_eq!(message.attribute(CFG_FLAGS.into()), Some(&[0, 1][..]));
        assert_eq!(message.attribute(CFG_TIMEOUT.into()), Some(&[0, 0, 0, 1][..]));
    }

    #[test]
    fn the_kernel_copies_the_headers_at_least_and_what_fits_an_attribute_at_most() {
        let copy_range = |snaplen| {
            let request = configuration(1, 5, Some(BIND), &Options { snaplen, ..Options::default() });
            let message = super::super::message::tests::parsed(&request[batch::MESSAGE_HEADER..]);
            u32::from_be_bytes(*message.attribute(CFG_MODE.into()).unwrap().first_chunk().unwrap())
        };
        assert_eq!((copy_range(1), copy_range(1500), copy_range(262_144)), (256, 1522, 65_531));
    }

    #[test]
    fn an_answer_is_told_from_packets_and_from_other_answers() {
        let message = |kind: u16, sequence: u32, body: &[u8]| {
            let mut bytes = (16 + body.len() as u32).to_ne_bytes().to_vec();
            bytes.extend(kind.to_ne_bytes());
            bytes.extend([0, 0]);
            bytes.extend(sequence.to_ne_bytes());
            bytes.extend([0; 4]);
            bytes.extend(body);
            bytes
        };
        let refused = (-libc::EPERM).to_ne_bytes();
        assert_eq!(answer_in(&message(batch::ERROR, 3, &refused), 3), Some(libc::EPERM));
        assert_eq!(answer_in(&message(batch::ERROR, 3, &[0; 20]), 3), Some(0));
        assert_eq!(answer_in(&message(batch::ERROR, 2, &refused), 3), None);
        assert_eq!(answer_in(&message(batch::PACKET, 3, &refused), 3), None);
        assert_eq!(answer_in(&message(batch::ERROR, 3, &[]), 3), None);
    }
}
