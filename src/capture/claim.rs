//! Which capture of this process has a group, where a program opens one more than once.
//!
//! The kernel gives a group to one socket. But programs open a device twice, as they may with any other of libpcap's: once
//! for the link type and once to read, or once to receive and once to send. So a capture opens without a group that
//! another capture of this process has, and binds it before its first read. A capture that was never read gives its groups
//! up to one that is, with nothing of what it had queued: that goes to nobody, since it is from before the first read. A
//! capture that was read keeps its groups until it is closed.
//!
//! A fork leaves both processes with the same sockets, and each with notes of its own. So two flags of the socket itself,
//! which netlink has no use for, say in both whether it is read and whether groups were taken from it. A socket that
//! another process reads is no capture of this one's.

use std::collections::BTreeSet;
use std::ffi::c_int;
use std::os::fd::OwnedFd;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::device::Device;
use super::error::{Error, Result};
use super::groups;
use super::netlink::{self, Binding, Socket};
use super::options::Options;
use super::owner;
use super::sys;

/// The captures of this process.
static CAPTURES: Mutex<Vec<Capture>> = Mutex::new(Vec::new());
/// The process that locked them last, and the one that can't: a fork came when another thread had locked them.
static LOCKED_IN: AtomicU32 = AtomicU32::new(0);
static UNUSABLE_IN: AtomicU32 = AtomicU32::new(0);

/// How long to wait for them before looking whether there is anybody to unlock them.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long to wait for a capture that is being closed.
const CLOSING: Duration = Duration::from_secs(1);

/// Socket options that mark, for every process that has the socket, one that is read and one that lost a group.
const READ: c_int = libc::SO_OOBINLINE;
const TAKEN: c_int = libc::SO_BROADCAST;

/// What is noted of a capture.
struct Capture {
    /// Not held: the groups are bound while it is open.
    socket: Weak<OwnedFd>,
    device: Device,
    /// The groups of the device that it does not have.
    missing: BTreeSet<u16>,
    is_read: bool,
    /// The process that opened it, or began to read it.
    process: u32,
}

/// A capture of this process that has a group.
enum Holder {
    Reader,
    /// It was not read yet. Its index.
    Idle(usize),
    /// It is being closed.
    Closing,
}

/// A capture's claims to its groups.
pub struct Claims {
    socket: Weak<OwnedFd>,
    device: Device,
    options: Options,
    is_bound: bool,
    is_incomplete: bool,
}

impl Claims {
    /// Binds the groups of `device` to `socket`, but for those that other captures of this process have. `batch` is only
    /// room to receive into.
    ///
    /// # Errors
    ///
    /// [`Error::GroupTaken`], by another process, and those of [`Socket::bind_group`].
    pub fn open(device: &Device, options: &Options, socket: &mut Socket, batch: &mut Batch) -> Result<Claims> {
        let (fd, options) = (Arc::downgrade(socket.fd()), options.clone());
        let mut claims = Claims { socket: fd, device: device.clone(), options, is_bound: false, is_incomplete: false };
        // Locked until all is bound and noted: whoever finds a group taken finds who has it.
        let mut captures = captures();
        let (mut missing, mut bound) = (BTreeSet::new(), Vec::new());
        let result = groups::in_binding_order(device.groups()).into_iter().try_for_each(|group| {
            if socket.bind_group(group, &claims.options, batch)? != Binding::Taken {
                bound.push(group);
            } else if captures.as_ref().and_then(|captures| claims.holder(captures, group)).is_some() {
                missing.insert(group);
            } else {
                return Err(owner::taken(group));
            }
            Ok(())
        });
        if let Err(error) = result {
            // Before others look: these are noted nowhere.
            bound.into_iter().for_each(|group| netlink::unbind(socket.fd(), group));
            return Err(error);
        }
        claims.is_incomplete = !missing.is_empty();
        // One that is not noted for want of memory keeps its groups.
        if let Some(captures) = &mut captures {
            if captures.try_reserve(1).is_ok() {
                let socket = claims.socket.clone();
                captures.push(Capture {
                    socket,
                    device: device.clone(),
                    missing,
                    is_read: false,
                    process: process::id(),
                });
            }
        }
        drop(captures);
        Ok(claims)
    }

    /// Whether all groups are this capture's until it is closed: [`Claims::ensure_bound`] has nothing to do any more.
    #[inline(always)]
    pub fn are_bound(&self) -> bool {
        self.is_bound
    }

    /// Whether the capture is known to be without one of its groups.
    pub fn are_incomplete(&self) -> bool {
        self.is_incomplete
    }

    /// To be called before the capture is read, or waits for packets, for the first time: binds the groups that it lacks
    /// and keeps all of them from now on. `batch` is only room to receive into.
    ///
    /// # Errors
    ///
    /// [`Error::GroupReadHere`], [`Error::GroupTaken`], [`Error::PrivilegeGone`] and those of [`Socket::bind_group`].
    /// Nothing is lost by that, and the next call tries again.
    pub fn ensure_bound(&mut self, socket: &mut Socket, batch: &mut Batch) -> Result<()> {
        let mut captures = captures();
        let captures = captures.as_deref_mut().map_or(&mut [][..], |captures| captures);
        // First said, then looked whether groups were taken: another process does it the other way round. (It may still
        // be stopped between its look and its taking, for as long as this takes.)
        mark(socket.fd(), READ, true);
        let result = self.complete(captures, socket, batch);
        batch.clear();
        self.is_bound = result.is_ok();
        self.is_incomplete = result.is_err();
        if result.is_err() {
            mark(socket.fd(), READ, false);
        }
        result
    }

