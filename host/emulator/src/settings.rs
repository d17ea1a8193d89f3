//! What a user of the emulator decides. Knows no defaults of a command line, only Lambda's own.

use crate::feed::Tap;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How to run a function, and where its doors are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The function's name: what callers of the Lambda API ask for.
    pub function_name: String,
    /// `_HANDLER`.
    pub handler: String,
    /// `LAMBDA_TASK_ROOT`; the current folder if absent.
    pub task_root: Option<PathBuf>,
    /// The runtime's program and its arguments.
    pub command: Vec<OsString>,
    /// Variables for the runtime, stronger than those that Lambda sets. Of the emulator's own variables it gets only `PATH`
    /// and AWS credentials: what is missing in Lambda is missing here.
    pub environment: Vec<(OsString, OsString)>,
    /// `AWS_LAMBDA_LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets with [`LogFormat::Json`] only.
    pub log_level: Option<String>,
    /// How long an invocation may last.
    pub timeout: Duration,
    /// How long a runtime may take to its first `/next`; one that takes longer is started again, then under `timeout`.
    pub init_timeout: Duration,
    /// The function's memory size. Told to the runtime and reported, not enforced.
    pub memory_mb: u32,
    /// `AWS_REGION`; the user's own, or `us-east-1`, if absent.
    pub region: Option<String>,
    /// Qualifiers that a caller of the Lambda API may give besides `$LATEST`, and the version that each stands for: a version
    /// stands for itself, an alias for a version. All of them run the same command, in environments of their own version.
    pub qualifiers: BTreeMap<String, String>,
    /// Who is told of every event with the bytes that were sent.
    pub tap: Option<Tap>,
    /// What each invocation waits for before its time begins.
    pub before_invocation: Option<Preparation>,
    /// How many invocations one environment serves at once. More than one is what Lambda Managed Instances do:
    /// `AWS_LAMBDA_MAX_CONCURRENCY` is set, and a timeout ends the invocation but not the environment.
    pub concurrency: usize,
    /// How many environments there may be at once; callers beyond are throttled.
    pub max_environments: usize,
    /// Where the Lambda API listens. Port 0 is any free one, here and below.
    pub lambda: SocketAddr,
    /// Where the Function URL listens.
    pub url: SocketAddr,
    /// Where API Gateway listens.
    pub api: SocketAddr,
    /// Host names that this machine goes by, besides `localhost`, names that end in `.localhost`, loopback addresses and the
    /// address that a door listens on. Requests to other hosts are refused, so that no web site can have its own name lead
    /// here; and so are those that a web page of another host makes, unless the Function URL's `cors` grants them.
    pub allow_hosts: Vec<String>,
    /// API Gateway's stage: the first part of every path.
    pub stage: String,
    /// API Gateway over TLS, with a certificate of its own making.
    pub tls: bool,
    /// API Gateway cuts a response on which nothing came for this long (AWS: 30 s at the edge, 5 minutes otherwise).
    pub api_idle_timeout: Option<Duration>,
    /// A Function URL's answer without a single byte hangs on AWS. Here the connection is cut this long after the
    /// function's end.
    pub url_hang: Duration,
    /// The Function URL's `InvokeMode`.
    pub url_transfer: Transfer,
    /// Media types of request bodies that a Function URL's event has as text, such as `application/json` or `text/*`; others,
    /// and bodies without a type, arrive in base64. AWS does not publish which are text: if absent, it is what tools agree on,
    /// JSON, XML, JavaScript, forms, all of `text/*`, and bodies without a type. What AWS once showed is
    /// `application/json` and `text/*` alone.
    pub url_text: Option<Vec<String>>,
    /// The `ResponseTransferMode` of API Gateway's integration.
    pub api_transfer: Transfer,
    /// The Function URL's CORS settings.
    pub cors: Option<Cors>,
    /// Lambda's bandwidth for streamed responses: 6 MiB at once, then 2 MiB each second.
    pub throttle: bool,
}

impl Settings {
    /// A function run by `command`, with Lambda's defaults and any free ports of this machine.
    #[must_use]
    pub fn new(function_name: impl Into<String>, command: Vec<OsString>) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            function_name: function_name.into(),
            handler: "handler".to_owned(),
            task_root: None,
            command,
            environment: Vec::new(),
            log_format: LogFormat::Text,
            log_level: None,
            timeout: Duration::from_secs(3),
            init_timeout: Duration::from_secs(10),
            memory_mb: 128,
            region: None,
            qualifiers: BTreeMap::new(),
            tap: None,
            before_invocation: None,
            concurrency: 1,
            max_environments: 10,
            lambda: any,
            url: any,
            api: any,
            allow_hosts: Vec::new(),
            stage: "dev".to_owned(),
            tls: false,
            api_idle_timeout: None,
            url_hang: Duration::from_secs(2),
            url_transfer: Transfer::Stream,
            url_text: None,
            api_transfer: Transfer::Stream,
            cors: None,
            throttle: false,
        }
    }
}

/// Work that has to be done before an invocation begins, such as looking whether the function's files have changed. It takes
/// nothing of the invocation's timeout. Several invocations at once may ask for it at once.
#[derive(Clone)]
pub struct Preparation(Arc<dyn Fn() -> Preparing + Send + Sync>);

type Preparing = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Preparation {
    /// Calls `prepare` before each invocation and waits for it.
    pub fn new<F: Future<Output = ()> + Send + 'static>(prepare: impl Fn() -> F + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || Box::pin(prepare())))
    }

    pub(crate) async fn done(&self) {
        (self.0)().await;
    }
}

impl fmt::Debug for Preparation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Preparation")
    }
}

/// How an HTTP door takes a function's response to its client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transfer {
    /// As it comes: `RESPONSE_STREAM` of a Function URL, `STREAM` of API Gateway.
    #[default]
    Stream,
    /// When it is complete: `BUFFERED`.
    Buffered,
}

/// `AWS_LAMBDA_LOG_FORMAT`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// Plain lines; the variable stays unset.
    #[default]
    Text,
    /// One JSON object each line.
    Json,
}

/// A Function URL's CORS settings, named as in Lambda's API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// Whether credentials may be sent.
    pub allow_credentials: bool,
    /// Request headers that may be sent; `*` is any.
    pub allow_headers: Vec<String>,
    /// Methods; `*` is any.
    pub allow_methods: Vec<String>,
    /// Origins; `*` is any.
    pub allow_origins: Vec<String>,
    /// Response headers that a page may see.
    pub expose_headers: Vec<String>,
    /// How long a browser may keep a preflight's answer.
    pub max_age: Option<Duration>,
}
