//! Compiling for link type NFLOG, which libpcap cannot: it compiles for raw IP and for Ethernet, and what comes of it is
//! carried over (see [`crate::bpf::nflog`]).

use std::collections::VecDeque;
use std::ffi::{CStr, c_char, c_int, c_uint};
use std::sync::{Mutex, PoisonError};

use super::words;
use crate::abi::dead::Dead;
use crate::abi::error::Failed;
use crate::abi::types::*;
use crate::bpf::nflog::{Source, Unsuitable, rewrite};
use crate::bpf::{Instruction, Program};
use crate::capture::{Filter, LinkType};
use crate::system::forward;

/// An expression, and how it is compiled: the arguments of `pcap_compile`.
#[derive(Clone, Copy)]
pub struct Request {
    /// Null, or a C string that stays for as long as this value.
    pub expression: *const c_char,
    pub optimize: c_int,
    pub netmask: c_uint,
    /// The handle's snapshot length: what a program returns that accepts a packet.
    pub snapshot: c_int,
}

/// How many programs are known to the reader. A program sets its filter soon after it has compiled it.
const KNOWN_MAX: usize = 64;

/// A program for messages, and the raw IP program that it was made of.
struct Pair {
    message: Vec<Instruction>,
    packet: Program,
}

/// What was compiled last. C copies programs by value, so they are known again by their instructions.
static KNOWN: Mutex<VecDeque<Pair>> = Mutex::new(VecDeque::new());

/// Compiles an expression for LINKTYPE_NFLOG.
///
/// # Errors
///
/// libpcap's own text for what is wrong with the expression; ours for what NFLOG messages do not have.
pub fn compile(request: &Request) -> Result<Vec<Instruction>, Failed> {
    let raw = compile_for(LinkType::Raw, request);
    let text = match request.expression {
        expression if expression.is_null() => "".into(),
        // SAFETY: it is a C string then.
        expression => unsafe { CStr::from_ptr(expression) }.to_string_lossy(),
    };
    if words::reads_link_bytes(&text) {
        return carry_over(&text, Source::Raw(&raw?), Some(LinkType::Raw));
    }
    let ethernet = compile_for(LinkType::Ethernet, request);
    match (&raw, &ethernet) {
        (Ok(raw), Ok(ethernet)) => carry_over(&text, Source::Both { raw, ethernet }, Some(LinkType::Raw)),
        (Ok(raw), Err(_)) => carry_over(&text, Source::Raw(raw), Some(LinkType::Raw)),
        (Err(_), Ok(ethernet)) => carry_over(&text, Source::Ethernet(ethernet), None),
        (Err(for_raw), Err(for_ethernet)) => {
            // What is wrong with the expression itself is said of either; what is wrong with raw IP is not NFLOG's.
            let named = for_raw.text.contains("Raw IP") && !for_ethernet.text.contains("Ethernet");
            raw_or(named, raw, ethernet)
        }
    }
}

fn raw_or(
    ethernet_tells: bool,
    raw: Result<Program, Failed>,
    ethernet: Result<Program, Failed>,
) -> Result<Vec<Instruction>, Failed> {
    let told = if ethernet_tells { ethernet } else { raw };
    told.map(|program| program.instructions().to_vec())
}

fn compile_for(link_type: LinkType, request: &Request) -> Result<Program, Failed> {
    let Request { expression, optimize, netmask, snapshot } = *request;
    let dead = Dead::open(link_type.dlt(), snapshot, PCAP_TSTAMP_PRECISION_MICRO as c_uint)?;
    let mut program = bpf_program { bf_len: 0, bf_insns: std::ptr::null_mut() };
    let to = &raw mut program;
    let result: c_int = forward!(pcap_compile(dead.as_ptr(), to, expression, optimize, netmask)
        else return Err(Failed::missing("pcap_compile")));
    if result < 0 {
        return Err(Failed::new(result, dead.error()));
    }
    // SAFETY: it was compiled just now.
    let compiled = Program::new(&unsafe { super::instructions(program.bf_insns, program.bf_len) });
    forward!(pcap_freecode(to) else ());
    compiled.map_err(|invalid| Failed::new(PCAP_ERROR, invalid.to_string()))
}

/// The program for messages. It is remembered, where IP packets can be judged by its source.
fn carry_over(text: &str, source: Source, judges: Option<LinkType>) -> Result<Vec<Instruction>, Failed> {
    let message = match (rewrite(source), source) {
        // The words are raw IP's, but they look at what Ethernet has in its header.
        (Err(Unsuitable::LinkHeader), Source::Both { raw, .. }) => rewrite(Source::Raw(raw)),
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
    let packet = match source {
        Source::Both { raw, .. } | Source::Raw(raw) if judges.is_some() => Some(raw.clone()),
        _ => None,
    };
    if let Some(packet) = packet {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|pair| pair.message != message);
        known.truncate(KNOWN_MAX - 1);
        known.push_front(Pair { message: message.clone(), packet });
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

/// Hands instructions to C, which frees them by free(3): libpcap's own functions do.
///
/// # Safety
///
/// `to` can be written.
pub unsafe fn hand_over(instructions: &[Instruction], to: *mut bpf_program) -> Result<c_int, Failed> {
    if to.is_null() {
        return Err(Failed::null("the filter program"));
    }
    let size = std::mem::size_of_val(instructions);
    // SAFETY: the memory is as large as the instructions, whose layout is C's; the caller promises the rest.
    unsafe {
        let memory = libc::malloc(size.max(1)).cast::<Instruction>();
        if memory.is_null() {
            return Err(Failed::new(PCAP_ERROR, "no memory for the filter program"));
        }
        memory.copy_from_nonoverlapping(instructions.as_ptr(), instructions.len());
        *to = bpf_program { bf_len: instructions.len() as c_uint, bf_insns: memory.cast() };
    }
    Ok(0)
}
