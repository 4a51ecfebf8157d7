//! The structs and constants of `<pcap/pcap.h>` and `<pcap/bpf.h>`, as libpcap 1.10 lays them out on Linux.

#![allow(non_camel_case_types)]

use std::ffi::{c_char, c_int, c_uchar, c_uint, c_ushort};

use libc::sockaddr;
pub use libc::{FILE, addrinfo, timeval};

// A client's `struct timeval` is the C compiler's, as that of the system's libpcap is; build.rs asks for it.
#[cfg(c_time_bits = "64")]
const _: () = assert!(
    size_of::<libc::time_t>() == 8,
    "time_t has 64 bits on this system, and 32 in the crate libc: build with make, or with \
     RUSTFLAGS='--cfg=libc_unstable_gnu_time_bits=\"64\"'"
);
#[cfg(c_time_bits = "32")]
const _: () = assert!(
    size_of::<libc::time_t>() == 4,
    "time_t has 32 bits on this system, and 64 in the crate libc: build without libc_unstable_gnu_time_bits"
);

/// A signed number of 32 bits.
pub type bpf_int32 = c_int;
/// An unsigned number of 32 bits.
pub type bpf_u_int32 = c_uint;

/// A capture or savefile; opaque.
pub struct pcap {
    _opaque: [u8; 0],
}
/// A capture or savefile; opaque.
pub type pcap_t = pcap;

/// A savefile being written; opaque.
pub struct pcap_dumper {
    _opaque: [u8; 0],
}
/// A savefile being written; opaque.
pub type pcap_dumper_t = pcap_dumper;

/// What precedes each packet.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pcap_pkthdr {
    /// When the packet was at its hook: seconds, and microseconds or, after
    /// `pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO)`, nanoseconds in `tv_usec`.
    pub ts: timeval,
    /// Bytes captured.
    pub caplen: bpf_u_int32,
    /// Bytes that the packet had.
    pub len: bpf_u_int32,
}

/// What `pcap_stats` gives. All counts wrap around at 32 bits.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pcap_stat {
    /// Packets received.
    pub ps_recv: c_uint,
    /// Packets dropped for want of buffer.
    pub ps_drop: c_uint,
    /// Packets dropped by the interface.
    pub ps_ifdrop: c_uint,
}

/// An instruction of a filter program; host byte order.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpf_insn {
    /// Operation.
    pub code: c_ushort,
    /// Instructions to skip when a condition holds.
    pub jt: c_uchar,
    /// Instructions to skip when it does not.
    pub jf: c_uchar,
    /// The operand.
    pub k: bpf_u_int32,
}

/// A filter program.
#[repr(C)]
pub struct bpf_program {
    /// The number of instructions.
    pub bf_len: c_uint,
    /// The instructions, allocated by malloc(3).
    pub bf_insns: *mut bpf_insn,
}

/// An address of a capture device.
#[repr(C)]
pub struct pcap_addr {
    /// The next address, or null.
    pub next: *mut pcap_addr,
    /// The address.
    pub addr: *mut sockaddr,
    /// Its network mask, or null.
    pub netmask: *mut sockaddr,
    /// Its broadcast address, or null.
    pub broadaddr: *mut sockaddr,
    /// The peer's address, or null.
    pub dstaddr: *mut sockaddr,
}
/// An address of a capture device.
pub type pcap_addr_t = pcap_addr;

/// A capture device, as `pcap_findalldevs` lists it.
#[repr(C)]
pub struct pcap_if {
    /// The next device, or null.
    pub next: *mut pcap_if,
    /// What to hand to `pcap_create`.
    pub name: *mut c_char,
    /// A description, or null.
    pub description: *mut c_char,
    /// Its addresses, or null.
    pub addresses: *mut pcap_addr,
    /// `PCAP_IF_*`.
    pub flags: bpf_u_int32,
}
/// A capture device, as `pcap_findalldevs` lists it.
pub type pcap_if_t = pcap_if;

/// What a savefile begins with.
#[repr(C)]
pub struct pcap_file_header {
    /// Tells the byte order and the precision of the stamps.
    pub magic: bpf_u_int32,
    /// `PCAP_VERSION_MAJOR`.
    pub version_major: c_ushort,
    /// `PCAP_VERSION_MINOR`.
    pub version_minor: c_ushort,
    /// 0.
    pub thiszone: bpf_int32,
    /// 0.
    pub sigfigs: bpf_u_int32,
    /// The most bytes captured of a packet.
    pub snaplen: bpf_u_int32,
    /// The `LINKTYPE_` value, tcpdump.org/linktypes.html.
    pub linktype: bpf_u_int32,
}

