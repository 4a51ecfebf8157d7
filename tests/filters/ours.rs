//! Expressions compiled by this library's own `pcap_compile`, for link type NFLOG and without a capture.

use std::ffi::{CStr, CString, c_int};
use std::ptr;

use pcap_nflog::abi::filter::{pcap_compile, pcap_compile_nopcap, pcap_freecode};
use pcap_nflog::abi::open::pcap_close;
use pcap_nflog::abi::savefile::{pcap_open_dead, pcap_open_offline};
use pcap_nflog::abi::status::pcap_geterr;
use pcap_nflog::abi::types::{PCAP_ERRBUF_SIZE, bpf_program, pcap_t};
use pcap_nflog::bpf::Instruction;

pub const RAW: i32 = 12;
pub const NFLOG: i32 = 239;
const SNAPLEN: c_int = 262_144;
const NETMASK: u32 = 0xffff_ff00;

/// What an expression compiles to on a handle of `pcap_open_dead` or of a savefile, or the text of the failure.
pub type Compiled = Result<Vec<Instruction>, String>;

fn taken(mut program: bpf_program) -> Vec<Instruction> {
    // SAFETY: it was compiled just now.
    unsafe {
        let instructions = std::slice::from_raw_parts(program.bf_insns.cast::<Instruction>(), program.bf_len as usize);
        let instructions = instructions.to_vec();
        pcap_freecode(&mut program);
        instructions
    }
}

/// `pcap_compile` of this library on a handle, which is closed.
fn compiled_on(p: *mut pcap_t, expression: &str, optimize: bool) -> Compiled {
    let text = CString::new(expression).unwrap();
    let mut program = bpf_program { bf_len: 0, bf_insns: ptr::null_mut() };
    // SAFETY: the handle is open, and not used any more.
    unsafe {
        let result = pcap_compile(p, &mut program, text.as_ptr(), optimize.into(), NETMASK);
        let result = match result {
            0 => Ok(taken(program)),
            _ => Err(CStr::from_ptr(pcap_geterr(p)).to_string_lossy().into_owned()),
        };
        pcap_close(p);
        result
    }
}

pub fn on_dead_handle(expression: &str, optimize: bool) -> Compiled {
    compiled_on(pcap_open_dead(NFLOG, SNAPLEN), expression, optimize)
}

/// An empty savefile of the link type, put where tests have their files.
pub fn savefile() -> CString {
    let mut bytes = Vec::new();
    for field in [0xa1b2_c3d4, 2 | (4 << 16), 0, 0, SNAPLEN as u32, NFLOG as u32] {
        bytes.extend(u32::to_ne_bytes(field));
    }
    if cfg!(target_endian = "big") {
        bytes[4..8].copy_from_slice(&[0, 2, 0, 4]);
    }
    let path = format!("{}/link_layer.{:?}.pcap", env!("CARGO_TARGET_TMPDIR"), std::thread::current().id());
    std::fs::write(&path, bytes).unwrap();
    CString::new(path).unwrap()
}

pub fn on_savefile(file: &CStr, expression: &str, optimize: bool) -> Compiled {
    let mut errbuf = [0; PCAP_ERRBUF_SIZE];
    // SAFETY: the path is a C string; the buffer is as large as it must be.
    let p = unsafe { pcap_open_offline(file.as_ptr(), errbuf.as_mut_ptr()) };
    assert!(!p.is_null());
    compiled_on(p, expression, optimize)
}

/// `pcap_compile_nopcap` of this library, which has no text for a failure.
pub fn without_a_handle(expression: &str) -> Option<Vec<Instruction>> {
    let text = CString::new(expression).unwrap();
    let mut program = bpf_program { bf_len: 0, bf_insns: ptr::null_mut() };
    // SAFETY: the program can be written; the expression is a C string.
    let result = unsafe { pcap_compile_nopcap(SNAPLEN, NFLOG, &mut program, text.as_ptr(), 1, NETMASK) };
    (result == 0).then(|| taken(program))
}
