//! What pcap-nflog adds to libpcap: pcap_nflog_*.

use std::ffi::c_char;

/// The version of this library; a program that finds this function has pcap-nflog and not libpcap alone.
///
/// # Returns
///
/// A C string, "0.1.0", that stays for ever.
#[unsafe(no_mangle)]
pub extern "C" fn pcap_nflog_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