/// An entry of ethers(5).
#[repr(C)]
pub struct pcap_etherent {
    /// The Ethernet address.
    pub addr: [c_uchar; 6],
    /// The host's name, a C string.
    pub name: [c_char; 122],
}

/// How a remote capture samples.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pcap_samp {
    /// `PCAP_SAMP_*`.
    pub method: c_int,
    /// What it means depends on the method.
    pub value: c_int,
}

/// How a remote capture authenticates.
#[repr(C)]
pub struct pcap_rmtauth {
    /// `RPCAP_RMTAUTH_*`.
    pub r#type: c_int,
    /// The user's name.
    pub username: *mut c_char,
    /// The user's password.
    pub password: *mut c_char,
}

/// Which packets `pcap_setdirection` chooses: `PCAP_D_*`. An enumeration in C.
pub type pcap_direction_t = c_uint;

/// How a loop hands over each packet.
pub type pcap_handler =
    Option<unsafe extern "C-unwind" fn(user: *mut c_uchar, header: *const pcap_pkthdr, bytes: *const c_uchar)>;

/// Major number of the savefile format.
pub const PCAP_VERSION_MAJOR: c_int = 2;
/// Minor number of the savefile format.
pub const PCAP_VERSION_MINOR: c_int = 4;
/// The size of an error buffer, in bytes.
pub const PCAP_ERRBUF_SIZE: usize = 256;
/// The size of a source string and of each of its parts, in bytes: `pcap_createsrcstr`, `pcap_parsesrcstr`.
pub const PCAP_BUF_SIZE: usize = 1024;
/// The size of a list of hosts in bytes: `pcap_remoteact_list`.
pub const RPCAP_HOSTLIST_SIZE: usize = 1024;

/// Generic error.
pub const PCAP_ERROR: c_int = -1;
/// The loop was ended by `pcap_breakloop`.
pub const PCAP_ERROR_BREAK: c_int = -2;
/// The capture was not activated.
pub const PCAP_ERROR_NOT_ACTIVATED: c_int = -3;
/// The capture is active already.
pub const PCAP_ERROR_ACTIVATED: c_int = -4;
/// No such device.
pub const PCAP_ERROR_NO_SUCH_DEVICE: c_int = -5;
/// Monitor mode is not supported.
pub const PCAP_ERROR_RFMON_NOTSUP: c_int = -6;
/// The capture is not in monitor mode.
pub const PCAP_ERROR_NOT_RFMON: c_int = -7;
/// No permission to open the device.
pub const PCAP_ERROR_PERM_DENIED: c_int = -8;
/// The interface is down.
pub const PCAP_ERROR_IFACE_NOT_UP: c_int = -9;
/// The time stamp type cannot be set.
pub const PCAP_ERROR_CANTSET_TSTAMP_TYPE: c_int = -10;
/// No permission for promiscuous mode.
pub const PCAP_ERROR_PROMISC_PERM_DENIED: c_int = -11;
/// The time stamp precision is not supported.
pub const PCAP_ERROR_TSTAMP_PRECISION_NOTSUP: c_int = -12;
/// The capture mechanism is not available. Known to libpcap since 1.10.5.
pub const PCAP_ERROR_CAPTURE_NOTSUP: c_int = -13;
/// Generic warning.
pub const PCAP_WARNING: c_int = 1;
/// Promiscuous mode is not supported.
pub const PCAP_WARNING_PROMISC_NOTSUP: c_int = 2;
/// The time stamp type is not supported.
pub const PCAP_WARNING_TSTAMP_TYPE_NOTSUP: c_int = 3;

/// For `pcap_compile`: the network mask is not known.
pub const PCAP_NETMASK_UNKNOWN: c_uint = 0xffff_ffff;
/// For `pcap_nametoproto` and others: unknown, or more than one.
pub const PROTO_UNDEF: c_int = -1;
/// For `pcap_init`: strings are in the local encoding.
pub const PCAP_CHAR_ENC_LOCAL: c_uint = 0;
/// For `pcap_init`: strings are in UTF-8.
pub const PCAP_CHAR_ENC_UTF_8: c_uint = 1;
/// For `pcap_init`: packet buffers have 32-bit addresses, which means nothing for NFLOG. Known to libpcap since 1.11.
pub const PCAP_MMAP_32BIT: c_uint = 2;

