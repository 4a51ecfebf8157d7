//! Where the library is: `PCAP_NFLOG_LIB`, or where the launcher's own place says. And the folder that has it under
//! libpcap's names, for programs that load libpcap by name.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// Its SONAME, as it is installed, and its name in a build folder.
const NAMES: [&str; 2] = ["libpcap_nflog.so.0", "libpcap_nflog.so"];
/// The names that programs know libpcap by.
const LIBPCAP_NAMES: [&str; 3] = ["libpcap.so", "libpcap.so.0.8", "libpcap.so.1"];

/// The library, and its drop-in folder if it has one.
#[derive(Debug)]
pub struct Library {
    pub path: PathBuf,
    pub drop_in: Option<PathBuf>,
}

impl Library {
    /// Finds it. `PCAP_NFLOG_LIB` overrides the search, unless it is empty.
    pub fn find() -> Result<Library> {
        if let Some(path) = env::var_os("PCAP_NFLOG_LIB").filter(|path| !path.is_empty()) {
            return match fs::canonicalize(&path) {
                Ok(path) => Library::at(path),
                Err(error) => Err(Failure::own(format!("PCAP_NFLOG_LIB={}: {error}", path.to_string_lossy()))),
            };
        }
        let own = env::current_exe().map_err(|error| Failure::own(format!("looking for this program: {error}")))?;
        let folders = folders(own.parent().unwrap_or(Path::new("/")));
        let paths = folders.iter().flat_map(|folder| NAMES.map(|name| folder.join(name)));
        match paths.into_iter().find_map(|path| fs::canonicalize(path).ok()) {
            Some(path) => Library::at(path),
            None => {
                let tried: Vec<_> = folders.iter().map(|folder| folder.to_string_lossy()).collect();
                let tried = tried.join(" ");
                let text = format!("{} is not there: install it, or set PCAP_NFLOG_LIB (tried {tried})", NAMES[0]);
                Err(Failure::own(text))
            }
        }
    }

    fn at(path: PathBuf) -> Result<Library> {
        // The dynamic linker takes both for separators, and knows no quotes.
        if path.to_string_lossy().contains([' ', ':', '\t', '\n']) {
            let text = format!("{}: LD_PRELOAD cannot hold a path with a space or a colon in it", path.display());
            return Err(Failure::own(text));
        }
        let drop_in = drop_in(&path);
        Ok(Library { path, drop_in })
    }
}

/// Where a library of this program may be, by the program's own folder: `bin/../lib` of any kind, or beside it in a
/// build folder.
fn folders(own: &Path) -> Vec<PathBuf> {
    let mut folders = vec![own.to_owned(), own.join("deps")];
    let Some(prefix) = own.parent() else { return folders };
    let multiarch = format!("lib/{}-linux-gnu", env::consts::ARCH);
    folders.extend([multiarch.as_str(), "lib64", "lib"].map(|folder| prefix.join(folder)));
    folders
}

/// The drop-in folder beside the library. In a build folder it is made when it is first needed.
fn drop_in(library: &Path) -> Option<PathBuf> {
    let folder = library.parent()?;
    let installed = folder.join("pcap-nflog");
    if installed.join(LIBPCAP_NAMES[1]).exists() {
        return Some(installed);
    }
    let built = folder.join("drop-in");
    let is_build_folder = folder.ends_with("deps") || folder.join("deps").is_dir();
    if is_build_folder && !LIBPCAP_NAMES.iter().all(|name| built.join(name).exists()) {
        fs::create_dir_all(&built).ok()?;
        for name in LIBPCAP_NAMES {
            let target = Path::new("..").join(library.file_name()?);
            // Another launcher may have been quicker.
            let _ = symlink(target, built.join(name));
        }
    }
    built.join(LIBPCAP_NAMES[1]).exists().then_some(built)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_looked_for_beside_the_launcher_and_in_the_libraries_of_its_prefix() {
        let folders = folders(Path::new("/opt/tools/bin"));
        for expected in ["/opt/tools/bin", "/opt/tools/lib", "/opt/tools/lib64"] {
            assert!(folders.contains(&PathBuf::from(expected)), "{folders:?}");
        }
    }
}
