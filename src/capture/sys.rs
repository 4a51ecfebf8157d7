//! The thin system call layer: each function is one call, its errors as `io::Error`, its descriptors owned. The
//! core's only unsafe code is here.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_uint, c_void};
use std::io;
use std::mem;
use std::ops::{Deref, DerefMut};
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

/// Whole pages of memory from mmap(2): zeros that take no memory until they are touched, and that go back to the kernel
/// at once. The allocator would keep them, and aborts where there are none.
pub struct Pages {
    start: ptr::NonNull<u8>,
    length: usize,
}

impl Pages {
    /// At least so many bytes.
    pub fn new(length: usize) -> io::Result<Pages> {
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let length = length.max(1);
        // SAFETY: it is a new mapping at an address of the kernel's choice.
        let start = unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = ptr::NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Pages { start, length })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and nothing borrows it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

impl Deref for Pages {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: the mapping has so many bytes, all initialized (to zeros), and is borrowed as this value is.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl DerefMut for Pages {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

// SAFETY: the mapping is owned by the value, like a boxed slice.
unsafe impl Send for Pages {}
// SAFETY: as above; a shared reference only reads.
unsafe impl Sync for Pages {}

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
    // SAFETY: SIOCGSKNS takes no argument, and returns a new descriptor.
    let file = owned(unsafe { libc::ioctl(fd.as_raw_fd(), SIOCGSKNS as _) }).ok()?;
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

/// The calls that block, declared as what they are: where a thread is cancelled in them, glibc unwinds through the
/// caller's frames. So the functions of this module that call them own nothing, and their callers must not either.
mod cancellable {
    use super::{c_int, c_uint};

    unsafe extern "C-unwind" {
        pub fn recvmmsg(
            fd: c_int,
            messages: *mut libc::mmsghdr,
            count: c_uint,
            flags: c_int,
            timeout: *mut libc::timespec,
        ) -> c_int;
        pub fn poll(polled: *mut libc::pollfd, count: libc::nfds_t, milliseconds: c_int) -> c_int;
        #[cfg_attr(all(c_time_bits = "64", target_env = "gnu"), link_name = "__ppoll64")]
        pub fn ppoll(
            polled: *mut libc::pollfd,
            count: libc::nfds_t,
            time: *const libc::timespec,
            mask: *const libc::sigset_t,
        ) -> c_int;
        pub fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
        pub fn pthread_testcancel();
    }
}

/// How a call that blocked ended.
#[derive(Clone, Copy, Debug)]
pub struct Woken {
    /// What it returned.
    result: isize,
    /// Its errno, where it returned −1.
    errno: c_int,
    /// Whether the stop's descriptor was readable, of poll(2).
    stop: bool,
}

impl Woken {
    fn new(result: isize, stop: bool) -> Woken {
        // SAFETY: the location is this thread's own, and stays while the thread lives.
        Woken { result, errno: unsafe { *libc::__errno_location() }, stop }
    }

    /// The length that recv(2) returned.
    pub fn length(self) -> io::Result<usize> {
        usize::try_from(self.result).map_err(|_| io::Error::from_raw_os_error(self.errno))
    }

    /// Whether the stop's descriptor was readable.
    pub fn stop(self) -> io::Result<bool> {
        self.length().map(|_| self.stop)
    }
}

/// A receive that blocks, and what is left of it where the thread does not come back from the call.
///
/// A cancellation may strike when the kernel has handed the datagram over already (glibc bug 12683), and a signal handler may
/// jump away then. recvmmsg(2) writes the datagram's length to memory before it returns, so it is not lost.
pub struct BlockingReceive(libc::mmsghdr);

// SAFETY: the struct's pointers are used in the call that sets them only.
unsafe impl Send for BlockingReceive {}
// SAFETY: as above; the other members are integers.
unsafe impl Sync for BlockingReceive {}

impl BlockingReceive {
    /// With nothing left over.
    pub fn new() -> Self {
        // SAFETY: mmsghdr is integers and pointers, for which zeros are valid.
        BlockingReceive(unsafe { mem::zeroed() })
    }

    /// Receives a datagram; waits for one as long as [`set_receive_timeout`] said. A cancellation point.
    #[inline(always)]
    pub fn block(&mut self, fd: RawFd, buffer: &mut [u8]) -> Woken {
        let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        self.0.msg_hdr.msg_iov = &raw mut part;
        self.0.msg_hdr.msg_iovlen = 1;
        // SAFETY: the pointers are to one mmsghdr, which has one iovec, whose pointer and length are those of `buffer`; all
        // outlive the call. There is no timeout but the socket's.
        let count = unsafe { cancellable::recvmmsg(fd, &raw mut self.0, 1, libc::MSG_TRUNC, ptr::null_mut()) };
        let length = self.left_over();
        Woken::new(if count < 0 { -1 } else { length.unwrap_or(0) as isize }, false)
    }

    /// The length of a datagram that was received into the buffer by a call which did not return. It is told once.
    #[inline(always)]
    pub fn left_over(&mut self) -> Option<usize> {
        match mem::take(&mut self.0.msg_len) {
            0 => None,
            length => Some(length as usize),
        }
    }
}

/// Waits until one of two descriptors is readable, the second of which is the stop's, for so many milliseconds;
/// negative is for ever. A cancellation point.
pub fn block_in_poll(readable: RawFd, stop: RawFd, milliseconds: c_int) -> Woken {
    let mut polled = [readable, stop].map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    // SAFETY: the pointer and the count are those of `polled`, which outlives the call.
    let count = unsafe { cancellable::poll(polled.as_mut_ptr(), 2, milliseconds) };
    Woken::new(count as isize, polled[1].revents != 0)
}

/// Waits until the stop's descriptor is readable, but no longer than `time`. A cancellation point.
pub fn rest(stop: RawFd, time: Duration) -> Woken {
    let mut polled = libc::pollfd { fd: stop, events: libc::POLLIN, revents: 0 };
    let mut limit = no_time();
    (limit.tv_sec, limit.tv_nsec) = (time.as_secs() as libc::time_t, time.subsec_nanos() as _);
    // SAFETY: the pointers are to `polled`, which is one, and `limit`, which both outlive the call; there is no mask.
    let count = unsafe { cancellable::ppoll(&mut polled, 1, &limit, ptr::null()) };
    Woken::new(count as isize, polled.revents != 0)
}

/// Lets the thread be cancelled here, if somebody wants that.
#[inline]
pub fn cancellation_point() {
    // SAFETY: it takes nothing; that it may not return is what its callers call it for.
    unsafe { cancellable::pthread_testcancel() };
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
        unsafe { cancellable::pthread_setcancelstate(DISABLE, &mut before) };
        CancelState(before)
    }

    /// Lets the thread be cancelled again, if it could before.
    #[inline]
    pub fn restore(self) {
        let mut before = 0;
        // SAFETY: the pointer is to `before`, which outlives the call; the state is one that the thread had.
        unsafe { cancellable::pthread_setcancelstate(self.0, &mut before) };
    }
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
