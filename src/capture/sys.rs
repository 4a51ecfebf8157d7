//! The thin system call layer: each function is one call, its errors as `io::Error`, its descriptors owned. The
//! core's only unsafe code is here.

#![allow(unsafe_code)]

mod blocking;
mod fork;
mod memory;
mod thread;

pub use blocking::{BlockingReceive, Woken, block_in_poll, rest};
pub use fork::{count_forks, forks, generation};
pub use memory::Pages;
pub use thread::{Thread, Uncancelled, cancellation_point};

use std::ffi::{c_int, c_void};
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

fn checked(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Owns the descriptor that a system call returned, or its error.
fn owned(result: c_int) -> io::Result<OwnedFd> {
    // SAFETY: the caller passes what socket(2), eventfd(2) or epoll_create1(2) has just returned: a descriptor that
    // nothing else owns.
    checked(result).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A netlink socket of the netfilter family with a port id that the kernel chooses, closed on exec. It is connected to the
/// kernel: what another process sends to it is refused (netlink(7) lets privileged ones try), from the call's return on.
pub fn netfilter_socket() -> io::Result<OwnedFd> {
    // SAFETY: socket(2) takes no pointers.
    let fd =
        owned(unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_NETFILTER) })?;
    // SAFETY: sockaddr_nl is plain integers, for which zeros are valid.
    let mut address: libc::sockaddr_nl = unsafe { mem::zeroed() };
    address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
    let length = mem::size_of::<libc::sockaddr_nl>() as libc::socklen_t;
    // SAFETY: the pointer and the length are those of `address`, which outlives the call. Its port id 0 is the kernel's.
    checked(unsafe { libc::connect(fd.as_raw_fd(), (&raw const address).cast(), length) })?;
    Ok(fd)
}

/// The socket's port id (getsockname(2)).
pub fn port_id(fd: &OwnedFd) -> io::Result<u32> {
    // SAFETY: sockaddr_nl is plain integers, for which zeros are valid.
    let mut address: libc::sockaddr_nl = unsafe { mem::zeroed() };
    let mut length = mem::size_of::<libc::sockaddr_nl>() as libc::socklen_t;
    // SAFETY: the pointers are to `address` and to its length, which both outlive the call.
    checked(unsafe { libc::getsockname(fd.as_raw_fd(), (&raw mut address).cast(), &mut length) })?;
    Ok(address.nl_pid)
}

/// The first two numbers of the kernel's release (uname(2)); zeros where they cannot be read.
pub fn kernel_release() -> (u32, u32) {
    // SAFETY: utsname is arrays of characters, for which zeros are valid: empty strings.
    let mut names: libc::utsname = unsafe { mem::zeroed() };
    // SAFETY: the pointer is to `names`, which outlives the call. It cannot fail otherwise.
    unsafe { libc::uname(&mut names) };
    let mut bytes = names.release.iter().map(|&byte| byte as u8);
    let mut number = || {
        let digits = bytes.by_ref().take_while(u8::is_ascii_digit);
        digits.fold(0u32, |number, digit| number.saturating_mul(10).saturating_add((digit - b'0').into()))
    };
    (number(), number())
}

/// An eventfd(2) with count 0, non-blocking.
pub fn event() -> io::Result<OwnedFd> {
    // SAFETY: eventfd(2) takes no pointers.
    owned(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })
}

/// Runs `body` and leaves errno as it was: what a signal handler calls must.
fn keeping_errno<T>(body: impl FnOnce() -> T) -> T {
    // SAFETY: the location is this thread's own, and stays while the thread lives.
    let before = unsafe { *libc::__errno_location() };
    let result = body();
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = before };
    result
}

/// write(2) as it is, and not a cancellation point, which the C library's is; errno is as before. Async-signal-safe.
fn write_quietly(fd: &OwnedFd, bytes: &[u8]) {
    // SAFETY: the pointer and the length are those of `bytes`, which outlives the call.
    keeping_errno(|| unsafe { libc::syscall(libc::SYS_write, fd.as_raw_fd(), bytes.as_ptr(), bytes.len()) });
}

/// Makes an eventfd readable. Async-signal-safe. A write that fails (the count is full) leaves it readable, too.
pub fn raise(event: &OwnedFd) {
    write_quietly(event, &1u64.to_ne_bytes());
}

/// Makes an eventfd unreadable. Not a cancellation point, as the C library's read(2) is.
pub fn lower(event: &OwnedFd) {
    let mut count = 0u64;
    // SAFETY: the pointer and the length are those of `count`. That the count was 0 already (EAGAIN) is no failure.
    unsafe { libc::syscall(libc::SYS_read, event.as_raw_fd(), &raw mut count, mem::size_of::<u64>()) };
}

