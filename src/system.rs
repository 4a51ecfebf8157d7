//! The libpcap that the program would have without this library: found once, its functions resolved all together. That
//! is when this library is loaded, where libpcap would have been by then; else at the first call that is not for NFLOG.
//!
//! Preloaded or linked beside it, its functions are the next definitions behind ours (`RTLD_NEXT`); otherwise it is
//! opened by its path. This library must recognise itself there, under whatever name it was put in libpcap's place, and
//! never call itself.

mod asked;
mod caller;
mod linker;
mod search;

use std::ffi::{CStr, c_void};
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicPtr, Ordering};

use once_cell::sync::OnceCell;

use crate::capture::Uncancelled;

pub(crate) use caller::is_libpcap as called_by_libpcap;
pub(crate) use search::Library;

/// A function of the system's libpcap: null until the library was searched, and where it has no such function.
pub(crate) type Slot = AtomicPtr<c_void>;

/// The outcome of the one search: the library, or where it was sought in vain.
static SEARCHED: OnceCell<Result<Library, String>> = OnceCell::new();

macro_rules! functions {
    ($($name:ident)*) => {
        /// Every function that libpcap 1.10 can export.
        #[allow(missing_docs)]
        pub(crate) struct Functions { $(pub $name: Slot,)* }

        pub(crate) static FUNCTIONS: Functions = Functions { $($name: Slot::new(std::ptr::null_mut()),)* };

        impl Functions {
            /// Every function's name and slot.
            fn all(&self) -> impl Iterator<Item = (&'static CStr, &Slot)> {
                const NAMES: &[&CStr] = &[
                    $(match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                        Ok(name) => name,
                        Err(_) => panic!("an identifier has no NUL"),
                    },)*
                ];
                NAMES.iter().copied().zip([$(&self.$name,)*])
            }
        }
    };
}

functions! {
    bpf_dump bpf_filter bpf_image bpf_validate
    pcap_activate pcap_breakloop pcap_bufsize pcap_can_set_rfmon pcap_close pcap_compile pcap_compile_nopcap
    pcap_create pcap_createsrcstr pcap_datalink pcap_datalink_ext pcap_datalink_name_to_val
    pcap_datalink_val_to_description pcap_datalink_val_to_description_or_dlt pcap_datalink_val_to_name
    pcap_dispatch pcap_dump pcap_dump_close pcap_dump_file pcap_dump_flush pcap_dump_fopen pcap_dump_ftell
    pcap_dump_ftell64 pcap_dump_open pcap_dump_open_append pcap_ether_aton pcap_ether_hostton pcap_file pcap_fileno
    pcap_findalldevs pcap_findalldevs_ex pcap_fopen_offline pcap_fopen_offline_with_tstamp_precision
    pcap_free_datalinks pcap_free_tstamp_types pcap_freealldevs pcap_freecode pcap_get_required_select_timeout
    pcap_get_selectable_fd pcap_get_tstamp_precision pcap_geterr pcap_getnonblock pcap_init pcap_inject
    pcap_is_swapped pcap_lib_version pcap_list_datalinks pcap_list_tstamp_types pcap_lookupdev pcap_lookupnet
    pcap_loop pcap_major_version pcap_minor_version pcap_nametoaddr pcap_nametoaddrinfo pcap_nametoeproto
    pcap_nametollc pcap_nametonetaddr pcap_nametoport pcap_nametoportrange pcap_nametoproto pcap_next
    pcap_next_etherent pcap_next_ex pcap_offline_filter pcap_open pcap_open_dead pcap_open_dead_with_tstamp_precision
    pcap_open_live pcap_open_offline pcap_open_offline_with_tstamp_precision pcap_parsesrcstr pcap_perror
    pcap_remoteact_accept pcap_remoteact_accept_ex pcap_remoteact_cleanup pcap_remoteact_close pcap_remoteact_list
    pcap_sendpacket pcap_set_buffer_size pcap_set_datalink pcap_set_immediate_mode pcap_set_promisc
    pcap_set_protocol_linux pcap_set_rfmon pcap_set_snaplen pcap_set_timeout pcap_set_tstamp_precision
    pcap_set_tstamp_type pcap_setdirection pcap_setfilter pcap_setnonblock pcap_setsampling pcap_snapshot pcap_stats
    pcap_statustostr pcap_strerror pcap_tstamp_type_name_to_val pcap_tstamp_type_val_to_description
    pcap_tstamp_type_val_to_name
}

/// Calls a function of the system's libpcap with the types of the context, or evaluates `$missing` where there is no
/// such function. One load, one predictable branch, one jump.
///
/// The caller passes its own arguments on and returns the result, so that the function's type is that of the
/// exported function of the same name: pcap's.
macro_rules! forward {
    ($name:ident($($argument:expr),* $(,)?) else $missing:expr) => {{
        let mut function = $crate::system::FUNCTIONS.$name.load(std::sync::atomic::Ordering::Acquire);
        if function.is_null() {
            function = $crate::system::resolve(&$crate::system::FUNCTIONS.$name);
        }
        if function.is_null() {
            $missing
        } else {
            // SAFETY: it is libpcap's function of that name, whose C prototype is that of the exported function that
            // passes its own arguments here; who called that one has kept the promises that pcap's manual asks for.
            #[allow(unused_unsafe)] // some callers are in an unsafe block already
            unsafe {
                let function: unsafe extern "C-unwind" fn($($crate::system::forward!(@any $argument)),*) -> _ =
                    std::mem::transmute(function);
                function($($argument),*)
            }
        }
    }};
    (@any $argument:expr) => { _ };
}
pub(crate) use forward;

/// Runs when this library is loaded. A program that is linked with libpcap has it from its start on, also when it goes
/// where nothing can be opened any more (chroot(2), seccomp(2)); so it has the one that stands behind this library.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = {
    extern "C" fn at_load() {
        let _ = std::panic::catch_unwind(|| Library::is_due() && library().is_ok());
    }
    at_load
};

/// Searches for the library if that was not done yet, and resolves all of its functions, so that later calls (from a
/// signal handler, too) only load a pointer. Returns what is then in `slot`.
#[cold]
pub(crate) fn resolve(slot: &Slot) -> *mut c_void {
    let _ = library();
    slot.load(Ordering::Acquire)
}

/// The library, or the text that says it is missing and where it was sought.
pub(crate) fn library() -> Result<&'static Library, &'static str> {
    if SEARCHED.get().is_none() {
        // The thread is not cancelled among what the search owns, and no panic goes on into C.
        let _uncancelled = Uncancelled::begin();
        let _ = catch_unwind(|| SEARCHED.get_or_init(search).is_ok());
    }
    match SEARCHED.get() {
        Some(searched) => searched.as_ref().map_err(String::as_str),
        None => Err("system libpcap not found: the search for it has panicked"),
    }
}

fn search() -> Result<Library, String> {
    let library = Library::find()?;
    for (name, slot) in FUNCTIONS.all() {
        slot.store(library.function(name), Ordering::Release);
    }
    crate::abi::version::found(&library);
    Ok(library)
}

/// Why the system's `function` cannot be called: there is no libpcap, or it has no such function.
pub(crate) fn missing(function: &str) -> String {
    match library() {
        Err(text) => text.to_owned(),
        Ok(library) => format!("{function} is not in the system's libpcap ({library})"),
    }
}
