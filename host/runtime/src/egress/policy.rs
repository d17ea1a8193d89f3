//! What an operator allows: `FIRSTBYTE_ALLOW_HTTP`, a list of destinations.

use http::Uri;
use std::net::IpAddr;

/// The destinations that handlers may send requests to; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    rules: Vec<Rule>,
    /// Whether its names may stand for addresses that are not public.
    anywhere: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    scheme: &'static str,
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    /// `api.example.com`.
    Name(String),
    /// `*.example.com`: any name below, not the name itself.
    Below(String),
    /// `10.0.0.7`, `[::1]`: an address, named outright.
    Address(IpAddr),
    /// `*`: any name.
    Any,
}

/// A destination that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not [https://|http://]host[:port], where a host may begin with `*.`, or be `*`: any public host")]
pub struct PolicyError(String);

impl Policy {
    /// Reads a list of destinations between commas or spaces: `https://api.example.com, *.amazonaws.com, http://127.0.0.1:8080`.
    /// Without a scheme it is `https`; without a port, the scheme's own.
    ///
    /// # Errors
    /// The first destination that makes no sense.
    pub fn parse(list: &str) -> Result<Self, PolicyError> {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        Ok(Self { rules: entries.map(Rule::parse).collect::<Result<_, _>>()?, anywhere: false })
    }

    /// The one server of a URL, wherever its name leads: for what the operator names, and no handler chooses.
    ///
    /// # Errors
    /// A URL without a scheme of HTTP's, or without a host.
    pub fn only(uri: &Uri) -> Result<Self, PolicyError> {
        let error = || PolicyError(uri.to_string());
        let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(error)?;
        Ok(Self { rules: vec![Rule::parse(&format!("{scheme}://{authority}"))?], anywhere: true })
    }

    /// Whether a request to `uri` is allowed, as far as its text tells.
    #[must_use]
    pub fn allows(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
        // `https://allowed@elsewhere` reads like one host and means another.
        if authority.as_str().contains('@') {
            return false;
        }
        let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
        let host = host_of(authority.host());
        self.rules.iter().any(|rule| rule.scheme == scheme && rule.port == port && rule.host.matches(&host))
    }

    /// Whether `address` is named outright, as the address itself or, for this machine's own, as `localhost`.
    #[must_use]
    pub fn names(&self, address: IpAddr, port: u16) -> bool {
        let is_named = |host: &Host| match host {
            Host::Address(named) => *named == address,
            Host::Name(name) => name == "localhost" && address.is_loopback(),
            Host::Below(_) | Host::Any => false,
        };
        self.anywhere || self.rules.iter().any(|rule| rule.port == port && is_named(&rule.host))
    }
}

/// A host without what does not tell it apart: case, brackets, the dot of a fully qualified name.
fn host_of(text: &str) -> String {
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase()
}

impl Host {
    fn matches(&self, host: &str) -> bool {
        let address = host.parse::<IpAddr>().ok();
        match self {
            Self::Name(name) => name == host,
            // A name's end proves nothing of an address.
            Self::Below(domain) => {
                address.is_none() && host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            Self::Address(named) => address == Some(*named),
            Self::Any => true,
        }
    }
}

impl Rule {
    fn parse(entry: &str) -> Result<Self, PolicyError> {
        let error = || PolicyError(entry.to_owned());
        let (scheme, rest) = match entry.split_once("://") {
            Some(("https", rest)) => ("https", rest),
            Some(("http", rest)) => ("http", rest),
            Some(_) => return Err(error()),
            None => ("https", entry),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            // A bare IPv6 address has colons of its own.
            Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, port_of(port).ok_or_else(error)?),
            _ => (rest, if scheme == "https" { 443 } else { 80 }),
        };
        // Without its dot it would stand for everything.
        if host == "*." {
            return Err(error());
        }
        let host = host_of(host);
        let is_name =
            |name: &str| !name.is_empty() && name.split('.').all(|label| !label.is_empty() && label.bytes().all(is_label_byte));
        let host = if host == "*" {
            Host::Any
        } else if let Ok(address) = host.parse() {
            Host::Address(address)
        } else if let Some(domain) = host.strip_prefix("*.").filter(|domain| is_name(domain)) {
            Host::Below(domain.to_owned())
        } else if is_name(&host) {
            Host::Name(host)
        } else {
            return Err(error());
        };
        Ok(Self { scheme, host, port })
    }
}

/// A port as URLs have it: digits, without a sign and without a zero before others.
fn port_of(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !(text.len() > 1 && text.starts_with('0'));
    text.parse().ok().filter(|port| is_plain && *port != 0)
}

fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn allows(list: &str, uri: &str) -> bool {
        Policy::parse(list).unwrap().allows(&uri.parse().unwrap())
    }

    #[test]
    fn scheme_host_and_port_must_all_be_named() {
        let list = "https://api.example.com, http://other.example:8080";
        for uri in [
            "https://api.example.com/x",
            "https://API.example.com:443/",
            "https://api.example.com./",
            "http://other.example:8080",
        ] {
            assert!(allows(list, uri), "{uri}");
        }
        for uri in [
            "http://api.example.com/",
            "https://api.example.com:444/",
            "https://example.com/",
            "https://x.api.example.com/",
            "https://api.example.com.evil.example/",
            "https://api.example.com@evil.example/",
            "https://evil.example@api.example.com/",
            "http://other.example/",
            "/relative",
        ] {
            assert!(!allows(list, uri), "{uri}");
        }
        assert!(!allows("", "https://api.example.com/"));
    }

    #[test]
    fn a_wildcard_stands_for_labels_before_a_name() {
        assert!(allows("*.example.com", "https://a.b.example.com/"));
        for uri in ["https://example.com/", "https://badexample.com/", "https://.example.com/", "http://a.example.com/"] {
            assert!(!allows("*.example.com", uri), "{uri}");
        }
        assert!(!allows("*.0.0.1", "https://127.0.0.1/"));
    }

    #[test]
    fn addresses_are_named_outright_or_not_at_all() {
        let policy = Policy::parse("http://127.0.0.1:8080 http://[::1]:9000 http://localhost:7000 https://*").unwrap();
        let named = |address: &str, port| policy.names(address.parse().unwrap(), port);
        assert!(named("127.0.0.1", 8080) && named("::1", 9000) && named("127.0.0.1", 7000) && named("::1", 7000));
        assert!(!named("127.0.0.1", 8081) && !named("127.0.0.2", 8080) && !named("127.0.0.1", 443));
        assert!(policy.allows(&"http://[::1]:9000/".parse().unwrap()));
    }

    #[test]
    fn nonsense_is_named() {
        for entry in [
            "ftp://a",
            "https://",
            "a:b",
            "https://a/b",
            "https://a..b",
            "https://*a.b",
            "https://a b:x",
            "*.",
            "https://*.",
            "*..",
            "*.*",
            "a:+8080",
            "a:08080",
            "a:0",
            "a:",
            "[::1]:+80",
            "a:65536",
        ] {
            assert!(Policy::parse(entry).is_err(), "{entry}");
        }
    }
}
