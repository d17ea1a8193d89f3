//! The page: its files, as they stand in this package's folder.

use http::HeaderValue;

/// What the page may do: run and show its own files, and talk with the console that sent it.
pub(crate) const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

/// A file of the page.
pub(crate) struct File {
    pub(crate) content_type: &'static str,
    pub(crate) text: &'static str,
}

/// The file at a path.
pub(crate) fn file(path: &str) -> Option<File> {
    let (content_type, text) = match path {
        "/" => ("text/html; charset=utf-8", include_str!("../page.html")),
        "/page.css" => ("text/css; charset=utf-8", include_str!("../page.css")),
        "/page.js" => ("text/javascript; charset=utf-8", include_str!("../page.js")),
        _ => return None,
    };
    Some(File { content_type, text })
}
