//! The HTTP request behind an invocation. Parses nothing that the host has not parsed: paths and queries stay percent-encoded.

use std::fmt;

use crate::__private::invocation as raw;

/// The HTTP request behind an invocation by a Function URL or by API Gateway.
#[derive(Clone)]
pub struct HttpRequest(raw::HttpRequest);

impl HttpRequest {
    pub(crate) fn new(raw: raw::HttpRequest) -> Self {
        Self(raw)
    }

    /// The method as the caller sent it: `GET`, `POST`, ….
    pub fn method(&self) -> &str {
        &self.0.method
    }

    /// The path, percent-encoded; `/` if there was none. A stage of API Gateway is not part of it. From a Function URL it is as
    /// Lambda delivers it; from API Gateway it is encoded again from the decoded one that API Gateway delivers.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What followed `?`, percent-encoded, without the `?`; empty if there was nothing. From a Function URL it is as Lambda
    /// delivers it; from API Gateway it is put together again from decoded parameters, in the order of their names.
    pub fn query(&self) -> &str {
        &self.0.query
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All headers, with their names in lower case. A name that came several times may be listed several times or joined by
    /// commas, as Lambda delivers it. Cookies are not in here.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of the first cookie of this name.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies().find(|(candidate, _)| *candidate == name).map(|(_, value)| value)
    }

    /// All cookies, as names and values. A cookie without `=` is a name without a value.
    pub fn cookies(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.cookies.iter().map(|cookie| {
            let (name, value) = cookie.split_once('=').unwrap_or((cookie, ""));
            (name.trim(), value.trim())
        })
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> HttpRequest {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        HttpRequest::new(raw::HttpRequest {
            method: "GET".to_owned(),
            path: "/a%20b".to_owned(),
            query: "x=1&x=2".to_owned(),
            headers: vec![pair("accept", "text/html"), pair("accept", "text/plain"), pair("x-empty", "")],
            cookies: ["session=a=b", " theme = dark ", "flag"].map(str::to_owned).to_vec(),
        })
    }

    #[test]
    fn a_header_is_found_in_any_case_and_the_first_wins() {
        assert_eq!(request().header("Accept"), Some("text/html"));
        assert_eq!(request().header("X-Empty"), Some(""));
        assert_eq!(request().header("x-absent"), None);
        assert_eq!(request().headers().count(), 3);
    }

    #[test]
    fn a_cookie_is_split_at_its_first_equals_sign() {
        assert_eq!(request().cookie("session"), Some("a=b"));
        assert_eq!(request().cookie("theme"), Some("dark"));
        assert_eq!(request().cookie("flag"), Some(""));
        assert_eq!(request().cookie("Session"), None);
    }
}
