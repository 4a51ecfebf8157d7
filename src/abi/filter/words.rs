//! The words of an expression that speak of the link layer: to tell what is wrong, and where. What an expression means
//! is libpcap's to say.

use crate::bpf::PACKET_TYPE;

/// The words of pcap-filter(7) for the link layer.
const LINK: [&str; 7] = ["ether", "link", "fddi", "tr", "wlan", "ppp", "slip"];

/// linux/if_packet.h.
const OUTGOING: u32 = 4;

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

/// Where the brackets open of `ether[0]`, `link[0]`: bytes from the record's very beginning.
fn link_brackets(text: &str) -> Vec<usize> {
    let words: Vec<_> = words(text).collect();
    let pairs = words.windows(2).filter(|pair| LINK.contains(&pair[0].1) && pair[1].1 == "[");
    pairs.map(|pair| pair[1].0).collect()
}

/// The expression with `number` added to the index of each `link[…]`; `None` where there is none. It is added behind the
/// index: of a sum, libpcap requires the protocol that the first part needs.
pub fn with_added_to_link_bytes(text: &str, number: u32) -> Option<String> {
    /// An open bracket: whether its index is to be closed by a parenthesis, and how many are open within.
    struct Bracket {
        index: bool,
        parentheses: usize,
    }
    let link = link_brackets(text);
    let mut open: Vec<Bracket> = Vec::new();
    let mut result = String::new();
    for (at, c) in text.char_indices() {
        match (c, open.last_mut()) {
            ('[', _) => open.push(Bracket { index: link.contains(&at), parentheses: 0 }),
            ('(', Some(bracket)) => bracket.parentheses += 1,
            (')', Some(bracket)) => bracket.parentheses = bracket.parentheses.saturating_sub(1),
            // The size is behind the index.
            (':' | ']', Some(bracket)) if bracket.index && bracket.parentheses == 0 => {
                bracket.index = false;
                result.push_str(&format!(") + {number:#x}"));
            }
            _ => {}
        }
        result.push(c);
        match c {
            '[' if link.contains(&at) => result.push('('),
            ']' => drop(open.pop()),
            _ => {}
        }
    }
    (!link.is_empty()).then_some(result)
}

/// The expression with `inbound` and `outbound` spelled out as libpcap compiles them for a capture on Linux; `None`
/// where there is neither. From 1.11 on, libpcap does it only for captures of its own.
pub fn with_direction_spelled_out(text: &str) -> Option<String> {
    let outgoing = format!("(link[{PACKET_TYPE:#x}:2] = {OUTGOING})");
    let mut result = String::new();
    let mut rest = 0;
    for (at, word) in words(text) {
        let spelled = match word {
            "inbound" => format!("(not {outgoing})"),
            "outbound" => outgoing.clone(),
            _ => continue,
        };
        result.push_str(&text[rest..at]);
        result.push_str(&spelled);
        rest = at + word.len();
    }
    result.push_str(&text[rest..]);
    (rest > 0).then_some(result)
}

/// The first of `wanted`, and the number of its first character, counted from 1.
pub fn find<'a>(text: &'a str, wanted: &[&str]) -> Option<(&'a str, usize)> {
    let (at, word) = words(text).find(|(_, word)| wanted.contains(word))?;
    Some((word, text[..at].chars().count() + 1))
}

/// Whether the expression asks for a protocol of the link layer by its number or name: `link proto 2`.
pub fn asks_link_protocol(text: &str) -> bool {
    let words: Vec<_> = words(text).map(|(_, word)| word).collect();
    words.windows(2).any(|pair| LINK.contains(&pair[0]) && pair[1] == "proto")
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
    fn a_number_is_added_to_the_index_of_link_bytes_and_of_no_others() {
        let added = |text| with_added_to_link_bytes(text, 16).unwrap();
        assert_eq!(added("ether[0] & 1 != 0"), "ether[(0) + 0x10] & 1 != 0");
        assert_eq!(added("tcp and link [ 12:2 ] = 5"), "tcp and link [( 12) + 0x10:2 ] = 5");
        assert_eq!(added("link[ip[0:1] | 1:2]=1"), "link[(ip[0:1] | 1) + 0x10:2]=1");
        assert_eq!(added("ip[(link[(2 * (3))] & 7):2]=1"), "ip[(link[((2 * (3))) + 0x10] & 7):2]=1");
        assert_eq!(added("link[link[0]]=1"), "link[(link[(0) + 0x10]) + 0x10]=1");
        for text in
            ["ether proto 5", "ip[0] = 5", "", "host ether", "tcp[0]=1 and ether host 1:2:3:4:5:6", "\\link[0]=1"]
        {
            assert_eq!(with_added_to_link_bytes(text, 16), None, "{text}");
        }
    }

    #[test]
    fn directions_are_spelled_out_as_libpcap_compiles_them() {
        let spelled = |text| with_direction_spelled_out(text);
        assert_eq!(spelled("tcp and !inbound").unwrap(), "tcp and !(not (link[0xfffff004:2] = 4))");
        assert_eq!(spelled("(outbound)").unwrap(), "((link[0xfffff004:2] = 4))");
        assert_eq!(spelled("host inbound.example or outbound-1"), None);
    }

    #[test]
    fn protocols_of_the_link_layer_are_told_from_others() {
        assert!(asks_link_protocol("tcp or ether proto 5") && asks_link_protocol("link proto \\arp"));
        assert!(!asks_link_protocol("ip proto 6") && !asks_link_protocol("proto 6 and link[0]=1"));
        assert_eq!(find("tcp and ifindex 5", &["ifindex"]), Some(("ifindex", 9)));
        assert_eq!(find("tcp", &["ifindex"]), None);
    }

    #[test]
    fn the_word_that_compares_an_address_is_named_with_its_place() {
        assert_eq!(link_address("tcp and ether host 1:2:3:4:5:6"), Some(("ether", 9)));
        assert_eq!(link_address("ip multicast or (multicast)"), Some(("multicast", 18)));
        assert_eq!(link_address("(broadcast)"), Some(("broadcast", 2)));
        assert_eq!(link_address("ether proto 5 and ip broadcast"), None);
    }
}
