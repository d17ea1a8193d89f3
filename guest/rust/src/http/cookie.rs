//! A cookie to set. Reading them is the request's.

use std::{fmt, time::Duration};

use crate::http::percent;

/// A cookie to set, for [`Response::cookie`](crate::Response::cookie).
///
/// As it is made, it comes back with every request to this host over HTTPS, scripts of a page cannot read it, it is not sent
/// with forms that other sites post (`SameSite=Lax`), and it is gone when the browser is closed. Each can be changed:
///
/// ```
/// use std::time::Duration;
///
/// use firstbyte::{Cookie, SameSite};
///
/// let cookie = Cookie::new("session", "a b").max_age(Duration::from_secs(3600)).same_site(SameSite::Strict);
/// assert_eq!(cookie.to_string(), "session=a%20b; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Strict");
/// assert_eq!(Cookie::removal("session").to_string(), "session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax");
/// ```
///
/// What a cookie cannot carry is percent-encoded, and [`HttpRequest::cookie`](crate::HttpRequest::cookie) undoes that.
#[derive(Debug, Clone)]
pub struct Cookie {
    name: String,
    value: String,
    path: String,
    domain: Option<String>,
    max_age: Option<Duration>,
    secure: bool,
    http_only: bool,
    same_site: SameSite,
}

/// Whether a cookie is sent with requests that another site's page makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Never, not even when a link there is followed.
    Strict,
    /// When a link there is followed, and not with what it posts or loads.
    Lax,
    /// Always. Browsers want HTTPS for it.
    None,
}

impl Cookie {
    /// A cookie of this name and value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            path: "/".to_owned(),
            domain: None,
            max_age: None,
            secure: true,
            http_only: true,
            same_site: SameSite::Lax,
        }
    }

    /// Has the browser forget the cookie of this name. Path and domain have to be those with which it was set.
    pub fn removal(name: impl Into<String>) -> Self {
        Self::new(name, "").max_age(Duration::ZERO)
    }

    /// The paths with which it is sent: this one and those below it. `/` unless told otherwise.
    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self }
    }

    /// The domain whose hosts it is sent to. Without it, only the host that set it.
    #[must_use]
    pub fn domain(self, domain: impl Into<String>) -> Self {
        Self { domain: Some(domain.into()), ..self }
    }

    /// How long the browser keeps it, in whole seconds. Without it, until the browser is closed.
    #[must_use]
    pub fn max_age(self, age: Duration) -> Self {
        Self { max_age: Some(age), ..self }
    }

    /// Whether it is sent with requests that another site's page makes.
    #[must_use]
    pub fn same_site(self, same_site: SameSite) -> Self {
        Self { same_site, ..self }
    }

    /// Lets scripts of a page read it.
    #[must_use]
    pub fn visible_to_scripts(self) -> Self {
        Self { http_only: false, ..self }
    }

    /// Has it sent without TLS, too. Browsers treat `localhost` as if it had TLS: there it is not needed.
    #[must_use]
    pub fn without_tls(self) -> Self {
        Self { secure: false, ..self }
    }
}

/// As in a `set-cookie` header. Nothing in a name, value, path or domain can become another attribute.
impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octet = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\' | b'%');
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte);
        let attribute = |byte: u8| byte.is_ascii_graphic() && byte != b';';
        write!(f, "{}={}", percent::encode(&self.name, token), percent::encode(&self.value, octet))?;
        write!(f, "; Path={}", percent::encode(&self.path, attribute))?;
        if let Some(domain) = &self.domain {
            write!(f, "; Domain={}", percent::encode(domain, attribute))?;
        }
        if let Some(age) = self.max_age {
            write!(f, "; Max-Age={}", age.as_secs())?;
        }
        if self.secure {
            f.write_str("; Secure")?;
        }
        if self.http_only {
            f.write_str("; HttpOnly")?;
        }
        write!(f, "; SameSite={:?}", self.same_site)
    }
}

impl From<Cookie> for String {
    fn from(cookie: Cookie) -> Self {
        cookie.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_another_attribute() {
        let cookie = Cookie::new("a=b; Domain=evil", "x; Path=/\r\nset-cookie: y").path("/; Domain=evil").domain("d;HttpOnly");
        assert_eq!(
            cookie.without_tls().visible_to_scripts().to_string(),
            "a%3Db%3B%20Domain%3Devil=x%3B%20Path=/%0D%0Aset-cookie:%20y; Path=/%3B%20Domain=evil; Domain=d%3BHttpOnly; SameSite=Lax"
        );
    }
}
