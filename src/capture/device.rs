//! The grammar of device names: `nflog[:GROUPS][@LINKTYPE]`.
//!
//! GROUPS is a list of numbers and ranges separated by commas, `1,2,10-20`, each from 0 to 65535 in C notation
//! (`16`, `0x10`, `020`). LINKTYPE is the name of a [`LinkType`], in any case. `nflog` alone is group 0.

use std::fmt;

use super::link_type::LinkType;
use super::text::printable;

const GRAMMAR: &str = "nflog[:GROUP[-GROUP][,...]][@LINKTYPE], groups 0 to 65535, as in nflog:5 or nflog:1,10-20@RAW";

/// An NFLOG device: which groups to read, and as which link type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    ranges: Vec<(u16, u16)>,
    link_type: Option<LinkType>,
}

/// A device name that does not follow the grammar: what is wrong with it, and the grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceError {
    name: String,
    problem: String,
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; the form is {GRAMMAR}", printable(&self.name), printable(&self.problem))
    }
}

impl std::error::Error for DeviceError {}

impl Device {
    /// Whether `name` is meant as an NFLOG device, well formed or not: `nflog`, or `nflog` and a `:` or `@`.
    /// `nflogger0` is not. Nor are `NFLOG` and `NFLOG@RAW`, which may be interfaces; `NFLOG:5` cannot be one, since no
    /// interface's name has a colon (`dev_valid_name`, net/core/dev.c).
    pub fn claims(name: &[u8]) -> bool {
        let Some((word, rest)) = name.split_at_checked("nflog".len()) else { return false };
        match rest.first() {
            None | Some(b'@') => word == b"nflog",
            Some(b':') => word.eq_ignore_ascii_case(b"nflog"),
            Some(_) => false,
        }
    }

    /// Reads a device name.
    ///
    /// # Errors
    ///
    /// One [`DeviceError`] for each way to get it wrong; it names the part that is wrong and shows the grammar.
    pub fn parse(name: &str) -> Result<Device, DeviceError> {
        let wrong = |problem: String| DeviceError { name: name.to_owned(), problem };
        if !Self::claims(name.as_bytes()) {
            return Err(wrong("not an NFLOG device".into()));
        }
        let Some(rest) = name.strip_prefix("nflog") else {
            let lower = format!("nflog{}", &name["nflog".len()..]);
            return Err(wrong(format!("NFLOG devices are in lower case: {lower}")));
        };
        let (groups, link_type) = match rest.split_once('@') {
            Some((groups, link_type)) => (groups, Some(link_type)),
            None => (rest, None),
        };
        let ranges = match groups.strip_prefix(':') {
            Some(list) => parse_groups(list).map_err(wrong)?,
            None => vec![(0, 0)],
        };
        let link_type = match link_type {
            Some("") => return Err(wrong("no link type after the @".into())),
            Some(text) => Some(
                LinkType::from_name(text)
                    .ok_or_else(|| wrong(format!("link type '{text}' is not one of {}", LinkType::names())))?,
            ),
            None => None,
        };
        Ok(Device { ranges, link_type })
    }

    /// The link type that the name asks for, if it does.
    pub fn link_type(&self) -> Option<LinkType> {
        self.link_type
    }

    /// The groups, each once, ascending.
    pub fn groups(&self) -> impl Iterator<Item = u16> + '_ {
        self.ranges.iter().flat_map(|&(first, last)| first..=last)
    }

    /// Whether `group` is one of them.
    pub fn has(&self, group: u16) -> bool {
        self.ranges.iter().any(|&(first, last)| (first..=last).contains(&group))
    }
}

impl std::str::FromStr for Device {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Device, DeviceError> {
        Device::parse(name)
    }
}

/// The ranges of a list, ascending and disjoint: a group that is named twice is bound once.
fn parse_groups(list: &str) -> Result<Vec<(u16, u16)>, String> {
    if list.is_empty() {
        return Err("no group after the :".into());
    }
    let mut ranges = Vec::new();
    for item in list.split(',') {
        ranges.push(match item.split_once('-') {
            Some(("", _)) => return Err(format!("group '{item}' is negative or has no first number")),
            Some((_, "")) => return Err(format!("range '{item}' has no last group")),
            Some((first, last)) => {
                let range = (parse_group(first)?, parse_group(last)?);
                if range.0 > range.1 {
                    return Err(format!("range '{item}' goes backwards"));
                }
                range
            }
            None if item.is_empty() => return Err("an empty group between commas".into()),
            None => {
                let group = parse_group(item)?;
                (group, group)
            }
        });
    }
    ranges.sort_unstable();
    let mut disjoint: Vec<(u16, u16)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match disjoint.last_mut() {
            Some(previous) if u32::from(first) <= u32::from(previous.1) + 1 => previous.1 = previous.1.max(last),
            _ => disjoint.push((first, last)),
        }
    }
    Ok(disjoint)
}

