//! What a handler may reach: outbound HTTP, and nothing else, where the operator allows it.
//!
//! A request is checked twice. [`Policy::allows`] judges scheme, host and port before anything is looked up. `connect` judges
//! the addresses that the name stands for, and connects to one that it has judged: there is no second look-up in between
//! that could say something else. A redirect is the handler's own next request, so it is checked like any other.
//!
//! Connections are pooled across invocations. They belong to no caller: what a handler sends over them is its own.

mod address;
mod body;
mod code;
mod connect;
mod credentials;
mod policy;
mod resolve;
mod sign;
mod transport;

pub(crate) use code::add_to_linker;
pub use policy::{Policy, PolicyError};
pub use resolve::{Resolve, Resolving, SystemResolver};
pub use transport::{Answering, Route, Transport, TransportError};
pub use wasmtime_wasi_http::{Error as HttpError, WasiBody};

use crate::log::InvocationLog;
use body::Timed;
use connect::{Connector, Refused};
use http::uri::Scheme;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy;
use sign::{Endpoint, Signer};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use transport::Pool;
use wasmtime_wasi_http::{Error, RequestOptions, WasiHttpHooks};

/// How long a connection may take, look-up and TLS included, if the handler does not say.
const CONNECT: Duration = Duration::from_secs(10);

/// How long an answer may take to begin. A model may think for long; the invocation's deadline comes first in most functions.
const FIRST_BYTE: Duration = Duration::from_secs(300);

/// How long an answer may pause.
const BETWEEN_BYTES: Duration = Duration::from_secs(120);

/// What the host is told of outbound HTTP.
#[derive(Clone, Debug, Default)]
pub struct EgressSettings {
    /// What is allowed.
    pub policy: Policy,
    /// Certificates to trust besides the bundled ones, a PEM file.
    pub roots: Option<PathBuf>,
    /// The Runtime API's address, which no handler may reach.
    pub runtime_api: Vec<SocketAddr>,
    /// AWS services for which the host signs, by the name that signatures use: `dynamodb`, `bedrock`.
    pub sign_aws: Vec<String>,
    /// What allowed requests are carried by. No variable sets it.
    pub route: Route,
}

/// The host's side of handlers' requests.
#[derive(Debug)]
pub(crate) struct Egress {
    policy: Policy,
    transport: Arc<dyn Transport>,
    signer: Signer,
}

impl Egress {
    pub(crate) fn new(settings: &EgressSettings) -> Arc<Self> {
        let transport: Arc<dyn Transport> = match &settings.route {
            Route::Network(resolver) => Arc::new(Pool::new(Connector::new(settings, Arc::clone(resolver), CONNECT))),
            Route::Instead(transport) => Arc::clone(transport),
        };
        Arc::new(Self { policy: settings.policy.clone(), transport, signer: Signer::new(settings.sign_aws.clone()) })
    }
}

type Answer = Response<WasiBody>;
type Worker = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// Outbound HTTP as one invocation has it.
#[derive(Clone, Debug)]
pub(crate) struct Outbound {
    egress: Arc<Egress>,
    log: InvocationLog,
}

impl Outbound {
    pub(crate) fn new(egress: Arc<Egress>, log: InvocationLog) -> Self {
        Self { egress, log }
    }

    async fn send(self, request: Request<WasiBody>, options: RequestOptions) -> Result<Answer, Error> {
        let uri = request.uri();
        let target = format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |a| a.as_str()));
        if !self.egress.policy.allows(uri) {
            self.log.warn(&format!(
                "an outbound request to {target} was refused: it is not allowed; to allow it, add {target} to FIRSTBYTE_ALLOW_HTTP"
            ));
            return Err(Error::HttpRequestDenied);
        }
        let request = match self.egress.signer.endpoint(request.uri()) {
            Some(endpoint) => self.signed(request, &endpoint).await?,
            None => request,
        };
        let connect = options.connect_timeout.unwrap_or(CONNECT);
        let first_byte = options.first_byte_timeout.unwrap_or(FIRST_BYTE);
        let answer = self.egress.transport.send(request, connect);
        let answer = tokio::time::timeout(connect.saturating_add(first_byte), answer).await;
        match answer {
            Ok(Ok(response)) => {
                let pause = options.between_bytes_timeout.unwrap_or(BETWEEN_BYTES);
                Ok(response.map(|body| Timed::new(body, pause).boxed_unsync()))
            }
            Ok(Err(TransportError::Http(error))) => Err(error),
            Ok(Err(TransportError::Client(error))) => Err(self.explain(&error, &target)),
            Err(_) => Err(Error::ConnectionReadTimeout),
        }
    }

    /// The request with the execution role's signature.
    async fn signed(&self, request: Request<WasiBody>, endpoint: &Endpoint) -> Result<Request<WasiBody>, Error> {
        let (mut parts, body) = request.into_parts();
        let body = Limited::new(body, sign::BODY_LIMIT).collect().await;
        let body = body.map_err(|_| Error::HttpRequestBodySize(Some(sign::BODY_LIMIT as u64)))?.to_bytes();
        let signer = &self.egress.signer;
        if let Err(error) = signer.sign(endpoint, &parts.method, &parts.uri, &mut parts.headers, &body).await {
            self.log.warn(&format!("a request to AWS was not signed: {error}"));
            return Err(Error::ConfigurationError);
        }
        Ok(Request::from_parts(parts, Full::new(body).map_err(Error::from).boxed_unsync()))
    }

    /// The handler's error for a failed request; the operator's line where a setting is the reason.
    fn explain(&self, error: &legacy::Error, target: &str) -> Error {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(refused) = error.downcast_ref::<Refused>() {
                if let Refused::Address(address) = refused {
                    self.log.warn(&format!(
                        "an outbound request to {target} was refused: {address} is not a public address; to allow it, name the \
                         address itself in FIRSTBYTE_ALLOW_HTTP"
                    ));
                }
                return refused.into();
            }
            if error.downcast_ref().is_some_and(hyper::Error::is_incomplete_message) {
                return Error::HttpResponseIncomplete;
            }
            if let Some(error) = error.downcast_ref::<std::io::Error>()
                && error.get_ref().is_none()
            {
                return if error.kind() == std::io::ErrorKind::ConnectionRefused {
                    Error::ConnectionRefused
                } else {
                    Error::ConnectionTerminated
                };
            }
            cause = error.source();
        }
        if error.is_connect() { Error::DestinationUnavailable } else { Error::HttpProtocolError }
    }
}

impl WasiHttpHooks for Outbound {
    fn is_supported_scheme(&mut self, scheme: &Scheme) -> bool {
        // The policy judges all others, too; this is what the client can speak.
        *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<(Answer, Worker), Error>> + Send> {
        let outbound = self.clone();
        Box::new(async move {
            let answer = outbound.send(request, options.unwrap_or_default()).await?;
            // The pool drives its connections itself.
            let worker: Worker = Box::new(std::future::ready(Ok(())));
            Ok((answer, worker))
        })
    }
}
