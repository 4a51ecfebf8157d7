//! The oracle: what AF_PACKET (packet(7)) captures of every interface of a namespace.

use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

/// A frame as AF_PACKET has it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The interface.
    pub index: u32,
    /// PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST, PACKET_OTHERHOST, PACKET_OUTGOING: linux/if_packet.h.
    pub packet_type: u8,
    /// The interface's ARPHRD type.
    pub hardware_type: u16,
    /// The sender's link address.
    pub address: Vec<u8>,
    /// The ethertype, as the kernel has it: behind the tag, if there is one.
    pub protocol: u16,
    /// Protocol and TCI of the VLAN tag that the kernel keeps beside the frame.
    pub tag: Option<(u16, u16)>,
    /// The frame, from the link header on, without that tag.
    pub frame: Vec<u8>,
    /// Its length on the wire, without that tag.
    pub len: usize,
    /// Nanoseconds since 1970.
    pub stamp: i128,
}

impl Seen {
    pub fn outgoing(&self) -> bool {
        self.packet_type == 4
    }
}

/// Large enough for every frame: 64 KiB and its headers.
const BLOCK: usize = 1 << 17;
const BLOCKS: usize = 1024;

/// A packet socket on all interfaces, with a ring: its size is not limited by net.core.rmem_max.
pub struct AfPacket {
    socket: OwnedFd,
    ring: *mut u8,
    /// The room for one frame in bytes.
    room: usize,
    next: usize,
}

impl AfPacket {
    /// With room for 1024 frames of any size between two calls of [`AfPacket::take`].
    pub fn new() -> AfPacket {
        AfPacket::with_room(BLOCK)
    }

    /// With room for many frames of up to 1,500 bytes.
    pub fn of_small_frames() -> AfPacket {
        AfPacket::with_room(2048)
    }

    fn with_room(room: usize) -> AfPacket {
        // SAFETY: socket(2) takes no pointers, and what it returns is owned by nothing else.
        let socket = unsafe {
            let fd = libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0);
            assert!(fd >= 0, "packet socket: {}", std::io::Error::last_os_error());
            OwnedFd::from_raw_fd(fd)
        };
        let set = |option: i32, value: *const libc::c_void, length: usize| {
            // SAFETY: the callers pass a pointer to a value and its length.
            let result = unsafe {
                libc::setsockopt(socket.as_raw_fd(), libc::SOL_PACKET, option, value, length as libc::socklen_t)
            };
            assert_eq!(result, 0, "packet socket option {option}: {}", std::io::Error::last_os_error());
        };
        let version = libc::tpacket_versions::TPACKET_V2 as i32;
        set(libc::PACKET_VERSION, (&raw const version).cast(), mem::size_of_val(&version));
        let request = libc::tpacket_req {
            tp_block_size: BLOCK as u32,
            tp_block_nr: BLOCKS as u32,
            tp_frame_size: room as u32,
            tp_frame_nr: (BLOCK * BLOCKS / room) as u32,
        };
        set(libc::PACKET_RX_RING, (&raw const request).cast(), mem::size_of_val(&request));
        // SAFETY: a new mapping of the ring, whose size was just given.
        let ring = unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(ptr::null_mut(), BLOCK * BLOCKS, protection, libc::MAP_SHARED, socket.as_raw_fd(), 0)
        };
        assert_ne!(ring, libc::MAP_FAILED, "packet ring: {}", std::io::Error::last_os_error());
        // SAFETY: zeros are valid for it, and the pointer and the length are its own.
        unsafe {
            let mut address: libc::sockaddr_ll = mem::zeroed();
            address.sll_family = libc::AF_PACKET as u16;
            address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
            let length = mem::size_of_val(&address) as libc::socklen_t;
            assert_eq!(libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length), 0);
        }
        AfPacket { socket, ring: ring.cast(), room, next: 0 }
    }

    /// The frames that were captured since the last call.
    ///
    /// # Panics
    ///
    /// When the ring was too small: then the oracle did not see all.
    pub fn take(&mut self) -> Vec<Seen> {
        let mut all = Vec::new();
        // SAFETY: each frame of the ring begins with a tpacket2_hdr, aligned as the ring is. A frame whose status has
        // TP_STATUS_USER is this process's until the status is set back; its offsets and lengths are the kernel's and
        // lie inside of it.
        unsafe {
            loop {
                let at = self.ring.add(self.next * self.room);
                let header = at.cast::<libc::tpacket2_hdr>();
                let status = ptr::read_volatile(&raw const (*header).tp_status);
                if status & libc::TP_STATUS_USER == 0 {
                    break;
                }
                std::sync::atomic::fence(std::sync::atomic::Ordering::Acquire);
                let from =
                    &*at.add(mem::size_of::<libc::tpacket2_hdr>().next_multiple_of(16)).cast::<libc::sockaddr_ll>();
                let header = &mut *header;
                let tagged = status & libc::TP_STATUS_VLAN_VALID != 0;
                all.push(Seen {
                    index: from.sll_ifindex as u32,
                    packet_type: from.sll_pkttype,
                    hardware_type: from.sll_hatype,
                    address: from.sll_addr[..usize::from(from.sll_halen)].to_vec(),
                    protocol: u16::from_be(from.sll_protocol),
                    tag: tagged.then_some((header.tp_vlan_tpid, header.tp_vlan_tci)),
                    frame: std::slice::from_raw_parts(at.add(header.tp_mac.into()), header.tp_snaplen as usize)
                        .to_vec(),
                    len: header.tp_len as usize,
                    stamp: i128::from(header.tp_sec) * 1_000_000_000 + i128::from(header.tp_nsec),
                });
                std::sync::atomic::fence(std::sync::atomic::Ordering::Release);
                ptr::write_volatile(&raw mut header.tp_status, libc::TP_STATUS_KERNEL);
                self.next = (self.next + 1) % (BLOCK * BLOCKS / self.room);
            }
            let mut counts: libc::tpacket_stats = mem::zeroed();
            let mut length = mem::size_of_val(&counts) as libc::socklen_t;
            let (level, option) = (libc::SOL_PACKET, libc::PACKET_STATISTICS);
            libc::getsockopt(self.socket.as_raw_fd(), level, option, (&raw mut counts).cast(), &mut length);
            assert_eq!(counts.tp_drops, 0, "the oracle's ring is too small");
        }
        all
    }
}

impl Drop for AfPacket {
    fn drop(&mut self) {
        // SAFETY: the mapping is this object's own, and nothing points into it any more.
        unsafe { libc::munmap(self.ring.cast(), BLOCK * BLOCKS) };
    }
}

/// Sends frames, each with its link header, by the interface `name` of this thread's namespace.
pub fn send_frames(name: &str, frames: &[Vec<u8>]) {
    // SAFETY: socket(2) takes no pointers; zeros are valid for the address; pointers and lengths belong together.
    unsafe {
        let fd = libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0);
        let socket = OwnedFd::from_raw_fd(fd);
        let mut address: libc::sockaddr_ll = mem::zeroed();
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_ifindex = crate::topology::index_of(name) as i32;
        let length = mem::size_of_val(&address) as libc::socklen_t;
        for frame in frames {
            let (bytes, count) = (frame.as_ptr().cast(), frame.len());
            let sent = libc::sendto(socket.as_raw_fd(), bytes, count, 0, (&raw const address).cast(), length);
            assert_eq!(sent, frame.len() as isize, "{}", std::io::Error::last_os_error());
        }
    }
}
