//! `pcap-nflog.1`: all commands on one page.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

const STATUSES: [(&str, &str); 6] = [
    ("0 to 124", "the exit status of COMMAND; 1 from doctor if a check failed"),
    ("2", "the command line is wrong"),
    ("125", "pcap-nflog could not do its own part: the library, nft, or the privileges are missing"),
    ("126", "COMMAND is there, but cannot be run, or what captures in it cannot be given the library"),
    ("127", "COMMAND is not there"),
    ("128 + N", "of tap: signal N ended COMMAND"),
];

const VARIABLES: [(&str, &str); 4] = [
    (
        "PCAP_NFLOG_LIB",
        "path of the library to put under COMMAND, instead of the one that was installed with the launcher",
    ),
    ("PCAP_NFLOG_LINKTYPE", "as --linktype"),
    ("PCAP_NFLOG_IMMEDIATE", "1 or on: as --immediate; 0 or off: as the program asks for it"),
    ("PCAP_NFLOG_DEVICES", "as --device, separated by spaces"),
];

/// Those that the launcher has nothing to do with.
const OTHER_VARIABLES: &str =
    "The library has two more, PCAP_NFLOG_READER_THREAD and PCAP_NFLOG_LIBPCAP: see pcap_nflog(3).";

const EXAMPLES: [(&str, &str); 8] = [
    ("pcap-nflog tcpdump -nn -i nflog:5 'udp port 53'", "what rules log to group 5, filtered"),
    (
        "pcap-nflog --immediate tcpdump -nn -i nflog:5",
        "each packet at once, with a time that is near also where the kernel stamps none",
    ),
    (
        "pcap-nflog tap 'tcp dport 443' -- tcpdump -nn -i {}",
        "what is sent to HTTPS servers, by this host and to it, without any rule of one's own; not what they answer",
    ),
    (
        "pcap-nflog tap 'tcp sport . tcp dport { 443 . 1024-65535, 1024-65535 . 443 }' -- tcpdump -nn -i {}",
        "HTTPS in both directions",
    ),
    (
        "pcap-nflog tap 'meta l4proto tcp' -- tcpdump -nn -i {} port 443",
        "the same: all of TCP is logged, and tcpdump selects",
    ),
    ("pcap-nflog tap --hooks output 'meta skuid www-data' -- tshark -i {}", "what one user sends"),
    ("pcap-nflog --linktype LINUX_SLL2 tap 'ct state invalid' -- tcpdump -i {}", "with interfaces and directions"),
    ("pcap-nflog doctor tcpdump", "what is missing, and what to do"),
];

/// The page.
pub fn page(command: Command) -> Vec<u8> {
    let mut command = command;
    command.build();
    let man = Man::new(command.clone()).title("PCAP-NFLOG").section("1").source("pcap-nflog").manual("User Commands");
    let mut text = Vec::new();
    let mut render = |section: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| section(&mut text).expect("memory");
    render(&|out| man.render_title(out));
    render(&|out| man.render_name_section(out));
    render(&|out| synopsis(&command).to_writer(out));
    render(&|out| man.render_description_section(out));
    render(&|out| man.render_options_section(out));
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        if subcommand.get_name() == "help" {
            continue;
        }
        let heading = format!("pcap-nflog {}", subcommand.get_name()).to_uppercase();
        let about = subcommand.get_long_about().or(subcommand.get_about()).map(ToString::to_string).unwrap_or_default();
        let mut roff = Roff::new();
        roff.control("SH", [heading.as_str()]);
        for paragraph in about.split("\n\n") {
            roff.text([roman(paragraph)]).control("PP", []);
        }
        for argument in
            subcommand.get_arguments().filter(|argument| !argument.is_global_set() && argument.get_id() != "help")
        {
            let value = argument.get_value_names().unwrap_or_default().first().map(ToString::to_string);
            let term = match (argument.get_long(), argument.get_action().takes_values(), value) {
                (Some(long), true, Some(value)) => format!("--{long} {value}"),
                (Some(long), ..) => format!("--{long}"),
                (None, _, value) => value.unwrap_or_default(),
            };
            roff.control("TP", []).text([bold(term)]);
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
            let default = match argument.get_action().takes_values() && !defaults.is_empty() {
                true => format!(" [default: {}]", defaults.join(",")),
                false => String::new(),
            };
            roff.text([roman(help + &default)]);
        }
        render(&|out| roff.to_writer(out));
    }
    for (heading, entries) in
        [("EXIT STATUS", &STATUSES[..]), ("ENVIRONMENT", &VARIABLES[..]), ("EXAMPLES", &EXAMPLES[..])]
    {
        let mut roff = Roff::new();
        roff.control("SH", [heading]);
        for (term, words) in entries {
            roff.control("TP", []).text([bold(*term)]).text([roman(*words)]);
        }
        if heading == "ENVIRONMENT" {
            roff.control("PP", []).text([roman(OTHER_VARIABLES)]);
        }
        render(&|out| roff.to_writer(out));
    }
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]).text([roman("pcap_nflog(3), pcap(3PCAP), tcpdump(8), nft(8)")]);
    render(&|out| roff.to_writer(out));
    text
}

/// The lines of the usage.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    for line in usage.trim_start_matches("Usage:").lines() {
        roff.text([roman(line.trim())]).control("br", []);
    }
    roff
}
