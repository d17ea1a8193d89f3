//! CORS as Lambda answers it in front of a function. What the function itself sets is not replaced.

use crate::door::{Reply, json};
use crate::settings::Cors;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};

/// Where a request comes from, if it says so.
pub(super) struct Origin(Option<HeaderValue>);

impl Origin {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self(headers.get(ORIGIN).cloned())
    }

    /// Adds what `cors` grants to the answer of a function.
    pub(super) fn grant(&self, cors: &Cors, headers: &mut HeaderMap) {
        let Some(origin) = self.allowed(cors) else { return };
        headers.append(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if cors.allow_credentials {
            headers.append(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        list(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &cors.expose_headers);
    }

    fn allowed(&self, cors: &Cors) -> Option<HeaderValue> {
        let origin = self.0.as_ref()?;
        allows(&cors.allow_origins, origin.as_bytes()).then(|| origin.clone())
    }
}

/// The answer to a preflight: grants if everything asked for is allowed, else none. No answer if it is not a preflight.
pub(super) fn preflight<B>(cors: &Cors, request: &Request<B>) -> Option<Reply> {
    let asked = request.headers();
    let method = asked.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    let origin = Origin::of(asked);
    if request.method() != Method::OPTIONS || origin.0.is_none() {
        return None;
    }
    let mut reply = json(StatusCode::OK, Bytes::new());
    let headers_allowed = asked.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter().all(|names| {
        names.as_bytes().split(|byte| *byte == b',').all(|name| {
            let name = name.trim_ascii();
            name.is_empty() || allows(&cors.allow_headers, name)
        })
    });
    if origin.allowed(cors).is_some() && allows(&cors.allow_methods, method.as_bytes()) && headers_allowed {
        let headers = reply.headers_mut();
        origin.grant(cors, headers);
        list(headers, ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods);
        list(headers, ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers);
        if let Some(age) = cors.max_age {
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(age.as_secs()));
        }
    }
    Some(reply)
}

fn allows(allowed: &[String], asked: &[u8]) -> bool {
    allowed.iter().any(|allowed| allowed == "*" || allowed.as_bytes().eq_ignore_ascii_case(asked))
}

fn list(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if let (false, Ok(value)) = (values.is_empty(), HeaderValue::try_from(values.join(","))) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = Method::OPTIONS;
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            request.headers_mut().insert(name, HeaderValue::from_str(value).expect("a value"));
        }
        request
    }

    #[test]
    fn a_preflight_is_granted_in_full_or_not_at_all() {
        let cors = Cors {
            allow_origins: vec!["https://a".into()],
            allow_methods: vec!["PUT".into()],
            allow_headers: vec!["X-A".into()],
            ..Cors::default()
        };
        let method = ("access-control-request-method", "PUT");
        for (headers, granted) in [
            (vec![("origin", "https://a"), method], true),
            (vec![("origin", "https://a"), method, ("access-control-request-headers", "x-a")], true),
            (vec![("origin", "https://a"), method, ("access-control-request-headers", "x-a, x-b")], false),
            (vec![("origin", "https://b"), method], false),
            (vec![("origin", "https://a"), ("access-control-request-method", "DELETE")], false),
        ] {
            let reply = preflight(&cors, &asked(&headers)).expect("a preflight");
            assert_eq!(reply.status(), 200);
            assert_eq!(reply.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), granted, "{headers:?}");
        }
        assert!(preflight(&cors, &asked(&[("origin", "https://a")])).is_none());
        assert!(preflight(&cors, &asked(&[method])).is_none());
    }
}