/// Stamps from the host.
pub const PCAP_TSTAMP_HOST: c_int = 0;
/// From the host, of low precision.
pub const PCAP_TSTAMP_HOST_LOWPREC: c_int = 1;
/// From the host, of high precision.
pub const PCAP_TSTAMP_HOST_HIPREC: c_int = 2;
/// From the adapter, synchronized with the host's clock.
pub const PCAP_TSTAMP_ADAPTER: c_int = 3;
/// From the adapter, not synchronized.
pub const PCAP_TSTAMP_ADAPTER_UNSYNCED: c_int = 4;
/// From the host, of high precision, not synchronized.
pub const PCAP_TSTAMP_HOST_HIPREC_UNSYNCED: c_int = 5;
/// Stamps in microseconds.
pub const PCAP_TSTAMP_PRECISION_MICRO: c_int = 0;
/// Stamps in nanoseconds.
pub const PCAP_TSTAMP_PRECISION_NANO: c_int = 1;

/// The device is a loopback.
pub const PCAP_IF_LOOPBACK: c_uint = 0x01;
/// The device is up.
pub const PCAP_IF_UP: c_uint = 0x02;
/// The device is running.
pub const PCAP_IF_RUNNING: c_uint = 0x04;
/// The device is a radio.
pub const PCAP_IF_WIRELESS: c_uint = 0x08;
/// The bits of a connection's status.
pub const PCAP_IF_CONNECTION_STATUS: c_uint = 0x30;
/// It is not known whether the device is connected.
pub const PCAP_IF_CONNECTION_STATUS_UNKNOWN: c_uint = 0x00;
/// The device is connected.
pub const PCAP_IF_CONNECTION_STATUS_CONNECTED: c_uint = 0x10;
/// The device is not connected.
pub const PCAP_IF_CONNECTION_STATUS_DISCONNECTED: c_uint = 0x20;
/// Connectedness makes no sense for the device.
pub const PCAP_IF_CONNECTION_STATUS_NOT_APPLICABLE: c_uint = 0x30;

/// Packets of both ways.
pub const PCAP_D_INOUT: pcap_direction_t = 0;
/// Received packets.
pub const PCAP_D_IN: pcap_direction_t = 1;
/// Sent packets.
pub const PCAP_D_OUT: pcap_direction_t = 2;

/// A source: a savefile.
pub const PCAP_SRC_FILE: c_int = 2;
/// A source: a device of this host.
pub const PCAP_SRC_IFLOCAL: c_int = 3;
/// A source: a device of another host.
pub const PCAP_SRC_IFREMOTE: c_int = 4;
/// What the source string of a savefile begins with.
pub const PCAP_SRC_FILE_STRING: &str = "file://";
/// What the source string of a device begins with.
pub const PCAP_SRC_IF_STRING: &str = "rpcap://";

/// For `pcap_open`: promiscuous mode.
pub const PCAP_OPENFLAG_PROMISCUOUS: c_int = 0x01;
/// For `pcap_open`: packets of another host come over UDP.
pub const PCAP_OPENFLAG_DATATX_UDP: c_int = 0x02;
/// For `pcap_open`: without the remote capture's own packets.
pub const PCAP_OPENFLAG_NOCAPTURE_RPCAP: c_int = 0x04;
/// For `pcap_open`: without packets that this host sends; Windows only.
pub const PCAP_OPENFLAG_NOCAPTURE_LOCAL: c_int = 0x08;
/// For `pcap_open`: immediate mode.
pub const PCAP_OPENFLAG_MAX_RESPONSIVENESS: c_int = 0x10;
/// No authentication.
pub const RPCAP_RMTAUTH_NULL: c_int = 0;
/// A user's name and password, sent in the clear.
pub const RPCAP_RMTAUTH_PWD: c_int = 1;
/// No sampling.
pub const PCAP_SAMP_NOSAMP: c_int = 0;
/// Sampling: one packet of every `value`.
pub const PCAP_SAMP_1_EVERY_N: c_int = 1;
/// Sampling: the first packet after every `value` milliseconds.
pub const PCAP_SAMP_FIRST_AFTER_N_MS: c_int = 2;
