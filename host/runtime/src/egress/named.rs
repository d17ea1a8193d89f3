//! Errors of requests by their names, as a recording has them.

use wasmtime_wasi_http::Error;

/// How `InternalError`'s name and its words are told apart.
const WORDS: &str = "InternalError: ";

macro_rules! named {
    ($($name:ident)*) => {
        /// The error of this name, which a recording has. One that no request of ours ends with is told in words.
        #[must_use]
        pub fn error_named(name: &str) -> Error {
            match name {
                $(stringify!($name) => Error::$name,)*
                _ => Error::InternalError(Some(name.strip_prefix(WORDS).unwrap_or(name).to_owned())),
            }
        }

        /// The name of an error, by which [`error_named`] finds it again.
        #[cfg(feature = "compiler")]
        pub(crate) fn name_of(error: &Error) -> String {
            match error {
                $(Error::$name => stringify!($name).to_owned(),)*
                Error::InternalError(Some(words)) => format!("{WORDS}{words}"),
                other => other.to_string(),
            }
        }

        #[cfg(test)]
        const ALL: &[&str] = &[$(stringify!($name)),*];
    };
}

named! {
    ConfigurationError ConnectionLimitReached ConnectionReadTimeout ConnectionRefused ConnectionTerminated ConnectionTimeout
    ConnectionWriteTimeout DestinationIpProhibited DestinationIpUnroutable DestinationNotFound DestinationUnavailable DnsTimeout
    HttpProtocolError HttpRequestDenied HttpResponseIncomplete HttpResponseTimeout TlsCertificateError TlsProtocolError
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_its_error() {
        for name in ALL {
            assert_eq!(
                (name_of(&error_named(name)), format!("{:?}", error_named(name))),
                ((*name).to_owned(), (*name).to_owned())
            );
        }
        let words = error_named(&name_of(&Error::InternalError(Some("odd".to_owned()))));
        assert_eq!(words.to_string(), Error::InternalError(Some("odd".to_owned())).to_string());
    }
}
