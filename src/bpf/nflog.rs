//! Programs for NFLOG messages, made of programs for the packets in them.
//!
//! libpcap's compiler does not know LINKTYPE_NFLOG: `struct nfgenmsg`, then attributes, the packet among them. But a
//! program for raw IP packets can be carried over. What comes first walks the attributes, notes where the payload is
//! and what the message says of it, and steps over the link header that some payloads begin with; then every load is
//! made relative to the payload, and its own bounds are checked: what is behind it in the message is not the packet's.
//!
//! A raw packet tells its protocol by the version in its first byte, which only IP has. So packets of other protocols
//! (ARP, a VLAN tag, LLDP) are judged by the program that the same expression has for Ethernet, with the ethertype
//! from the message and without the addresses, which a message need not have.
//!
//! - `len` and `link[…]` are libpcap's for LINKTYPE_NFLOG: the message's length, and its bytes ([`LinkBytes`]).
//! - Attribute headers are in the byte order of the host. libpcap turns those of a savefile from elsewhere around
//!   when it reads them.
//! - The attributes up to the payload are looked at, and at most [`ATTRIBUTES_MAX`]: the kernel puts the payload last.
//! - A message without a payload has an empty one. One that is cut off before its payload is rejected.
//! - There are no jumps backwards but the source's.

mod assembler;
mod body;
mod flow;
mod link_bytes;
mod walk;

use std::fmt;

use super::opcode::*;
use super::program::{Instruction, MEMORY_WORDS, Program};
use assembler::Assembler;
use body::{Body, Layout};
use flow::Tests;
pub use link_bytes::LinkBytes;

/// How many attributes are looked at. The kernel's messages have at most 21 (linux/netfilter/nfnetlink_log.h).
pub const ATTRIBUTES_MAX: usize = 24;

/// What one expression compiles to.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// For DLT_RAW, which judges IP packets, and for DLT_EN10MB, which judges all others.
    Both {
        /// For DLT_RAW.
        raw: &'a Program,
        /// For DLT_EN10MB.
        ethernet: &'a Program,
    },
    /// For DLT_RAW only. No other packet passes for IP.
    Raw(&'a Program),
    /// For DLT_EN10MB only.
    Ethernet {
        /// For DLT_EN10MB.
        program: &'a Program,
        /// Whether a tag that the kernel keeps beside the packet is put back where it was: for `vlan`, `mpls`, which IP
        /// packets alone cannot have.
        tagged: bool,
        /// Which of its loads take bytes of the message.
        link_bytes: Option<&'a LinkBytes>,
    },
}

/// What becomes of loads that ask which way the packet went (`inbound`, `outbound`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The message's hook tells.
    OfMessage,
    /// They stay as they are: who runs the program may know.
    Asked,
}

/// Why a program can't be carried over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsuitable {
    /// It looks at link addresses, which messages need not have.
    LinkHeader,
    /// It leaves too few words of scratch memory free.
    Scratch {
        /// How many are needed.
        needed: usize,
        /// How many are left.
        free: usize,
    },
}

impl fmt::Display for Unsuitable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unsuitable::LinkHeader => write!(f, "link-layer addresses are not part of NFLOG messages"),
            Unsuitable::Scratch { needed, free } => write!(
                f,
                "the expression is too complex for NFLOG: it leaves {free} of {MEMORY_WORDS} scratch words free, and \
                 {needed} are needed"
            ),
        }
    }
}

impl std::error::Error for Unsuitable {}

/// Words of scratch memory that the source does not use.
#[derive(Clone, Copy, Debug)]
struct Words {
    /// Where the payload begins in the message.
    start: u32,
    /// How many bytes it has, as the message says.
    length: u32,
    /// A register while a load is made; before, where PACKET_HDR is.
    spare: u32,
    /// Before the source begins: where L2HDR is.
    header: u32,
    /// The ethertype.
    kind: u32,
    /// The packet's type, linux/if_packet.h.
    way: u32,
    /// The VLAN tag beside the packet: its TCI and [`TAGGED`], or 0; before, where VLAN is.
    tag: u32,
    /// The ethertype behind that tag.
    inner: u32,
}

