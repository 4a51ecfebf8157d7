//! Compiling for link type NFLOG. What libpcap compiles for it, has libpcap's meaning; what it cannot, since it does not
//! find the packet in a message, it compiles for raw IP and for Ethernet, and what comes of it is carried over (see
//! [`crate::bpf::nflog`]).

use std::collections::VecDeque;
use std::ffi::{CStr, CString, c_char};
use std::sync::{Mutex, PoisonError};

use super::compiler::{Request, lacks_memory, refuse_interface};
use super::words;
use crate::abi::error::Failed;
use crate::abi::linktype::{pcap_datalink_val_to_description, pcap_datalink_val_to_name};
use crate::abi::types::*;
use crate::bpf::nflog::{LinkBytes, Source, Unsuitable, Way, rewrite};
use crate::bpf::{Instruction, Program};
use crate::capture::{Filter, LinkType};

/// How many programs are known to the reader. A program sets its filter soon after it has compiled it.
const KNOWN_MAX: usize = 64;

/// A program for messages, and the raw IP program that it was made of.
struct Pair {
    message: Vec<Instruction>,
    packet: Program,
}

/// What was compiled last. C copies programs by value, so they are known again by their instructions.
static KNOWN: Mutex<VecDeque<Pair>> = Mutex::new(VecDeque::new());

/// Headers within the packet that libpcap takes for the link layer from there on.
const INNER_LINKS: [&str; 3] = ["pppoes", "geneve", "vxlan"];

/// Compiles for a capture of ours.
///
/// # Errors
///
/// libpcap's own text for what is wrong with the expression; ours for what NFLOG messages do not have.
pub fn compile_for_capture(request: &Request) -> Result<Vec<Instruction>, Failed> {
    let text = request.text();
    refuse_interface(&text, LinkType::Nflog)?;
    let dead = request.dead(LinkType::Nflog)?;
    let nflog = request.on(dead.as_ptr());
    if let Some(program) = nflog.as_ref().ok().filter(|program| !program.asks_packet_type()) {
        return Ok(program.instructions().to_vec());
    }
    if let Err(failed) = &nflog {
        if lacks_memory(failed) {
            return Err(failed.clone());
        }
    }
    let way = Way::OfMessage;
    match ForRaw::new(request) {
        Ok(raw) => carry_over(request, &text, &raw, way),
        Err(failed) if lacks_memory(&failed) => Err(failed),
        // Raw IP has no such thing, but other payloads may.
        Err(refused) => match request.for_capture(LinkType::Ethernet) {
            Ok(ethernet) => match with_link_bytes(request, &text, true, way)? {
                Some(program) => Ok(program),
                None => rewritten(Source::Ethernet { program: &ethernet, tagged: true, link_bytes: None }, &text, way),
            },
            Err(failed) if lacks_memory(&failed) => Err(failed),
            Err(for_ethernet) if renamed(&for_ethernet.text, LinkType::Ethernet) == for_ethernet.text => {
                Err(for_ethernet)
            }
            Err(_) => Err(of_nflog(request, dead.as_ptr(), nflog.err(), refused)),
        },
    }
}

/// Compiles for a handle of the system's libpcap, which has no capture: what needs a link layer is refused there, as
/// libpcap does.
///
/// # Errors
///
/// libpcap's own text, for this link type.
pub fn compile_for_handle(request: &Request, p: *mut pcap_t) -> Result<Vec<Instruction>, Failed> {
    let refused = match request.on(p) {
        Ok(program) => return Ok(program.instructions().to_vec()),
        Err(failed) if lacks_memory(&failed) => return Err(failed),
        Err(refused) => refused,
    };
    let text = request.text();
    let raw = match ForRaw::new(request) {
        Ok(raw) => raw,
        Err(for_raw) => return Err(of_nflog(request, p, Some(refused), for_raw)),
    };
    // What raw IP has and this link type has not, or has on some handles only: asked for alone, libpcap tells.
    let outbound = words::find(&text, &["outbound"]).is_some();
    let asked = [
        (words::asks_link_protocol(&text), c"link proto 1"),
        (raw.program.asks_packet_type(), if outbound { c"outbound" } else { c"inbound" }),
        (raw.program.asks_interface(), c"ifindex 1"),
    ];
    for (_, alone) in asked.into_iter().filter(|&(asks, _)| asks) {
        request.with(alone).on(p)?;
    }
    carry_over(request, &text, &raw, Way::Asked)
}

/// The failure of an expression that raw IP refuses, as libpcap has it for NFLOG: its own where that is not that it
/// does not find the packet; else that of raw IP by another name.
fn of_nflog(request: &Request, p: *mut pcap_t, nflog: Option<Failed>, for_raw: Failed) -> Failed {
    let no_packet = request.with(c"ip").on(p).err();
    match nflog {
        Some(failed) if no_packet.is_none_or(|no_packet| no_packet.text != failed.text) => failed,
        _ => Failed { text: renamed(&for_raw.text, LinkType::Raw), ..for_raw },
    }
}

