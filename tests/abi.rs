//! The C interface is libpcap's: the same functions, the same prototypes, the same structs and constants. It is
//! compared with the libpcap that is installed, by its symbol table and its headers.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::mem::{offset_of, size_of};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use pcap_nflog::abi::types::*;

/// What libpcap 1.10 exports in addition where it was built with remote capture.
const REMOTE: [&str; 10] = [
    "pcap_open",
    "pcap_createsrcstr",
    "pcap_parsesrcstr",
    "pcap_findalldevs_ex",
    "pcap_setsampling",
    "pcap_remoteact_accept",
    "pcap_remoteact_accept_ex",
    "pcap_remoteact_list",
    "pcap_remoteact_close",
    "pcap_remoteact_cleanup",
];

/// The functions and the variables that Debian's libpcap exports: 1.10.3 of Debian 12 and 1.10.5 of Debian 13 alike, by
/// `readelf --dyn-syms`.
const DEBIAN_FUNCTIONS: &str = "
    bpf_dump bpf_filter bpf_image bpf_validate pcap_activate pcap_breakloop pcap_bufsize pcap_can_set_rfmon
    pcap_close pcap_compile pcap_compile_nopcap pcap_create pcap_datalink pcap_datalink_ext
    pcap_datalink_name_to_val pcap_datalink_val_to_description pcap_datalink_val_to_description_or_dlt
    pcap_datalink_val_to_name pcap_dispatch pcap_dump pcap_dump_close pcap_dump_file pcap_dump_flush
    pcap_dump_fopen pcap_dump_ftell pcap_dump_ftell64 pcap_dump_open pcap_dump_open_append pcap_ether_aton
    pcap_ether_hostton pcap_file pcap_fileno pcap_findalldevs pcap_fopen_offline
    pcap_fopen_offline_with_tstamp_precision pcap_free_datalinks pcap_free_tstamp_types pcap_freealldevs
    pcap_freecode pcap_get_required_select_timeout pcap_get_selectable_fd pcap_get_tstamp_precision pcap_geterr
    pcap_getnonblock pcap_init pcap_inject pcap_is_swapped pcap_lib_version pcap_list_datalinks
    pcap_list_tstamp_types pcap_lookupdev pcap_lookupnet pcap_loop pcap_major_version pcap_minor_version
    pcap_nametoaddr pcap_nametoaddrinfo pcap_nametoeproto pcap_nametollc pcap_nametonetaddr pcap_nametoport
    pcap_nametoportrange pcap_nametoproto pcap_next pcap_next_etherent pcap_next_ex pcap_offline_filter
    pcap_open_dead pcap_open_dead_with_tstamp_precision pcap_open_live pcap_open_offline
    pcap_open_offline_with_tstamp_precision pcap_perror pcap_sendpacket pcap_set_buffer_size pcap_set_datalink
    pcap_set_immediate_mode pcap_set_promisc pcap_set_protocol_linux pcap_set_rfmon pcap_set_snaplen
    pcap_set_timeout pcap_set_tstamp_precision pcap_set_tstamp_type pcap_setdirection pcap_setfilter
    pcap_setnonblock pcap_snapshot pcap_stats pcap_statustostr pcap_strerror pcap_tstamp_type_name_to_val
    pcap_tstamp_type_val_to_description pcap_tstamp_type_val_to_name
";
const DEBIAN_VARIABLES: [(&str, usize); 2] = [("eproto_db", 13 * 2 * size_of::<usize>()), ("pcap_version", 7)];

const HEADER: &str = include_str!("../include/pcap_nflog.h");

