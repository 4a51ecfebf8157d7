//! Programs that run another: what they run, and whether the environment, in which the library comes, gets there.

mod shell;

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What a command runs in its turn.
#[derive(Debug, PartialEq)]
pub enum Runs {
    /// The command that begins at this word.
    Command(usize),
    /// The same, without the environment.
    Cleared(usize),
    /// A shell's script: its commands as far as they can be told, and whether it does nothing else than one of them.
    Script(Vec<Vec<OsString>>, bool),
}

/// A program that runs what follows its own arguments.
struct Wrapper {
    name: &'static str,
    /// The options that take a value: short ones, and long ones whose value may be the next word.
    short: &'static str,
    long: &'static [&'static str],
    /// The arguments before the command.
    operands: usize,
    environment: Environment,
}

/// What a program does with its command's environment.
enum Environment {
    Kept,
    /// Changed by what stands before the command: env(1).
    Changed,
    /// Emptied of what the dynamic linker reads.
    Cleared,
    /// Emptied with this option.
    ClearedWith(&'static str),
}
use Environment::{Changed, Cleared, ClearedWith, Kept};

const XARGS: &[&str] =
    &["--arg-file", "--delimiter", "--max-lines", "--max-args", "--max-procs", "--max-chars", "--process-slot-var"];
const SETPRIV: &[&str] = &[
    "--ambient-caps",
    "--inh-caps",
    "--bounding-set",
    "--ruid",
    "--euid",
    "--rgid",
    "--egid",
    "--reuid",
    "--regid",
    "--groups",
    "--securebits",
    "--pdeathsig",
    "--selinux-label",
    "--apparmor-profile",
];
const SUDO: &[&str] = &[
    "--close-from",
    "--chdir",
    "--group",
    "--host",
    "--prompt",
    "--chroot",
    "--role",
    "--command-timeout",
    "--type",
    "--other-user",
    "--user",
];

const fn wrapper(
    name: &'static str,
    short: &'static str,
    long: &'static [&'static str],
    operands: usize,
    environment: Environment,
) -> Wrapper {
    Wrapper { name, short, long, operands, environment }
}

/// By their manuals: GNU coreutils and findutils, util-linux, time, sudo, doas, polkit.
const WRAPPERS: &[Wrapper] = &[
    wrapper("env", "uC", &["--unset", "--chdir"], 0, Changed),
    wrapper("timeout", "ks", &["--kill-after", "--signal"], 1, Kept),
    wrapper("nice", "n", &["--adjustment"], 0, Kept),
    wrapper("xargs", "aEILnPsd", XARGS, 0, Kept),
    wrapper("nohup", "", &[], 0, Kept),
    wrapper("setsid", "", &[], 0, Kept),
    wrapper("stdbuf", "ioe", &["--input", "--output", "--error"], 0, Kept),
    wrapper("ionice", "cn", &["--class", "--classdata"], 0, Kept),
    wrapper("taskset", "", &[], 1, Kept),
    wrapper("time", "fo", &["--format", "--output"], 0, Kept),
    wrapper("setpriv", "", SETPRIV, 0, ClearedWith("--reset-env")),
    wrapper("sudo", "CDghpRrTtUu", SUDO, 0, Cleared),
    wrapper("doas", "aCu", &[], 0, Cleared),
    wrapper("pkexec", "", &["--user"], 0, Cleared),
];

const SHELLS: [&str; 6] = ["sh", "dash", "bash", "ash", "ksh", "zsh"];

/// What a command runs; `None` where it is no wrapper, or that cannot be told.
pub fn runs(words: &[OsString]) -> Option<Runs> {
    let name = Path::new(words.first()?).file_name()?.to_str()?;
    if SHELLS.contains(&name) {
        let (commands, only) = shell::commands(shell::script(words)?);
        return Some(Runs::Script(commands, only));
    }
    let wrapper = WRAPPERS.iter().find(|wrapper| wrapper.name == name)?;
    let Options { given, mut end } = wrapper.options(words);
    let given = |option: &str| given.iter().any(|(name, _)| name == option);
    let assigned_from = end;
    if matches!(wrapper.name, "env" | "sudo") {
        end += words[end..].iter().take_while(|word| word.as_bytes().contains(&b'=')).count();
    }
    let assigned: Vec<_> = words[assigned_from..end].iter().map(|word| word.to_string_lossy()).collect();
    let at = end + wrapper.operands;
    // Without a command they do something else; with these, the command stands elsewhere.
    let elsewhere = match wrapper.name {
        "env" => given("-S") || given("--split-string"),
        "sudo" => ["-e", "-l", "-s", "-i", "--edit", "--list", "--shell", "--login"].iter().any(|o| given(o)),
        _ => false,
    };
    if at >= words.len() || elsewhere {
        return None;
    }
    let sets_the_linkers = assigned.iter().any(|word| word.starts_with("LD_PRELOAD=") || word.starts_with("LD_LIB"));
    let cleared = match wrapper.environment {
        Kept => false,
        ClearedWith(option) => given(option),
        Cleared => !sets_the_linkers && !sudoers_keep(name),
        Changed => {
            let options = wrapper.options(words).given;
            let unset = |variable: &str| {
                options.iter().any(|(name, value)| matches!(name.as_str(), "-u" | "--unset") && value == variable)
            };
            let all = given("-") || given("-i") || given("--ignore-environment");
            !sets_the_linkers && (all || unset("LD_PRELOAD") && unset("LD_LIBRARY_PATH"))
        }
    };
    Some(if cleared { Runs::Cleared(at) } else { Runs::Command(at) })
}

