//! The emulator: three doors in front of one function.

use crate::controls::Controls;
use crate::door::api_gateway::ApiGateway;
use crate::door::function_url::FunctionUrl;
use crate::door::guard::Guard;
use crate::door::lambda_api::LambdaApi;
use crate::door::listener::{self, Wire};
use crate::door::tls::{self, TlsError};
use crate::feed::{Door, Events};
use crate::function::{Function, Refusal};
use crate::settings::Settings;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Somebody else listens where these doors were to be.
    #[error("{}", in_use(.0))]
    PortsInUse(Vec<(Door, SocketAddr)>),
    /// The address cannot be listened on.
    #[error("the {door} cannot listen on {address}: {reason}")]
    Listen {
        /// The door that was to be there.
        door: Door,
        /// The address that it was to listen at.
        address: SocketAddr,
        /// What the system says.
        reason: io::Error,
    },
    /// There is no runtime to start.
    #[error("no command was given for the runtime")]
    NoCommand,
    /// Nobody could call it.
    #[error("{0:?} cannot be a function's name: 1 to 64 letters, digits, - and _")]
    InvalidFunctionName(String),
    /// It would not be a part of a path.
    #[error("{0:?} cannot be a stage's name: letters, digits, - and _")]
    InvalidStage(String),
    /// TLS was asked for.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

fn flag(door: Door) -> &'static str {
    match door {
        Door::Lambda => "--lambda-port",
        Door::FunctionUrl => "--url-port",
        Door::ApiGateway => "--api-port",
    }
}

fn in_use(doors: &[(Door, SocketAddr)]) -> String {
    let said = doors.iter().map(|(door, address)| {
        format!("port {} is in use: choose another one for the {door} with {}", address.port(), flag(*door))
    });
    format!("{}, or 0 for any free one", said.collect::<Vec<_>>().join("; "))
}

/// Why no environment could be made ready.
#[derive(Debug, thiserror::Error)]
#[error("the runtime could not start: {error_type}: {message}{}", last_words(printed))]
pub struct WarmUpError {
    /// `Runtime.…`, or what else Lambda would say.
    pub error_type: String,
    /// What the runtime said, or Lambda would.
    pub message: String,
    /// The last lines that the runtime printed, oldest first, without those that repeat the message.
    pub printed: Vec<String>,
}

fn last_words(printed: &[String]) -> String {
    let lines: String = printed.iter().map(|line| format!("\n  {line}")).collect();
    if lines.is_empty() { lines } else { format!("\nIt printed:{lines}") }
}

/// A running emulator. Dropped, it ends and takes its runtimes with it; [`Emulator::shutdown`] also waits for that.
#[derive(Debug)]
pub struct Emulator {
    function: Arc<Function>,
    lambda: SocketAddr,
    url: SocketAddr,
    api: SocketAddr,
    certificate: Option<String>,
    /// Dropped, they end.
    _doors: JoinSet<()>,
}

/// Opens the doors. Environments are started when they are needed.
///
/// # Errors
/// [`StartError`], whose message is one line for the user.
pub async fn start(settings: Settings) -> Result<Emulator, StartError> {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if settings.command.is_empty() {
        return Err(StartError::NoCommand);
    }
    if !is_name(&settings.function_name) || settings.function_name.len() > 64 {
        return Err(StartError::InvalidFunctionName(settings.function_name));
    }
    if !is_name(&settings.stage) {
        return Err(StartError::InvalidStage(settings.stage));
    }
    let mut in_use = Vec::new();
    let lambda = listen(Door::Lambda, settings.lambda, &mut in_use).await?;
    let url = listen(Door::FunctionUrl, settings.url, &mut in_use).await?;
    let api = listen(Door::ApiGateway, settings.api, &mut in_use).await?;
    let (Some((lambda_listener, lambda)), Some((url_listener, url)), Some((api_listener, api))) = (lambda, url, api) else {
        return Err(StartError::PortsInUse(in_use));
    };
    let (api_wire, certificate) = if settings.tls {
        let (acceptor, certificate) = tls::acceptor()?;
        (Wire::Tls(acceptor), Some(certificate))
    } else {
        (Wire::Http1And2, None)
    };
    let function = Arc::new(Function::new(settings));
    let mut doors = JoinSet::new();
    let guarded = Guard::new(Door::Lambda, LambdaApi { function: function.clone() }, function.clone());
    doors.spawn(listener::serve(lambda_listener, Arc::new(guarded), Wire::Http1));
    let guarded = Guard::new(Door::FunctionUrl, FunctionUrl { function: function.clone() }, function.clone());
    doors.spawn(listener::serve(url_listener, Arc::new(guarded), Wire::Http1));
    let guarded = Guard::new(Door::ApiGateway, ApiGateway { function: function.clone() }, function.clone());
    doors.spawn(listener::serve(api_listener, Arc::new(guarded), api_wire));
    Ok(Emulator { function, lambda, url, api, certificate, _doors: doors })
}

/// Listens where a door is to be, unless somebody else does: that is noted.
async fn listen(
    door: Door,
    address: SocketAddr,
    in_use: &mut Vec<(Door, SocketAddr)>,
) -> Result<Option<(TcpListener, SocketAddr)>, StartError> {
    let listening = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    match listening.await {
        Ok(listening) => Ok(Some(listening)),
        Err(reason) if io::Error::kind(&reason) == io::ErrorKind::AddrInUse => {
            in_use.push((door, address));
            Ok(None)
        }
        Err(reason) => Err(StartError::Listen { door, address, reason }),
    }
}

impl Emulator {
    /// Where the Lambda API is: the endpoint URL of an AWS SDK.
    #[must_use]
    pub fn lambda_url(&self) -> String {
        format!("http://{}", self.lambda)
    }

    /// The Function URL.
    #[must_use]
    pub fn function_url(&self) -> String {
        format!("http://{}/", self.url)
    }

    /// API Gateway's URL, with the stage.
    #[must_use]
    pub fn api_url(&self) -> String {
        let stage = &self.function.settings.stage;
        match self.certificate {
            // The certificate's name.
            Some(_) => format!("https://localhost:{}/{stage}", self.api.port()),
            None => format!("http://{}/{stage}", self.api),
        }
    }

    /// The certificate of API Gateway's door as PEM, with TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// The function's name.
    #[must_use]
    pub fn function_name(&self) -> &str {
        &self.function.settings.function_name
    }

    /// The function's ARN.
    #[must_use]
    pub fn function_arn(&self) -> String {
        self.function.arn()
    }

    /// What can be changed while it runs.
    #[must_use]
    pub fn controls(&self) -> Controls {
        Controls(self.function.clone())
    }

    /// What happens from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        self.function.feed.watch()
    }

    /// Starts an environment and waits until it is ready, so that the first caller need not.
    ///
    /// # Errors
    /// [`WarmUpError`] if the runtime cannot start.
    pub async fn warm_up(&self) -> Result<(), WarmUpError> {
        match self.function.warm_up().await {
            // As many as there may be are busy: so some are ready.
            Ok(()) | Err((Refusal::Throttled, _)) => Ok(()),
            Err((Refusal::Failed(failure), mut printed)) => {
                let document = failure.document("none");
                let (error_type, message) = (failure.error_type().to_owned(), crate::invocation::message_of(&document));
                printed.retain(|line| !line.contains(&message));
                Err(WarmUpError { error_type, message, printed })
            }
        }
    }

    /// Ends the runtimes and waits until they are gone.
    pub async fn shutdown(self) {
        self.function.shut_down().await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.function.abort();
    }
}
