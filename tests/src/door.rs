//! The three doors, and where they are.

use std::fmt;

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// `InvokeWithResponseStream` of the Lambda API.
    Direct,
    /// The Function URL, over HTTP/1.1.
    Url,
    /// API Gateway, over HTTP/2.
    Api,
}

impl Door {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Direct, Self::Url, Self::Api];

    /// Those that speak HTTP with a handler's clients.
    pub const HTTP: [Self; 2] = [Self::Url, Self::Api];

    /// Whether a handler sees an HTTP request.
    #[must_use]
    pub fn is_http(self) -> bool {
        self != Self::Direct
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "the direct door",
            Self::Url => "the Function URL",
            Self::Api => "API Gateway",
        })
    }
}

/// Where the doors of one function are.
#[derive(Clone, Debug)]
pub struct Doors {
    /// The Lambda API: an SDK's endpoint.
    pub lambda: String,
    /// The Function URL.
    pub url: String,
    /// API Gateway, with its stage.
    pub api: String,
    /// The function's name.
    pub function: String,
}

impl Doors {
    /// The URL of a door; at the HTTP doors with this path.
    #[must_use]
    pub fn url_of(&self, door: Door, path: &str) -> String {
        match door {
            Door::Direct => format!("{}/2021-11-15/functions/{}/response-streaming-invocations", self.lambda, self.function),
            Door::Url => format!("{}{path}", self.url.trim_end_matches('/')),
            Door::Api => format!("{}{path}", self.api),
        }
    }

    /// The URL of buffered `Invoke`.
    #[must_use]
    pub fn buffered_invoke(&self) -> String {
        format!("{}/2015-03-31/functions/{}/invocations", self.lambda, self.function)
    }
}
