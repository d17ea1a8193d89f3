//! What a page asks the console to do: send a request to a door, set a switch, kill an environment.

use crate::client::Call;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use firstbyte_emulator::Door;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// The longest timeout that Lambda has.
const LONGEST: Duration = Duration::from_secs(900);

/// A request that is to be sent, and the reader that its client is to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    pub(crate) door: Door,
    #[serde(default = "post")]
    method: String,
    #[serde(default = "root")]
    path: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// The body, if it is text.
    body: Option<String>,
    /// The body in base64.
    data: Option<String>,
    /// After how many bytes of the body the client leaves.
    pub(crate) cut_after_bytes: Option<u64>,
    /// How many kilobytes the client reads per second.
    read_kbps: Option<f64>,
}

fn post() -> String {
    "POST".to_owned()
}

fn root() -> String {
    "/".to_owned()
}

/// Limits of invocations from now on. What is absent stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switches {
    pub(crate) bandwidth: Option<bool>,
    /// `null` is the timeout that the function was started with.
    #[serde(default, deserialize_with = "given")]
    timeout_ms: Option<Option<f64>>,
}

/// A member that is there, `null` or not.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// An environment that is to be killed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kill {
    pub(crate) environment: u32,
}

/// Why something cannot be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderError {
    #[error("{0:?} is not an HTTP method")]
    Method(String),
    #[error("a path begins with /, and {0:?} does not")]
    Path(String),
    #[error("{0:?} cannot be a header's name")]
    Name(String),
    #[error("the value of the header {0:?} cannot be one")]
    Value(String),
    #[error("data is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    #[error("a request has either a body or data, and not both")]
    TwoBodies,
    #[error("read_kbps is a number above 0, and not {0}")]
    Speed(f64),
    #[error("timeout_ms is a number within 1 to 900000, or null, and not {0}")]
    Timeout(f64),
}

impl Send {
    /// The request.
    pub(crate) fn call(&self) -> Result<Call, OrderError> {
        let method: Method = self.method.parse().map_err(|_| OrderError::Method(self.method.clone()))?;
        if !self.path.starts_with('/') {
            return Err(OrderError::Path(self.path.clone()));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let known: HeaderName = name.parse().map_err(|_| OrderError::Name(name.clone()))?;
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| OrderError::Value(name.clone()))?;
            headers.append(known, value);
        }
        let payload = match (&self.body, &self.data) {
            (Some(_), Some(_)) => return Err(OrderError::TwoBodies),
            (Some(text), None) => Bytes::from(text.clone()),
            (None, Some(data)) => STANDARD.decode(data)?.into(),
            (None, None) => Bytes::new(),
        };
        Ok(Call { method, path: self.path.clone(), headers, payload })
    }

    /// How long the client takes to read a byte. `None` if it reads as fast as it can.
    pub(crate) fn pace(&self) -> Result<Option<Duration>, OrderError> {
        let Some(kbps) = self.read_kbps else { return Ok(None) };
        let per_byte = Duration::try_from_secs_f64(1.0 / (kbps * 1000.0)).ok().filter(|_| kbps > 0.0);
        per_byte.map(Some).ok_or(OrderError::Speed(kbps))
    }
}

impl Switches {
    /// The timeout that is to be set: `Some(None)` is the one that the function was started with.
    pub(crate) fn timeout(&self) -> Result<Option<Option<Duration>>, OrderError> {
        let Some(Some(millis)) = self.timeout_ms else { return Ok(self.timeout_ms.map(|_| None)) };
        let timeout = Duration::try_from_secs_f64(millis / 1000.0).ok();
        let timeout = timeout.filter(|timeout| (Duration::from_millis(1)..=LONGEST).contains(timeout));
        timeout.map(|timeout| Some(Some(timeout))).ok_or(OrderError::Timeout(millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(json: &str) -> Send {
        serde_json::from_str(json).expect("an order")
    }

    #[test]
    fn a_request_is_what_the_page_says() {
        let order =
            send(r#"{"door":"api_gateway","method":"PUT","path":"/a?b","headers":[["X-A","ü"],["x-a","2"]],"data":"gAE="}"#);
        let call = order.call().expect("valid");
        assert_eq!((call.method, call.path.as_str(), &call.payload[..]), (Method::PUT, "/a?b", &b"\x80\x01"[..]));
        assert_eq!(call.headers.get_all("x-a").iter().map(HeaderValue::as_bytes).collect::<Vec<_>>(), ["ü".as_bytes(), b"2"]);
        assert_eq!(send(r#"{"door":"function_url","read_kbps":0.5}"#).pace().expect("valid"), Some(Duration::from_millis(2)));
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        for json in [
            r#"{"door":"lambda","method":"a b"}"#,
            r#"{"door":"lambda","path":"a"}"#,
            r#"{"door":"lambda","headers":[["a b","c"]]}"#,
            r#"{"door":"lambda","headers":[["a","b\nc"]]}"#,
            r#"{"door":"lambda","data":"!"}"#,
            r#"{"door":"lambda","data":"","body":""}"#,
        ] {
            assert!(send(json).call().is_err(), "{json}");
        }
        for speed in ["0", "-1", "1e-300"] {
            assert!(send(&format!(r#"{{"door":"lambda","read_kbps":{speed}}}"#)).pace().is_err(), "{speed}");
        }
        assert!(serde_json::from_str::<Send>(r#"{"door":"back"}"#).is_err());
    }

    #[test]
    fn an_absent_timeout_stays_and_null_is_the_first_one() {
        let timeout =
            |json: &str| serde_json::from_str::<Switches>(json).expect("an order").timeout().map_err(|error| error.to_string());
        assert_eq!(timeout(r#"{"bandwidth":true}"#), Ok(None));
        assert_eq!(timeout(r#"{"timeout_ms":null}"#), Ok(Some(None)));
        assert_eq!(timeout(r#"{"timeout_ms":1500}"#), Ok(Some(Some(Duration::from_millis(1500)))));
        for refused in ["0", "-1", "900001", "1e300"] {
            assert!(timeout(&format!(r#"{{"timeout_ms":{refused}}}"#)).is_err(), "{refused}");
        }
    }
}
