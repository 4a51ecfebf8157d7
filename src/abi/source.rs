//! Source strings: what names a savefile, a device of this host or one of another host in pcap_open(3PCAP).

/// What a source string names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source<'a> {
    /// `file://PATH`.
    File(&'a [u8]),
    /// `rpcap://DEVICE`, or the device's name alone.
    Local(&'a [u8]),
    /// `rpcap://[USER@]HOST[:PORT]/DEVICE`; the host with its user, without brackets.
    Remote { host: Vec<u8>, port: &'a [u8], device: &'a [u8] },
}

impl<'a> Source<'a> {
    /// Reads a source string; the error is what is wrong with it.
    pub fn parse(source: &'a [u8]) -> Result<Source<'a>, &'static str> {
        if source.is_empty() {
            return Err("the source string is empty");
        }
        // A colon may belong to a device's name; only with two slashes does it end a scheme.
        let Some((scheme, rest)) =
            split(source, b':').and_then(|(scheme, rest)| Some((scheme, rest.strip_prefix(b"//")?)))
        else {
            return Ok(Source::Local(source));
        };
        if scheme.eq_ignore_ascii_case(b"file") {
            return Ok(Source::File(rest));
        }
        if !scheme.eq_ignore_ascii_case(b"rpcap") && !scheme.eq_ignore_ascii_case(b"rpcaps") {
            return Err("the source string's scheme is not one of file, rpcap, rpcaps");
        }
        let Some((authority, device)) = split(rest, b'/') else {
            return Ok(Source::Local(rest));
        };
        let (user, place) = split(authority, b'@').unwrap_or((b"", authority));
        let (host, port) = match place.strip_prefix(b"[") {
            Some(literal) => {
                let (host, after) = split(literal, b']').ok_or("the source string's [ has no ]")?;
                match after {
                    [] => (host, after),
                    [b':', port @ ..] => (host, port),
                    _ => return Err("the source string has something between ] and the port"),
                }
            }
            None => split(place, b':').unwrap_or((place, b"")),
        };
        let host = if user.is_empty() { host.into() } else { [user, b"@", host].concat() };
        Ok(Source::Remote { host, port, device })
    }
}

/// What is before the first `separator` and what is after it.
fn split(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == separator)?;
    Some((&text[..at], &text[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_local_with_or_without_the_scheme() {
        for source in ["nflog:5", "rpcap://nflog:5", "RPCAP://nflog:5", "rpcaps://nflog:5"] {
            assert_eq!(Source::parse(source.as_bytes()), Ok(Source::Local(b"nflog:5")), "{source}");
        }
        assert_eq!(Source::parse(b"rpcap://nflog:5@RAW"), Ok(Source::Local(b"nflog:5@RAW")));
        assert_eq!(Source::parse(b"rpcap://"), Ok(Source::Local(b"")));
        assert_eq!(Source::parse(b"lo"), Ok(Source::Local(b"lo")));
    }

    #[test]
    fn a_file_is_everything_behind_its_scheme() {
        assert_eq!(Source::parse(b"file:///tmp/a:b.pcap"), Ok(Source::File(b"/tmp/a:b.pcap")));
    }

    #[test]
    fn a_remote_source_is_split_into_host_port_and_device() {
        let remote = |source| match Source::parse(source) {
            Ok(Source::Remote { host, port, device }) => (host, port, device),
            other => panic!("{other:?}"),
        };
        assert_eq!(remote(b"rpcap://host/eth0"), (b"host".to_vec(), &b""[..], &b"eth0"[..]));
        assert_eq!(remote(b"rpcap://host:2002/nflog:5"), (b"host".to_vec(), &b"2002"[..], &b"nflog:5"[..]));
        assert_eq!(remote(b"rpcap://[::1]:2002/"), (b"::1".to_vec(), &b"2002"[..], &b""[..]));
        assert_eq!(remote(b"rpcap://[::1]/eth0"), (b"::1".to_vec(), &b""[..], &b"eth0"[..]));
        assert_eq!(remote(b"rpcap://me@host/eth0"), (b"me@host".to_vec(), &b""[..], &b"eth0"[..]));
    }

    #[test]
    fn what_is_not_a_source_is_refused() {
        for source in ["", "http://host/eth0", "rpcap://[::1/eth0", "rpcap://[::1]x/eth0"] {
            assert!(Source::parse(source.as_bytes()).is_err(), "{source}");
        }
    }
}
