//! Filters: pcap_compile(3PCAP), pcap_setfilter(3PCAP), pcap_offline_filter(3PCAP), and the bpf_* functions.
//!
//! Expressions are compiled by the system's libpcap, for NFLOG messages with a step of ours behind it, whoever made the
//! handle; on our handles the programs run in the reader.

mod compiler;
mod nflog;
mod words;

use std::ffi::{c_char, c_int, c_uchar, c_uint};
use std::{ptr, slice};

use super::error::{self, Failed};
use super::guard::guard;
use super::handle::ours;
use super::types::*;
use crate::bpf::{Instruction, Program};
use crate::capture::LinkType;
use crate::system::forward;
use compiler::Request;

/// Compiles a filter expression, pcap-filter(7), for the handle's link type. The program is freed by
/// `pcap_freecode`.
///
/// # Safety
///
/// `p` is a handle that was not closed; `fp` can be written; `str` is a C string.
///
/// # Returns
///
/// 0, `PCAP_ERROR_NOT_ACTIVATED`, or `PCAP_ERROR` with libpcap's text in `pcap_geterr`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_compile(
    p: *mut pcap_t,
    fp: *mut bpf_program,
    str: *const c_char,
    optimize: c_int,
    netmask: c_uint,
) -> c_int {
    // SAFETY: as the caller promises.
    let Some(handle) = (unsafe { ours(p) }) else {
        return match forward!(pcap_datalink(p) else PCAP_ERROR) {
            // SAFETY: as the caller promises.
            NFLOG => unsafe { compile_for_foreign(p, fp, str, optimize, netmask) },
            _ => forward!(pcap_compile(p, fp, str, optimize, netmask) else PCAP_ERROR),
        };
    };
    handle.call(|state| {
        // SAFETY: as the caller promises.
        let request = unsafe { Request::new(str, optimize, netmask, state.snapshot()?) };
        let compiled = match state.active()?.link_type() {
            LinkType::Nflog => nflog::compile_for_capture(&request)?,
            link_type => compiler::compile(&request, link_type)?.instructions().to_vec(),
        };
        // SAFETY: as the caller promises.
        unsafe { compiler::hand_over(&compiled, fp) }
    })
}

/// DLT_NFLOG.
const NFLOG: c_int = LinkType::Nflog.dlt();

/// Compiles for a handle of the system's libpcap whose link type is NFLOG: a savefile, or one without a capture. The
/// program and the text of a failure are as if libpcap had done it.
///
/// # Safety
///
/// As for `pcap_compile`.
unsafe fn compile_for_foreign(
    p: *mut pcap_t,
    fp: *mut bpf_program,
    expression: *const c_char,
    optimize: c_int,
    netmask: c_uint,
) -> c_int {
    let errbuf: *mut c_char = forward!(pcap_geterr(p) else ptr::null_mut());
    let snapshot: c_int = forward!(pcap_snapshot(p) else 0);
    // SAFETY: libpcap's error buffer has PCAP_ERRBUF_SIZE bytes; the caller promises the rest.
    unsafe {
        let request = Request::new(expression, optimize, netmask, snapshot);
        let compile = || nflog::compile_for_handle(&request, p);
        guard(errbuf, || match compile().and_then(|program| compiler::hand_over(&program, fp)) {
            Ok(result) => result,
            Err(failed) => {
                error::write(errbuf, &failed.text);
                failed.code
            }
        })
    }
}

/// Compiles a filter expression without a handle; deprecated by libpcap.
///
/// # Safety
///
/// `program` can be written; `buf` is a C string.
///
/// # Returns
///
/// 0, or `PCAP_ERROR`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_compile_nopcap(
    snaplen: c_int,
    linktype: c_int,
    program: *mut bpf_program,
    buf: *const c_char,
    optimize: c_int,
    mask: c_uint,
) -> c_int {
    if linktype == NFLOG {
        let compile = || {
            // SAFETY: as the caller promises.
            let compiled = unsafe {
                let request = Request::new(buf, optimize, mask, snaplen);
                let dead = request.dead(LinkType::Nflog);
                let compiled = dead.and_then(|dead| nflog::compile_for_handle(&request, dead.as_ptr()));
                compiled.and_then(|compiled| compiler::hand_over(&compiled, program))
            };
            compiled.unwrap_or(PCAP_ERROR)
        };
        // SAFETY: there is no buffer.
        return unsafe { guard(ptr::null_mut(), compile) };
    }
    forward!(pcap_compile_nopcap(snaplen, linktype, program, buf, optimize, mask) else PCAP_ERROR)
}