/// Runs a command that comes from `package`; its standard output.
fn run(command: &mut Command, package: &str) -> String {
    let output = command.output().unwrap_or_else(|why| panic!("{command:?}: {why}; install {package}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} (of {package}) failed: {}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// This library as a shared library: `PCAP_NFLOG_LIB`, or what was built with this test.
fn our_library() -> PathBuf {
    if let Some(path) = env::var_os("PCAP_NFLOG_LIB") {
        return path.into();
    }
    // The test is in target/PROFILE/deps.
    let test = env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let found = ["libpcap_nflog.so", "deps/libpcap_nflog.so"].map(|name| profile.join(name));
    let newest = found.into_iter().filter(|path| path.exists()).max_by_key(|path| modified(path));
    newest.unwrap_or_else(|| panic!("no libpcap_nflog.so in {}: build it, or set PCAP_NFLOG_LIB", profile.display()))
}

fn modified(path: &Path) -> std::time::SystemTime {
    fs::metadata(path).and_then(|metadata| metadata.modified()).unwrap()
}

/// The libpcap that is installed.
fn installed_library() -> PathBuf {
    let named = run(Command::new("cc").arg("-print-file-name=libpcap.so"), "gcc");
    // The compiler gives the bare name back where it knows no such file.
    if Path::new(named.trim()).is_absolute() {
        return named.trim().into();
    }
    let known = ["/sbin/ldconfig", "/usr/sbin/ldconfig"].map(Path::new).into_iter().find(|path| path.exists());
    let cache = run(Command::new(known.unwrap_or(Path::new("ldconfig"))).arg("-p"), "libc-bin");
    let line = cache.lines().find(|line| line.trim_start().starts_with("libpcap.so."));
    line.and_then(|line| line.split("=> ").nth(1)).map(PathBuf::from).expect("no libpcap is installed: libpcap0.8")
}

/// What a library defines: each symbol's type (FUNC, OBJECT) and its name without a version.
fn exported(library: &Path) -> BTreeSet<(String, String)> {
    let table = run(Command::new("readelf").args(["-W", "--dyn-syms"]).arg(library), "binutils");
    let symbols = table.lines().filter_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [_, _, _, kind @ ("FUNC" | "OBJECT"), _, _, section, name] if section != "UND" => {
            Some((kind.to_owned(), name.split('@').next().unwrap().to_owned()))
        }
        _ => None,
    });
    let symbols: BTreeSet<_> = symbols.collect();
    assert!(!symbols.is_empty(), "{} exports nothing:\n{table}", library.display());
    symbols
}

fn functions(library: &Path) -> BTreeSet<String> {
    exported(library).into_iter().filter(|(kind, _)| kind == "FUNC").map(|(_, name)| name).collect()
}

#[test]
fn every_function_of_the_installed_libpcap_is_exported() {
    let installed = functions(&installed_library());
    assert!(installed.contains("pcap_create"), "that is not libpcap: {}", installed_library().display());
    // Debian's libpcap exports its own functions only; a build without a version script exports internal ones, too.
    let public = installed.into_iter().filter(|name| name.starts_with("pcap_") || name.starts_with("bpf_"));
    let ours = functions(&our_library());
    let missing: Vec<_> = public.filter(|name| !ours.contains(name)).collect();
    assert!(missing.is_empty(), "not exported: {missing:?}");
}

#[test]
fn everything_that_debians_libpcap_exports_is_exported() {
    let exported = exported(&our_library());
    let functions: Vec<_> = DEBIAN_FUNCTIONS.split_whitespace().collect();
    assert_eq!(functions.len(), 94);
    let missing: Vec<_> =
        functions.into_iter().filter(|name| !exported.contains(&("FUNC".into(), (*name).into()))).collect();
    assert!(missing.is_empty(), "not exported: {missing:?}");
    // The linker copies a variable into the program, as much of it as the library had that the program was linked with:
    // the end of a table must be within that. 1.10's table of ethertypes is the smallest.
    for (name, size) in DEBIAN_VARIABLES {
        assert_eq!(variable_size(&our_library(), name), Some(size), "{name}");
    }
    let installed = installed_library();
    if variable_size(&installed, "pcap_version") == Some(7) {
        assert!(variable_size(&installed, "eproto_db") >= Some(DEBIAN_VARIABLES[0].1));
    }
}

/// How large an exported variable is.
fn variable_size(library: &Path, name: &str) -> Option<usize> {
    let table = run(Command::new("readelf").args(["-W", "--dyn-syms"]).arg(library), "binutils");
    table.lines().find_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [_, _, size, "OBJECT", _, _, section, found] if section != "UND" && found.split('@').next() == Some(name) => {
            size.parse().ok()
        }
        _ => None,
    })
}

#[test]
fn every_function_of_remote_enabled_builds_is_exported() {
    let ours = functions(&our_library());
    for name in REMOTE {
        assert!(ours.contains(name), "{name} is not exported");
    }
}

