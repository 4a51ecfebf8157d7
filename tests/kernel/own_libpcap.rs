//! A program that has a libpcap of its own keeps it for all that is not NFLOG, whichever way this library came in.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::client::{Installed, library, source, with_libpcap};
use crate::support::network::{Network, in_private_network};
use crate::support::program::Program;
use crate::support::traffic::{END_LEN, Udp};

/// The length of an Ethernet header.
const ETHERNET: u32 = 14;

/// What a program that is linked by `-Wl,-rpath` gets.
const RUNPATH: &str = "-Wl,--enable-new-dtags";
const RPATH: &str = "-Wl,--disable-new-dtags";

/// The ways in, as what they add to the environment.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Preload,
    DropIn,
    /// As the launcher does it: the same file.
    Both,
    /// Another copy of it is preloaded.
    BothCopies,
}

struct Place {
    folder: PathBuf,
    installed: Installed,
}

impl Place {
    fn new(network: &Network) -> Place {
        Place { folder: network.folder().to_owned(), installed: Installed::new(network) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn compile(&self, binary: &str, options: &[&str], sources: &[&str]) -> PathBuf {
        let binary = self.path(binary);
        fs::create_dir_all(binary.parent().unwrap()).unwrap();
        let sources = sources.iter().map(|name| source(name));
        let options = options.iter().map(|option| option.replace("%F", self.folder.to_str().unwrap()));
        Program::new("cc").arg("-o").arg(&binary).args(sources).args(options).succeed();
        binary
    }

    /// A libpcap, at a path that ends with its SONAME.
    fn libpcap(&self, path: &str) {
        let soname = format!("-Wl,-soname,{}", Path::new(path).file_name().unwrap().to_str().unwrap());
        self.compile(path, &["-shared", "-fPIC", &format!("-DOWN=\"{path}\""), &soname], &["own"]);
    }

    /// The program's lines, with the library under it.
    fn run(&self, case: &Case, way: Option<Way>) -> Vec<String> {
        let mut path: Vec<PathBuf> = case.library_path.iter().map(|name| self.path(name)).collect();
        let mut preload: Vec<PathBuf> = case.preload.iter().map(|name| self.path(name)).collect();
        match way {
            Some(Way::Preload) => preload.insert(0, library()),
            Some(Way::Both) => preload.insert(0, self.installed.lib().join("libpcap_nflog.so.0")),
            Some(Way::BothCopies) => preload.insert(0, library()),
            Some(Way::DropIn) | None => {}
        }
        if !matches!(way, Some(Way::Preload) | None) {
            path.insert(0, self.installed.drop_in());
        }
        let joined = |paths: Vec<PathBuf>| -> OsString { std::env::join_paths(paths).unwrap() };
        let words = case.arguments.iter().map(|word| word.replace("%F", self.folder.to_str().unwrap()));
        let mut program = match case.cache {
            "" => Program::new(self.path(case.program)),
            cache => {
                let script = "mount --bind \"$0\" /etc/ld.so.cache && exec \"$@\"";
                let shell = Program::new("unshare").args(["--mount", "sh", "-c", script]);
                shell.arg(self.path(cache)).arg(self.path(case.program))
            }
        };
        program = program.args(words);
        if !path.is_empty() {
            program = program.env("LD_LIBRARY_PATH", joined(path));
        }
        if !preload.is_empty() {
            program = program.env("LD_PRELOAD", joined(preload));
        }
        program.succeed().lines()
    }
}

/// A program with a libpcap of its own.
#[derive(Clone, Copy)]
struct Case {
    program: &'static str,
    arguments: &'static [&'static str],
    library_path: &'static [&'static str],
    preload: &'static [&'static str],
    /// The dynamic linker's cache, if it is not the system's.
    cache: &'static str,
    /// Who answers where this library is not; empty where that depends on the machine.
    answers: &'static str,
    /// The ways that lead to this library. The others leave the program as it is.
    ways: &'static [Way],
}

const EVERY: &[Way] = &[Way::Preload, Way::DropIn, Way::Both, Way::BothCopies];
/// Those of a program whose libpcap is found without LD_LIBRARY_PATH.
const PRELOADED: &[Way] = &[Way::Preload, Way::Both, Way::BothCopies];
/// Those of a program that opens libpcap by name.
const NAMED: &[Way] = &[Way::DropIn, Way::Both, Way::BothCopies];

const CASE: Case =
    Case { program: "", arguments: &[], library_path: &[], preload: &[], cache: "", answers: "", ways: EVERY };

