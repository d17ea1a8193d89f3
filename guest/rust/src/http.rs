//! The HTTP request behind an invocation.

mod accept;
mod cookie;
pub(crate) mod percent;

use std::{borrow::Cow, fmt};

pub use self::cookie::{Cookie, SameSite};
use crate::{__private::invocation as raw, Error, Result};

/// The HTTP request behind an invocation by a Function URL or by API Gateway.
///
/// ```
/// use firstbyte::{Error, Request, Response, Result};
///
/// fn page(request: Request, response: Response) -> Result {
///     let http = request.http().ok_or_else(|| Error::bad_request("this is for browsers"))?;
///     let segments: Vec<_> = http.segments()?.collect();
///     match &segments[..] {
///         [] => response.redirect("/items"),
///         [items, name] if items == "items" => response.text(format!("{} {name}", http.method())),
///         _ => Err(Error::not_found(format!("there is no {}", http.path()))),
///     }
/// }
/// ```
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

    /// The path, decoded. To tell one part of it from the next, take the [`segments`](Self::segments): a part may have a `/` in it.
    ///
    /// # Errors
    /// What is encoded is not UTF-8: the caller's mistake, an error of the kind `InvalidPath` with the HTTP status 400.
    #[track_caller]
    pub fn decoded_path(&self) -> Result<Cow<'_, str>> {
        match percent::decode(self.path()) {
            Some(path) => Ok(path),
            None => Err(invalid_path()),
        }
    }

    /// The parts of the path between its slashes, each decoded. Empty ones are left out: `/a//b%2Fc/` has `a` and `b/c`.
    ///
    /// # Errors
    /// As of [`decoded_path`](Self::decoded_path).
    #[track_caller]
    pub fn segments(&self) -> Result<impl Iterator<Item = Cow<'_, str>>> {
        let parts = || self.path().split('/').filter(|part| !part.is_empty());
        if parts().any(|part| percent::decode(part).is_none()) {
            return Err(invalid_path());
        }
        Ok(parts().filter_map(percent::decode))
    }

    /// What followed `?`, percent-encoded, without the `?`; empty if there was nothing. From a Function URL it is as Lambda
    /// delivers it; from API Gateway it is put together again from decoded parameters, in the order of their names.
    pub fn query_string(&self) -> &str {
        &self.0.query
    }

    /// The query's parameters, read as a struct. Needs the feature `query`.
    ///
    /// ```
    /// # fn f(http: &firstbyte::HttpRequest) -> firstbyte::Result {
    /// #[derive(serde::Deserialize)]
    /// struct Search {
    ///     text: String,
    ///     page: Option<u32>,
    ///     #[serde(default)]
    ///     tag: Vec<String>, // tag=a&tag=b
    /// }
    ///
    /// let Search { text, page, tag } = http.query()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A query that is not that of a `T` is the caller's mistake: an error of the kind `InvalidQuery` with the HTTP status 400,
    /// which says what was wrong.
    #[cfg(feature = "query")]
    #[track_caller]
    pub fn query<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        match from_form(self.query_string().as_bytes()) {
            Ok(query) => Ok(query),
            Err(what) => Err(Error::new("InvalidQuery", format!("the query does not fit: {what}")).status(400)),
        }
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

    /// The one of these media types that the client likes best, by its `accept` header; the first of those that it likes alike.
    /// `None` if it takes none of them, which a response with the status 406 tells. A client that says nothing takes any.
    ///
    /// ```
    /// # use firstbyte::{Error, HttpRequest, Response, Result};
    /// # fn answer(http: &HttpRequest, response: Response) -> Result {
    /// match http.accepts(&["application/json", "text/csv"]) {
    ///     Some("text/csv") => response.content_type("text/csv").text("id,name\n1,hoge\n"),
    ///     Some(_) => response.json(&serde_json::json!([{ "id": 1, "name": "hoge" }])),
    ///     None => Err(Error::new("NotAcceptable", "there is JSON and CSV").status(406)),
    /// }
    /// # }
    /// ```
    pub fn accepts<'a>(&self, media_types: &[&'a str]) -> Option<&'a str> {
        accept::media_type(self.joined("accept").as_deref(), media_types)
    }

    /// The one of these content codings that the client likes best.
    #[cfg(any(feature = "gzip", feature = "br"))]
    pub(crate) fn accepts_coding<'a>(&self, codings: &[&'a str]) -> Option<&'a str> {
        accept::coding(self.joined("accept-encoding").as_deref(), codings)
    }

    /// The value of the first cookie of this name, decoded as [`Cookie`] encodes it.
    pub fn cookie(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, value) = self.cookies().find(|(candidate, _)| *candidate == name)?;
        Some(percent::decode(value).unwrap_or(Cow::Borrowed(value)))
    }

    /// All cookies, as names and values, as they came. A cookie without `=` is a name without a value.
    pub fn cookies(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.cookies.iter().map(|cookie| {
            let (name, value) = cookie.split_once('=').unwrap_or((cookie, ""));
            (name.trim(), value.trim())
        })
    }

    /// The values of all headers of this name, joined by commas as if it was one header. `None` if there is no such header.
    fn joined(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self.headers().filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let first = Cow::Borrowed(values.next()?);
        Some(values.fold(first, |joined, value| joined + "," + value))
    }
}

