//! What went wrong, and the exit status that says so. The statuses are those of shells and of env(1).

use std::fmt;
use std::process::ExitCode;

use pcap_nflog::capture::printable;

/// A failure: its exit status and its text.
#[derive(Debug)]
pub struct Failure {
    status: u8,
    text: String,
}

/// The result of what the launcher does.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// The command line asks for what cannot be.
    pub fn usage(text: impl Into<String>) -> Failure {
        Failure { status: 2, text: text.into() }
    }

    /// The launcher could not do its own part.
    pub fn own(text: impl Into<String>) -> Failure {
        Failure { status: 125, text: text.into() }
    }

    /// The command is there, but cannot be run as it should.
    pub fn not_runnable(text: impl Into<String>) -> Failure {
        Failure { status: 126, text: text.into() }
    }

    /// The command is not there.
    pub fn not_found(text: impl Into<String>) -> Failure {
        Failure { status: 127, text: text.into() }
    }

    /// The status to exit with.
    pub fn exit_code(&self) -> ExitCode {
        self.status.into()
    }
}

/// Lines that cannot steer a terminal: the text may name files and tables that somebody else named.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.text.split('\n');
        f.write_str(&printable(lines.next().unwrap_or_default()))?;
        lines.try_for_each(|line| write!(f, "\n{}", printable(&line.replace('\t', "    "))))
    }
}
