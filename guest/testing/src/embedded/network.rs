//! The network as a test has it: the test answers, or nobody does.

use super::body::{self, Moment};
use crate::answer::Answer;
use crate::servers::origin;
use crate::upstream::UpstreamRequest;
use firstbyte_runtime::egress::{Answering, Asking, HttpError, Transport, TransportError, WasiBody, error_named};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use std::io;
use std::sync::Arc;

/// Whoever knows what other servers answer.
pub(crate) trait Ask: std::fmt::Debug + Send + Sync {
    /// What is answered to a request; none if nobody answers for its server. The invocation stands still meanwhile.
    ///
    /// # Errors
    /// The test cannot be asked any more.
    fn ask(&self, request: UpstreamRequest) -> io::Result<Option<Answer>>;
}

/// Asks the test.
#[derive(Clone, Debug)]
pub(super) struct Network(pub(super) Arc<dyn Ask>);

impl Network {
    async fn ask(self, request: Request<WasiBody>) -> Result<Response<WasiBody>, HttpError> {
        let (head, body) = request.into_parts();
        let origin = origin(&head.uri).unwrap_or_default();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let request = UpstreamRequest {
            method: head.method.to_string(),
            origin: origin.clone(),
            path: head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: body.collect().await?.to_bytes().to_vec(),
        };
        let nobody =
            || HttpError::InternalError(Some(format!("nobody answers for {origin} in this test: see Component::answering")));
        let failed = |error: io::Error| HttpError::InternalError(Some(format!("the test cannot be asked: {error}")));
        let answer = self.0.ask(request).map_err(failed)?.ok_or_else(nobody)?;
        let from = Moment::now().after(answer.delay);
        from.come().await;
        let Some(head) = answer.head else {
            return Err(answer.failure.map_or(HttpError::ConnectionRefused, |name| error_named(&name)));
        };
        let response = Response::builder().status(head.status);
        let response = head.headers.iter().fold(response, |response, (name, value)| response.header(name, value));
        response
            .body(body::send_from(from, answer.steps))
            .map_err(|error| HttpError::InternalError(Some(format!("the test's answer: {error}"))))
    }
}

impl Transport for Network {
    fn send(&self, request: Request<WasiBody>, _: Asking) -> Answering {
        let network = self.clone();
        Box::pin(async move { network.ask(request).await.map_err(TransportError::from) })
    }
}