/// Puts a filter in force, from the next packet on, those included that were received but not handed over.
///
/// # Safety
///
/// `p` is a handle that was not closed; `fp` points to a program whose instructions can be read.
///
/// # Returns
///
/// 0, `PCAP_ERROR_NOT_ACTIVATED`, or `PCAP_ERROR` when the program is not valid.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_setfilter(p: *mut pcap_t, fp: *mut bpf_program) -> c_int {
    // SAFETY: as the caller promises.
    let Some(handle) = (unsafe { ours(p) }) else {
        return forward!(pcap_setfilter(p, fp) else PCAP_ERROR);
    };
    handle.call(|state| {
        let session = state.active()?;
        if fp.is_null() {
            return Err(Failed::null("the filter program"));
        }
        // SAFETY: as the caller promises.
        let instructions = unsafe { instructions((*fp).bf_insns, (*fp).bf_len) };
        let program = Program::new(&instructions).map_err(|invalid| Failed::new(PCAP_ERROR, invalid.to_string()))?;
        // SAFETY: as above. A later libpcap may know more rules.
        if unsafe { bpf_validate((*fp).bf_insns, (*fp).bf_len as c_int) } == 0 {
            return Err(Failed::new(PCAP_ERROR, "BPF program is not valid, by the rules of the system's libpcap"));
        }
        if program.asks_interface() {
            let why = "the filter asks for the interface (ifindex), which no record tells but that of LINUX_SLL2: \
                       compile it for that";
            return Err(Failed::new(PCAP_ERROR, why));
        }
        session.set_filter(Some(nflog::recognised(program)));
        Ok(0)
    })
}

/// C's instructions as ours; none where the pointer is null.
///
/// # Safety
///
/// `first` is null or points to `count` instructions.
unsafe fn instructions(first: *const bpf_insn, count: c_uint) -> Vec<Instruction> {
    if first.is_null() {
        return Vec::new();
    }
    // SAFETY: as the caller promises.
    let instructions = unsafe { slice::from_raw_parts(first, count as usize) };
    instructions.iter().map(|&bpf_insn { code, jt, jf, k }| Instruction { code, jt, jf, k }).collect()
}

/// Frees what a compiled program holds; the program itself is the caller's.
///
/// # Safety
///
/// `fp` points to a program of `pcap_compile` that was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_freecode(fp: *mut bpf_program) {
    forward!(pcap_freecode(fp) else {
        // SAFETY: as the caller promises; instructions are allocated by malloc(3), whoever compiled them.
        unsafe {
            if !fp.is_null() {
                libc::free((*fp).bf_insns.cast());
                *fp = bpf_program { bf_len: 0, bf_insns: ptr::null_mut() };
            }
        }
    })
}

/// Runs a program on a packet.
///
/// # Safety
///
/// `fp` points to a valid program; `h` and `pkt` are a packet's header and its `caplen` bytes.
///
/// # Returns
///
/// What the program returns: 0 for rejection.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_offline_filter(
    fp: *const bpf_program,
    h: *const pcap_pkthdr,
    pkt: *const c_uchar,
) -> c_int {
    forward!(pcap_offline_filter(fp, h, pkt) else {
        // SAFETY: as the caller promises.
        unsafe {
            match (*fp).bf_insns {
                insns if insns.is_null() => 0,
                insns => run(insns, (*fp).bf_len, pkt, (*h).len, (*h).caplen) as c_int,
            }
        }
    })
}

/// Runs the program at `first` on a packet; one that is not valid rejects it.
///
/// # Safety
///
/// `first` points to `count` instructions, `packet` to `caplen` bytes.
unsafe fn run(first: *const bpf_insn, count: c_uint, packet: *const c_uchar, len: c_uint, caplen: c_uint) -> c_uint {
    // SAFETY: as the caller promises; an empty packet may have any pointer.
    let (instructions, packet) = unsafe {
        let packet = if caplen == 0 { &[][..] } else { slice::from_raw_parts(packet, caplen as usize) };
        (instructions(first, count), packet)
    };
    Program::new(&instructions).map_or(0, |program| program.run(packet, len))
}

/// Runs a program, given by its first instruction, on a packet of `wirelen` bytes of which `buflen` are at `p`.
///
/// # Safety
///
/// `pc` is null or the first instruction of a valid program; `p` points to `buflen` bytes.
///
/// # Returns
///
/// What the program returns: 0 for rejection; everything is accepted where `pc` is null.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn bpf_filter(
    pc: *const bpf_insn,
    p: *const c_uchar,
    wirelen: c_uint,
    buflen: c_uint,
) -> c_uint {
    forward!(bpf_filter(pc, p, wirelen, buflen) else {
        // Without libpcap: how many instructions there are is not said, and cannot be checked.
        if pc.is_null() { c_uint::MAX } else { 0 }
    })
}

/// Checks a program of `len` instructions.
///
/// # Safety
///
/// `f` points to `len` instructions.
///
/// # Returns
///
/// 1 for a valid program, 0 for any other.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn bpf_validate(f: *const bpf_insn, len: c_int) -> c_int {
    forward!(bpf_validate(f, len) else {
        // SAFETY: as the caller promises.
        let instructions = unsafe { instructions(f, len.max(0) as c_uint) };
        Program::new(&instructions).is_ok().into()
    })
}

/// The text of an instruction, at index `n` of its program.
///
/// # Safety
///
/// `p` points to an instruction.
///
/// # Returns
///
/// A C string that stays until the next call; null where there is no libpcap.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn bpf_image(p: *const bpf_insn, n: c_int) -> *mut c_char {
    forward!(bpf_image(p, n) else ptr::null_mut())
}

/// Prints a program on standard output: `option` 1 as text, 2 as a C array, 3 as numbers.
///
/// # Safety
///
/// `p` points to a program whose instructions can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn bpf_dump(p: *const bpf_program, option: c_int) {
    forward!(bpf_dump(p, option) else ())
}