/// An epoll(7) descriptor that is readable while one of `members` is.
pub fn any_readable(members: &[RawFd]) -> io::Result<OwnedFd> {
    // SAFETY: epoll_create1(2) takes no pointers.
    let epoll = owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    for &member in members {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: member as u64 };
        // SAFETY: the pointer is to `event`, which outlives the call.
        checked(unsafe { libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, member, &mut event) })?;
    }
    Ok(epoll)
}

/// Makes `epoll` watch `new` instead of `old`.
pub fn watch_instead(epoll: &OwnedFd, old: RawFd, new: RawFd) -> io::Result<()> {
    let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: new as u64 };
    for (operation, fd) in [(libc::EPOLL_CTL_DEL, old), (libc::EPOLL_CTL_ADD, new)] {
        // SAFETY: the pointer is to `event`, which outlives the call; removal ignores it.
        checked(unsafe { libc::epoll_ctl(epoll.as_raw_fd(), operation, fd, &mut event) })?;
    }
    Ok(())
}

/// Puts a copy of `new` in the place of `old`, in this process.
pub fn put_in_place(new: &OwnedFd, old: &OwnedFd) -> io::Result<()> {
    // SAFETY: dup3(2) takes no pointers. Both are open; the number of `old` stays its owner's, for what it then refers to.
    checked(unsafe { libc::dup3(new.as_raw_fd(), old.as_raw_fd(), libc::O_CLOEXEC) }).map(drop)
}

/// Sets an integer option of the socket.
pub fn set_option(fd: &OwnedFd, level: c_int, option: c_int, value: c_int) -> io::Result<()> {
    let length = mem::size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the pointer and the length are those of `value`, which outlives the call.
    checked(unsafe { libc::setsockopt(fd.as_raw_fd(), level, option, (&raw const value).cast(), length) })?;
    Ok(())
}

/// An integer option of the socket.
pub fn option(fd: &OwnedFd, level: c_int, option: c_int) -> io::Result<c_int> {
    let mut value: c_int = 0;
    let mut length = mem::size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the pointers are to `value` and to its length, which both outlive the call.
    checked(unsafe { libc::getsockopt(fd.as_raw_fd(), level, option, (&raw mut value).cast(), &mut length) })?;
    Ok(value)
}

/// An option that is a block of memory: the caller's `block` is the question, and becomes the answer.
pub fn option_block(fd: &OwnedFd, level: c_int, option: c_int, block: &mut [u8]) -> io::Result<usize> {
    let too_long = |_| io::Error::from_raw_os_error(libc::EINVAL);
    let mut length = libc::socklen_t::try_from(block.len()).map_err(too_long)?;
    // SAFETY: the pointers are to `block` and to its length in bytes, which both outlive the call.
    checked(unsafe { libc::getsockopt(fd.as_raw_fd(), level, option, block.as_mut_ptr().cast(), &mut length) })?;
    Ok(length as usize)
}

/// A datagram socket of an internet family, closed on exec.
pub fn datagram_socket(family: c_int) -> io::Result<OwnedFd> {
    // SAFETY: socket(2) takes no pointers.
    owned(unsafe { libc::socket(family, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) })
}

/// `SK_MEMINFO_DROPS`, linux/sock_diag.h: the datagrams that the socket had no room for.
const SK_MEMINFO_DROPS: usize = 8;

/// How many datagrams the kernel dropped because the socket's buffer was full.
pub fn drops(fd: &OwnedFd) -> io::Result<u32> {
    let mut values = [0u32; SK_MEMINFO_DROPS + 1];
    let mut length = mem::size_of_val(&values) as libc::socklen_t;
    // SAFETY: the pointers are to `values` and to its length in bytes, which both outlive the call.
    checked(unsafe {
        libc::getsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_MEMINFO, values.as_mut_ptr().cast(), &mut length)
    })?;
    Ok(values[SK_MEMINFO_DROPS])
}

/// The ARPHRD type and the first bytes of the link address of the interface with `index`, in the socket's network
/// namespace (netdevice(7)).
pub fn interface(fd: &OwnedFd, index: u32) -> io::Result<(u16, [u8; 8])> {
    // SAFETY: ifreq is integers and a union of integers and pointers, for which zeros are valid.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    request.ifr_ifru.ifru_ifindex = index as c_int;
    for command in [libc::SIOCGIFNAME, libc::SIOCGIFHWADDR] {
        // SAFETY: both take a pointer to an ifreq, which outlives the call: the first puts the name of the interface
        // with the given index into it, the second the address of the interface with that name.
        checked(unsafe { libc::ioctl(fd.as_raw_fd(), command as _, &raw mut request) })?;
    }
    // SAFETY: the second command has filled in this member of the union.
    let address = unsafe { request.ifr_ifru.ifru_hwaddr };
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(address.sa_data) {
        *to = from as u8;
    }
    Ok((address.sa_family, bytes))
}

