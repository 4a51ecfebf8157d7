//! Completions for bash, zsh and fish. The options, their values and the commands are clap's definitions; the rest is
//! what each shell has for programs that run others (sudo, nice): what follows the launcher's own words is completed as
//! the command's own line would be. clap_complete has no such thing, hence these templates.

use clap::{Arg, Command};

/// The files' names and contents.
pub fn all(command: &Command) -> [(&'static str, String); 3] {
    let mut command = command.clone();
    command.build();
    let facts = Facts::of(&command);
    [("bash", facts.bash()), ("zsh", facts.zsh()), ("fish", facts.fish())]
}

/// An option: its long name, what it does, and its values.
struct LongOption {
    long: String,
    help: String,
    repeats: bool,
    values: Values,
}

/// What follows an option.
enum Values {
    None,
    /// One of these.
    One(Vec<String>),
    /// Some of these, separated by commas.
    List(Vec<String>),
    /// A device's name.
    Device,
}

struct Facts {
    /// Options that stand before COMMAND and behind every command.
    options: Vec<LongOption>,
    /// Options of tap alone.
    of_tap: Vec<LongOption>,
    /// The launcher's own commands and what they do.
    actions: Vec<(String, String)>,
}

impl Facts {
    fn of(command: &Command) -> Facts {
        let first_line = |text: Option<&clap::builder::StyledStr>| {
            text.map(ToString::to_string).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
        };
        let option = |argument: &Arg| {
            let names = || argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
            let values = match argument.get_value_delimiter() {
                _ if !argument.get_action().takes_values() => Values::None,
                Some(_) => Values::List(names()),
                None if argument.get_possible_values().is_empty() => Values::Device,
                None => Values::One(names()),
            };
            let repeats = matches!(argument.get_action(), clap::ArgAction::Append);
            Some(LongOption {
                long: argument.get_long()?.to_owned(),
                help: first_line(argument.get_help()),
                repeats,
                values,
            })
        };
        let (tap, mut actions) = (command.find_subcommand("tap").expect("there is tap"), Vec::new());
        for action in command.get_subcommands() {
            actions.push((action.get_name().to_owned(), first_line(action.get_about())));
        }
        let options: Vec<_> = command.get_arguments().filter_map(option).collect();
        let own = |argument: &&Arg| options.iter().all(|option| argument.get_long() != Some(&option.long));
        let of_tap = tap.get_arguments().filter(own).filter_map(option).collect();
        Facts { options, of_tap, actions }
    }

    /// The long options of a list, each with its dashes.
    fn longs(options: &[LongOption]) -> String {
        options.iter().map(|option| format!("--{}", option.long)).collect::<Vec<_>>().join(" ")
    }

    /// The options that a value follows.
    fn valued(&self) -> Vec<&LongOption> {
        let all = self.options.iter().chain(&self.of_tap);
        all.filter(|option| !matches!(option.values, Values::None)).collect()
    }

    fn actions(&self, separator: &str) -> String {
        self.actions.iter().map(|action| action.0.as_str()).collect::<Vec<_>>().join(separator)
    }

    fn bash(&self) -> String {
        let mut cases = String::new();
        for option in self.valued() {
            cases += &format!("            --{})\n", option.long);
            cases += &match &option.values {
                Values::One(names) => {
                    format!("                COMPREPLY=($(compgen -W '{}' -- \"${{cur^^}}\"))\n", names.join(" "))
                }
                Values::List(names) => format!(
                    "                local before=${{cur%\"${{cur##*,}}\"}}\n                \
                     compopt -o nospace\n                \
                     COMPREPLY=($(compgen -P \"$before\" -W '{}' -- \"${{cur##*,}}\"))\n",
                    names.join(" ")
                ),
                _ => "                _pcap_nflog_devices\n".into(),
            };
            cases += "                return\n                ;;\n";
        }
        let valued: Vec<_> = self.valued().iter().map(|option| format!("--{}", option.long)).collect();
        include_str!("completions.bash")
            .replace("@VALUED@", &valued.join(" | "))
            .replace("@VALUES@", cases.trim_end())
            .replace("@ACTIONS@", &self.actions(" "))
            .replace("@ACTION@", &self.actions(" | "))
            .replace("@OPTIONS@", &Self::longs(&self.options))
            .replace("@OF_TAP@", &Self::longs(&self.of_tap))
    }

    fn zsh(&self) -> String {
        let quoted = |text: &str| text.replace('\'', "'\\''");
        let words = |text: &str| quoted(text).replace('[', "\\[").replace(']', "\\]").replace(':', "\\:");
        let lines = |options: &[LongOption]| {
            let mut lines = Vec::new();
            for option in options {
                let action = match &option.values {
                    Values::None => String::new(),
                    Values::One(names) => format!(":type:({})", names.join(" ")),
                    Values::List(names) => format!(":hooks:_values -s , hook {}", names.join(" ")),
                    Values::Device => ":device:_pcap_nflog_devices".into(),
                };
                let (repeats, equals) =
                    (if option.repeats { "*" } else { "" }, if action.is_empty() { "" } else { "=" });
                lines.push(format!("        '{repeats}--{}{equals}[{}]{action}'", option.long, words(&option.help)));
            }
            lines.join("\n")
        };
        let action = |(name, help): &(String, String)| format!("        '{name}:{}'", quoted(help).replace(':', "\\:"));
        include_str!("completions.zsh")
            .replace("@ACTIONS@", &self.actions.iter().map(action).collect::<Vec<_>>().join("\n"))
            .replace("@OPTIONS@", &lines(&self.options))
            .replace("@OF_TAP@", &lines(&self.of_tap))
    }

    fn fish(&self) -> String {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
        let lines = |condition: &str, options: &[LongOption]| {
            let mut lines = Vec::new();
            for option in options {
                let values = match &option.values {
                    Values::None => String::new(),
                    Values::One(names) => format!(" -x -a '{}'", names.join(" ")),
                    Values::List(names) => {
                        format!(" -x -a '(__fish_complete_list , \"printf \\'%s\\\\n\\' {}\")'", names.join(" "))
                    }
                    Values::Device => " -x -a '(__pcap_nflog_devices)'".into(),
                };
                lines.push(format!(
                    "complete -c pcap-nflog -n '{condition}' -l {}{values} -d '{}'",
                    option.long,
                    quoted(&option.help)
                ));
            }
            lines.join("\n")
        };
        let valued: Vec<_> = self.valued().iter().map(|option| format!("--{}", option.long)).collect();
        let action = |(name, help): &(String, String)| {
            format!("complete -c pcap-nflog -n '__pcap_nflog_at front' -a {name} -d '{}'", quoted(help))
        };
        include_str!("completions.fish")
            .replace("@VALUED@", &valued.join(" "))
            .replace("@ACTION@", &self.actions(" "))
            .replace("@ACTIONS@", &self.actions.iter().map(action).collect::<Vec<_>>().join("\n"))
            .replace("@OPTIONS@", &lines("not __pcap_nflog_at command", &self.options))
            .replace("@OF_TAP@", &lines("__pcap_nflog_at tap tap-match", &self.of_tap))
    }
}
