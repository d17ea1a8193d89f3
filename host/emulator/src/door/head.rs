//! A prelude turned into the head that a client gets.

use firstbyte_wire::Prelude;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::{Reply, whole};

/// Headers of a connection: the door writes its own.
const OF_THE_CONNECTION: [&str; 8] =
    ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"];

/// Why a prelude cannot be a head.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadHead {
    #[error("{0} is not a status that a response may have")]
    Status(u16),
    #[error("the header {0:?} is invalid")]
    Header(String),
    #[error("it has more headers than can be sent")]
    TooMany,
}

/// A head without a body, and the names of headers that were left out of it.
pub(super) fn head(prelude: &Prelude) -> Result<(Reply, Vec<String>), BadHead> {
    let status = prelude.status_code.unwrap_or(200);
    let mut reply = Response::new(whole(""));
    *reply.status_mut() =
        StatusCode::from_u16(status).ok().filter(|_| (200..=599).contains(&status)).ok_or(BadHead::Status(status))?;
    let mut left_out = Vec::new();
    let headers = reply.headers_mut();
    // Names that differ only in case are the same name, and its several values win over the single one.
    let single = prelude
        .headers
        .iter()
        .filter(|(name, _)| !prelude.multi_value_headers.keys().any(|multiple| multiple.eq_ignore_ascii_case(name)))
        .map(|(name, value)| (name.as_str(), value));
    let multiple =
        prelude.multi_value_headers.iter().flat_map(|(name, values)| values.iter().map(move |value| (name.as_str(), value)));
    let cookies = prelude.cookies.iter().map(|cookie| ("set-cookie", cookie));
    for (name, value) in single.chain(multiple).chain(cookies) {
        let invalid = || BadHead::Header(name.to_owned());
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid())?;
        if OF_THE_CONNECTION.contains(&header.as_str()) {
            left_out.push(header.to_string());
        } else {
            headers.try_append(header, value).map_err(|_| BadHead::TooMany)?;
        }
    }
    Ok((reply, left_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prelude(json: &str) -> Prelude {
        serde_json::from_str(json).expect("a prelude")
    }

    #[test]
    fn several_values_win_over_one() {
        let prelude = prelude(
            r#"{"statusCode":201,"headers":{"X-A":"1","x-b":"2","Connection":"close"},"multiValueHeaders":{"x-a":["3","4"]},"cookies":["c","d"]}"#,
        );
        let (reply, left_out) = head(&prelude).expect("valid");
        assert_eq!(reply.status(), 201);
        assert_eq!(reply.headers().get_all("x-a").iter().collect::<Vec<_>>(), ["3", "4"]);
        assert_eq!(reply.headers().get_all("x-b").iter().collect::<Vec<_>>(), ["2"]);
        assert_eq!(reply.headers().get_all("set-cookie").iter().collect::<Vec<_>>(), ["c", "d"]);
        assert_eq!(left_out, ["connection"]);
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        for json in
            [r#"{"statusCode":700}"#, r#"{"statusCode":100}"#, r#"{"headers":{"a b":"c"}}"#, r#"{"headers":{"a":"b\nc"}}"#]
        {
            assert!(head(&prelude(json)).is_err(), "{json}");
        }
    }
}
