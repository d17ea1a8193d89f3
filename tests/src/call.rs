//! What a client sends.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

/// A request that any door takes: at the direct one its body is the event.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// A `POST` of JSON.
    #[must_use]
    pub fn json(body: &Value) -> Self {
        Self::post("application/json", body.to_string())
    }

    /// A `POST` of anything.
    #[must_use]
    pub fn post(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { method: Method::POST, path: "/".to_owned(), headers, body: body.into() }
    }

    /// A `GET`.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self { method: Method::GET, path: path.to_owned(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// With another method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// To another path.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// With one more header.
    ///
    /// # Panics
    /// If the value cannot be one.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(HeaderName::from_static(name), value.parse().expect("a header's value"));
        self
    }

    /// A direct caller asks for the log's tail.
    #[must_use]
    pub fn log_tail(self) -> Self {
        self.header("x-amz-log-type", "Tail")
    }
}
