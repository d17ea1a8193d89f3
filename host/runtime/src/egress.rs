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
#[cfg(feature = "lambda")]
mod connect;
mod credentials;
mod endpoint;
mod named;
mod policy;
#[cfg(feature = "lambda")]
mod pool;
mod resolve;
#[cfg(feature = "lambda")]
mod roots;
mod services;
mod sign;
mod transport;

pub use crate::budget::Lookup;
pub(crate) use code::add_to_linker;
pub use credentials::CredentialsSource;
pub use named::error_named;
#[cfg(feature = "compiler")]
pub(crate) use named::name_of;
pub use policy::{Policy, PolicyError};
pub use resolve::{Resolve, Resolving, SystemResolver};
pub use services::ServiceError;
pub(crate) use services::service;
pub use transport::{Answering, Asking, Route, Transport, TransportError};
pub use wasmtime_wasi_http::{Error as HttpError, WasiBody};

use crate::budget::{Budget, Charge, Shares, Spent};
use crate::invocation::Invocation;
use crate::log::InvocationLog;
use crate::path::PathError;
use crate::record::Recording;
use crate::telemetry::{Measures, new_span};
use body::{Told, UnderWay};
use bytes::{Bytes, BytesMut};
use endpoint::Endpoint;
use http::uri::Scheme;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use sign::Signer;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use wasmtime_wasi_http::{Error, RequestOptions, WasiHttpHooks};

/// How long a connection may take, look-up and TLS included, if the handler does not say.
const CONNECT: Duration = Duration::from_secs(10);

/// How long an answer may take to begin. A model may think for long; the invocation's deadline comes first in most functions.
const FIRST_BYTE: Duration = Duration::from_secs(300);

/// How long an answer may pause.
const BETWEEN_BYTES: Duration = Duration::from_secs(120);

/// Bytes that a request takes while it waits for its turn: the task that sends it.
const WAITING: usize = 16 * 1024;

/// Bytes that a request takes while it is under way: the buffers of its connection.
const UNDER_WAY: usize = WAITING + 2 * transport::BUFFER;

/// Bytes that may be copied at once out of the pieces of a body that is signed.
const PIECE: usize = 64 * 1024;

/// What the host is told of outbound HTTP.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EgressSettings {
    /// The requests that are allowed.
    pub policy: Policy,
    /// Certificates to trust besides the bundled ones, a PEM file.
    pub roots: Option<PathBuf>,
    /// The Runtime API's address, which no handler may reach.
    pub runtime_api: Vec<SocketAddr>,
    /// AWS services for which the host signs, by the name that signatures use: `dynamodb`, `bedrock`.
    pub sign_aws: Vec<String>,
    /// What the host signs with.
    pub credentials: CredentialsSource,
    /// Servers whose requests carry the invocation's trace on. None for none.
    pub trace_hosts: Option<Policy>,
    /// What allowed requests are carried by. No variable sets it.
    pub route: Route,
}

/// The host's side of handlers' requests.
#[derive(Debug)]
pub(crate) struct Egress {
    policy: Policy,
    transport: Arc<dyn Transport>,
    signer: Signer,
    /// Servers whose requests carry the invocation's trace on.
    trace_hosts: Option<Policy>,
}

impl Egress {
    /// # Errors
    /// A file of certificates that is of no use.
    pub(crate) fn new(settings: &EgressSettings, shares: &Shares) -> Result<Arc<Self>, PathError> {
        let transport: Arc<dyn Transport> = match &settings.route {
            Route::Network(resolver) => network(settings, resolver, shares)?,
            Route::Instead(transport) => Arc::clone(transport),
        };
        Ok(Arc::new(Self {
            policy: settings.policy.clone(),
            transport,
            signer: Signer::new(settings.sign_aws.clone(), settings.credentials.clone()),
            trace_hosts: settings.trace_hosts.clone(),
        }))
    }
}

#[cfg(feature = "lambda")]
fn network(settings: &EgressSettings, resolver: &Arc<dyn Resolve>, shares: &Shares) -> Result<Arc<dyn Transport>, PathError> {
    let connector = connect::Connector::new(settings, Arc::clone(resolver), shares)?;
    Ok(Arc::new(pool::Pool::new(connector)))
}

#[cfg(not(feature = "lambda"))]
fn network(_: &EgressSettings, _: &Arc<dyn Resolve>, _: &Shares) -> Result<Arc<dyn Transport>, PathError> {
    Ok(Arc::new(transport::NoNetwork))
}

/// Where a request goes, for a log: what may be a secret of its URL is not in it.
fn target(uri: &Uri) -> String {
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default())
}

