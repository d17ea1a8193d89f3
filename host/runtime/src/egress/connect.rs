//! Connections for the pool: a name's addresses are looked up once, judged, and one of those judged is connected to.

use super::address::is_public;
use super::policy::Policy;
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;
use wasmtime_wasi_http::Error;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// The name stands for an address that is not the public's, and not named outright.
    #[error("{0} is not a public address")]
    Address(IpAddr),
    /// The name stands for nothing.
    #[error("no such host")]
    Unknown,
    /// Nobody answered in time.
    #[error("no connection in time")]
    Late,
    /// Somebody answered, and could not prove to be who was asked for.
    #[error("TLS: {0}")]
    Tls(String),
    /// The operator's own certificates cannot be read.
    #[error("{0}")]
    Roots(String),
}

impl From<&Refused> for Error {
    fn from(refused: &Refused) -> Self {
        match refused {
            Refused::Address(_) => Self::DestinationIpProhibited,
            Refused::Unknown => Self::DestinationNotFound,
            Refused::Late => Self::ConnectionTimeout,
            Refused::Tls(_) => Self::TlsCertificateError,
            Refused::Roots(_) => Self::ConfigurationError,
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
    roots: Option<PathBuf>,
    runtime_api: Option<SocketAddr>,
    timeout: Duration,
    /// Made when it is first needed: most handlers start without.
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Connector {
    pub(super) fn new(policy: Policy, roots: Option<PathBuf>, runtime_api: Option<SocketAddr>, timeout: Duration) -> Self {
        Self(Arc::new(Inner { policy, roots, runtime_api, timeout, tls: OnceLock::new() }))
    }
}

impl Inner {
    async fn connect(&self, uri: &Uri) -> Result<Stream, BoxError> {
        let host = uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let encrypted = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let addresses = self.judged(host, port).await?;
        let stream = dial(&addresses).await?;
        stream.set_nodelay(true)?;
        if !encrypted {
            return Ok(Stream::Plain(stream));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|error| Refused::Tls(error.to_string()))?;
        let connector = TlsConnector::from(self.tls()?);
        let stream = connector.connect(name, stream).await.map_err(|error| Refused::Tls(error.to_string()))?;
        Ok(Stream::Tls(Box::new(stream)))
    }

    /// The addresses that `host` stands for, if a handler may connect to every one of them.
    async fn judged(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refused> {
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await.map_err(|_| Refused::Unknown)?.collect();
        for address in &addresses {
            let ip = address.ip().to_canonical();
            let is_runtime_api =
                self.runtime_api.is_some_and(|api| api.ip().to_canonical() == ip && api.port() == address.port());
            if is_runtime_api || !(is_public(ip) || self.policy.names(ip, port)) {
                return Err(Refused::Address(address.ip()));
            }
        }
        if addresses.is_empty() { Err(Refused::Unknown) } else { Ok(addresses) }
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, Refused> {
        if let Some(config) = self.tls.get() {
            return Ok(Arc::clone(config));
        }
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(file) = &self.roots {
            add_roots(&mut roots, file)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Refused::Roots(error.to_string()))?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::clone(self.tls.get_or_init(|| Arc::new(config))))
    }
}

fn add_roots(roots: &mut RootCertStore, file: &Path) -> Result<(), Refused> {
    let unreadable = |error: &dyn std::fmt::Display| Refused::Roots(format!("FIRSTBYTE_CA_FILE={}: {error}", file.display()));
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unreadable(&error))? {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
    }
    Ok(())
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
        Box::pin(async move {
            let connected = tokio::time::timeout(inner.timeout, inner.connect(&uri)).await;
            Ok(TokioIo::new(connected.map_err(|_| Refused::Late)??))
        })
    }
}

/// A connection, encrypted or not.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        match self {
            Self::Plain(_) => Connected::new(),
            Self::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => Connected::new().negotiated_h2(),
            Self::Tls(_) => Connected::new(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
