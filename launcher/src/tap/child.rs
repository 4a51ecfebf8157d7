//! The command of a tap, its signals, and the guard.

use std::io;
use std::io::Write as _;
use std::mem::{self, MaybeUninit};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};

use crate::failure::{Failure, Result};

/// The signals that are the command's: each ends a process that does not expect it, or is a message to it.
const PASSED_ON: [libc::c_int; 8] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGWINCH,
    libc::SIGALRM,
];

/// Signals that wait until they are taken.
pub struct Signals(libc::sigset_t);

/// Makes the signals wait that are the command's, and the one that tells of its end.
pub fn hold_signals() -> Signals {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset(3) initializes the set, the others change it or read it; all pointers are to `set` or null.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in PASSED_ON.into_iter().chain([libc::SIGCHLD]) {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
        Signals(set.assume_init())
    }
}

impl Signals {
    /// Waits for one: its number, and whether a process sent it, not the terminal.
    fn next(&self) -> (libc::c_int, bool) {
        // SAFETY: siginfo_t is plain data, for which zeros are valid.
        let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
        loop {
            // SAFETY: both pointers are to whole objects that outlive the call.
            let signal = unsafe { libc::sigwaitinfo(&self.0, &mut info) };
            if signal > 0 {
                // SI_USER, SI_QUEUE, SI_TKILL; what the kernel sends by itself is positive.
                return (signal, info.si_code <= 0);
            }
        }
    }
}

/// The command.
pub struct Child(std::process::Child);

impl Child {
    /// Starts it. It is asked to end should this process be killed.
    pub fn start(mut command: Command) -> io::Result<Child> {
        let parent = std::process::id();
        // SAFETY: between fork(2) and exec(2) only async-signal-safe calls are made: prctl, getppid, sigprocmask on a
        // set of its own, and raise.
        unsafe {
            command.pre_exec(move || {
                let mut none = MaybeUninit::uninit();
                libc::sigemptyset(none.as_mut_ptr());
                libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
                // It may have been killed before that.
                if libc::getppid() as u32 != parent {
                    libc::raise(libc::SIGTERM);
                }
                Ok(())
            });
        }
        command.spawn().map(Child)
    }

    /// Waits for its end, and passes on the signals that come meanwhile; its exit status, as a shell gives it.
    pub fn wait(mut self, signals: &Signals) -> u8 {
        loop {
            // A child that has ended before is found at once, one that ends after that sends SIGCHLD.
            if let Ok(Some(status)) = self.0.try_wait() {
                return exit_status(status);
            }
            let (signal, sent) = signals.next();
            // What the terminal sends goes to the command as well.
            if signal != libc::SIGCHLD && sent {
                // SAFETY: kill(2) takes no pointers; the child was not waited for, so the id is still its own.
                unsafe { libc::kill(self.0.id() as libc::pid_t, signal) };
            }
        }
    }
}

/// The status of a shell: 128 and the signal that ended the command.
fn exit_status(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => code as u8,
        (None, Some(signal)) => 128 | signal as u8,
        (None, None) => 125,
    }
}

/// A process that removes the table when this one is killed.
pub struct Guard(std::process::Child);

impl Guard {
    /// Starts it in a session of its own: no signal from the terminal reaches it.
    pub fn start(table: &str) -> Result<Guard> {
        let mut command = Command::new("/proc/self/exe");
        command.arg0(super::GUARD).arg(table);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // SAFETY: setsid(2) is async-signal-safe, and takes nothing.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                Ok(())
            });
        }
        let started = command.spawn().map_err(|error| Failure::own(format!("starting the guard: {error}")))?;
        Ok(Guard(started))
    }

    /// Ends it: there is nothing left to remove.
    pub fn dismiss(mut self) {
        if let Some(mut stdin) = self.0.stdin.take() {
            let _ = stdin.write_all(b".");
        }
        let _ = self.0.wait();
    }
}
