//! `pcap_nflog.3`: what `pcap_nflog.h` adds to libpcap's interface, from the comments in the header.

use clap_mangen::roff::{Roff, bold, roman};

/// What a program may rely on.
const PROGRAM: [(&str, &str); 5] = [
    (
        "GROUPS",
        "A group has one reader. Where a process opens one more than once, the handle that is read first has it until it is \
         closed; reads of the others fail with PCAP_ERROR meanwhile. What was logged before that first read, while a handle \
         had the group that was never read, is not delivered. A group that another process reads is an error of \
         pcap_activate(3PCAP).",
    ),
    (
        "THREADS AND CALLBACKS",
        "One thread at a time may use a handle, except for pcap_breakloop(3PCAP), which any thread and any signal handler may \
         call. A callback may leave pcap_loop and pcap_dispatch without returning: its thread may be cancelled or end by \
         pthread_exit(3), and it may throw a C++ exception or call longjmp(3). The handle can be read on, by another thread too, \
         or closed afterwards; the packets of the batch that were not delivered yet are delivered by the next read. \
         pcap_loop, pcap_dispatch, pcap_next and pcap_next_ex are cancellation points where they wait and where they take a \
         new batch; every other function completes before a cancellation takes effect. Only deferred cancellation is \
         supported. Panics inside the library become PCAP_ERROR with a text.",
    ),
    (
        "MEMORY",
        "Where memory runs out, functions fail with their error code and a text. Large buffers are mapped, and a mapping that is \
         refused is an error; what malloc(3) refuses beyond that comes from a reserve of 4 MiB in the library's static data. A \
         function that begins while half of the reserve is in use fails with \"out of memory\". What remains: a single call \
         that needs more than 2 MiB while malloc gives nothing aborts the process.",
    ),
    (
        "FORKS",
        "A child may read a handle that was opened before the fork, and so may the parent: each packet goes to one of them, \
         except for those of the batch that was being read at the fork: both have these. A process takes the other's packets \
         for lost, since the kernel numbers them all. pcap_breakloop ends a wait of its own process.",
    ),
    (
        "CLOCK",
        "The kernel's timestamps are delivered as they are. Estimates (packets at output hooks) do not go backwards within a \
         group; if the clock is set back by more than 20 ms, they follow it.",
    ),
];

const VARIABLES: [(&str, &str); 5] = [
    (
        "PCAP_NFLOG_IMMEDIATE",
        "1 or on: immediate mode for NFLOG devices, whatever the program asks for. Each packet is handed over at once: \
         nothing waits for a batch, and a time that is an estimate is near. Each costs a wake-up. 0 or off: as the \
         program asks for it",
    ),
    ("PCAP_NFLOG_LINKTYPE", "link type of NFLOG devices whose name has no @"),
    (
        "PCAP_NFLOG_DEVICES",
        "NFLOG devices that pcap_findalldevs(3PCAP) lists besides those that rules log to, separated by spaces; a \
         wrong name is listed with what is wrong for its description",
    ),
    (
        "PCAP_NFLOG_READER_THREAD",
        "auto, on or off: whether a thread holds packets in this process's memory, up to the buffer size that was \
         asked for; auto is where the kernel grants less",
    ),
    (
        "PCAP_NFLOG_LIBPCAP",
        "path of the libpcap that everything else goes to, instead of the one that the program would have had",
    ),
];

/// The page of a header that cbindgen wrote.
pub fn page(header: &str) -> Vec<u8> {
    let mut roff = Roff::new();
    roff.control("TH", ["pcap_nflog", "3", "", "pcap-nflog", "Library Functions"]);
    roff.control("SH", ["NAME"])
        .text([roman("pcap_nflog - Linux NFLOG as a capture device, behind libpcap's interface")]);
    roff.control("SH", ["SYNOPSIS"]).text([bold("#include <pcap_nflog.h>")]).control("PP", []);
    roff.text([roman("cc program.c $(pkg-config --cflags --libs pcap_nflog)")]);
    roff.control("SH", ["DESCRIPTION"]).text([roman(
        "The library has every function of libpcap 1.10. A device named nflog:N, as in pcap_create(3PCAP), is the \
         packets that netfilter rules log to group N; every other device, every savefile and every name table is the \
         libpcap that the program would have without this library, called unchanged. The form of a device's name is nflog[:GROUP[-GROUP][,...]][@LINKTYPE], with \
         groups from 0 to 65535. On such devices these functions tell and set what libpcap has no words for. The others \
         are described by libpcap's own pages.",
    )]);
    for (heading, text) in PROGRAM {
        roff.control("SH", [heading]).text([roman(text)]);
    }
    for (section, wanted) in [("FUNCTIONS", true), ("TYPES", false)] {
        roff.control("SH", [section]);
        for (comment, declaration) in documented(header) {
            let is_function = declaration.trim_end().ends_with(");");
            let is_ours = declaration.contains("pcap_nflog_") && !declaration.starts_with('#');
            if is_ours && is_function == wanted {
                describe(&mut roff, &comment, &declaration);
            }
        }
    }
    roff.control("SH", ["CONSTANTS"]);
    for (comment, declaration) in documented(header) {
        if let Some(name) = declaration.strip_prefix("#define PCAP_NFLOG_") {
            let name = name.split_whitespace().next().unwrap_or_default();
            roff.control("TP", []).text([bold(format!("PCAP_NFLOG_{name}"))]).text([roman(comment.join(" "))]);
        }
    }
    roff.control("SH", ["ENVIRONMENT"]).text([roman(
        "They are ignored in set-user-ID programs. Opening an NFLOG device fails with a text that names the variable \
         where a value is wrong.",
    )]);
    for (name, words) in VARIABLES {
        roff.control("TP", []).text([bold(name)]).text([roman(words)]);
    }
    roff.control("SH", ["SEE ALSO"]).text([roman("pcap-nflog(1), pcap(3PCAP), pcap-linktype(7)")]);
    let mut text = Vec::new();
    roff.to_writer(&mut text).expect("memory");
    text
}

/// The header's comments, line by line, each with the declaration that follows it.
fn documented(header: &str) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut lines = header.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "/**" || line.starts_with(' ') {
            continue;
        }
        let mut comment = Vec::new();
        for line in lines.by_ref() {
            match line.trim().strip_prefix("*/") {
                Some(_) => break,
                None => comment.push(line.trim().trim_start_matches('*').trim().to_owned()),
            }
        }
        let mut declaration = Vec::new();
        // A declaration ends with a line that closes it; one of the preprocessor is one line.
        for line in lines.by_ref() {
            declaration.push(line);
            let whole = line.starts_with('#') || line.ends_with(';') && !line.starts_with(' ') || line.ends_with(");");
            if whole {
                break;
            }
        }
        found.push((comment, declaration.join("\n")));
    }
    found
}

/// A declaration, and its comment with headings and lists.
fn describe(roff: &mut Roff, comment: &[String], declaration: &str) {
    let name =
        declaration.split(|c: char| !c.is_alphanumeric() && c != '_').find(|word| word.starts_with("pcap_nflog_"));
    roff.control("SS", [name.unwrap_or_default()]);
    roff.control("PP", []).control("nf", []);
    for line in declaration.lines() {
        // Comments inside of a struct are part of its description.
        roff.text([bold(line)]);
    }
    roff.control("fi", []).control("PP", []);
    for line in comment {
        match line.strip_prefix("# ") {
            Some(heading) => roff.control("PP", []).text([bold(heading)]).control("PP", []),
            None if line.is_empty() => roff.control("PP", []),
            None => roff.text([roman(line.replace('`', ""))]),
        };
    }
}
