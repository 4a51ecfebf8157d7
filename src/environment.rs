//! The environment variables that users set. A set-user-ID program must not be steered by whoever starts it, so
//! there they are ignored.

use std::ffi::OsString;

/// The value of `name`, or `None` when it is unset, empty, or this process runs with more privileges than its user.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    // SAFETY: getauxval only reads the auxiliary vector that the kernel gave this process; no argument is invalid.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    if secure { None } else { std::env::var_os(name).filter(|value| !value.is_empty()) }
}