type Worker = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// Outbound HTTP as one invocation has it.
#[derive(Clone, Debug)]
pub(crate) struct Outbound {
    egress: Arc<Egress>,
    budget: Budget,
    log: InvocationLog,
    /// What is measured of the invocation, if anything is.
    measures: Option<Measures>,
    /// What is told of the invocation to be replayed, if anybody listens.
    recording: Option<Recording>,
}

impl Outbound {
    /// For requests of nobody's that is measured or recorded.
    pub(crate) fn new(egress: Arc<Egress>, budget: Budget, log: InvocationLog) -> Self {
        Self { egress, budget, log, measures: None, recording: None }
    }

    /// Another invocation begins.
    pub(crate) fn turn_to(&mut self, invocation: &Invocation) {
        self.log = invocation.log.clone();
        self.measures = invocation.measures.clone();
        self.recording = invocation.recording.clone();
    }

    /// Sends a request of the host's own.
    #[cfg(feature = "lambda")]
    pub(crate) async fn send_own(self, request: Request<WasiBody>) -> Result<Response<WasiBody>, Error> {
        let charge = self.budget.charge(WAITING).map_err(|spent| self.spent(&target(request.uri()), spent))?;
        self.send(request, RequestOptions::default(), charge).await
    }

    /// Sends a request that is charged with what it takes while it waits.
    async fn send(
        self,
        mut request: Request<WasiBody>,
        options: RequestOptions,
        charge: Charge,
    ) -> Result<Response<WasiBody>, Error> {
        let span = new_span();
        let call = self.measures.as_ref().and_then(|measures| measures.call(&request, span));
        let carries_on = self.egress.trace_hosts.as_ref().is_some_and(|hosts| hosts.allows(request.uri()));
        if let Some(trace) = self.measures.as_ref().filter(|_| carries_on).and_then(Measures::trace) {
            trace.carry_on(request.headers_mut(), span);
        }
        match (self.send_measured(request, options, charge).await, call) {
            (Ok(response), Some(call)) => {
                call.answered(response.status().as_u16());
                Ok(response.map(|body| Told::new(body, call).boxed_unsync()))
            }
            (Err(error), Some(call)) => {
                call.failed(&error);
                Err(error)
            }
            (sent, None) => sent,
        }
    }