    fn complete(&self, captures: &mut [Capture], socket: &mut Socket, batch: &mut Batch) -> Result<()> {
        let needed = match self.own(captures) {
            Some(own) if !is_marked(socket.fd(), TAKEN) => groups::in_binding_order(own.missing.iter().copied()),
            None if !self.is_incomplete => Vec::new(),
            // Which ones it lacks is not known.
            _ => groups::in_binding_order(self.device.groups()),
        };
        if !needed.is_empty() {
            self.bind(&needed, captures, socket, batch)?;
        }
        if let Some(own) = self.own(captures) {
            (own.is_read, own.process) = (true, process::id());
        }
        Ok(())
    }

    /// Binds the groups that are needed, and takes them from captures that were never read.
    fn bind(&self, needed: &[u16], captures: &mut [Capture], socket: &mut Socket, batch: &mut Batch) -> Result<()> {
        // The answer to that comes behind all that is in the receive buffer, which is put aside.
        let asked = socket.may_configure(batch);
        if !asked.map_err(|error| Error::system(format!("binding group {}", needed[0]), error))? {
            return Err(Error::PrivilegeGone { group: needed[0] });
        }
        let queued = socket.early();
        // Where one cannot be had, none is taken.
        for &group in needed {
            if let Some(Holder::Reader) = self.holder(captures, group) {
                return Err(Error::GroupReadHere { group });
            }
        }
        let (mut bound, mut fresh) = (0, Vec::new());
        let result = needed.iter().try_for_each(|&group| {
            if self.obtain(group, captures, socket, batch)? == Binding::New {
                fresh.push(group);
            }
            bound += 1;
            Ok(())
        });
        if let Some(own) = self.own(captures) {
            own.missing = needed[bound..].iter().copied().collect();
        }
        // What was logged to them before they were taken, and what is now, does not go together: the kernel's numbers
        // begin anew.
        fresh.sort_unstable();
        socket.discard_early(queued, |group| fresh.binary_search(&group).is_ok());
        result
    }

    fn obtain(&self, group: u16, captures: &mut [Capture], socket: &mut Socket, batch: &mut Batch) -> Result<Binding> {
        let begun = Instant::now();
        loop {
            let binding = socket.bind_group(group, &self.options, batch)?;
            if binding != Binding::Taken {
                return Ok(binding);
            }
            match self.holder(captures, group) {
                Some(Holder::Reader) => return Err(Error::GroupReadHere { group }),
                Some(Holder::Idle(other)) => {
                    captures[other].missing.insert(group);
                    if let Some(fd) = captures[other].socket.upgrade() {
                        mark(&fd, TAKEN, true);
                        netlink::unbind(&fd, group);
                    }
                }
                Some(Holder::Closing) if begun.elapsed() < CLOSING => thread::sleep(Duration::from_millis(1)),
                Some(Holder::Closing) | None => return Err(owner::taken(group)),
            }
        }
    }

    /// The other capture of this process that has `group` in the same network namespace.
    fn holder(&self, captures: &[Capture], group: u16) -> Option<Holder> {
        let network = || self.socket.upgrade().and_then(|fd| sys::network_of(&fd));
        let mut holder = None;
        for (index, capture) in captures.iter().enumerate() {
            if capture.socket.ptr_eq(&self.socket) || !capture.device.has(group) || capture.missing.contains(&group) {
                continue;
            }
            match capture.socket.upgrade() {
                None => holder = Some(Holder::Closing),
                Some(fd) if sys::network_of(&fd) != network() => {}
                Some(_) if capture.is_read && capture.process == process::id() => return Some(Holder::Reader),
                Some(fd) if capture.is_read || is_marked(&fd, READ) => {}
                Some(_) => return Some(Holder::Idle(index)),
            }
        }
        holder
    }

    /// What is noted of this capture.
    fn own<'a>(&self, captures: &'a mut [Capture]) -> Option<&'a mut Capture> {
        captures.iter_mut().find(|capture| capture.socket.ptr_eq(&self.socket))
    }
}

impl Drop for Claims {
    /// To be dropped after the socket: what the kernel has is always noted.
    fn drop(&mut self) {
        if let Some(mut captures) = captures() {
            captures.retain(|capture| !capture.socket.ptr_eq(&self.socket));
        }
    }
}

/// The captures of this process, locked; `None` where the thread that has locked them is another process's. Then each
/// capture is on its own, and what others of this process have is as taken as by another process.
fn captures() -> Option<MutexGuard<'static, Vec<Capture>>> {
    let (this, mut begun) = (process::id(), None);
    loop {
        let captures = match CAPTURES.try_lock() {
            Ok(captures) => captures,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let begun = *begun.get_or_insert_with(Instant::now);
                // That it was locked is noted a moment later: hence the patience.
                if LOCKED_IN.load(Ordering::SeqCst) != this && begun.elapsed() >= PATIENCE {
                    UNUSABLE_IN.store(this, Ordering::SeqCst);
                }
                if UNUSABLE_IN.load(Ordering::SeqCst) == this {
                    return None;
                }
                thread::sleep(Duration::from_micros(100));
                continue;
            }
        };
        LOCKED_IN.store(this, Ordering::SeqCst);
        return Some(captures);
    }
}

/// Marks a socket. Where that fails (a sandbox), other processes don't know.
fn mark(fd: &OwnedFd, option: c_int, value: bool) {
    let _ = sys::set_option(fd, libc::SOL_SOCKET, option, value.into());
}

fn is_marked(fd: &OwnedFd, option: c_int) -> bool {
    sys::option(fd, libc::SOL_SOCKET, option).is_ok_and(|value| value != 0)
}
