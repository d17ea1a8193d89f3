//! What several requests have in common.

use std::time::Duration;

use crate::fetch::Request;

/// How long requests may take. What a client does not limit, the host does: 10 seconds to reach the server, 300 seconds until its
/// answer begins, 120 seconds between two pieces of it. Whatever is set here, the invocation's deadline comes first.
///
/// ```no_run
/// use std::time::Duration;
///
/// # async fn f() -> firstbyte::Result {
/// let client = firstbyte::fetch::Client::new()
///     .connect_timeout(Duration::from_secs(2))
///     .between_bytes_timeout(Duration::from_secs(20));
/// let text = client.get("https://api.example.com/").send().await?.text().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Client {
    pub(crate) timeouts: Timeouts,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timeouts {
    pub(crate) connect: Option<Duration>,
    pub(crate) first_byte: Option<Duration>,
    pub(crate) between_bytes: Option<Duration>,
}

impl Client {
    /// A client with the host's timeouts.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long it may take to reach the server: to look its name up, to connect, and to agree on TLS. 10 seconds unless set.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.connect = Some(limit);
        self
    }

    /// How long the server may take to begin its answer, once it is reached. 300 seconds unless set.
    #[must_use]
    pub fn first_byte_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.first_byte = Some(limit);
        self
    }

    /// How long the server may pause within its answer. 120 seconds unless set.
    #[must_use]
    pub fn between_bytes_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.between_bytes = Some(limit);
        self
    }

    /// A `GET` of a URL.
    pub fn get(&self, url: impl AsRef<str>) -> Request {
        self.request("GET", url)
    }

    /// A `POST` to a URL.
    pub fn post(&self, url: impl AsRef<str>) -> Request {
        self.request("POST", url)
    }

    /// A request of any method.
    pub fn request(&self, method: &str, url: impl AsRef<str>) -> Request {
        Request::new(method, url.as_ref(), self.timeouts)
    }
}