    async fn send_measured(
        self,
        request: Request<WasiBody>,
        options: RequestOptions,
        mut charge: Charge,
    ) -> Result<Response<WasiBody>, Error> {
        let uri = request.uri();
        let target = target(uri);
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            self.log.warn(&format!(
                "an outbound request to {target} was refused: its URL has user information before an `@`; credentials belong in a header"
            ));
            return Err(Error::HttpRequestDenied);
        }
        if !self.egress.policy.allows(uri) {
            self.log.warn(&format!(
                "an outbound request to {target} was refused: it is not allowed; to allow it, add {target} to FIRSTBYTE_ALLOW_HTTP"
            ));
            return Err(Error::HttpRequestDenied);
        }
        let request = match self.egress.signer.endpoint(request.uri()) {
            Some(endpoint) => self.signed(request, &endpoint).await?,
            None => {
                if let Some(reason) = self.egress.signer.passes_over(&request) {
                    self.log.warn(&format!("requests to {target} leave without a signature: {reason}"));
                }
                request
            }
        };
        let connect = options.connect_timeout.unwrap_or(CONNECT);
        let first_byte = options.first_byte_timeout.unwrap_or(FIRST_BYTE);
        let connection = tokio::time::timeout(connect, self.budget.connection()).await.map_err(|_| self.crowded(&target))?;
        charge.resize(charge.bytes() - WAITING + UNDER_WAY).map_err(|spent| self.spent(&target, spent))?;
        let asking = Asking { connect, budget: self.budget.clone() };
        let call = self.recording.as_ref().map(|recording| recording.call(&request));
        let request = match &call {
            Some(call) => call.asks(request),
            None => request,
        };
        let answer = self.egress.transport.send(request, asking);
        let answer = tokio::time::timeout(connect.saturating_add(first_byte), answer).await;
        let error = match answer {
            Ok(Ok(response)) => {
                let response = match call {
                    Some(call) => call.answered(response),
                    None => response,
                };
                let pause = options.between_bytes_timeout.unwrap_or(BETWEEN_BYTES);
                return Ok(response.map(|body| UnderWay::new(body, pause, charge, connection).boxed_unsync()));
            }
            Ok(Err(TransportError::Http(error))) => error,
            #[cfg(feature = "lambda")]
            Ok(Err(TransportError::Client(error))) => self.explain(&error, &target),
            Err(_) => {
                let error = Error::ConnectionReadTimeout;
                if let Some(call) = call {
                    call.given_up(&error);
                }
                return Err(error);
            }
        };
        if let Some(call) = call {
            call.failed(&error);
        }
        Err(error)
    }

    /// The request with the execution role's signature.
    async fn signed(&self, request: Request<WasiBody>, endpoint: &Endpoint) -> Result<Request<WasiBody>, Error> {
        let (mut parts, mut body) = request.into_parts();
        let too_large = || Error::HttpRequestBodySize(Some(sign::BODY_LIMIT as u64));
        let mut held = self.budget.nothing();
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(piece) = frame?.into_data() else { continue };
            let length = whole.len() + piece.len();
            if length > sign::BODY_LIMIT {
                return Err(too_large());
            }
            held.resize(length.next_multiple_of(PIECE)).map_err(|spent| self.spent(&target(&parts.uri), spent))?;
            whole.reserve(length.next_multiple_of(PIECE) - whole.len());
            whole.extend_from_slice(&piece);
        }
        let whole = whole.freeze();
        let signer = &self.egress.signer;
        if let Err(error) = signer.sign(endpoint, &parts.method, &parts.uri, &mut parts.headers, &whole).await {
            self.log.warn(&format!("a request to AWS was not signed: {error}"));
            return Err(Error::ConfigurationError);
        }
        let whole = if whole.is_empty() { whole } else { Bytes::from_owner(Signed { whole, _held: held }) };
        Ok(Request::from_parts(parts, Full::new(whole).map_err(Error::from).boxed_unsync()))
    }

    /// The handler has as many requests under way as it may have.
    fn crowded(&self, target: &str) -> Error {
        let most = self.budget.allowance().connections;
        self.log.warn(&format!(
            "an outbound request to {target} was not sent: {most} are under way, which is what FIRSTBYTE_CONNECTIONS allows at once"
        ));
        Error::ConnectionLimitReached
    }

    /// The host may not hold the request, too.
    fn spent(&self, target: &str, spent: Spent) -> Error {
        let reason = format!("{spent}; FIRSTBYTE_HOST_MEMORY_MB raises it");
        self.log.warn(&format!("an outbound request to {target} was not sent: {reason}"));
        Error::InternalError(Some(reason))
    }

    /// The handler's error for a failed request; the operator's line where a setting is the reason.
    #[cfg(feature = "lambda")]
    fn explain(&self, error: &hyper_util::client::legacy::Error, target: &str) -> Error {
        use connect::Refused;
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(refused) = error.downcast_ref::<Refused>() {
                match refused {
                    Refused::Address(address) => self.log.warn(&format!(
                        "an outbound request to {target} was refused: {address} is not a public address; to allow it, name the \
                         address itself in FIRSTBYTE_ALLOW_HTTP"
                    )),
                    Refused::Tls(_) => self.log.warn(&format!("an outbound request to {target} was not sent: {refused}")),
                    Refused::Crowded => self.log.warn(&format!("an outbound request to {target} was not sent: {refused}")),
                    Refused::Unknown | Refused::Unanswered | Refused::Late => {}
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
    /// A body that waits for its connection holds two of these.
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        transport::BUFFER
    }

    #[cfg(feature = "wasi-p3")]
    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        transport::BUFFER
    }

    fn is_supported_scheme(&mut self, scheme: &Scheme) -> bool {
        // The policy judges all others, too; this is what the client can speak.
        *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Worker), Error>> + Send> {
        let outbound = self.clone();
        // At once, not when it is polled: a handler may make thousands without waiting for any.
        let head: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let charge = self.budget.charge(WAITING + head + request.uri().path().len());
        Box::new(async move {
            let charge = charge.map_err(|spent| outbound.spent(&target(request.uri()), spent))?;
            let answer = outbound.send(request, options.unwrap_or_default(), charge).await?;
            // The pool drives its connections itself.
            let worker: Worker = Box::new(std::future::ready(Ok(())));
            Ok((answer, worker))
        })
    }
}

/// A body that is signed, and its charge.
struct Signed {
    whole: Bytes,
    _held: Charge,
}

