//! Why a request has no answer, or not all of it.

use std::fmt;

use crate::__private::bindings::wasi::http::types::ErrorCode;

/// Why a request has no answer, or not all of it.
///
/// `to` is the server that was asked: `https://api.example.com`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The request cannot be sent: its URL, its method or one of its headers is invalid, or its body cannot be JSON.
    Invalid(String),
    /// The function's operator does not allow requests to this server. Nothing was sent.
    Denied {
        /// The server.
        to: String,
    },
    /// The server took too long.
    Timeout {
        /// The server.
        to: String,
        /// What it took too long to do.
        phase: Phase,
    },
    /// The server cannot be reached, or the connection broke: DNS, TCP, TLS.
    Connection {
        /// The server.
        to: String,
        /// What happened, in words.
        reason: String,
    },
    /// The server's answer is not what HTTP allows, or not what the handler asked for.
    Protocol {
        /// The server.
        to: String,
        /// What is wrong with it, in words.
        reason: String,
    },
    /// The server answered, and refused. Only of [`Response::success`](crate::fetch::Response::success).
    Status {
        /// The server.
        to: String,
        /// Its status.
        status: u16,
        /// The beginning of what it said.
        body: String,
    },
}

/// What a server took too long to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// To be reached.
    Connect,
    /// To begin its answer.
    FirstByte,
    /// To go on with its answer.
    BetweenBytes,
}

impl Error {
    /// What the host says; `phase` is what was going on.
    pub(crate) fn of_host(to: &str, phase: Phase, code: &ErrorCode) -> Self {
        let to = to.to_owned();
        match code {
            ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => Self::Denied { to },
            ErrorCode::DnsTimeout | ErrorCode::ConnectionTimeout => Self::Timeout { to, phase: Phase::Connect },
            ErrorCode::ConnectionReadTimeout | ErrorCode::ConnectionWriteTimeout | ErrorCode::HttpResponseTimeout => {
                Self::Timeout { to, phase }
            }
            ErrorCode::HttpRequestMethodInvalid => Self::Invalid("the method is invalid".to_owned()),
            ErrorCode::HttpRequestUriInvalid => Self::Invalid("the URL is invalid".to_owned()),
            ErrorCode::DnsError(_)
            | ErrorCode::DestinationNotFound
            | ErrorCode::DestinationUnavailable
            | ErrorCode::DestinationIpUnroutable
            | ErrorCode::ConnectionRefused
            | ErrorCode::ConnectionTerminated
            | ErrorCode::ConnectionLimitReached
            | ErrorCode::HttpResponseIncomplete
            | ErrorCode::TlsProtocolError
            | ErrorCode::TlsCertificateError
            | ErrorCode::TlsAlertReceived(_) => Self::Connection { to, reason: words(code) },
            other => Self::Protocol { to, reason: words(other) },
        }
    }

    /// Whether the function's operator does not allow it.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Denied { .. })
    }

    /// Whether the server took too long.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }
}

/// What happened, in words where it often does.
fn words(code: &ErrorCode) -> String {
    match code {
        ErrorCode::InternalError(Some(text)) => text.clone(),
        ErrorCode::DnsError(payload) => match &payload.rcode {
            Some(rcode) => format!("the name cannot be resolved ({rcode})"),
            None => "the name cannot be resolved".to_owned(),
        },
        ErrorCode::DestinationNotFound => "the name cannot be resolved".to_owned(),
        ErrorCode::ConnectionRefused => "it was refused".to_owned(),
        ErrorCode::ConnectionTerminated => "it broke".to_owned(),
        ErrorCode::TlsCertificateError => "the certificate is not trusted".to_owned(),
        ErrorCode::TlsProtocolError => "TLS failed".to_owned(),
        ErrorCode::HttpResponseIncomplete => "the answer broke off".to_owned(),
        ErrorCode::HttpProtocolError => "it is not HTTP".to_owned(),
        other => format!("{other:?}").trim_start_matches("ErrorCode::").to_owned(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(reason) => write!(f, "the request cannot be sent: {reason}"),
            Self::Denied { to } => {
                write!(f, "the function's operator does not allow requests to {to}: FIRSTBYTE_ALLOW_HTTP has to name it")
            }
            Self::Timeout { to, phase: Phase::Connect } => write!(f, "{to} cannot be reached in time"),
            Self::Timeout { to, phase: Phase::FirstByte } => write!(f, "{to} did not answer in time"),
            Self::Timeout { to, phase: Phase::BetweenBytes } => write!(f, "{to} stopped in the middle of its answer"),
            Self::Connection { to, reason } => write!(f, "the connection to {to} failed: {reason}"),
            Self::Protocol { to, reason } => write!(f, "the answer of {to} is of no use: {reason}"),
            Self::Status { to, status, body } if body.is_empty() => write!(f, "{to} answered with status {status}"),
            Self::Status { to, status, body } => write!(f, "{to} answered with status {status}: {body}"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(phase: Phase, code: &ErrorCode) -> Error {
        Error::of_host("https://api.example.com", phase, code)
    }

    #[test]
    fn a_denial_names_the_setting_and_the_server() {
        for code in [ErrorCode::HttpRequestDenied, ErrorCode::DestinationIpProhibited] {
            let error = of(Phase::Connect, &code);
            assert!(error.is_denied());
            let message = error.to_string();
            assert!(message.contains("https://api.example.com") && message.contains("FIRSTBYTE_ALLOW_HTTP"), "{message}");
        }
    }

    #[test]
    fn a_timeout_is_of_what_was_going_on() {
        let phase = |error| match error {
            Error::Timeout { phase, .. } => phase,
            other => panic!("{other:?}"),
        };
        assert_eq!(phase(of(Phase::FirstByte, &ErrorCode::ConnectionTimeout)), Phase::Connect);
        assert_eq!(phase(of(Phase::FirstByte, &ErrorCode::ConnectionReadTimeout)), Phase::FirstByte);
        assert_eq!(phase(of(Phase::BetweenBytes, &ErrorCode::ConnectionReadTimeout)), Phase::BetweenBytes);
    }

    #[test]
    fn an_answer_that_stops_is_told_from_one_that_breaks() {
        let stopped = of(Phase::BetweenBytes, &ErrorCode::ConnectionReadTimeout);
        assert_eq!(stopped.to_string(), "https://api.example.com stopped in the middle of its answer");
        let broken = of(Phase::BetweenBytes, &ErrorCode::HttpResponseIncomplete);
        assert_eq!(broken.to_string(), "the connection to https://api.example.com failed: the answer broke off");
    }

    #[test]
    fn connections_and_protocols_are_told_apart() {
        let refused = of(Phase::FirstByte, &ErrorCode::ConnectionRefused);
        assert_eq!(refused.to_string(), "the connection to https://api.example.com failed: it was refused");
        let odd = of(Phase::BetweenBytes, &ErrorCode::InternalError(Some("odd".to_owned())));
        assert!(matches!(&odd, Error::Protocol { reason, .. } if reason == "odd"), "{odd:?}");
    }

    #[test]
    fn a_handler_that_passes_it_on_fails_as_a_fetch_error() {
        assert_eq!(crate::Error::from(of(Phase::Connect, &ErrorCode::ConnectionRefused)).kind(), "FetchError");
    }
}
