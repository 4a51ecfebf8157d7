//! NFLOG, the packets that netfilter rules log, as a first-class capture device behind libpcap's C ABI.
//!
//! A device named `nflog:N` is captured by [`capture`], this crate's own core; every other device, every savefile
//! and every name table is the program's own libpcap, called unchanged. So one shared library, preloaded, linked or put
//! in libpcap's place, makes every pcap program read NFLOG.
//!
//! # Map
//!
//! ```text
//! src/lib.rs          what this is, and this map
//! src/environment.rs  the variables that users set, ignored in set-user-ID programs
//! src/reserve.rs      the allocator: malloc(3), and a reserve for when that fails
//! src/system.rs       the program's libpcap: found once, its functions resolved
//! src/system/         which one it is
//!     search.rs       the one that the program would have without this library
//!     linker.rs       what the dynamic linker knows, and where it looks
//!     asked.rs        the names that this library was opened by
//!     caller.rs       who calls: the program, or a libpcap
//! src/abi/            the exported C functions, grouped as pcap's manual groups them
//!     types.rs        the structs and constants of <pcap/pcap.h>
//!     dlt.rs          the values of <pcap/dlt.h>
//!     handle.rs       what a pcap_t of ours is; ours or foreign
//!     guard.rs        no panic crosses the ABI; calls in which no thread is cancelled
//!     error.rs        every error text and code that C sees
//!     open.rs         create, activate, open_live, close
//!     options.rs      pcap_set_* before activation
//!     read.rs         loop, dispatch, next, next_ex, breakloop
//!     status.rs       stats, snapshot, fileno, the selectable descriptor, nonblock, geterr
//!     linktype.rs     link types of a handle, and their names
//!     filter.rs       compile, setfilter, offline_filter, bpf_*
//!     filter/         compiling by the system's libpcap; for NFLOG messages; the words that an error names
//!     savefile.rs     savefiles read and written
//!     dead.rs         a handle without a capture, for what only the system's libpcap does
//!     timestamp.rs    time stamp types and precision
//!     devices.rs      findalldevs, lookupdev, lookupnet
//!     names.rs        nameto*, strerror
//!     version.rs      the library's version
//!     remote.rs       what remote-enabled builds of libpcap export
//!     source.rs       source strings: rpcap://, file://
//!     memory.rs       memory that the caller gets and frees
//!     inject.rs       sendpacket, inject: refused on NFLOG
//!     extensions.rs   pcap_nflog_*
//!     info.rs         struct pcap_nflog_info: what the kernel said of a packet
//! src/capture/        the capture core: safe Rust, no C types, usable alone
//!     device.rs       the grammar of device names
//!     link_type.rs    link types: their names and values
//!     options.rs      what a capture can be told before it opens
//!     netlink.rs      the socket and its requests
//!     claim.rs        which capture of this process has a group
//!     owner.rs        who reads a group, when it isn't us
//!     privilege.rs    what to do without CAP_NET_ADMIN
//!     batch.rs        one received datagram, its messages in order
//!     message.rs      a zero-copy view of one packet message
//!     layout.rs       where the attributes of a message stand
//!     repeat.rs       messages that repeat the one before, read at one look
//!     info.rs         what else the kernel said of a packet
//!     layers.rs       what a payload begins with: link header, VLAN tag, network layer
//!     session.rs      an open capture: configure, read, stop
//!     session/        a fetch: receives the next batch, and says what to block on
//!     delivery.rs     batches into records
//!     wait.rs         where a fetch waits: in the receive, or in poll(2)
//!     pace.rs         how often to look while packets come fast
//!     source.rs       where batches come from: the socket, or the reader thread
//!     reader.rs       the reader thread
//!     stop.rs         ends a wait from a signal handler or another thread
//!     readiness.rs    a descriptor that is readable while packets are in the process
//!     groups.rs       the groups of a capture, for what is kept apart for each
//!     loss.rs         sequence numbers into lost packets
//!     stamp.rs        times of packets
//!     clock.rs        which stamp a record has
//!     filter.rs       which frames are delivered
//!     frame.rs        what a record is made of under each link type
//!     frame/          link headers and true lengths
//!     interfaces.rs   ARPHRD type and address of an interface, for cooked headers
//!     record.rs       the record in hand: in place, or copied where it was cut off
//!     ruleset.rs      which groups the rules log to
//!     ruleset/        the rules of nftables and of iptables-legacy
//!     text.rs         what others chose, made fit for a terminal
//!     error.rs        what can go wrong, and what to do about it
//!     sys.rs          the thin system call layer: the core's only unsafe code
//!     sys/            calls that block; threads and their cancellation; forks; mapped memory
//! src/bpf/            classic BPF: validate and run
//!     program.rs      instructions, and which programs are valid
//!     opcode.rs       the operations by name
//!     op.rs           what the machine does in one step
//!     decode.rs       operations of instructions
//!     decode/         common sequences fused into one, long chains of comparisons looked up in a table
//!     machine.rs      runs them
//!     nflog.rs        programs for NFLOG messages, made of programs for packets
//!     nflog/          the walk to the payload, loads relative to it or of the message, jumps of any length
//! ```
//!
//! Data flows one way: netlink → batch → message → loss/clock → filter → frame → caller.

#![deny(unsafe_op_in_unsafe_fn)]
#![warn(missing_docs)]

pub mod abi;
pub mod bpf;
pub mod capture;
mod environment;
#[cfg_attr(not(feature = "reserve"), allow(dead_code))]
mod reserve;
pub mod system;

#[cfg(feature = "reserve")]
#[global_allocator]
static ALLOCATOR: reserve::Allocator = reserve::Allocator;
