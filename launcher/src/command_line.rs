//! What the launcher accepts. The man page and the shell completions are made from these definitions
//! (`examples/generate.rs`), so each text here is for the user.

use std::ffi::{OsStr, OsString};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};
use pcap_nflog::capture::{Device, LinkType};

/// Run a pcap program with pcap-nflog under it
///
/// Runs COMMAND so that it can capture from Linux NFLOG: a device named nflog:5 is the packets that netfilter rules log
/// to group 5. Everything else goes to the libpcap that COMMAND would have had, unchanged. The library is preloaded, and
/// put in libpcap's place for programs that load libpcap by name. What LD_PRELOAD and LD_LIBRARY_PATH held is kept. A
/// COMMAND that is called like one of the commands below needs its path: ./list.
///
/// The library has to reach the program that captures. COMMAND is followed through env, timeout, nice, xargs, sh -c and
/// the like, and through tshark and wireshark to dumpcap. It is refused where the library certainly gets lost on the
/// way, which would leave NFLOG to libpcap's own reader: behind sudo, in a static program, in one that is set-user-ID or
/// has file capabilities. What may get lost is a warning.
#[derive(Debug, Parser)]
#[command(name = "pcap-nflog", version, subcommand_value_name = "COMMAND", subcommand_help_heading = "Commands")]
#[command(override_usage = "pcap-nflog [OPTIONS] COMMAND [ARGUMENT]...\n       \
                            pcap-nflog doctor [COMMAND [ARGUMENT]...]\n       \
                            pcap-nflog list\n       \
                            pcap-nflog tap [--hooks LIST] [--dry-run] MATCH -- COMMAND [ARGUMENT]...")]
pub struct CommandLine {
    #[command(flatten)]
    pub devices: Devices,
    #[command(subcommand)]
    pub action: Action,
}

/// What COMMAND gets to know of NFLOG devices.
#[derive(Debug, Args)]
pub struct Devices {
    /// Link type of NFLOG devices whose name has none
    #[arg(long, value_name = "TYPE", value_parser = link_types(), ignore_case = true, global = true)]
    pub linktype: Option<LinkType>,
    /// A device for COMMAND to list, besides those that rules log to and those that its arguments name; may be repeated
    #[arg(long = "device", value_name = "DEVICE", value_parser = device, global = true)]
    pub listed: Vec<String>,
    /// Hand each packet of NFLOG devices over at once, also to a COMMAND that does not ask for it: nothing waits for a
    /// batch, and estimated times are near; each packet costs a wake-up
    #[arg(long, global = true)]
    pub immediate: bool,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Check what a capture needs here, and say what to do where it is missing
    ///
    /// One line for each check: ok, note or FAIL. With COMMAND it also says whether that program can be given the
    /// library, and what it runs in its turn, as far as can be told: a command behind timeout, env or sh -c, dumpcap
    /// behind tshark and wireshark. The exit status is 1 if a check failed.
    Doctor {
        /// The program to check, with its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Show the groups that rules log to: table, chain, rule, packets, prefix, reader
    ///
    /// The rule is what it can be deleted by: nftables' handle, or the position in a chain of iptables-legacy. Reading
    /// the rules needs CAP_NET_ADMIN.
    List,
    /// Capture what an nftables expression matches, for as long as a command runs
    ///
    /// Adds an nftables table of its own that logs the packets that MATCH selects to a free group, runs COMMAND with
    /// each {} replaced by the device, and removes the table when COMMAND has ended, however that comes about. A packet
    /// is logged in each hook that it passes, before rules of priority filter see it; on loopback that is output, then
    /// input.
    ///
    /// MATCH selects packets, not conversations: 'tcp dport 443' is what is sent to the port, by this host and to it, and
    /// not what is sent back. 'tcp sport . tcp dport { 443 . 1024-65535, 1024-65535 . 443 }' is both directions; so is
    /// 'meta l4proto tcp' with a filter of COMMAND's own, such as tcpdump's port 443.
    Tap(Tap),
    /// Runs a program.
    #[command(external_subcommand)]
    Run(Vec<OsString>),
}

#[derive(Debug, Args)]
pub struct Tap {
    /// Where packets are matched: a list of prerouting, input, forward, output and postrouting
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "input,output", value_parser = HOOKS)]
    pub hooks: Vec<String>,
    /// Print the rules and the command, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What to capture, in the words of nft(8): 'tcp dport 443', 'meta skuid www-data', 'ct state invalid'; '' is
    /// everything
    #[arg(value_name = "MATCH", allow_hyphen_values = true)]
    pub matching: String,
    /// The program to run and its arguments, in which {} is the device
    #[arg(value_name = "COMMAND", last = true, required = true)]
    pub command: Vec<OsString>,
}