/// A number in C notation, as strtol(3) reads it with base 0, but nothing around it.
fn parse_group(text: &str) -> Result<u16, String> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(match radix {
            8 => format!("group '{text}' is not a number (a leading 0 means octal)"),
            16 => format!("group '{text}' is not a hexadecimal number"),
            _ => format!("group '{text}' is not a number"),
        });
    }
    u16::from_str_radix(digits, radix).map_err(|_| format!("group {text} is out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(name: &str) -> Vec<u16> {
        Device::parse(name).unwrap().groups().collect()
    }

    fn problem(name: &str) -> String {
        Device::parse(name).unwrap_err().problem
    }

    #[test]
    fn names_that_are_nflog_devices_are_claimed_and_others_are_not() {
        for name in ["nflog", "nflog:", "nflog:5", "nflog@RAW", "nflog:x", "NFLOG:5", "Nflog:"] {
            assert!(Device::claims(name.as_bytes()), "{name}");
        }
        for name in ["nflogger0", "nfqueue", "nfqueue:5", "lo", "", "NFLOG", "NFLOG@RAW", "any", "nflo", "nflog5"] {
            assert!(!Device::claims(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn lists_ranges_and_c_notation_are_read() {
        assert_eq!(groups("nflog"), [0]);
        assert_eq!(groups("nflog:5"), [5]);
        assert_eq!(groups("nflog:1,2,7"), [1, 2, 7]);
        assert_eq!(groups("nflog:10-13,30"), [10, 11, 12, 13, 30]);
        assert_eq!(groups("nflog:0x10,010,0"), [0, 8, 16]);
        assert_eq!(groups("nflog:0X1F-040"), [31, 32]);
        assert_eq!(groups("nflog:65535"), [65535]);
        assert_eq!(groups("nflog:0-65535").len(), 65536);
    }

    #[test]
    fn a_group_named_twice_is_bound_once() {
        assert_eq!(groups("nflog:5,5,3-6,6-7"), [3, 4, 5, 6, 7]);
        assert_eq!(groups("nflog:65530-65535,65535"), (65530..=65535).collect::<Vec<_>>());
    }

    #[test]
    fn a_link_type_follows_the_at_in_any_case() {
        for name in ["nflog:5@NFLOG", "nflog:5@nflog", "nflog:5@NfLog"] {
            assert_eq!(Device::parse(name).unwrap().link_type(), Some(LinkType::Nflog), "{name}");
        }
        assert_eq!(Device::parse("nflog@ipv6").unwrap().link_type(), Some(LinkType::Ipv6));
        assert_eq!(Device::parse("nflog:5").unwrap().link_type(), None);
    }

    #[test]
    fn each_way_to_get_it_wrong_has_its_own_words() {
        assert_eq!(problem("nflog:"), "no group after the :");
        assert_eq!(problem("nflog:5,"), "an empty group between commas");
        assert_eq!(problem("nflog:,5"), "an empty group between commas");
        assert_eq!(problem("nflog:x"), "group 'x' is not a number");
        assert_eq!(problem("nflog: 5"), "group ' 5' is not a number");
        assert_eq!(problem("nflog:+5"), "group '+5' is not a number");
        assert_eq!(problem("nflog:5:6"), "group '5:6' is not a number");
        assert_eq!(problem("nflog:08"), "group '08' is not a number (a leading 0 means octal)");
        assert_eq!(problem("nflog:0x"), "group '0x' is not a hexadecimal number");
        assert_eq!(problem("nflog:65536"), "group 65536 is out of range");
        assert_eq!(problem("nflog:99999999999999999999"), "group 99999999999999999999 is out of range");
        assert_eq!(problem("nflog:-5"), "group '-5' is negative or has no first number");
        assert_eq!(problem("nflog:5-"), "range '5-' has no last group");
        assert_eq!(problem("nflog:7-5"), "range '7-5' goes backwards");
        assert_eq!(problem("nflog:5@"), "no link type after the @");
        assert!(problem("nflog:5@PPP").starts_with("link type 'PPP' is not one of RAW, "));
        assert!(problem("nflog:5@RAW@RAW").starts_with("link type 'RAW@RAW' is not one of "));
        assert_eq!(problem("lo"), "not an NFLOG device");
        assert_eq!(problem("NFLOG:5@RAW"), "NFLOG devices are in lower case: nflog:5@RAW");
    }

    #[test]
    fn an_error_names_the_device_and_shows_the_grammar() {
        let text = Device::parse("nflog:x").unwrap_err().to_string();
        assert!(text.starts_with("nflog:x: "), "{text}");
        assert!(text.contains(GRAMMAR), "{text}");
        assert!(text.len() < 256, "it must fit into PCAP_ERRBUF_SIZE: {}", text.len());
    }
}