impl Case {
    fn check(&self, place: &Place) {
        let what = format!("{} {:?}", self.program, self.arguments);
        let plain = place.run(self, None);
        if !self.answers.is_empty() {
            assert_eq!(plain[0], format!("savefile: {}", self.answers), "{what}: without the library");
        }
        for way in EVERY {
            let lines = place.run(self, Some(*way));
            assert_eq!(lines[..2], plain[..2], "{what}: {way:?}");
            assert_eq!(lines[2].contains("pcap-nflog"), self.ways.contains(way), "{what}: {way:?}: {lines:?}");
        }
    }
}

/// Two libpcaps of one's own that no folder of the system has, under either name. Beside them is the system's.
fn with_own_libpcaps(network: &Network) -> Place {
    let place = Place::new(network);
    for path in ["own/libpcap.so.1", "own/libpcap.so.0.8", "other/libpcap.so.1", "other/libpcap.so.0.8"] {
        place.libpcap(path);
    }
    place
}

#[test]
fn a_program_that_names_its_libpcaps_folder_keeps_it() {
    in_private_network(|network| {
        let place = with_own_libpcaps(network);
        for (name, answers) in [("libpcap.so.1", "own/libpcap.so.1"), ("libpcap.so.0.8", "own/libpcap.so.0.8")] {
            let linked = |program: &str, options: &[&str]| {
                let own = format!("-L%F/own -l:{name}");
                let options: Vec<_> = options.iter().copied().chain(own.split(' ')).collect();
                place.compile(program, &options, &["which", "ask"]);
            };
            linked("runpath", &[RUNPATH, "-Wl,-rpath,%F/own"]);
            linked("origin", &[RUNPATH, "-Wl,-rpath,/nonexistent:$ORIGIN/own"]);
            linked("rpath", &[RPATH, "-Wl,-rpath,$ORIGIN/own"]);
            linked("neither", &[]);
            for case in [
                Case { program: "runpath", answers, ..CASE },
                Case { program: "origin", answers, ..CASE },
                // The dynamic linker looks there before it looks in the drop-in folder.
                Case { program: "rpath", answers, ways: PRELOADED, ..CASE },
                Case { program: "neither", library_path: &["own", "other"], answers, ..CASE },
            ] {
                case.check(&place);
            }
            let other: &'static str =
                if name == "libpcap.so.1" { "other/libpcap.so.1" } else { "other/libpcap.so.0.8" };
            // LD_LIBRARY_PATH goes before RUNPATH.
            Case { program: "runpath", library_path: &["other"], answers: other, ..CASE }.check(&place);
        }
    });
}

#[test]
fn a_program_that_confines_itself_has_its_libpcap_already() {
    in_private_network(|network| {
        let place = with_own_libpcaps(network);
        place.compile("linked", &["-L%F/own", "-l:libpcap.so.1", RUNPATH, "-Wl,-rpath,%F/own"], &["which", "ask"]);
        Case { program: "linked", arguments: &["chroot", "%F/other"], answers: "own/libpcap.so.1", ..CASE }
            .check(&place);
    });
}

#[test]
fn a_program_that_is_linked_with_a_libpcap_by_its_path_keeps_it() {
    in_private_network(|network| {
        let place = with_own_libpcaps(network);
        place.compile("nameless/libpcap.so", &["-shared", "-fPIC", "-DOWN=\"nameless\""], &["own"]);
        place.compile("path", &["%F/nameless/libpcap.so"], &["which", "ask"]);
        Case { program: "path", answers: "nameless", ways: PRELOADED, ..CASE }.check(&place);
    });
}

#[test]
fn a_program_whose_library_has_a_libpcap_keeps_it() {
    in_private_network(|network| {
        let place = with_own_libpcaps(network);
        for (kind, tags) in [("new", RUNPATH), ("old", RPATH)] {
            let ask = format!("{kind}/libask.so");
            let rpath = [tags, "-Wl,-rpath,$ORIGIN/../own"];
            place.compile(&ask, &["-shared", "-fPIC", "-L%F/own", "-l:libpcap.so.1", rpath[0], rpath[1]], &["ask"]);
            let program = format!("{kind}-program");
            place.compile(
                &program,
                &["-Wl,--no-as-needed", &format!("%F/{ask}"), "-Wl,--allow-shlib-undefined"],
                &["which"],
            );
        }
        place.compile("plain", &["-rdynamic"], &["which"]);
        let answers = "own/libpcap.so.1";
        for case in [
            Case { program: "new-program", answers, ..CASE },
            Case { program: "old-program", answers, ways: PRELOADED, ..CASE },
            Case { program: "plain", arguments: &["plugin", "%F/new/libask.so"], answers, ..CASE },
            Case { program: "plain", arguments: &["plugin", "%F/old/libask.so"], answers, ways: PRELOADED, ..CASE },
        ] {
            case.check(&place);
        }
    });
}

