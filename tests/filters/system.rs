//! The system's libpcap, opened by its path: never this crate's own functions.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use pcap_nflog::bpf::Instruction;

#[repr(C)]
struct RawProgram {
    count: c_uint,
    instructions: *mut Instruction,
}

type Open = unsafe extern "C" fn(c_int, c_int) -> *mut c_void;
type OpenOffline = unsafe extern "C" fn(*const c_char, *mut c_char) -> *mut c_void;
type Close = unsafe extern "C" fn(*mut c_void);
type Compile = unsafe extern "C" fn(*mut c_void, *mut RawProgram, *const c_char, c_int, c_uint) -> c_int;
type Geterr = unsafe extern "C" fn(*mut c_void) -> *const c_char;
type Freecode = unsafe extern "C" fn(*mut RawProgram);
type Filter = unsafe extern "C" fn(*const Instruction, *const u8, c_uint, c_uint) -> c_uint;
type Validate = unsafe extern "C" fn(*const Instruction, c_int) -> c_int;

pub struct System {
    open: Open,
    open_offline: OpenOffline,
    close: Close,
    compile: Compile,
    geterr: Geterr,
    freecode: Freecode,
    filter: Filter,
    validate: Validate,
}

/// Where a libpcap may be: `PCAP_NFLOG_LIBPCAP`, which chooses it for the library, too; otherwise those that the linker
/// knows, of whatever architecture.
fn candidates() -> Vec<PathBuf> {
    if let Some(path) = std::env::var_os("PCAP_NFLOG_LIBPCAP") {
        return vec![path.into()];
    }
    let known = ["/sbin/ldconfig", "/usr/sbin/ldconfig"].into_iter().find(|path| PathBuf::from(path).exists());
    let cache = Command::new(known.unwrap_or("ldconfig")).arg("-p").output().expect("ldconfig");
    let cache = String::from_utf8_lossy(&cache.stdout).into_owned();
    let lines = cache.lines().filter(|line| line.trim_start().starts_with("libpcap.so.") && !line.contains("nflog"));
    lines.filter_map(|line| line.split("=> ").nth(1)).map(PathBuf::from).collect()
}

/// The first of these that can be loaded: one of another architecture cannot.
fn open(candidates: &[PathBuf]) -> (*mut c_void, &PathBuf) {
    let opened = candidates.iter().find_map(|candidate| {
        let path = CString::new(candidate.as_os_str().as_encoded_bytes()).unwrap();
        // SAFETY: libpcap's initialisation has no requirements.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        (!library.is_null()).then_some((library, candidate))
    });
    opened.unwrap_or_else(|| panic!("no libpcap for this architecture (libpcap0.8): tried {candidates:?}"))
}

#[test]
fn a_libpcap_of_another_architecture_is_passed_over() {
    let candidates = candidates();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("another-architecture");
    std::fs::create_dir_all(&folder).unwrap();
    let (other, broken) = (folder.join("libpcap.so.0.8"), folder.join("libpcap.so.1"));
    // The machine that an ELF file is for: bytes 18 and 19.
    let mut bytes = std::fs::read(open(&candidates).1).unwrap();
    bytes[18..20].fill(0x7f);
    std::fs::write(&other, bytes).unwrap();
    std::fs::write(&broken, "INPUT(-lpcap)").unwrap();
    let all = [vec![other, broken], candidates.clone()].concat();
    assert_eq!(open(&all), open(&candidates));
}

pub fn system() -> &'static System {
    static SYSTEM: OnceLock<System> = OnceLock::new();
    SYSTEM.get_or_init(|| {
        let candidates = candidates();
        let (library, path) = open(&candidates);
        println!("libpcap: {}", path.display());
        macro_rules! function {
            ($name:literal as $kind:ty) => {{
                // SAFETY: the library stays open.
                let found = unsafe { libc::dlsym(library, $name.as_ptr()) };
                assert!(!found.is_null(), "{:?} is not in {path:?}", $name);
                // SAFETY: it is libpcap's function of that name, whose prototype pcap.h and bpf.h have so.
                unsafe { std::mem::transmute::<*mut c_void, $kind>(found) }
            }};
        }
        System {
            open: function!(c"pcap_open_dead" as Open),
            open_offline: function!(c"pcap_open_offline" as OpenOffline),
            close: function!(c"pcap_close" as Close),
            compile: function!(c"pcap_compile" as Compile),
            geterr: function!(c"pcap_geterr" as Geterr),
            freecode: function!(c"pcap_freecode" as Freecode),
            filter: function!(c"bpf_filter" as Filter),
            validate: function!(c"bpf_validate" as Validate),
        }
    })
}

impl System {
    /// What an expression compiles to on a handle of `pcap_open_dead`.
    pub fn compile(&self, link_type: i32, expression: &str, optimize: bool) -> Result<Vec<Instruction>, String> {
        // SAFETY: it takes any values.
        let handle = unsafe { (self.open)(link_type, 262_144) };
        assert!(!handle.is_null(), "pcap_open_dead({link_type})");
        self.compile_on(handle, expression, optimize)
    }

    /// What an expression compiles to for a savefile.
    pub fn compile_offline(&self, file: &CStr, expression: &str, optimize: bool) -> Result<Vec<Instruction>, String> {
        let mut errbuf = [0; 256];
        // SAFETY: the path is a C string; the buffer has PCAP_ERRBUF_SIZE bytes.
        let handle = unsafe { (self.open_offline)(file.as_ptr(), errbuf.as_mut_ptr()) };
        assert!(!handle.is_null(), "pcap_open_offline({file:?})");
        self.compile_on(handle, expression, optimize)
    }

    /// Closes the handle.
    fn compile_on(&self, handle: *mut c_void, expression: &str, optimize: bool) -> Result<Vec<Instruction>, String> {
        let expression = CString::new(expression).unwrap();
        let mut program = RawProgram { count: 0, instructions: std::ptr::null_mut() };
        // SAFETY: as pcap's manual has it; the handle is open, and not used any more.
        unsafe {
            let result = (self.compile)(handle, &mut program, expression.as_ptr(), optimize.into(), 0xffff_ff00);
            let compiled = if result == 0 {
                let compiled = std::slice::from_raw_parts(program.instructions, program.count as usize).to_vec();
                (self.freecode)(&mut program);
                Ok(compiled)
            } else {
                Err(CStr::from_ptr((self.geterr)(handle)).to_string_lossy().into_owned())
            };
            (self.close)(handle);
            compiled
        }
    }

    /// The verdict on `packet`, captured of `len` bytes. The program must be valid, and know no operation but
    /// libpcap's: it ends the process otherwise.
    pub fn run(&self, program: &[Instruction], packet: &[u8], len: u32) -> u32 {
        // SAFETY: the program is valid; the packet has as many bytes as is said.
        unsafe { (self.filter)(program.as_ptr(), packet.as_ptr(), len, packet.len() as u32) }
    }

    pub fn is_valid(&self, program: &[Instruction]) -> bool {
        // SAFETY: there are as many instructions as is said.
        unsafe { (self.validate)(program.as_ptr(), program.len() as c_int) != 0 }
    }
}
