//! Programs that a test starts: their output by lines, bounded waits, and no one left behind.

use std::ffi::{CString, OsStr};
use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::ptr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::network::search_path;
use super::{DEADLINE, wait_until};

/// The Debian packages of tools that may be missing.
const PACKAGES: &[(&str, &str)] = &[
    ("cc", "gcc"),
    ("c++", "g++"),
    ("dumpcap", "wireshark-common"),
    ("bash", "bash"),
    ("ebtables", "ebtables"),
    ("ebtables-nft", "iptables"),
    ("fish", "fish"),
    ("ip", "iproute2"),
    ("ip6tables-legacy", "iptables"),
    ("ip6tables-nft", "iptables"),
    ("iptables-legacy", "iptables"),
    ("iptables-nft", "iptables"),
    ("ldconfig", "libc-bin"),
    ("make", "make"),
    ("nft", "nftables"),
    ("ngrep", "ngrep"),
    ("pkg-config", "pkg-config"),
    ("python3", "python3"),
    ("setcap", "libcap2-bin"),
    ("setpriv", "util-linux"),
    ("tcpdump", "tcpdump"),
    ("tshark", "tshark"),
    ("unshare", "util-linux"),
    ("valgrind", "valgrind"),
    ("zsh", "zsh"),
];

/// What to do where mounts and user namespaces are refused because of chroot(2).
pub const NO_CHROOT: &str =
    "Enter the system by pivot_root(2), as systemd-nspawn, bubblewrap and podman run --rootfs do.";

/// A program to be started.
pub struct Program {
    command: Command,
    input: Option<String>,
}

impl Program {
    /// A program by its path, or by its name in PATH and the system's folders.
    ///
    /// # Panics
    ///
    /// When it is not there: the text names the Debian package that has it.
    pub fn new(name: impl AsRef<OsStr>) -> Program {
        let name = name.as_ref();
        let path = search_path();
        let Some(file) = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
        else {
            let package = PACKAGES.iter().find(|(tool, _)| *tool == name).map_or("?", |(_, package)| package);
            panic!("{} is not there: install the Debian package {package}", name.to_string_lossy());
        };
        let mut command = Command::new(file);
        command.env("PATH", path).env("LC_ALL", "C");
        Program { command, input: None }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        Path::new(self.command.get_program())
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Program {
        self.command.arg(argument);
        self
    }

    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Program {
        self.command.args(arguments);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Program {
        self.command.env(name, value);
        self
    }

    /// Hides files and folders from the program: in a mount namespace of its own, each of them is empty.
    ///
    /// # Panics
    ///
    /// In a plain chroot(1): mounts can be kept to a namespace only where the root folder is a mount point.
    pub fn hide(mut self, paths: &[impl AsRef<Path>]) -> Program {
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("/proc is mounted");
        assert!(
            mounts.lines().any(|mount| mount.split(' ').nth(4) == Some("/")),
            "the root folder is no mount point: this is a chroot. {NO_CHROOT}"
        );
        let hidden = |path: &Path| (CString::new(path.as_os_str().as_bytes()).unwrap(), path.is_dir());
        let paths: Vec<(CString, bool)> = paths.iter().map(|path| hidden(path.as_ref())).collect();
        let checked = |result: i32| if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
        let hide = move || {
            // SAFETY: these are system calls, and the strings were made before the fork.
            unsafe {
                checked(libc::unshare(libc::CLONE_NEWNS))?;
                let (none, private) = (ptr::null(), libc::MS_REC | libc::MS_PRIVATE);
                checked(libc::mount(none, c"/".as_ptr(), none, private, ptr::null()))?;
                paths.iter().try_for_each(|(path, is_folder)| {
                    let (source, kind, flags) = match is_folder {
                        true => (c"none".as_ptr(), c"tmpfs".as_ptr(), 0),
                        false => (c"/dev/null".as_ptr(), none, libc::MS_BIND),
                    };
                    checked(libc::mount(source, path.as_ptr(), kind, flags, ptr::null()))
                })
            }
        };
        // SAFETY: `hide` makes system calls only, and allocates nothing: that is what a child may do before exec.
        unsafe { self.command.pre_exec(hide) };
        self
    }

    /// What the program reads from its standard input, which then ends.
    pub fn input(mut self, text: &str) -> Program {
        self.input = Some(text.to_owned());
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        let description = format!("{:?}", Words(&self.command));
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // SAFETY: signal(2) and prctl(2) are async-signal-safe, which is all that a child may call between fork and
        // exec.
        unsafe {
            self.command.pre_exec(|| {
                // Under nohup(1), or in the background of a script, these are ignored, also by what a test starts.
                for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM] {
                    libc::signal(signal, libc::SIG_DFL);
                }
                // If this test is killed, its children must not stay.
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            })
        };
        let mut child = self.command.spawn().unwrap_or_else(|error| panic!("{description}: {error}"));
        let stdout = Text::collect(child.stdout.take().unwrap());
        let stderr = Text::collect(child.stderr.take().unwrap());
        let mut running = Running { stdin: child.stdin.take(), child, stdout, stderr, description };
        if let Some(input) = self.input {
            running.write(&input);
            running.stdin = None;
        }
        running
    }

    /// Runs it to its end.
    pub fn run(self) -> Finished {
        let mut running = self.start();
        running.stdin = None;
        running.finish()
    }

    /// Runs it to its end, which must be a success.
    pub fn succeed(self) -> Finished {
        self.run().succeeded()
    }
}

/// A command's words, for messages.
struct Words<'a>(&'a Command);