#[test]
fn nothing_but_libpcaps_interface_and_its_extensions_is_exported() {
    for (kind, name) in exported(&our_library()) {
        let is_expected = match kind.as_str() {
            "FUNC" => name.starts_with("pcap_") || name.starts_with("bpf_"),
            _ => name == "pcap_version" || name == "eproto_db",
        };
        assert!(is_expected, "{kind} {name} is exported");
    }
}

#[test]
fn the_shared_library_has_its_own_name() {
    let dynamic = run(Command::new("readelf").args(["-W", "-d"]).arg(our_library()), "binutils");
    assert!(dynamic.contains("Library soname: [libpcap_nflog.so.0]"), "{dynamic}");
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let generated = include_str!(concat!(env!("OUT_DIR"), "/pcap_nflog.h"));
    assert!(HEADER == generated, "include/pcap_nflog.h is not current: run `make header`");
}

#[test]
fn every_exported_function_is_declared_in_the_header() {
    for name in functions(&our_library()) {
        let declared = [" ", "*"].iter().any(|before| HEADER.contains(&format!("{before}{name}(")));
        assert!(declared, "{name} is not declared");
    }
}

/// Which header declares libpcap's types.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Types {
    /// libpcap's own.
    Installed,
    /// Ours, as where libpcap's is not installed.
    Standalone,
}

/// Compiles `body` after the header. The value is the object file, or the program if there is one to be linked.
fn compile(name: &str, compiler: &[&str], types: Types, body: &str, link: bool) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let standard = compiler[1].trim_start_matches("-std=");
    let source = folder.join(format!("{name}-{standard}-{types:?}.{}", if compiler[0] == "cc" { "c" } else { "cc" }));
    let include = match types {
        Types::Installed => "#include <pcap/pcap.h>\n#include <pcap/namedb.h>\n",
        Types::Standalone => "#define PCAP_NFLOG_STANDALONE\n",
    };
    fs::write(&source, format!("{include}#include <pcap_nflog.h>\n{body}")).unwrap();
    let result = source.with_extension(if link { "out" } else { "o" });
    let mut command = Command::new(compiler[0]);
    command.args(&compiler[1..]).args(["-Wall", "-Wextra", "-Werror", "-pedantic"]);
    command.arg(concat!("-I", env!("CARGO_MANIFEST_DIR"), "/include"));
    if types == Types::Installed {
        // libpcap's header needs u_int, which a strict standard hides.
        command.arg("-D_DEFAULT_SOURCE");
    }
    if !link {
        command.arg("-c");
    }
    run(command.arg("-o").arg(&result).arg(&source), "gcc, g++ and libpcap-dev");
    result
}

#[test]
fn the_header_compiles_in_c_and_cpp_beside_libpcaps_and_alone() {
    let compilers =
        [["cc", "-std=c99"], ["cc", "-std=c11"], ["cc", "-std=gnu17"], ["c++", "-std=c++11"], ["c++", "-std=c++17"]];
    for compiler in compilers {
        for types in [Types::Installed, Types::Standalone] {
            let twice = "#include <pcap_nflog.h>\nint main(void) { return pcap_open_dead(DLT_RAW, 64) == NULL; }\n";
            compile("header", &compiler, types, twice, false);
        }
    }
}

/// Each struct of libpcap with its members: what C is asked, and what Rust has.
macro_rules! layouts {
    ($($name:ident { $($member:ident)* })*) => {{
        let mut question = String::new();
        let mut layouts = String::new();
        $({
            writeln!(question, "printf(\"{0} %zu\\n\", sizeof(struct {0}));", stringify!($name)).unwrap();
            writeln!(layouts, "{} {}", stringify!($name), size_of::<$name>()).unwrap();
            $({
                let member = stringify!($member).trim_start_matches("r#");
                let (name, format) = (stringify!($name), "%zu %zu");
                writeln!(question, "printf(\"{name}.{member} {format}\\n\", offsetof(struct {name}, {member}),").unwrap();
                writeln!(question, "       sizeof(((struct {name} *)0)->{member}));").unwrap();
                let (at, size) = (offset_of!($name, $member), member_size(|it: &$name| &it.$member));
                writeln!(layouts, "{name}.{member} {at} {size}").unwrap();
            })*
        })*
        (question, layouts)
    }};
}