#[test]
fn the_libpcap_of_the_program_goes_before_that_of_its_library() {
    in_private_network(|network| {
        let place = with_own_libpcaps(network);
        // The library's is the next one behind this library; the program's own was given up for it.
        let own = ["-shared", "-fPIC", "-L%F/own", "-l:libpcap.so.1", RPATH, "-Wl,-rpath,$ORIGIN/own"];
        place.compile("libask.so", &own, &["ask"]);
        let linked =
            ["-L%F/other", "-Wl,--no-as-needed", "-l:libpcap.so.0.8", "%F/libask.so", RUNPATH, "-Wl,-rpath,%F/other"];
        place.compile("program", &linked, &["which"]);
        Case { program: "program", answers: "other/libpcap.so.0.8", ..CASE }.check(&place);
    });
}

#[test]
fn a_program_that_opens_a_libpcap_gets_the_one_that_it_would_have_had() {
    in_private_network(|network| {
        let place = with_own_libpcaps(network);
        place.libpcap("one/libpcap.so.1");
        place.compile("plain", &[], &["which"]);
        place.compile("runpath", &[RUNPATH, "-Wl,-rpath,$ORIGIN/one"], &["which"]);
        place.compile("rpath", &[RPATH, "-Wl,-rpath,$ORIGIN/one"], &["which"]);
        let answers = "one/libpcap.so.1";
        for case in [
            Case {
                program: "plain",
                arguments: &["open", "libpcap.so.1"],
                library_path: &["one"],
                answers,
                ways: NAMED,
                ..CASE
            },
            Case { program: "runpath", arguments: &["open", "libpcap.so.1"], answers, ways: NAMED, ..CASE },
            Case { program: "rpath", arguments: &["open", "libpcap.so.1"], answers, ways: &[], ..CASE },
            Case { program: "plain", arguments: &["open", "%F/one/libpcap.so.1"], answers, ways: &[], ..CASE },
            Case { program: "plain", arguments: &["open", "$ORIGIN/one/libpcap.so.1"], answers, ways: &[], ..CASE },
        ] {
            case.check(&place);
        }
    });
}

#[test]
fn a_libpcap_that_a_program_calls_itself_opens_nflog_by_itself() {
    in_private_network(|network| {
        let place = Place::new(network);
        place.compile("plain", &[], &["which"]);
        fs::create_dir(place.path("own")).unwrap();
        fs::copy(system_libpcap(), place.path("own/libpcap.so.1")).unwrap();
        // Its pcap_open_live calls pcap_create, which it finds in this library, for a handle that is its own.
        let case = Case { program: "plain", answers: "/nonexistent: No such file or directory", ..CASE };
        let by_path = Case { arguments: &["open", "%F/own/libpcap.so.1", "nflog:5"], ways: &[], ..case };
        by_path.check(&place);
        for way in [None, Some(Way::Preload), Some(Way::Both)] {
            assert_eq!(place.run(&by_path, way)[3], "device: link type 239, snaplen 1000", "{way:?}");
        }
        let arguments = &["open", "libpcap.so.1", "nflog:5"];
        let by_name = Case { arguments, library_path: &["own"], ways: NAMED, ..case };
        by_name.check(&place);
        for (way, link_type) in [(Way::Preload, 239), (Way::DropIn, 12), (Way::Both, 12), (Way::BothCopies, 12)] {
            let device = format!("device: link type {link_type}, snaplen 1000");
            assert_eq!(place.run(&by_name, Some(way))[3], device, "{way:?}");
        }
    });
}

#[test]
fn a_libpcap_that_is_preloaded_stays_in_front() {
    in_private_network(|network| {
        let place = with_own_libpcaps(network);
        for name in ["libpcap.so.1", "libpcap.so.0.8"] {
            let linked = [&format!("-l:{name}"), "-L%F/other", RUNPATH, "-Wl,-rpath,%F/other"];
            place.compile("linked", &linked, &["which", "ask"]);
            for preload in [&["own/libpcap.so.1"], &["own/libpcap.so.0.8"]] {
                Case { program: "linked", preload, answers: preload[0], ways: PRELOADED, ..CASE }.check(&place);
            }
        }
    });
}

#[test]
fn a_program_that_has_a_libpcap_in_itself_keeps_it() {
    in_private_network(|network| {
        let place = with_own_libpcaps(network);
        for (program, options) in [("static", &[][..]), ("exporting", &["-rdynamic"])] {
            place.compile(program, &[options, &["-DOWN=\"within\""]].concat(), &["which", "ask", "own"]);
            Case { program, answers: "within", ways: &[], ..CASE }.check(&place);
            let (arguments, answers) = (&["open", "libpcap.so.1"], "own/libpcap.so.1");
            Case { program, arguments, library_path: &["own"], answers, ways: NAMED, ..CASE }.check(&place);
        }
    });
}