/// A text of libpcap's with NFLOG's names in place of those of another link type.
fn renamed(text: &str, other: LinkType) -> String {
    // SAFETY: what is not null is a C string that stays for ever.
    let text_of = |text: *const c_char| (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy());
    let names = |of: LinkType| {
        let name = text_of(pcap_datalink_val_to_name(of.dlt())).map(|name| format!("DLT_{name}"));
        [name, text_of(pcap_datalink_val_to_description(of.dlt())).map(Into::into)]
    };
    let pairs = names(other).into_iter().zip(names(LinkType::Nflog));
    pairs.fold(text.to_owned(), |text, pair| match pair {
        (Some(other), Some(nflog)) => text.replace(&other, &nflog),
        _ => text,
    })
}

/// What raw IP makes of an expression.
struct ForRaw {
    program: Program,
    /// The optimizer's failure where it finds that no packet passes; the program is not optimized then.
    rejects: Option<Failed>,
}

impl ForRaw {
    /// An error where raw IP has no such thing. An expression is compiled as few times as can be: names may be looked up
    /// each time.
    fn new(request: &Request) -> Result<ForRaw, Failed> {
        let failed = match request.for_capture(LinkType::Raw) {
            Ok(program) => return Ok(ForRaw { program, rejects: None }),
            Err(failed) => failed,
        };
        let plain = request.not_optimized().filter(|_| !lacks_memory(&failed));
        let Some(plain) = plain else { return Err(failed) };
        Ok(ForRaw { program: plain.for_capture(LinkType::Raw)?, rejects: Some(failed) })
    }
}

/// The program for messages, of an expression that raw IP has.
fn carry_over(request: &Request, text: &str, raw: &ForRaw, way: Way) -> Result<Vec<Instruction>, Failed> {
    carry_over_once(request, text, raw, way).or_else(|failed| {
        // Only the optimizer may make it simple enough: there must be scratch memory for what is found of the message.
        let optimized = request.optimized().filter(|_| !lacks_memory(&failed));
        let Some(optimized) = optimized else { return Err(failed) };
        ForRaw::new(&optimized).and_then(|raw| carry_over_once(&optimized, text, &raw, way)).map_err(|_| failed)
    })
}

fn carry_over_once(request: &Request, text: &str, raw: &ForRaw, way: Way) -> Result<Vec<Instruction>, Failed> {
    if let Some(program) = with_link_bytes(request, text, false, way)? {
        return Ok(program);
    }
    let ForRaw { program: raw, rejects } = raw;
    match (request.for_capture(LinkType::Ethernet), rejects) {
        (Ok(ethernet), _) => rewritten(Source::Both { raw, ethernet: &ethernet }, text, way),
        (Err(failed), _) if lacks_memory(&failed) => Err(failed),
        (Err(_), None) => rewritten(Source::Raw(raw), text, way),
        (Err(_), Some(failed)) => Err(failed.clone()),
    }
}

/// The program for messages where the expression has bytes of the message among others; `None` where it has none.
fn with_link_bytes(request: &Request, text: &str, tagged: bool, way: Way) -> Result<Option<Vec<Instruction>>, Failed> {
    let [Some(added), Some(other)] = LinkBytes::ADDED.map(|number| words::with_added_to_link_bytes(text, number))
    else {
        return Ok(None);
    };
    if let Some((word, at)) = words::find(text, &INNER_LINKS) {
        let why = format!("'{word}' at character {at}: bytes of the link layer cannot be asked for together with it");
        return Err(Failed::new(PCAP_ERROR, why));
    }
    let compile = |text| {
        let text = CString::new(text).map_err(|_| Failed::new(PCAP_ERROR, "the expression has a NUL byte"))?;
        request.with(&text).for_capture(LinkType::Ethernet)
    };
    let (program, other) = (compile(added)?, compile(other)?);
    let link_bytes = LinkBytes::of(&program, &other)
        .ok_or_else(|| Failed::new(PCAP_ERROR, "bytes of the link layer are part of too complex an expression"))?;
    rewritten(Source::Ethernet { program: &program, tagged, link_bytes: Some(&link_bytes) }, text, way).map(Some)
}

/// The program for messages. It is remembered, where IP packets can be judged by its source.
fn rewritten(source: Source, text: &str, way: Way) -> Result<Vec<Instruction>, Failed> {
    let message = match (rewrite(source, way), source) {
        // The words are raw IP's, but they look at what Ethernet has in its header.
        (Err(Unsuitable::LinkHeader), Source::Both { raw, .. }) => rewrite(Source::Raw(raw), way),
        (result, _) => result,
    };
    let message = message.map_err(|unsuitable| {
        let why = match (unsuitable, words::link_address(text)) {
            (Unsuitable::LinkHeader, Some((word, at))) => format!(
                "'{word}' at character {at}: link-layer addresses are not part of NFLOG messages; capture as EN10MB to \
                 filter by them"
            ),
            _ => unsuitable.to_string(),
        };
        Failed::new(PCAP_ERROR, why)
    })?;
    if let Source::Both { raw, .. } | Source::Raw(raw) = source {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|pair| pair.message != message);
        known.truncate(KNOWN_MAX - 1);
        known.push_front(Pair { message: message.clone(), packet: raw.clone() });
    }
    Ok(message)
}

/// The filter that a program is: for whole frames, or for the packets in them where it is known to be made of one for
/// raw IP.
pub fn recognised(program: Program) -> Filter {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    match known.iter().find(|pair| pair.message == program.instructions()) {
        Some(pair) => Filter::Packet { packet: pair.packet.clone(), message: program },
        None => Filter::Frame(program),
    }
}
