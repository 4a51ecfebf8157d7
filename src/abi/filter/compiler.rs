//! Expressions compiled by the system's libpcap, on handles of its own.

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_char, c_int, c_uint};
use std::marker::PhantomData;

use super::words;
use crate::abi::dead::Dead;
use crate::abi::error::Failed;
use crate::abi::types::*;
use crate::bpf::{Instruction, Program};
use crate::capture::LinkType;
use crate::system::forward;

/// An expression, and how it is compiled: the arguments of `pcap_compile`.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    expression: *const c_char,
    text: PhantomData<&'a CStr>,
    pub optimize: c_int,
    pub netmask: c_uint,
    /// The handle's snapshot length: what a program returns that accepts a packet.
    pub snapshot: c_int,
}

impl Request<'_> {
    /// # Safety
    ///
    /// `expression` is null, or a C string that stays for as long as this value.
    pub unsafe fn new(expression: *const c_char, optimize: c_int, netmask: c_uint, snapshot: c_int) -> Self {
        Request { expression, text: PhantomData, optimize, netmask, snapshot }
    }

    /// The expression, to look for words in.
    pub fn text(&self) -> Cow<'_, str> {
        match self.expression {
            expression if expression.is_null() => "".into(),
            // SAFETY: it is a C string then, as who made the value has promised.
            expression => unsafe { CStr::from_ptr(expression) }.to_string_lossy(),
        }
    }

    /// Compiles it on a handle of libpcap's, which is a capture's in its place.
    pub fn on(&self, p: *mut pcap_t) -> Result<Program, Failed> {
        let Request { expression, optimize, netmask, .. } = *self;
        let mut program = bpf_program { bf_len: 0, bf_insns: std::ptr::null_mut() };
        let to = &raw mut program;
        let result: c_int = forward!(pcap_compile(p, to, expression, optimize, netmask)
            else return Err(Failed::missing("pcap_compile")));
        if result < 0 {
            return Err(Failed::new(result, error_of(p)));
        }
        // SAFETY: it was compiled just now.
        let compiled = Program::new(&unsafe { super::instructions(program.bf_insns, program.bf_len) });
        forward!(pcap_freecode(to) else ());
        compiled.map_err(|invalid| Failed::new(PCAP_ERROR, invalid.to_string()))
    }

    /// The same request for another expression.
    pub fn with<'a>(&self, expression: &'a CStr) -> Request<'a> {
        Request { expression: expression.as_ptr(), text: PhantomData, ..*self }
    }

    /// The same, not optimized, if it was to be.
    pub fn not_optimized(&self) -> Option<Self> {
        (self.optimize != 0).then_some(Request { optimize: 0, ..*self })
    }

    /// The same, optimized, if it was not to be.
    pub fn optimized(&self) -> Option<Self> {
        (self.optimize == 0).then_some(Request { optimize: 1, ..*self })
    }

    /// A handle without a capture to compile it on.
    pub fn dead(&self, link_type: LinkType) -> Result<Dead, Failed> {
        Dead::open(link_type.dlt(), self.snapshot, PCAP_TSTAMP_PRECISION_MICRO as c_uint)
    }

    /// Compiles it for a capture of ours with a link type whose header does not tell a packet's direction. A libpcap that
    /// compiles directions for its own captures only is told what to compile.
    pub fn for_capture(&self, link_type: LinkType) -> Result<Program, Failed> {
        let dead = self.dead(link_type)?;
        self.on(dead.as_ptr()).or_else(|failed| {
            if lacks_memory(&failed) {
                return Err(failed);
            }
            let spelled = words::with_direction_spelled_out(&self.text()).and_then(|text| CString::new(text).ok());
            let Some(spelled) = spelled else { return Err(failed) };
            // Only the optimizer makes a load at a constant offset of it.
            Request { optimize: 1, ..self.with(&spelled) }.on(dead.as_ptr()).map_err(|_| failed)
        })
    }
}

/// Whether libpcap had no memory to compile with, by its texts (gencode.c, optimize.c): then nothing can be said of the
/// expression, and another way to compile it would make another filter.
pub fn lacks_memory(failed: &Failed) -> bool {
    let named = ["memory", "not enough core", "calloc() failed"].iter().any(|words| failed.text.contains(words));
    named || ["malloc", "calloc", "realloc"].iter().any(|call| failed.text.starts_with(call))
}

/// The text of the last failure on a handle of libpcap's.
fn error_of(p: *mut pcap_t) -> String {
    let text: *mut c_char = forward!(pcap_geterr(p) else c"unknown error".as_ptr().cast_mut());
    // SAFETY: libpcap's error buffer is a C string that lives as long as its handle.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Compiles for a capture of ours with a link type other than NFLOG.
///
/// # Errors
///
/// libpcap's own text; ours for what the link type does not have.
pub fn compile(request: &Request, link_type: LinkType) -> Result<Program, Failed> {
    if link_type != LinkType::Sll2 {
        refuse_interface(&request.text(), link_type)?;
    }
    request.for_capture(link_type)
}

/// Only one link type has the interface in its header, and libpcap would compile a load that finds nothing.
pub fn refuse_interface(text: &str, link_type: LinkType) -> Result<(), Failed> {
    let Some((word, at)) = words::find(text, &["ifindex"]) else { return Ok(()) };
    let why = format!(
        "'{word}' at character {at}: records of link type {} do not tell the interface; capture as LINUX_SLL2 to filter \
         by it",
        link_type.name()
    );
    Err(Failed::new(PCAP_ERROR, why))
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
