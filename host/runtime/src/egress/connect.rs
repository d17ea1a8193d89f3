//! Connections for the pool: a name's addresses are looked up once, judged, and one of those judged is connected to.

use super::EgressSettings;
use super::address::is_public;
use super::policy::Policy;
use super::pool;
use super::resolve::Resolve;
use super::roots;
use super::transport::Asking;
use crate::budget::Shares;
use crate::path::PathError;
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;
use wasmtime_wasi_http::Error;

/// How long a look-up may take. The resolver's own patience is longer, and keeps a thread all the while.
const LOOKUP: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// The name stands for an address that is not the public's, and not named outright.
    #[error("{0} is not a public address")]
    Address(IpAddr),
    /// The name stands for nothing.
    #[error("no such host")]
    Unknown,
    /// Nobody said in time what the name stands for.
    #[error("no look-up in time")]
    Unanswered,
    /// Nobody answered in time.
    #[error("no connection in time")]
    Late,
    /// The process has as many connections as it may have.
    #[error("no descriptor for a connection in time")]
    Crowded,
    /// Somebody answered, and could not prove to be who was asked for.
    #[error("TLS: {0}")]
    Tls(String),
}

impl From<&Refused> for Error {
    fn from(refused: &Refused) -> Self {
        match refused {
            Refused::Address(_) => Self::DestinationIpProhibited,
            Refused::Unknown => Self::DestinationNotFound,
            Refused::Unanswered => Self::DnsTimeout,
            Refused::Late => Self::ConnectionTimeout,
            Refused::Crowded => Self::ConnectionLimitReached,
            Refused::Tls(_) => Self::TlsCertificateError,
        }
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes connections.
#[derive(Clone, Debug)]
pub(super) struct Connector(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    policy: Policy,
    /// The operator's own certificates.
    roots: RootCertStore,
    runtime_api: Vec<SocketAddr>,
    resolver: Arc<dyn Resolve>,
    shares: Shares,
    /// Made when it is first needed: most handlers start without.
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Connector {
    /// # Errors
    /// A file of certificates that is of no use.
    pub(super) fn new(settings: &EgressSettings, resolver: Arc<dyn Resolve>, shares: &Shares) -> Result<Self, PathError> {
        let EgressSettings { policy, runtime_api, .. } = settings.clone();
        let roots = settings.roots.as_deref().map_or_else(|| Ok(RootCertStore::empty()), roots::read)?;
        let shares = shares.clone();
        Ok(Self(Arc::new(Inner { policy, roots, runtime_api, resolver, shares, tls: OnceLock::new() })))
    }
}

impl Inner {
    async fn connect(&self, uri: &Uri, asking: &Asking) -> Result<Stream, BoxError> {
        let host = uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let encrypted = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let addresses = timeout(LOOKUP, self.judged(host, port, asking)).await.map_err(|_| Refused::Unanswered)??;
        let descriptor = timeout(asking.connect, self.shares.descriptor()).await.map_err(|_| Refused::Crowded)?;
        let stream = dial(&addresses).await?;
        stream.set_nodelay(true)?;
        if !encrypted {
            return Ok(Stream::new(Wire::Plain(stream), descriptor));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|error| Refused::Tls(error.to_string()))?;
        let connector = TlsConnector::from(self.tls());
        let stream = connector.connect(name, stream).await.map_err(|error| Refused::Tls(error.to_string()))?;
        Ok(Stream::new(Wire::Tls(Box::new(stream)), descriptor))
    }

    /// The addresses that `host` stands for, if a handler may connect to every one of them.
    async fn judged(&self, host: &str, port: u16, asking: &Asking) -> Result<Vec<SocketAddr>, Refused> {
        let right = asking.budget.lookup().await;
        let addresses = self.resolver.resolve(host, port, right).await.map_err(|_| Refused::Unknown)?;
        for address in &addresses {
            let ip = address.ip().to_canonical();
            let is_runtime_api = self.runtime_api.iter().any(|api| api.ip().to_canonical() == ip && api.port() == address.port());
            if is_runtime_api || !(is_public(ip) || self.policy.names(ip, port)) {
                return Err(Refused::Address(address.ip()));
            }
        }
        if addresses.is_empty() { Err(Refused::Unknown) } else { Ok(addresses) }
    }

    fn tls(&self) -> Arc<ClientConfig> {
        let config = self.tls.get_or_init(|| {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let config = config.expect("ring has what TLS 1.2 and 1.3 need");
            let mut config = config.with_root_certificates(roots::with_bundled(&self.roots)).with_no_client_auth();
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            Arc::new(config)
        });
        Arc::clone(config)
    }
}

/// Connects to the first address that answers.
async fn dial(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let inner = Arc::clone(&self.0);
        // The pool connects for a request that is being polled, and for nothing else.
        let asking = pool::asking();
        Box::pin(async move {
            let Some(asking) = asking else { return Err(Refused::Late.into()) };
            let connected = timeout(asking.connect, inner.connect(&uri, &asking)).await;
            Ok(TokioIo::new(connected.map_err(|_| Refused::Late)??))
        })
    }
}

/// A connection, and the descriptor that it was granted.
#[derive(Debug)]
pub(super) struct Stream {
    wire: Wire,
    _descriptor: OwnedSemaphorePermit,
}

/// A connection, encrypted or not.
#[derive(Debug)]
enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    fn new(wire: Wire, descriptor: OwnedSemaphorePermit) -> Self {
        Self { wire, _descriptor: descriptor }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        match &self.wire {
            Wire::Plain(_) => Connected::new(),
            Wire::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => Connected::new().negotiated_h2(),
            Wire::Tls(_) => Connected::new(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().wire {
            Wire::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Wire::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().wire {
            Wire::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Wire::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().wire {
            Wire::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().wire {
            Wire::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::super::pool::Pool;
    use super::super::resolve::Resolving;
    use super::super::transport::{Transport as _, TransportError};
    use super::*;
    use crate::budget::{Allowance, Budget, Lookup};
    use http_body_util::{BodyExt as _, Empty};
    use std::net::TcpListener;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A resolver that says something else each time, and at last nothing for ever.
    #[derive(Debug, Default)]
    struct Fickle {
        answers: Mutex<Vec<Vec<SocketAddr>>>,
        asked: AtomicUsize,
    }

    impl Fickle {
        fn new(answers: &[&[SocketAddr]]) -> Arc<Self> {
            let answers = answers.iter().rev().map(|answer| answer.to_vec()).collect();
            Arc::new(Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) })
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }
    }

    impl Resolve for Fickle {
        fn resolve(&self, _: &str, _: u16, _: Lookup) -> Resolving {
            self.asked.fetch_add(1, Ordering::Relaxed);
            match self.answers.lock().unwrap().pop() {
                Some(answer) => Box::pin(std::future::ready(Ok(answer))),
                None => Box::pin(std::future::pending()),
            }
        }
    }

    fn connector(list: &str, resolver: &Arc<Fickle>) -> Connector {
        let settings = EgressSettings { policy: Policy::parse(list).unwrap(), ..EgressSettings::default() };
        Connector::new(&settings, Arc::clone(resolver) as _, &Shares::new(100)).unwrap()
    }

    fn asking(connect: Duration) -> Asking {
        Asking { connect, budget: Budget::new(Allowance::default(), Shares::new(100)) }
    }

    impl Connector {
        async fn connect(&self, uri: &Uri) -> Result<Stream, BoxError> {
            self.0.connect(uri, &asking(Duration::from_secs(10))).await
        }
    }

    /// Two addresses of this machine with the same port.
    fn listen() -> (TcpListener, TcpListener) {
        let first = TcpListener::bind("127.0.0.2:0").unwrap();
        let second = TcpListener::bind(("127.0.0.1", first.local_addr().unwrap().port())).unwrap();
        (first, second)
    }

    /// Whether somebody has connected, who on this machine is there at once.
    fn is_called(listener: &TcpListener) -> bool {
        listener.set_nonblocking(true).unwrap();
        listener.accept().is_ok()
    }

    #[tokio::test]
    async fn a_name_is_looked_up_once_and_what_was_judged_is_connected_to() {
        let (allowed, other) = listen();
        let (allowed_at, other_at) = (allowed.local_addr().unwrap(), other.local_addr().unwrap());
        let port = allowed_at.port();
        let resolver = Fickle::new(&[&[allowed_at], &[other_at]]);
        let connector = connector(&format!("http://name.example:{port},http://127.0.0.2:{port}"), &resolver);
        let uri: Uri = format!("http://name.example:{port}/").parse().unwrap();

        let connected = connector.connect(&uri).await.unwrap();
        let Wire::Plain(stream) = &connected.wire else { panic!("not encrypted") };
        assert_eq!((stream.peer_addr().unwrap(), resolver.asked()), (allowed_at, 1));
        assert!(is_called(&allowed) && !is_called(&other));

        // The next connection has a look-up of its own, and what that says is judged in its turn.
        let refused = connector.connect(&uri).await.unwrap_err();
        assert!(matches!(refused.downcast_ref(), Some(Refused::Address(address)) if *address == other_at.ip()), "{refused}");
        assert_eq!(resolver.asked(), 2);
        assert!(!is_called(&other));
    }

    #[tokio::test]
    async fn a_name_that_stands_for_one_private_address_is_refused_for_all_its_addresses() {
        let (_, other) = listen();
        let at = other.local_addr().unwrap();
        let public = SocketAddr::from(([1, 1, 1, 1], at.port()));
        for answer in [[public, at], [at, public]] {
            let resolver = Fickle::new(&[&answer]);
            let uri = format!("http://name.example:{}/", at.port()).parse().unwrap();
            let refused = connector(&format!("http://name.example:{}", at.port()), &resolver).connect(&uri).await.unwrap_err();
            assert!(matches!(refused.downcast_ref(), Some(Refused::Address(address)) if *address == at.ip()), "{refused}");
            assert_eq!(resolver.asked(), 1);
        }
        assert!(!is_called(&other));
    }

    /// A name server that is silent: each look-up keeps its right, as a thread does that waits for an answer.
    #[derive(Debug, Default)]
    struct SilentServer(Mutex<Vec<Lookup>>);

    impl Resolve for SilentServer {
        fn resolve(&self, _: &str, _: u16, right: Lookup) -> Resolving {
            self.0.lock().unwrap().push(right);
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test]
    async fn a_silent_name_server_takes_few_threads() {
        let policy = Policy::parse("http://name.example").unwrap();
        let settings = EgressSettings { policy, ..EgressSettings::default() };
        let server = Arc::<SilentServer>::default();
        let shares = Shares::new(1000);
        let connector = Connector::new(&settings, Arc::clone(&server) as _, &shares).unwrap();
        let uri: Uri = "http://name.example/".parse().unwrap();
        let invocation = || {
            let connect = Duration::from_millis(50);
            Asking { connect, budget: Budget::new(Allowance { lookups: 3, ..Allowance::default() }, shares.clone()) }
        };
        let look_up = async |asking: Asking| timeout(asking.connect, connector.0.connect(&uri, &asking)).await.is_err();
        let one = invocation();
        let waits = futures_util::future::join_all((0..600).map(|_| look_up(one.clone()))).await;
        assert!(waits.into_iter().all(|in_vain| in_vain));
        assert_eq!(server.0.lock().unwrap().len(), 3, "an invocation has three look-ups, even if nobody waits for them any more");
        assert!(look_up(invocation()).await);
        assert_eq!(server.0.lock().unwrap().len(), 4, "another one has its own");
        assert!(matches!(Error::from(&Refused::Unanswered), Error::DnsTimeout));
    }

    #[tokio::test]
    async fn a_request_says_how_long_its_connection_may_take() {
        let begun = std::time::Instant::now();
        let pool = Pool::new(connector("http://name.example", &Fickle::new(&[])));
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = http::Request::get("http://name.example/").body(body).unwrap();
        let Err(TransportError::Client(error)) = pool.send(request, asking(Duration::from_millis(50))).await else {
            panic!("nobody answers")
        };
        let refused = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
        assert!(matches!(refused, Some(Refused::Late)), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}