/// Marks a TCI as there.
const TAGGED: u32 = 0x1_0000;

/// What the source asks for.
#[derive(Clone, Copy, Debug)]
struct Asks {
    kind: bool,
    /// The kind of IP packets, too: they are judged by it.
    ip_kind: bool,
    way: bool,
    tag: bool,
}

/// Makes a program for LINKTYPE_NFLOG messages. It decides by the packet in a message, and returns what its source
/// does.
///
/// # Errors
///
/// [`Unsuitable`].
pub fn rewrite(source: Source, way: Way) -> Result<Vec<Instruction>, Unsuitable> {
    let (first, second) = match source {
        Source::Both { raw, ethernet } => (
            Body::new(raw, Layout::Raw, Tests::Open, way),
            Some(Body::new(ethernet, Layout::Ethernet { tagged: false, link_bytes: None }, Tests::Ethertype, way)),
        ),
        Source::Raw(raw) => {
            (Body::new(raw, Layout::Raw, Tests::Open, way), Some(Body::new(raw, Layout::Raw, Tests::Version, way)))
        }
        Source::Ethernet { program, tagged, link_bytes } => {
            (Body::new(program, Layout::Ethernet { tagged, link_bytes }, Tests::Open, way), None)
        }
    };
    let bodies = || std::iter::once(&first).chain(&second);
    if bodies().all(|body| !body.looks()) {
        return Ok(first.program().to_vec());
    }
    let tag = matches!(source, Source::Ethernet { tagged: true, .. });
    let asks = Asks {
        kind: tag || bodies().any(Body::asks_kind),
        ip_kind: second.is_none(),
        way: bodies().any(Body::asks_way),
        tag,
    };
    let used = bodies().fold(0, |used, body| used | flow::words_used(body.program()));
    let begun = bodies().fold(0, |begun, body| begun | body.begins_with());
    let words = assign(used, begun, asks)?;

    let mut asm = Assembler::default();
    let (ip, other, reject) = (asm.label(), asm.label(), asm.label());
    walk::payload(&mut asm, &words, asks, reject);
    walk::classify(&mut asm, &words, asks, ip, other);
    asm.bind(ip);
    match second {
        Some(second) => {
            first.emit(&mut asm, &words, reject)?;
            asm.bind(other);
            second.emit(&mut asm, &words, reject)?;
        }
        None => {
            asm.bind(other);
            if tag {
                walk::put_tag_back(&mut asm, &words);
            }
            first.emit(&mut asm, &words, reject)?;
        }
    }
    asm.bind(reject);
    asm.op(RET_K, 0);
    Ok(asm.finish())
}

/// Gives each purpose a word of its own that the source does not use. `begun` are the source's words that it reads
/// before it writes them: the others can hold what is not needed any more when the source begins.
fn assign(used: u32, begun: u32, asks: Asks) -> Result<Words, Unsuitable> {
    let lasting = |word: &u32| used & (1 << word) == 0;
    let mut free = (0..MEMORY_WORDS as u32).filter(lasting);
    let needed = [true, true, true, asks.kind, asks.way, asks.tag, asks.tag];
    let needed = needed.into_iter().filter(|&needed| needed).count();
    let scarce = Unsuitable::Scratch { needed, free: free.clone().count() };
    let mut next = |wanted: bool| if wanted { free.next().ok_or(scarce) } else { Ok(u32::MAX) };
    let mut words = Words {
        start: next(true)?,
        length: next(true)?,
        spare: next(true)?,
        header: u32::MAX,
        kind: next(asks.kind)?,
        way: next(asks.way)?,
        tag: next(asks.tag)?,
        inner: next(asks.tag)?,
    };
    let mut passing = (0..MEMORY_WORDS as u32).filter(|word| !lasting(word) && begun & (1 << word) == 0);
    words.header = free.next().or_else(|| passing.next()).ok_or(scarce)?;
    Ok(words)
}
