//! The network as a test has it: the servers that it answers for, and nobody else.

use crate::upstream::{Upstream, UpstreamRequest};
use firstbyte_runtime::egress::{Answering, Asking, HttpError, Transport, TransportError, WasiBody};
use http::{Request, Response, Uri};
use http_body_util::BodyExt as _;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Servers by their origins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Network(Arc<Mutex<HashMap<String, Upstream>>>);

impl Network {
    /// Has `upstream` answer for `server`.
    ///
    /// # Panics
    /// If `server` is no scheme, host, and port.
    #[track_caller]
    pub(crate) fn add(&self, server: &str, upstream: &Upstream) {
        let uri = server.parse::<Uri>().ok();
        match uri.as_ref().filter(|uri| uri.path() == "/" && uri.query().is_none()).and_then(origin) {
            Some(origin) => {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(origin, upstream.clone());
            }
            None => panic!("{server:?} is no server, such as https://api.example.com or http://localhost:8080"),
        }
    }

    fn find(&self, origin: &str) -> Option<Upstream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(origin).cloned()
    }

    async fn ask(self, request: Request<WasiBody>) -> Result<Response<WasiBody>, HttpError> {
        let (head, body) = request.into_parts();
        let origin = origin(&head.uri).unwrap_or_default();
        let Some(upstream) = self.find(&origin) else {
            let told = format!("nobody answers for {origin} in this test: see firstbyte_testing::Component::answering");
            return Err(HttpError::InternalError(Some(told)));
        };
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let answer = upstream.answer(UpstreamRequest {
            method: head.method.to_string(),
            origin,
            path: head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: body.collect().await?.to_bytes().to_vec(),
        });
        tokio::time::sleep(answer.delay).await;
        let Some(head) = answer.head.clone() else { return Err(HttpError::ConnectionRefused) };
        let response = Response::builder().status(head.status);
        let response = head.headers.iter().fold(response, |response, (name, value)| response.header(name, value));
        response.body(answer.into_body()).map_err(|error| HttpError::InternalError(Some(format!("the test's answer: {error}"))))
    }
}

impl Transport for Network {
    fn send(&self, request: Request<WasiBody>, _: Asking) -> Answering {
        let network = self.clone();
        Box::pin(async move { network.ask(request).await.map_err(TransportError::from) })
    }
}

/// Scheme, host and port, in one way of writing them.
fn origin(uri: &Uri) -> Option<String> {
    let scheme = uri.scheme_str()?;
    let host = uri.host()?.to_ascii_lowercase();
    let usual = if scheme == "https" { 443 } else { 80 };
    match uri.port_u16() {
        Some(port) if port != usual => Some(format!("{scheme}://{host}:{port}")),
        _ => Some(format!("{scheme}://{host}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_has_one_origin() {
        let of = |uri: &str| uri.parse().ok().as_ref().and_then(origin);
        assert_eq!(of("https://API.example.com:443/v1?x"), Some("https://api.example.com".to_owned()));
        assert_eq!(of("http://api.example.com:443/"), Some("http://api.example.com:443".to_owned()));
        assert_eq!(of("/v1"), None);
    }

    #[test]
    #[should_panic(expected = "is no server")]
    fn a_path_is_no_server() {
        Network::default().add("https://api.example.com/v1", &Upstream::new(|_| crate::Answer::new(200)));
    }
}
