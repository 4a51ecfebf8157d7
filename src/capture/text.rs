//! Text that somebody else chose, made fit for a terminal: names of processes, of tables and chains, prefixes of rules,
//! names of devices. Whoever shows such text takes it from here.

use std::borrow::Cow;

/// `text` as one line that cannot steer a terminal: each character that is not to be seen becomes `?`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) { Cow::Borrowed(text) } else { text.chars().map(shown).collect() }
}

/// The character, or `?` where it is not to be seen.
pub fn shown(c: char) -> char {
    if is_printable(c) { c } else { '?' }
}

/// Whether a character is to be seen, or is a space or a mark on another. Control characters begin escape sequences and
/// lines; format characters (Unicode's categories Cf, Zl and Zp) hide text, or turn its direction around.
fn is_printable(c: char) -> bool {
    let is_format = matches!(c,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
        | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}');
    !c.is_control() && !is_format
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_or_hides_becomes_a_question_mark() {
        assert_eq!(printable("\x1b[31mred\nline\x7f"), "?[31mred?line?");
        assert_eq!(printable("\u{202e}tupni \u{9b}1m"), "?tupni ?1m");
        assert_eq!(printable("a\u{61c}b\u{2028}c\u{e0041}\u{ad}\t\r\0"), "a?b?c?????");
    }

    #[test]
    fn what_is_to_be_seen_stays() {
        for text in ["", "input", "Gruß ✓", "e\u{301}te\u{301}", "日本 🦀", "a b", "\u{fffd}"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