impl AsRef<[u8]> for Signed {
    fn as_ref(&self) -> &[u8] {
        &self.whole
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::budget::Allowance;
    use crate::log::{Log, Record};
    use http_body_util::Empty;
    use std::sync::Mutex;

    #[derive(Debug, Default)]
    struct Lines(Mutex<Vec<String>>);

    impl Log for Lines {
        fn record(&self, record: &Record<'_>) {
            self.0.lock().unwrap().push(record.message.to_owned());
        }
    }

    /// Answers everything with nothing.
    #[derive(Debug)]
    struct Silent;

    impl Transport for Silent {
        fn send(&self, _: Request<WasiBody>, _: Asking) -> Answering {
            let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
            Box::pin(std::future::ready(Ok(Response::new(body))))
        }
    }

    /// The outcome of a request, and the lines that it leaves in the log.
    async fn send(outbound: &Outbound, lines: &Lines, uri: &str) -> (Option<Error>, Vec<String>) {
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = Request::get(uri).body(body).unwrap();
        let charge = outbound.budget.charge(WAITING).unwrap();
        let outcome = outbound.clone().send(request, RequestOptions::default(), charge).await;
        (outcome.err(), std::mem::take(&mut lines.0.lock().unwrap()))
    }

    fn outbound(settings: &EgressSettings) -> (Outbound, Arc<Lines>) {
        let lines = Arc::<Lines>::default();
        let log = InvocationLog::new(Arc::clone(&lines) as _, "id".to_owned(), None);
        let shares = Shares::new(100);
        let budget = Budget::new(Allowance::default(), shares.clone());
        (Outbound::new(Egress::new(settings, &shares).unwrap(), budget, log), lines)
    }

    #[tokio::test]
    async fn user_information_is_refused_for_what_it_is_and_not_logged() {
        let policy = Policy::parse("https://host.example").unwrap();
        let (outbound, lines) = outbound(&EgressSettings { policy, ..EgressSettings::default() });
        for uri in ["https://user:secret@host.example/", "https://user:secret@other.example:8443/secret?secret"] {
            let (error, log) = send(&outbound, &lines, uri).await;
            assert!(matches!(error, Some(Error::HttpRequestDenied)), "{error:?}");
            assert!(log.len() == 1 && log[0].contains("user information") && !log[0].contains("secret"), "{log:?}");
        }
        let (_, log) = send(&outbound, &lines, "https://other.example:8443/").await;
        assert!(log[0].contains("add https://other.example:8443 to FIRSTBYTE_ALLOW_HTTP"), "{log:?}");
    }

    #[tokio::test]
    async fn the_operator_is_told_why_tls_failed() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://{}", server.local_addr().unwrap());
        let policy = Policy::parse(&origin).unwrap();
        let (outbound, lines) = outbound(&EgressSettings { policy, ..EgressSettings::default() });
        let answer = async {
            use tokio::io::AsyncWriteExt as _;
            let (mut stream, _) = server.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            stream
        };
        let ((error, log), _stream) = tokio::join!(send(&outbound, &lines, &origin), answer);
        assert!(matches!(error, Some(Error::TlsCertificateError)), "{error:?}");
        assert!(log.len() == 1 && log[0].contains(&format!("to {origin} was not sent: TLS: ")), "{log:?}");
    }

    #[test]
    fn certificates_that_cannot_be_read_are_an_error_at_the_start() {
        let settings = EgressSettings { roots: Some("/no/such.pem".into()), ..EgressSettings::default() };
        let error = Egress::new(&settings, &Shares::new(0)).unwrap_err().to_string();
        assert!(error.starts_with("FIRSTBYTE_CA_FILE names /no/such.pem: No such file"), "{error}");
    }

    #[tokio::test]
    async fn a_request_to_aws_that_is_not_signed_is_told_once() {
        let route = Route::Instead(Arc::new(Silent));
        let policy = Policy::parse("*.amazonaws.com example.com").unwrap();
        let settings = EgressSettings { policy, route, ..EgressSettings::default() };
        let uri = "https://sqs.eu-west-1.amazonaws.com/";
        let (quiet, lines) = outbound(&settings);
        assert!(send(&quiet, &lines, uri).await.1.is_empty(), "the operator did not ask for signatures");

        let (outbound, lines) = outbound(&EgressSettings { sign_aws: vec!["dynamodb".to_owned()], ..settings });
        let (error, log) = send(&outbound, &lines, uri).await;
        assert!(error.is_none() && log.len() == 1 && log[0].contains("FIRSTBYTE_SIGN_AWS does not name `sqs`"), "{log:?}");
        for uri in [uri, "https://example.com/", "https://s3.eu-west-1.amazonaws.com/b/k?X-Amz-Signature=00"] {
            assert!(send(&outbound, &lines, uri).await.1.is_empty(), "{uri}");
        }
    }

    #[test]
    fn the_sdk_tells_its_users_these_timeouts() {
        let docs = include_str!("../../../guest/rust/src/fetch/client.rs");
        for limit in [CONNECT, FIRST_BYTE, BETWEEN_BYTES] {
            assert!(docs.contains(&format!(" {} seconds unless set.", limit.as_secs())), "{limit:?}");
        }
    }
}