#[test]
fn a_program_whose_libpcap_is_in_the_dynamic_linkers_cache_gets_the_one_of_that_name() {
    in_private_network(|network| {
        let place = Place::new(network);
        // One name of each: what is asked for by the other name is the other one.
        place.libpcap("local/libpcap.so.1");
        place.libpcap("debian/libpcap.so.0.8");
        let folders = format!("{0}/local\n{0}/debian\n", place.folder.display());
        fs::write(place.path("conf"), folders + "include /etc/ld.so.conf\n").unwrap();
        let options = ["-X", "-f", "conf", "-C", "cache"].map(|word| match word {
            "conf" | "cache" => place.path(word).into_os_string(),
            _ => word.into(),
        });
        Program::new("ldconfig").args(options).succeed();
        place.compile("plain", &[], &["which"]);
        let case = Case { cache: "cache", ..CASE };
        for (name, arguments, answers) in [
            ("libpcap.so.1", &["open", "libpcap.so.1"], "local/libpcap.so.1"),
            ("libpcap.so.0.8", &["open", "libpcap.so.0.8"], "debian/libpcap.so.0.8"),
        ] {
            let folder = answers.split('/').next().unwrap();
            place.compile("linked", &[&format!("-L%F/{folder}"), &format!("-l:{name}")], &["which", "ask"]);
            Case { program: "linked", answers, ..case }.check(&place);
            Case { program: "plain", arguments, answers, ways: NAMED, ..case }.check(&place);
        }
    });
}

#[test]
fn a_libpcap_for_better_processors_goes_before_the_one_for_all() {
    in_private_network(|network| {
        let place = with_own_libpcaps(network);
        for level in ["x86-64-v4", "x86-64-v3", "x86-64-v2", "unknown"] {
            place.libpcap(&format!("own/glibc-hwcaps/{level}/libpcap.so.1"));
        }
        place.compile("linked", &["-L%F/own", "-l:libpcap.so.1", RUNPATH, "-Wl,-rpath,%F/own"], &["which", "ask"]);
        // Which one, this processor and its dynamic linker tell.
        Case { program: "linked", ..CASE }.check(&place);
    });
}

/// The file of the system's libpcap.
fn system_libpcap() -> PathBuf {
    let maps = Program::new("ldd").arg(with_libpcap("reader")).succeed().stdout();
    let line = maps.lines().find(|line| line.contains("libpcap.so")).unwrap();
    let path = line.split_once("=> ").unwrap().1.split(' ').next().unwrap();
    fs::canonicalize(path).unwrap()
}

#[test]
fn a_real_libpcap_of_ones_own_captures_and_the_systems_is_not_loaded() {
    in_private_network(|network| {
        network.log_udp();
        let place = Place::new(network);
        let (own, system) = (place.path("own/libpcap.so.0.8"), system_libpcap());
        fs::create_dir(place.path("own")).unwrap();
        fs::copy(&system, &own).unwrap();
        let soname = format!("-L%F/own -l:libpcap.so.0.8 -ldl {RUNPATH} -Wl,-rpath,$ORIGIN/own");
        let program = place.compile("reader", &soname.split(' ').collect::<Vec<_>>(), &["reader"]);
        let installed = place.installed.lib().join("libpcap_nflog.so.0");
        for (preload, folder) in [(None, true), (Some(&installed), true), (Some(&library()), false)] {
            for (device, header) in [("lo", ETHERNET), ("nflog:5", 0)] {
                let mut reader = Program::new(&program).args([device, "filter=udp port 9000"]);
                if folder {
                    reader = reader.env("LD_LIBRARY_PATH", place.installed.drop_in());
                }
                if let Some(preload) = preload {
                    reader = reader.env("LD_PRELOAD", preload);
                }
                let reader = reader.arg(format!("until={}", header + END_LEN)).start().await_ready();
                let maps = fs::read_to_string(format!("/proc/{}/maps", reader.pid())).unwrap();
                let mut udp = Udp::v4();
                (0..10).for_each(|_| udp.send(100));
                udp.send_end();
                let ended = reader.finish().succeeded();
                assert_eq!(ended.number("packets"), 11, "{preload:?} {device}: {ended:?}");
                assert!(maps.contains("libpcap_nflog.so"), "{preload:?} {device}: {maps}");
                assert!(maps.contains(own.to_str().unwrap()), "{preload:?} {device}: {maps}");
                assert!(!maps.contains(system.to_str().unwrap()), "{preload:?} {device}: {maps}");
            }
        }
    });
}
