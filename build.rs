//! Generates `pcap_nflog.h` from the exported functions, and names the shared library.
//!
//! The header goes to OUT_DIR, where a test compares it with the committed `include/pcap_nflog.h`; with
//! `PCAP_NFLOG_UPDATE_HEADER` set it is written there, too.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use cbindgen::{Builder, Config};

fn main() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libpcap_nflog.so.0");
    // A call from one exported function to another stays in this library, whatever library comes first: with a second
    // copy of it in the process, a handle of the one must not reach the other, to which it would be foreign.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-Bsymbolic");
    println!("cargo:rerun-if-env-changed=PCAP_NFLOG_UPDATE_HEADER");
    for input in ["build.rs", "cbindgen.toml", "include/pcap_nflog.h", "src/abi"] {
        println!("cargo:rerun-if-changed={input}");
    }
    println!("cargo:rustc-check-cfg=cfg(c_time_bits, values(\"32\", \"64\"))");
    if let Some(bits) = time_bits() {
        println!("cargo:rustc-cfg=c_time_bits=\"{bits}\"");
    }
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let header = header(&root);
    fs::write(out.join("pcap_nflog.h"), &header).expect("OUT_DIR can be written");
    let committed = root.join("include/pcap_nflog.h");
    let current = fs::read_to_string(&committed).is_ok_and(|text| text == header);
    if env::var_os("PCAP_NFLOG_UPDATE_HEADER").is_some() && !current {
        fs::create_dir_all(root.join("include")).expect("the folder include can be made");
        fs::write(&committed, &header).expect("include/pcap_nflog.h can be written");
    }
}

/// The width of the C compiler's `time_t` on a 32-bit target: there are two. `None` elsewhere, and where there is no C
/// compiler: the linker of a Rust target usually is one.
fn time_bits() -> Option<u32> {
    if env::var("CARGO_CFG_TARGET_POINTER_WIDTH").is_ok_and(|width| width != "32") {
        return None;
    }
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    let compiler = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let source = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("time.c");
    [32, 64].into_iter().find(|bits| {
        let text = format!("#include <time.h>\nchar check[sizeof(time_t) * 8 == {bits} ? 1 : -1];\n");
        fs::write(&source, text).expect("OUT_DIR can be written");
        let checked = Command::new(&compiler).arg("-fsyntax-only").arg(&source).stderr(Stdio::null()).status();
        checked.is_ok_and(|status| status.success())
    })
}

/// The frame of the header is the text of cbindgen.toml; libpcap's types and the functions are generated into it.
fn header(root: &Path) -> String {
    let abi = root.join("src/abi");
    let config = Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is valid");
    let frame = config.header.clone().expect("cbindgen.toml has a header");

    // libpcap's own types, for where its header is not installed. Nothing here refers to them: each is included by
    // its name.
    let types = abi.join("types.rs");
    let mut standalone = config.clone();
    standalone.header = None;
    standalone.style = cbindgen::Style::Tag;
    standalone.export.rename.retain(|_, name| !name.starts_with("struct pcap") && !name.starts_with("struct bpf"));
    let types = generate(standalone, &[types, abi.join("dlt.rs")]);

    let mut declared = config;
    declared.header = None;
    declared.export.include.clear();
    let mut sources: Vec<_> = fs::read_dir(&abi).expect("src/abi is there").map(|file| file.unwrap().path()).collect();
    sources.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    sources.retain(|file| !["types.rs", "dlt.rs", "mod.rs"].iter().any(|other| file.ends_with(other)));
    sources.sort();
    let functions = generate(declared, &sources);

    frame.replace("@TYPES@\n", &types).replace("@FUNCTIONS@\n", &functions)
}

fn generate(config: Config, sources: &[PathBuf]) -> String {
    let builder = sources.iter().fold(Builder::new().with_config(config), |builder, file| builder.with_src(file));
    let mut text = Vec::new();
    builder.generate().expect("the sources are valid").write(&mut text);
    String::from_utf8(text).expect("a header is text")
}