/// The network namespace of a socket: the device and inode of its file (namespaces(7)). `None` where the kernel can't say
/// (before 4.10), or may not: that needs CAP_NET_ADMIN in it.
#[allow(clippy::unnecessary_cast, clippy::useless_conversion)] // These types differ by architecture.
pub fn network_of(fd: &OwnedFd) -> Option<(u64, u64)> {
    /// linux/sockios.h.
    const SIOCGSKNS: u32 = 0x894c;
    // SAFETY: SIOCGSKNS looks at no argument, and returns a new descriptor. ioctl(3) passes one on, whether or not there is
    // one.
    let file = owned(unsafe { libc::ioctl(fd.as_raw_fd(), SIOCGSKNS as _, 0) }).ok()?;
    // SAFETY: struct stat is plain integers, for which zeros are valid.
    let mut status: libc::stat = unsafe { mem::zeroed() };
    // SAFETY: the pointer is to `status`, which outlives the call.
    checked(unsafe { libc::fstat(file.as_raw_fd(), &mut status) }).ok()?;
    Some((status.st_dev as u64, status.st_ino as u64))
}

/// Sends a datagram to the kernel.
pub fn send(fd: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of `bytes`, which outlives the call.
    let sent = unsafe { libc::send(fd.as_raw_fd(), bytes.as_ptr().cast::<c_void>(), bytes.len(), 0) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Receives a datagram that is there; EAGAIN where there is none. Returns its length in bytes: what was sent, not only
/// what the buffer holds. Not a cancellation point, as the C library's recv(2) is.
#[inline(always)]
pub fn receive(fd: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    let flags = libc::MSG_TRUNC | libc::MSG_DONTWAIT;
    let (fd, address, address_length) = (fd.as_raw_fd(), ptr::null_mut::<c_void>(), ptr::null_mut::<c_void>());
    // SAFETY: the pointer and the length are those of `buffer`, which outlives the call; no address is asked for.
    let length = unsafe {
        libc::syscall(libc::SYS_recvfrom, fd, buffer.as_mut_ptr(), buffer.len(), flags, address, address_length)
    };
    if length < 0 { Err(io::Error::last_os_error()) } else { Ok(length as usize) }
}

/// How long a receive that waits does so; zero is for ever. The kernel counts in ticks, and may add some.
pub fn set_receive_timeout(fd: &OwnedFd, time: Duration) -> io::Result<()> {
    let seconds = libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX);
    let time = libc::timeval { tv_sec: seconds, tv_usec: time.subsec_micros() as _ };
    let length = mem::size_of::<libc::timeval>() as libc::socklen_t;
    // SAFETY: the pointer and the length are those of `time`, which outlives the call.
    checked(unsafe {
        libc::setsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RCVTIMEO, (&raw const time).cast(), length)
    })?;
    Ok(())
}

/// Sends a datagram to the kernel, whatever comes of it. The kernel works it off before the call returns.
/// Async-signal-safe.
pub fn send_quietly(fd: &OwnedFd, bytes: &[u8]) {
    write_quietly(fd, bytes);
}

/// A timespec of zero. On 32-bit systems with a time_t of 64 bits it has a gap, which nobody else can name.
#[inline(always)]
fn no_time() -> libc::timespec {
    // SAFETY: it is integers, for which zeros are valid.
    unsafe { mem::zeroed() }
}

/// Seconds and nanoseconds since the epoch (clock_gettime(2), CLOCK_REALTIME).
#[inline(always)]
#[allow(clippy::unnecessary_cast)] // time_t has 32 bits elsewhere.
pub fn real_time() -> (i64, u32) {
    let mut now = no_time();
    // SAFETY: the pointer is to `now`, which outlives the call. This clock exists everywhere, so the call succeeds.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &mut now) };
    (now.tv_sec as i64, now.tv_nsec as u32)
}

/// Waits until one of two descriptors is readable; `None` waits for ever. Says of each whether it is; both are not
/// when the time is up.
pub fn wait(first: &OwnedFd, second: &OwnedFd, milliseconds: Option<c_int>) -> io::Result<[bool; 2]> {
    let mut polled = [first, second].map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 });
    // SAFETY: the pointer and the count are those of `polled`, which outlives the call.
    checked(unsafe { libc::poll(polled.as_mut_ptr(), 2, milliseconds.unwrap_or(-1)) })?;
    Ok(polled.map(|fd| fd.revents != 0))
}