/// The options of a command, with their values, and where they end.
struct Options {
    given: Vec<(String, String)>,
    end: usize,
}

impl Wrapper {
    fn options(&self, words: &[OsString]) -> Options {
        let mut given = Vec::new();
        let mut end = 1;
        while let Some(word) = words.get(end) {
            let word = word.to_string_lossy();
            end += 1;
            let next = || words.get(end).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
            if word == "--" {
                break;
            } else if let Some((name, value)) = word.split_once('=').filter(|_| word.starts_with("--")) {
                given.push((name.into(), value.into()));
            } else if word.starts_with("--") {
                let valued = self.long.contains(&word.as_ref());
                given.push((word.clone().into_owned(), if valued { next() } else { String::new() }));
                end += usize::from(valued);
            } else if word == "-" {
                given.push((word.into_owned(), String::new()));
            } else if let Some(letters) = word.strip_prefix('-') {
                for (index, letter) in letters.char_indices() {
                    let rest = &letters[index + letter.len_utf8()..];
                    if !self.short.contains(letter) {
                        given.push((format!("-{letter}"), String::new()));
                        continue;
                    }
                    let separate = rest.is_empty();
                    given.push((format!("-{letter}"), if separate { next() } else { rest.into() }));
                    end += usize::from(separate);
                    break;
                }
            } else {
                return Options { given, end: end - 1 };
            }
        }
        Options { given, end: end.min(words.len()) }
    }
}

/// Whether sudo is told to keep LD_PRELOAD, or might be: whoever may not read its rules cannot tell.
fn sudoers_keep(name: &str) -> bool {
    let more = fs::read_dir("/etc/sudoers.d").into_iter().flatten().flatten().map(|file| file.path());
    let mut files = more.chain(["/etc/sudoers".into()]);
    name == "sudo" && files.any(|file| fs::read_to_string(file).is_ok_and(|text| text.contains("LD_PRELOAD")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs_of(line: &str) -> Option<Runs> {
        runs(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_command_begins_behind_options_their_values_and_operands() {
        for (line, at) in [
            ("timeout 5 tcpdump -i lo", 2),
            ("timeout -k 1 -s INT 5 tcpdump", 6),
            ("timeout --kill-after 1 --signal=INT --foreground 5 tcpdump", 6),
            ("timeout -k1 -v 5 tcpdump", 4),
            ("nice tcpdump", 1),
            ("nice -n 5 tcpdump", 3),
            ("nice -10 tcpdump -n 5", 2),
            ("/usr/bin/env A=b C=d tcpdump E=f", 3),
            ("env -u A -C / -- tcpdump", 6),
            ("env -u LD_PRELOAD tcpdump", 3),
            ("env -i LD_PRELOAD=x tcpdump", 3),
            ("xargs -0 -n 1 -I {} tcpdump -i {}", 6),
            ("stdbuf -oL tcpdump", 2),
            ("setpriv --reuid 1000 --clear-groups tcpdump", 4),
            ("taskset -c 1 tcpdump", 3),
        ] {
            assert_eq!(runs_of(line), Some(Runs::Command(at)), "{line}");
        }
    }

    #[test]
    fn a_command_that_gets_another_environment_is_told() {
        for (line, at) in [
            ("env -i PATH=/bin tcpdump", 3),
            ("env - tcpdump", 2),
            ("env -u LD_PRELOAD --unset=LD_LIBRARY_PATH tcpdump", 4),
            ("setpriv --reset-env tcpdump", 2),
            ("doas -u root tcpdump", 3),
            ("pkexec --user root tcpdump", 3),
        ] {
            assert_eq!(runs_of(line), Some(Runs::Cleared(at)), "{line}");
        }
    }

    #[test]
    fn what_has_no_command_or_is_no_wrapper_runs_nothing() {
        for line in [
            "tcpdump -i lo",
            "timeout 5",
            "timeout",
            "env",
            "env A=b",
            "env -S tcpdump",
            "sudo -l x",
            "nice -n",
            "sh",
            "sh x",
        ] {
            assert_eq!(runs_of(line), None, "{line}");
        }
    }
}
