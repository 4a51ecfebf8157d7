//! The words of an expression that speak of the link layer: to tell what is wrong, and where. What an expression means
//! is libpcap's to say.

/// The words of pcap-filter(7) for the link layer.
const LINK: [&str; 6] = ["ether", "link", "fddi", "tr", "wlan", "ppp"];

/// Each word with the index of its first character, punctuation apart.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '\\');
    let mut rest = 0;
    std::iter::from_fn(move || {
        let from = rest + text[rest..].find(|c: char| !c.is_whitespace())?;
        let first = text[from..].chars().next()?;
        let length = text[from..].find(|c| !is_part(c)).unwrap_or(text.len() - from);
        rest = from + if is_part(first) { length } else { first.len_utf8() };
        Some((from, &text[from..rest]))
    })
}

/// Whether the expression takes bytes from the packet's very beginning: `ether[0]`, `link[0]`. On raw IP, that is
/// where the IP header begins.
pub fn reads_link_bytes(text: &str) -> bool {
    let words: Vec<_> = words(text).map(|(_, word)| word).collect();
    words.windows(2).any(|pair| LINK.contains(&pair[0]) && pair[1] == "[")
}

/// The first word that compares link-layer addresses, and the number of its first character, counted from 1.
pub fn link_address(text: &str) -> Option<(&str, usize)> {
    let words: Vec<_> = words(text).collect();
    let found = words.iter().enumerate().find(|&(index, &(_, word))| match word {
        "broadcast" | "multicast" => index == 0 || !matches!(words[index - 1].1, "ip" | "ip6"),
        "gateway" => true,
        _ => LINK.contains(&word) && words.get(index + 1).is_none_or(|next| next.1 != "proto"),
    });
    found.map(|(_, &(at, word))| (word, text[..at].chars().count() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_the_link_layer_are_told_from_others() {
        for text in ["ether[0] & 1 != 0", "tcp and link [ 12:2 ] = 5"] {
            assert!(reads_link_bytes(text), "{text}");
        }
        for text in ["ether proto 5", "ip[0] = 5", "", "host ether", "tcp[0]=1 and ether host 1:2:3:4:5:6"] {
            assert!(!reads_link_bytes(text), "{text}");
        }
    }

    #[test]
    fn the_word_that_compares_an_address_is_named_with_its_place() {
        assert_eq!(link_address("tcp and ether host 1:2:3:4:5:6"), Some(("ether", 9)));
        assert_eq!(link_address("ip multicast or (multicast)"), Some(("multicast", 18)));
        assert_eq!(link_address("(broadcast)"), Some(("broadcast", 2)));
        assert_eq!(link_address("ether proto 5 and ip broadcast"), None);
    }
}