impl CommandLine {
    /// Reads the words of a command line, the launcher's name first.
    ///
    /// # Errors
    ///
    /// What is wrong, how it is written, and a tip; or the help that was asked for.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<CommandLine, clap::Error> {
        CommandLine::try_parse_from(words).map_err(|mut error| {
            let of_tap = error.get(ContextKind::Usage).is_some_and(|usage| usage.to_string().contains(" tap "));
            if of_tap && matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::MissingRequiredArgument) {
                let tip = "MATCH is one argument, in quotes, and -- stands between it and COMMAND: \
                           pcap-nflog tap 'udp dport 53' -- tcpdump -nn -i {}";
                error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
            }
            error
        })
    }
}

/// The hooks of the inet family that do not need a device.
pub const HOOKS: [&str; 5] = ["prerouting", "input", "forward", "output", "postrouting"];

/// The names are told to clap, for its texts and the completions.
fn link_types() -> impl TypedValueParser<Value = LinkType> {
    PossibleValuesParser::new(LinkType::ALL.map(LinkType::name))
        .try_map(|name| LinkType::from_name(&name).ok_or("no such link type"))
}

/// The NFLOG device that an argument of a program ends with: `nflog:5@EN10MB`, `-inflog:5`, `1:nflog:5`.
pub fn device_in(argument: &OsStr) -> Option<&str> {
    let text = argument.to_str()?;
    let name = &text[text.find("nflog")?..];
    (name != "nflog" && Device::parse(name).is_ok()).then_some(name)
}

/// Devices are handed on separated by spaces; no device name has one.
fn device(name: &str) -> Result<String, String> {
    Device::parse(name).map(|_| name.to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn options_behind_the_command_are_the_commands() {
        let line =
            CommandLine::parse_from(["pcap-nflog", "--linktype", "en10mb", "tcpdump", "--device", "x", "--help"]);
        assert_eq!(line.devices.linktype, Some(LinkType::Ethernet));
        let Action::Run(command) = line.action else { panic!("{line:?}") };
        assert_eq!(command, ["tcpdump", "--device", "x", "--help"]);
    }

    #[test]
    fn devices_are_found_in_a_programs_arguments() {
        let found = |argument: &'static str| device_in(OsStr::new(argument));
        for (argument, device) in [
            ("nflog:5@EN10MB", "nflog:5@EN10MB"),
            ("-inflog:5", "nflog:5"),
            ("1:nflog:5-7", "nflog:5-7"),
            ("exec trafshow -i nflog:5", "nflog:5"),
        ] {
            assert_eq!(found(argument), Some(device), "{argument}");
        }
        for argument in ["", "lo", "nflog", "/usr/include/pcap_nflog.h", "nflog:x", "nflog:5 -w out", "nflogger0"] {
            assert_eq!(found(argument), None, "{argument}");
        }
    }

    #[test]
    fn a_tap_takes_hooks_a_match_and_a_command() {
        let line = ["pcap-nflog", "tap", "--hooks", "forward,input", "udp", "--", "tcpdump", "-i", "{}"];
        let Action::Tap(tap) = CommandLine::parse_from(line).action else { panic!("not a tap") };
        assert_eq!((tap.hooks.join(" "), tap.matching.as_str()), ("forward input".to_owned(), "udp"));
        assert_eq!(tap.command, ["tcpdump", "-i", "{}"]);
        for wrong in [&line[..5], &["pcap-nflog", "tap", "--hooks", "ingress", "udp", "--", "x"]] {
            assert!(CommandLine::try_parse_from(wrong).is_err(), "{wrong:?}");
        }
    }
}