/// Reads what a form or a query says; or says which part of it does not fit, and why.
#[cfg(feature = "query")]
pub(crate) fn from_form<T: serde::de::DeserializeOwned>(form: &[u8]) -> Result<T, String> {
    serde_path_to_error::deserialize(serde_html_form::Deserializer::from_bytes(form)).map_err(|error| error.to_string())
}

#[track_caller]
pub(crate) fn invalid_path() -> Error {
    Error::new("InvalidPath", "the path is not UTF-8").status(400)
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
            cookies: ["session=a=b", " theme = dark ", "flag", "encoded=a%3Bb"].map(str::to_owned).to_vec(),
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
        let request = request();
        assert_eq!(request.cookie("session").as_deref(), Some("a=b"));
        assert_eq!(request.cookie("theme").as_deref(), Some("dark"));
        assert_eq!(request.cookie("flag").as_deref(), Some(""));
        assert_eq!(request.cookie("Session"), None);
        assert_eq!(request.cookie("encoded").as_deref(), Some("a;b"));
    }

    #[test]
    fn the_path_is_decoded_part_by_part() {
        let at = |path: &str| HttpRequest::new(raw::HttpRequest { path: path.to_owned(), ..request().0 });
        let segments = |path| at(path).segments().map(|parts| parts.map(Cow::into_owned).collect::<Vec<_>>());
        assert_eq!(segments("/a//b%2Fc/%C3%BC").expect("UTF-8"), ["a", "b/c", "ü"]);
        assert_eq!(segments("/").expect("UTF-8"), Vec::<String>::new());
        assert_eq!(at("/a%20b%2Fc").decoded_path().expect("UTF-8"), "/a b/c");
        assert_eq!(segments("/a/%FF").expect_err("this is no text").kind(), "InvalidPath");
        let error = at("/%FF").decoded_path().expect_err("this is no text");
        assert_eq!(raw::Failure::from(error).status, Some(400));
    }

    #[test]
    fn headers_of_one_name_count_together() {
        assert_eq!(request().accepts(&["text/plain"]), Some("text/plain"));
        assert_eq!(request().accepts(&["text/csv"]), None);
    }

    #[cfg(feature = "query")]
    #[test]
    fn a_query_is_read_as_a_struct() {
        #[derive(Debug, serde::Deserialize, PartialEq)]
        struct Query {
            text: String,
            page: Option<u32>,
            #[serde(default)]
            tag: Vec<String>,
        }
        let of = |query: &str| HttpRequest::new(raw::HttpRequest { query: query.to_owned(), ..request().0 }).query::<Query>();
        let query = of("text=a+b%26&page=2&tag=x&tag=y&other=1").expect("it fits");
        assert_eq!(query, Query { text: "a b&".to_owned(), page: Some(2), tag: vec!["x".to_owned(), "y".to_owned()] });
        assert_eq!(of("text=").expect("it fits"), Query { text: String::new(), page: None, tag: Vec::new() });
        for (query, message) in [
            ("", "the query does not fit: missing field `text`"),
            ("text=a&page=-1", "the query does not fit: page: invalid digit found in string"),
        ] {
            let failure = raw::Failure::from(of(query).expect_err(query));
            assert_eq!((&*failure.kind, failure.status, &*failure.message), ("InvalidQuery", Some(400), message));
        }
    }
}
