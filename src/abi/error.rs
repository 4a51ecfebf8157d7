//! Every error that C sees: its text and its code. Errors of the core become pcap's here and nowhere else.

use std::ffi::{c_char, c_int};
use std::ptr;

use super::types::*;
use crate::capture::{Error, shown};
use crate::system;

/// A failure of an exported function: pcap's code, and the text for `pcap_geterr` or the caller's buffer.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub code: c_int,
    pub text: String,
}

impl Failed {
    pub fn new(code: c_int, text: impl Into<String>) -> Failed {
        Failed { code, text: text.into() }
    }

    /// Only an activated handle can do it.
    pub fn not_activated() -> Failed {
        Failed::new(PCAP_ERROR_NOT_ACTIVATED, "This handle hasn't been activated yet: call pcap_activate first")
    }

    /// Only a handle that is not activated can do it.
    pub fn activated() -> Failed {
        Failed::new(PCAP_ERROR_ACTIVATED, "can't perform operation on activated capture: set it before pcap_activate")
    }

    /// It needs a function of the system's libpcap that is not there.
    pub fn missing(function: &str) -> Failed {
        Failed::new(PCAP_ERROR, system::missing(function))
    }

    /// A pointer that must not be null is.
    pub fn null(what: &str) -> Failed {
        Failed::new(PCAP_ERROR, format!("{what} is a null pointer"))
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        let code = match error {
            Error::PermissionDenied { .. } => PCAP_ERROR_PERM_DENIED,
            Error::NotAvailable => PCAP_ERROR_NO_SUCH_DEVICE,
            Error::Device(_)
            | Error::GroupTaken { .. }
            | Error::GroupReadHere { .. }
            | Error::PrivilegeGone { .. }
            | Error::Lost { .. }
            | Error::NoConntrack
            | Error::Option(_)
            | Error::System { .. } => PCAP_ERROR,
        };
        Failed::new(code, error.to_string())
    }
}

pub(super) fn panicked(words: &str) -> String {
    format!("pcap-nflog: internal error: {words}; please report it")
}

/// Writes `text` into a buffer of `PCAP_ERRBUF_SIZE` bytes as a C string, up to its first NUL, cut off at a character
/// where it is too long. It may name what the caller's own caller chose, and goes to a terminal or a log: it becomes
/// one line that cannot steer them. A null buffer is left alone.
///
/// # Safety
///
/// `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
pub(super) unsafe fn write(errbuf: *mut c_char, text: &str) {
    if errbuf.is_null() {
        return;
    }
    let (mut bytes, mut end) = ([0; PCAP_ERRBUF_SIZE], 0);
    for c in text.chars().take_while(|&c| c != '\0').map(shown) {
        // The last byte ends the string.
        if end + c.len_utf8() >= bytes.len() {
            break;
        }
        end += c.encode_utf8(&mut bytes[end..]).len();
    }
    // SAFETY: `end` is less than PCAP_ERRBUF_SIZE, for which the caller promises room; an array of this function's own
    // cannot overlap with a buffer that C owns.
    unsafe {
        ptr::copy_nonoverlapping(bytes.as_ptr().cast(), errbuf, end);
        *errbuf.add(end) = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn written(text: &str) -> String {
        let mut errbuf = [b'#' as c_char; PCAP_ERRBUF_SIZE];
        // SAFETY: the buffer has PCAP_ERRBUF_SIZE bytes and is a C string afterwards.
        unsafe {
            write(errbuf.as_mut_ptr(), text);
            CStr::from_ptr(errbuf.as_ptr()).to_str().unwrap().to_owned()
        }
    }

    #[test]
    fn a_text_is_written_whole_or_cut_off_at_a_character() {
        assert_eq!(written("short"), "short");
        assert_eq!(written(""), "");
        assert_eq!(written(&"x".repeat(1000)), "x".repeat(255));
        assert_eq!(written(&format!("x{}", "ü".repeat(200))), format!("x{}", "ü".repeat(127)));
        assert_eq!(written("a\0b"), "a");
    }

    #[test]
    fn a_text_is_one_line_that_cannot_steer_a_terminal() {
        assert_eq!(written("nflog:\x1b[31m\r\n5\u{202e}"), "nflog:?[31m??5?");
        assert_eq!(written(&"\u{2028}".repeat(1000)), "?".repeat(255));
    }
}