/// The size of a member, given by the function that takes it from its struct.
fn member_size<Struct, Member>(_: fn(&Struct) -> &Member) -> usize {
    size_of::<Member>()
}

/// What a C program prints that runs `statements`.
fn answer(name: &str, types: Types, statements: &str) -> String {
    let body = format!("#include <stddef.h>\n#include <stdio.h>\nint main(void) {{\n{statements}return 0;\n}}\n");
    run(&mut Command::new(compile(name, &["cc", "-std=c99"], types, &body, true)), "this test")
}

#[test]
fn each_struct_has_the_same_layout_in_libpcaps_header_in_ours_and_in_rust() {
    let (question, layouts) = layouts! {
        pcap_pkthdr { ts caplen len }
        pcap_stat { ps_recv ps_drop ps_ifdrop }
        bpf_insn { code jt jf k }
        bpf_program { bf_len bf_insns }
        pcap_if { next name description addresses flags }
        pcap_addr { next addr netmask broadaddr dstaddr }
        pcap_file_header { magic version_major version_minor thiszone sigfigs snaplen linktype }
        pcap_etherent { addr name }
        pcap_samp { method value }
        pcap_rmtauth { r#type username password }
    };
    for types in [Types::Installed, Types::Standalone] {
        assert_eq!(answer("layouts", types, &question), layouts, "{types:?}");
    }
}

#[test]
fn each_constant_has_the_same_value_in_libpcaps_header_in_ours_and_in_rust() {
    let source = [include_str!("../src/abi/types.rs"), include_str!("../src/abi/dlt.rs")].concat();
    let (mut question, mut values) = (String::new(), String::new());
    for line in source.lines().filter_map(|line| line.strip_prefix("pub const ")) {
        let (name, rest) = line.split_once(": ").unwrap();
        let (kind, value) = rest.trim_end_matches(';').split_once(" = ").unwrap();
        if kind == "&str" {
            writeln!(question, "printf(\"{name} \\\"%s\\\"\\n\", {name});").unwrap();
            writeln!(values, "{name} {value}").unwrap();
            continue;
        }
        writeln!(question, "printf(\"{name} %lld\\n\", (long long)({name}));").unwrap();
        let digits = value.replace('_', "");
        let number = match digits.strip_prefix("0x") {
            Some(hexadecimal) => i64::from_str_radix(hexadecimal, 16),
            None => digits.parse(),
        };
        writeln!(values, "{name} {}", number.unwrap()).unwrap();
    }
    assert!(values.contains("PCAP_ERROR -1\n"), "{values}");
    for types in [Types::Installed, Types::Standalone] {
        assert_eq!(answer("constants", types, &question), values, "{types:?}");
    }
}

#[test]
fn the_codes_of_filter_programs_are_libpcaps_and_go_with_the_kernels() {
    let defined = HEADER.lines().filter_map(|line| line.strip_prefix("#define BPF_"));
    let names: Vec<_> =
        defined.map(|rest| rest.split(' ').next().unwrap()).filter(|name| !name.contains('(')).collect();
    assert!(names.len() > 40, "{names:?}");
    let mut question = String::new();
    for name in names {
        writeln!(question, "printf(\"{name} %lld\\n\", (long long)(BPF_{name}));").unwrap();
    }
    for name in ["CLASS", "SIZE", "MODE", "OP", "SRC", "RVAL", "MISCOP"] {
        writeln!(question, "printf(\"{name} %d\\n\", BPF_{name}(0xffff));").unwrap();
    }
    question += "struct bpf_insn program[] = { BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5, 1, 2) };\n";
    question += "printf(\"%d %d %d\\n\", program[0].code, program[1].code, (int)BPF_WORDALIGN(program[0].k + program[1].jf));\n";
    assert_eq!(answer("codes", Types::Standalone, &question), answer("codes", Types::Installed, &question));
    for headers in [["linux/filter.h", "pcap_nflog.h"], ["pcap_nflog.h", "linux/filter.h"]] {
        let body = headers.map(|header| format!("#include <{header}>\n")).concat();
        compile(
            "kernel-codes",
            &["cc", "-std=gnu17"],
            Types::Standalone,
            &(body + "int main(void) { return 0; }\n"),
            false,
        );
    }
}
