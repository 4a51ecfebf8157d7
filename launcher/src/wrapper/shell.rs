//! The commands of a shell's script, as far as they can be told without being a shell.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The script of `sh -c`, if the shell has one.
pub fn script(words: &[OsString]) -> Option<&OsStr> {
    let mut words = words.iter().skip(1);
    let mut command = false;
    while let Some(word) = words.next() {
        let word = word.as_bytes();
        if word.len() > 2 && word.starts_with(b"--") {
            continue;
        }
        let Some(letters) = word.strip_prefix(b"-").or_else(|| word.strip_prefix(b"+")).filter(|rest| !rest.is_empty())
        else {
            return command.then(|| OsStr::from_bytes(word));
        };
        if letters == b"-" {
            return words.next().filter(|_| command).map(OsString::as_os_str);
        }
        command |= word[0] == b'-' && letters.contains(&b'c');
        if letters.contains(&b'o') {
            words.next();
        }
    }
    None
}

/// What stands before a command's own words.
const KEYWORDS: [&[u8]; 15] = [
    b"!", b"{", b"}", b"if", b"then", b"else", b"elif", b"fi", b"while", b"until", b"do", b"done", b"exec", b"command",
    b"time",
];

/// Stands for the words of a command from the first one on that only a shell can tell.
const REST: &str = "...";

/// The words of each simple command as far as they can be told, and whether there is one command
/// and nothing that is not told.
pub fn commands(script: &OsStr) -> (Vec<Vec<OsString>>, bool) {
    let mut commands = Vec::new();
    let mut plain = true;
    let mut words: Vec<OsString> = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    // From a word on that cannot be told, the rest of the command is left out.
    let mut open = true;
    let mut quote = None;
    let mut bytes = script.as_bytes().iter().copied().chain([b'\n']);
    let mut byte = b'\n';
    while let Some(next) = bytes.next() {
        let last = std::mem::replace(&mut byte, next);
        match (quote, byte) {
            (Some(end), _) if byte == end => quote = None,
            (Some(b'\''), _) => word.get_or_insert_default().push(byte),
            (None, b'\'' | b'"') => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (_, b'\\') => word.get_or_insert_default().extend(bytes.next()),
            (_, b'$' | b'`') | (None, b'*' | b'?' | b'[' | b'~' | b'#' | b'<' | b'>') => {
                plain &= !words.is_empty() && byte != b'#';
                if open && !words.is_empty() && !matches!(byte, b'#' | b'<' | b'>') {
                    words.push(OsString::from(REST));
                }
                (word, open) = (None, false);
            }
            (None, b'&') if matches!(last, b'<' | b'>') => {}
            (None, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')') => {
                if let Some(word) = word.take().filter(|_| open) {
                    let told = !words.is_empty() || !(KEYWORDS.contains(&word.as_slice()) || is_assignment(&word));
                    if told {
                        words.push(OsString::from(OsStr::from_bytes(&word)));
                    } else {
                        plain &= word == b"exec" || word == b"command" || word == b"time";
                    }
                }
                if !matches!(byte, b' ' | b'\t') {
                    if !words.is_empty() {
                        commands.push(std::mem::take(&mut words));
                    }
                    open = true;
                }
            }
            (_, _) => word.get_or_insert_default().push(byte),
        }
    }
    let only = plain && quote.is_none() && commands.len() == 1;
    (commands, only)
}

fn is_assignment(word: &[u8]) -> bool {
    let name = word.split(|&byte| byte == b'=').next().unwrap_or(word);
    name.len() < word.len() && name.iter().all(|&byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(script: &str) -> (Vec<String>, bool) {
        let (commands, only) = commands(OsStr::new(script));
        let line = |words: Vec<OsString>| words.join(OsStr::new(" ")).into_string().unwrap();
        (commands.into_iter().map(line).collect(), only)
    }

    #[test]
    fn one_plain_command_is_all_that_a_script_does() {
        for (script, command) in [
            ("tcpdump -i nflog:5", "tcpdump -i nflog:5"),
            ("exec tcpdump -w 'a b' \"c d\" e\\ f", "tcpdump -w a b c d e f"),
            ("tcpdump -i nflog:5 >/dev/null 2>&1", "tcpdump -i nflog:5"),
            ("tcpdump '$x' *.pcap", "tcpdump $x ..."),
            ("sudo tcpdump -i \"$1\" -n", "sudo tcpdump -i ..."),
        ] {
            assert_eq!(told(script), (vec![command.to_owned()], true), "{script}");
        }
    }

    #[test]
    fn the_commands_of_others_are_found_and_something_more_may_be() {
        for (script, expected) in [
            ("sleep 1; tcpdump -i lo | wc -l", &["sleep 1", "tcpdump -i lo", "wc -l"][..]),
            ("A=b tcpdump", &["tcpdump"]),
            ("if test -e x\nthen sudo tcpdump; fi", &["test -e x", "sudo tcpdump"]),
            ("$program -i lo", &[]),
            ("(cd /; tcpdump -i $1 -n)", &["cd /", "tcpdump -i ..."]),
            ("# tcpdump", &[]),
            ("tcpdump 'unfinished", &[]),
        ] {
            assert_eq!(told(script), (expected.iter().map(|command| command.to_string()).collect(), false), "{script}");
        }
    }

    #[test]
    fn a_script_is_the_word_behind_the_options() {
        let of = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            script(&words).map(|script| script.to_string_lossy().into_owned())
        };
        for line in
            ["sh -c x y", "bash --norc -ec x", "bash -o pipefail -c x", "sh -e -c x", "sh -c -- x", "sh +e -c x"]
        {
            assert_eq!(of(line).as_deref(), Some("x"), "{line}");
        }
        for line in ["sh", "sh x", "sh -e x", "sh -c", "sh -s x", "bash -- x"] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
