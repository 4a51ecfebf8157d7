//! The C programs in `tests/clients`, compiled once, and the library that they run with.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use super::network::Network;
use super::program::Program;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");
const STRICT: &[&str] = &["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"];
const STRICT_CPP: &[&str] = &["-std=c++17", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"];
/// Where a client has a clock of its own, the library's calls go there.
const OWN_CLOCK: &str = "-Wl,--export-dynamic-symbol=clock_gettime";

/// The library under test.
pub fn library() -> PathBuf {
    let path = match std::env::var_os("PCAP_NFLOG_LIB") {
        Some(path) => PathBuf::from(path),
        // Beside the test's own executable: that is where cargo puts what a test depends on.
        None => std::env::current_exe().unwrap().with_file_name("libpcap_nflog.so"),
    };
    assert!(path.is_file(), "{} is not there: cargo build, or set PCAP_NFLOG_LIB", path.display());
    path.canonicalize().unwrap()
}

/// A client that is linked with the system's libpcap.
pub fn with_libpcap(name: &str) -> PathBuf {
    compile(name, "libpcap", &["-lpcap", "-ldl"])
}

/// A client that loads libpcap by its name while it runs.
pub fn without_libpcap(name: &str) -> PathBuf {
    compile(name, "none", &["-ldl"])
}

/// Compiles a client unless that was done since its source changed. Many tests may want it at once, each in a process
/// of its own: the first makes it, the others wait.
fn compile(name: &str, kind: &str, libraries: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, binary) = (source(name), folder.join(format!("{name}-{kind}")));
    let lock = File::create(folder.join(format!("{name}-{kind}.lock"))).unwrap();
    // SAFETY: flock(2) takes no pointers, and the descriptor is open. The lock ends with it.
    assert_eq!(unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX) }, 0);
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let headers = ["client.h", "numbered.h", "resources.h"].map(|header| modified(&Path::new(CLIENTS).join(header)));
    if modified(&binary) <= headers.into_iter().fold(modified(&source), Ord::max) {
        let compiler = match source.extension().is_some_and(|extension| extension == "cc") {
            false => Program::new("cc").args(STRICT),
            true => Program::new("c++").args(STRICT_CPP),
        };
        compiler.arg(OWN_CLOCK).arg(source).arg("-o").arg(&binary).args(libraries).succeed();
    }
    binary
}

/// A client's source, in C or in C++.
pub fn source(name: &str) -> PathBuf {
    let [c, cpp] = ["c", "cc"].map(|extension| Path::new(CLIENTS).join(name).with_extension(extension));
    if c.is_file() { c } else { cpp }
}

/// The library as `make install` puts it.
pub struct Installed {
    prefix: PathBuf,
}

impl Installed {
    /// Installs the library under test in the test's own folder.
    pub fn new(network: &Network) -> Installed {
        let prefix = network.folder().join("prefix");
        let make = Program::new("make").args(["-C", env!("CARGO_MANIFEST_DIR"), "install"]);
        let variable = |name: &str, path: &Path| format!("{name}={}", path.display());
        // The launcher is in cargo's folder above that of what a test depends on, if it was built at all. These tests
        // do without it.
        let library = library();
        let folders = library.ancestors().skip(1).take(2).map(|folder| folder.join("pcap-nflog"));
        let launcher = folders.into_iter().find(|path| path.is_file()).unwrap_or_else(|| library.clone());
        let make = make.arg(variable("PREFIX", &prefix)).arg(variable("LIBRARY", &library));
        make.arg(variable("LAUNCHER", &launcher)).succeed();
        Installed { prefix }
    }

    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    pub fn lib(&self) -> PathBuf {
        self.prefix.join("lib")
    }

    /// The folder that has the library under libpcap's names.
    pub fn drop_in(&self) -> PathBuf {
        self.lib().join("pcap-nflog")
    }

    /// Compiles a client with what pkg-config says, and `options`.
    pub fn compile(&self, name: &str, options: &[&str]) -> PathBuf {
        self.compile_file(&source(name), options)
    }

    /// The same for any C program.
    pub fn compile_file(&self, source: &Path, options: &[&str]) -> PathBuf {
        let config = Program::new("pkg-config").env("PKG_CONFIG_PATH", self.lib().join("pkgconfig"));
        let flags = config.args(["--cflags", "--libs", "pcap_nflog"]).succeed().stdout();
        let binary = self.prefix.join(source.file_stem().unwrap());
        let compiler = Program::new("cc").args(STRICT).arg(OWN_CLOCK).arg(source).args(options);
        let compiler = compiler.arg("-o").arg(&binary).args(flags.split_ascii_whitespace());
        compiler.arg(format!("-Wl,-rpath,{}", self.lib().display())).succeed();
        binary
    }
}

/// The system's libpcap, as the dynamic linker knows it.
pub fn installed_libpcaps() -> Vec<PathBuf> {
    let cache = Program::new("ldconfig").arg("-p").succeed().stdout();
    let paths = cache.lines().filter(|line| line.trim_start().starts_with("libpcap.so"));
    let paths: Vec<_> = paths.filter_map(|line| Some(PathBuf::from(line.split_once(" => ")?.1))).collect();
    assert!(!paths.is_empty(), "no libpcap to hide: install the Debian package libpcap0.8");
    paths
}

/// tcpdump, with the library preloaded.
pub fn tcpdump_preloaded() -> Program {
    tcpdump().env("LD_PRELOAD", library())
}

/// tcpdump as it is. Its lines have no time, no names, and the same form whatever a packet contains.
pub fn tcpdump() -> Program {
    // Where AppArmor confines /usr/bin/tcpdump it may not load libraries from a build folder, and not write where a
    // test wants it to. The same program under another path is not confined.
    let confined =
        fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.starts_with('Y'));
    let program = match confined {
        false => Program::new("tcpdump"),
        true => Program::new(copy_of_tcpdump()),
    };
    program.args(["-t", "-nn", "-q", "-l"])
}

fn copy_of_tcpdump() -> PathBuf {
    let original = Program::new("tcpdump");
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tcpdump");
    // Other tests may be making it as well, and running it: it is put in place whole.
    let new = copy.with_extension(std::process::id().to_string());
    fs::copy(original.path(), &new).and_then(|_| fs::rename(&new, &copy)).unwrap();
    copy
}

/// The `reader` client with the library preloaded, for `device`.
pub fn reader(device: &str) -> Program {
    preloaded("reader").arg(device)
}

/// A client that is linked with the system's libpcap, with the library preloaded.
pub fn preloaded(name: &str) -> Program {
    Program::new(with_libpcap(name)).env("LD_PRELOAD", library())
}