impl fmt::Debug for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.get_program().to_string_lossy())?;
        self.0.get_args().try_for_each(|argument| write!(f, " {}", argument.to_string_lossy()))
    }
}

/// What a program has written so far, gathered by a thread.
#[derive(Clone)]
struct Text(Arc<(Mutex<Written>, Condvar)>);

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    ended: bool,
}

impl Text {
    fn collect(mut pipe: impl Read + Send + 'static) -> Text {
        let text = Text(Arc::default());
        let writer = text.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            loop {
                let count = pipe.read(&mut buffer).unwrap_or(0);
                let (written, changed) = &*writer.0;
                let mut written = written.lock().unwrap();
                written.bytes.extend(&buffer[..count]);
                written.ended = count == 0;
                changed.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        text
    }

    /// Waits until `found` finds something, or the text has ended, or the time is up.
    fn wait<T>(&self, found: impl Fn(&Written) -> Option<T>) -> Option<T> {
        let (written, changed) = &*self.0;
        let start = Instant::now();
        let mut written = written.lock().unwrap();
        loop {
            if let Some(value) = found(&written) {
                return Some(value);
            }
            let left = DEADLINE.checked_sub(start.elapsed())?;
            if written.ended {
                return None;
            }
            written = changed.wait_timeout(written, left).unwrap().0;
        }
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.0.lock().unwrap().bytes.clone()
    }
}

/// Where a program writes.
#[derive(Clone, Copy, Debug)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// A program that was started. It is killed when it goes out of scope.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Text,
    stderr: Text,
    description: String,
}

impl Running {
    /// Waits for a whole line that contains `words`, and returns it.
    pub fn await_line(&self, stream: Stream, words: &str) -> String {
        let text = match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        };
        let line = text.wait(|written| {
            let end = written.bytes.iter().rposition(|&byte| byte == b'\n')?;
            let text = String::from_utf8_lossy(&written.bytes[..end]);
            text.lines().find(|line| line.contains(words)).map(str::to_owned)
        });
        line.unwrap_or_else(|| panic!("no line with '{words}' on {stream:?} of {self:?}"))
    }

    /// Waits until it says that it is ready.
    pub fn await_ready(self) -> Running {
        self.await_line(Stream::Stderr, "ready");
        self
    }

    /// Waits until its main thread sleeps in a system call.
    pub fn await_blocked(&self) {
        self.await_state("SD");
    }

    /// Waits until it is stopped, after SIGSTOP.
    pub fn await_stopped(&self) {
        self.await_state("T");
    }

    fn await_state(&self, wanted: &str) {
        let file = format!("/proc/{}/stat", self.pid());
        wait_until(&format!("{} has state {wanted}", self.description), || {
            let stat = fs::read_to_string(&file).unwrap_or_default();
            // The state follows the name, which is in brackets and may contain anything.
            let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
            state.is_some_and(|state| wanted.contains(state))
        });
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: kill(2) takes no pointers, and the child was not waited for yet: the pid is still its own.
        assert_eq!(unsafe { libc::kill(self.pid() as i32, signal) }, 0, "{}", self.description);
    }

    /// Writes to its standard input.
    pub fn write(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("its standard input is open");
        stdin.write_all(text.as_bytes()).unwrap_or_else(|error| panic!("{self:?}: {error}"));
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Finished {
        self.stdin = None;
        self.ended_within(DEADLINE).unwrap_or_else(|| panic!("does not end: {self:?}"))
    }

    /// Waits for its end, but not for longer than that.
    pub fn ended_within(&mut self, time: Duration) -> Option<Finished> {
        let start = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if start.elapsed() > time => return None,
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        let whole = |text: &Text| text.wait(|written| written.ended.then_some(())).map(|()| text.bytes());
        let stdout = whole(&self.stdout).unwrap_or_default();
        let stderr = whole(&self.stderr).unwrap_or_default();
        Some(Finished { status, stdout, stderr, description: self.description.clone() })
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, &self.description, &self.stdout.bytes(), &self.stderr.bytes())
    }
}

fn describe(f: &mut fmt::Formatter<'_>, description: &str, stdout: &[u8], stderr: &[u8]) -> fmt::Result {
    let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(4000)]).into_owned();
    write!(f, "{description}\n--- stdout\n{}\n--- stderr\n{}\n---", text(stdout), text(stderr))
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that has ended.
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    description: String,
}

impl Finished {
    /// Itself, if it exited with 0.
    pub fn succeeded(self) -> Finished {
        assert!(self.status.success(), "{} (signal {:?}): {self:?}", self.status, self.status.signal());
        self
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// The lines of its standard output.
    pub fn lines(&self) -> Vec<String> {
        self.stdout().lines().map(str::to_owned).collect()
    }

    /// The number in `key=number` on its standard output.
    pub fn number(&self, key: &str) -> i64 {
        let stdout = self.stdout();
        let value = stdout.split_ascii_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {key}=number: {self:?}"))
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, &self.description, &self.stdout, &self.stderr)
    }
}
