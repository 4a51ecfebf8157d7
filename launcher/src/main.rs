//! The launcher `pcap-nflog`: runs pcap programs with the library under them, and shows what can be captured.
//!
//! ```text
//! command_line.rs  what is accepted; man page and shell completions are made from it, too
//! failure.rs       what went wrong, and the exit status that says so
//! library.rs       where the library and its drop-in folder are
//! target.rs        a program: found as a shell finds it, and what stands in the library's way
//! capturing.rs     what will really capture: the program behind those that run it, dumpcap behind tshark
//! wrapper.rs       programs that run another
//! wrapper/         the commands of a shell's script
//! linker.rs        what the dynamic linker says of a program before it runs
//! run.rs           the environment, and the program in this one's place
//! list.rs          the groups that rules log to
//! doctor.rs        what a capture needs here, and whether it is there
//! tap.rs           a capture of what an nftables expression matches
//! tap/             its table, its child, and what removes the table
//! ```
//!
//! It is a crate of its own so that the library's dependents build no argument parser.

mod capturing;
mod command_line;
mod doctor;
mod failure;
mod library;
mod linker;
mod list;
mod run;
mod tap;
mod target;
mod wrapper;

use std::process::ExitCode;

use command_line::{Action, CommandLine};

fn main() -> ExitCode {
    // A tap starts its guard under a name of its own: it is no command of the user's.
    let mut arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let done = match (arguments.next(), arguments.next()) {
        (Some(name), Some(table)) if name == tap::GUARD => tap::guard(&table),
        _ => act(&CommandLine::read(std::env::args_os()).unwrap_or_else(|error| error.exit())),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("pcap-nflog: {failure}");
        failure.exit_code()
    })
}

fn act(line: &CommandLine) -> failure::Result<ExitCode> {
    match &line.action {
        Action::Run(command) => run::run(&line.devices, command).map(|never| match never {}),
        Action::Doctor { command } => doctor::doctor(&line.devices, command),
        Action::List => list::list(),
        Action::Tap(tap) => tap::tap(&line.devices, tap),
    }
}
