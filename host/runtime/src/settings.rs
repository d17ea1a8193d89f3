//! What an operator can set: every `FIRSTBYTE_` variable with its default, and what Lambda sets.
//!
//! This is the only file that reads a variable of ours. It knows nothing of what the values do.

use crate::budget::Allowance;
use crate::component::Seal;
use crate::descriptors;
use crate::egress::{CredentialsSource, EgressSettings, Policy, Route, service};
use crate::log::Level;
use crate::telemetry::{Dimension, MetricsSettings, TelemetrySettings};
use crate::time::Time;
use firstbyte_wire::runtime_api;
use http::Method;
use http::uri::PathAndQuery;
use std::borrow::Cow;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::ops::{Bound, RangeBounds};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A setting of the runtime, as the README lists it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Declared {
    /// Name of the environment variable.
    pub name: &'static str,
    /// What holds when it is not set.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// Every setting.
pub const DECLARED: &[Declared] = &[
    Declared {
        name: "FIRSTBYTE_RESPONSE",
        default: "stream",
        doc: "`stream`, or `buffered` for an integration that takes one JSON document (base64 for what is not text)",
    },
    Declared {
        name: "FIRSTBYTE_MEMORY_MB",
        default: "the function's memory less 16 and less `FIRSTBYTE_HOST_MEMORY_MB`, at least 16",
        doc: "Linear memory that one invocation may use, in MiB. Several at once share the default",
    },
    Declared {
        name: "FIRSTBYTE_HOST_MEMORY_MB",
        default: "16, or a quarter of an invocation's share if that is less, at least 1",
        doc: "Memory that the host may hold for one invocation, in MiB: requests, fields, bodies, streams, pollables, a buffered response",
    },
    Declared {
        name: "FIRSTBYTE_CONNECTIONS",
        default: "64, less where the process has few descriptors",
        doc: "Requests that one invocation may have under way at once; more wait for one to end",
    },
    Declared {
        name: "FIRSTBYTE_OPEN_FILES",
        default: "64, less where the process has few descriptors",
        doc: "Files and folders that one invocation may have open at once",
    },
    Declared {
        name: "FIRSTBYTE_LOOKUPS",
        default: "8",
        doc: "Names that one invocation may have looked up at once; more wait for one to end",
    },
    Declared {
        name: "FIRSTBYTE_RESPONSE_LIMIT_MB",
        default: "200",
        doc: "Bytes that one response may have, in MiB; Lambda's quota is 200. 0: no limit. Of a buffered response never more than 6",
    },
    Declared {
        name: "FIRSTBYTE_DEADLINE_RESERVE_MS",
        default: "200",
        doc: "How long before Lambda's deadline a handler is ended, so that its caller can still be told",
    },
    Declared {
        name: "FIRSTBYTE_SSE_ERRORS",
        default: "on",
        doc: "Whether a `text/event-stream` that fails ends with an `event: error`: `on` or `off`",
    },
    Declared {
        name: "FIRSTBYTE_CLIENT_ERRORS",
        default: "answered",
        doc: "What a failure with a 4xx status counts as for an HTTP caller: `answered`, the caller's mistake, or `failed`, the function's, which raises Lambda's `Errors` metric",
    },
    Declared {
        name: "FIRSTBYTE_DIRECT_REQUEST",
        default: "POST /",
        doc: "Method and path of the request that a direct invocation is to a `wasi:http` component; its body is the payload",
    },
    Declared {
        name: "FIRSTBYTE_EVENT_HEADER",
        default: "off",
        doc: "Whether a `wasi:http` component gets the whole event, in base64, in the request header `x-firstbyte-event`: `on` or `off`",
    },
    Declared {
        name: "FIRSTBYTE_ALLOW_HTTP",
        default: "nothing",
        doc: "What a handler may send HTTP requests to: `host`, `host:port` or `http://host:port` between commas, HTTPS unless said; a host may begin with `*.`, and `*` alone is any public host. Addresses that are not public must be named themselves",
    },
    Declared {
        name: "FIRSTBYTE_CA_FILE",
        default: "none",
        doc: "A PEM file of certificates to trust for HTTPS, besides the bundled ones",
    },
    Declared {
        name: "FIRSTBYTE_SIGN_AWS",
        default: "none",
        doc: "AWS services, by the names that signatures have (`dynamodb,bedrock`), to which allowed requests are signed by the host with the function's role; `+name` for one that is newer than this version",
    },
    Declared {
        name: "FIRSTBYTE_ALLOW_READ",
        default: "nothing",
        doc: "Folders that a handler may read, absolute paths between commas: `/var/task/assets,/opt/data`. It sees them under these paths, and can write nowhere",
    },
    Declared {
        name: "FIRSTBYTE_ENV",
        default: "all that the function's owner set",
        doc: "Names of the environment variables that a handler sees, between commas; set to nothing, none",
    },
    Declared {
        name: "FIRSTBYTE_REUSE",
        default: "1",
        doc: "How many invocations one instance may serve, at least 1; more than 1 lets a handler keep state between callers",
    },
    Declared {
        name: "FIRSTBYTE_KEEPALIVE_MS",
        default: "off",
        doc: "After how many milliseconds without a byte a `text/event-stream` gets a comment (`: ping`), between two events only, so that nothing on the way takes it for dead",
    },
    Declared {
        name: "FIRSTBYTE_METRICS",
        default: "off",
        doc: "`emf` writes a line of metrics per invocation to the log, in CloudWatch's embedded metric format",
    },
    Declared {
        name: "FIRSTBYTE_METRICS_NAMESPACE",
        default: "Firstbyte",
        doc: "CloudWatch's namespace for them: at most 255 letters, digits or any of `.-_/#:`, not beginning with `AWS/`",
    },
    Declared {
        name: "FIRSTBYTE_METRICS_DIMENSIONS",
        default: "function",
        doc: "What metrics are told by, between commas: `function`, `version`, `door`, or `Name=value` of your own; each combination of values is billed as metrics of its own",
    },
    Declared {
        name: "FIRSTBYTE_TELEMETRY_GATHER_MS",
        default: "30",
        doc: "For how many milliseconds after a report of metrics or traces the next one may be held back, so that several invocations are reported together; 0 reports each before the next one is asked for. `firstbyte serve` and `firstbyte invoke` set it to 0",
    },
    Declared {
        name: "FIRSTBYTE_TRACE_HOSTS",
        default: "none",
        doc: "Servers, written as in `FIRSTBYTE_ALLOW_HTTP`, whose requests carry the invocation's trace on, as `traceparent` and `x-amzn-trace-id`",
    },
    Declared {
        name: "FIRSTBYTE_RECORD",
        default: "off",
        doc: "Where whoever records invocations listens, `127.0.0.1:PORT` or `[::1]:PORT`: it is told all that a replay needs, bodies among it, and random numbers come from a seed. On a laptop only: the host for Lambda has no recorder. `firstbyte serve` sets it",
    },
    Declared {
        name: "FIRSTBYTE_CHECKSUM",
        default: "on",
        doc: "Whether a .cwasm is read and compared with its checksum before it is run: `on` or `off`",
    },
    Declared {
        name: "FIRSTBYTE_RELOAD",
        default: "off",
        doc: "Whether a changed component file is taken up by the next invocation: `on` or `off`. `firstbyte serve` sets it",
    },
];

/// How a response is handed to Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseMode {
    /// As the handler writes it.
    Stream,
    /// At the end, as one document.
    Buffered,
}

/// What a failure with a 4xx status counts as where the caller speaks HTTP and the response was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientErrors {
    /// An invocation that succeeded: the caller was told of a mistake.
    Answered,
    /// An invocation that failed.
    Failed,
}

/// What requests to components of `wasi:http` are made of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpSettings {
    /// The method of a direct invocation's request.
    pub direct_method: Method,
    /// Its path, and its query if it has one.
    pub direct_path: PathAndQuery,
    /// Whether the event is passed on in a header.
    pub event_header: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self { direct_method: Method::POST, direct_path: PathAndQuery::from_static("/"), event_header: false }
    }
}

/// The runtime's settings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// `FIRSTBYTE_RESPONSE`.
    pub response: ResponseMode,
    /// Linear memory of one invocation, in bytes.
    pub memory: usize,
    /// What the host may hold for one invocation.
    pub allowance: Allowance,
    /// Bytes of one response; `u64::MAX` for no limit.
    pub response_limit: u64,
    /// Time between our deadline and Lambda's.
    pub deadline_reserve: Duration,
    /// Whether a failed `text/event-stream` says so in the stream.
    pub sse_errors: bool,
    /// How long a `text/event-stream` may be silent before it gets a comment. None for ever.
    pub keepalive: Option<Duration>,
    /// What of invocations is told, and to whom.
    pub telemetry: TelemetrySettings,
    /// What a caller's mistake counts as.
    pub client_errors: ClientErrors,
    /// How many invocations run at once, at most; none if that is not known.
    pub concurrency: Option<u32>,
    /// How many invocations an instance serves.
    pub reuse: u32,
    /// Whether a changed component file is taken up.
    pub reload: bool,
    /// Who is told what a replay needs. None for nobody.
    pub record: Option<SocketAddr>,
    /// Whether a precompiled component is compared with its checksum.
    pub seal: Seal,
    /// Whose time handlers live in. No variable sets it.
    pub time: Time,
    /// What a component of `wasi:http` is asked.
    pub http: HttpSettings,
    /// Outbound HTTP.
    pub egress: EgressSettings,
    /// Folders that the guest may read.
    pub folders: Vec<PathBuf>,
    /// What the guest sees of the environment.
    pub guest_environment: Arc<[(String, String)]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            response: ResponseMode::Stream,
            memory: 96 * MIB,
            allowance: Allowance::default(),
            response_limit: 200 * MIB as u64,
            deadline_reserve: Duration::from_millis(200),
            sse_errors: true,
            keepalive: None,
            telemetry: TelemetrySettings::default(),
            client_errors: ClientErrors::Answered,
            concurrency: None,
            reuse: 1,
            reload: false,
            record: None,
            seal: Seal::Checked,
            time: Time::Machine,
            http: HttpSettings::default(),
            egress: EgressSettings::default(),
            folders: Vec::new(),
            guest_environment: Arc::default(),
        }
    }
}

const MIB: usize = 1024 * 1024;

/// Lambda's longest timeout: no deadline is further away.
const LONGEST_TIMEOUT_MS: u64 = 900_000;

/// What the process itself takes of the function's memory, in MiB: its code, its connections, the log.
const PROCESS_MB: u64 = 16;

/// A setting that cannot be used, in words for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{name}={value:?} is not usable: {expected}{}", remedy(name))]
pub struct SettingsError {
    name: &'static str,
    value: String,
    expected: Cow<'static, str>,
}

/// What to do about a setting that cannot be used, besides what was expected of it.
fn remedy(name: &str) -> String {
    let declared = DECLARED.iter().find(|setting| setting.name == name);
    declared.map(|setting| format!(". Correct it, or remove it for its default: {}", setting.default)).unwrap_or_default()
}

/// A variable that looks like a setting of this runtime, and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The variable's name.
    pub name: String,
    /// The setting whose name is most like it. Absent if none is.
    pub meant: Option<&'static str>,
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is not a setting of this version and does nothing", self.name)?;
        self.meant.map_or(Ok(()), |meant| write!(f, "; did you mean {meant}?"))
    }
}

impl Settings {
    /// Reads the settings from environment variables.
    ///
    /// # Errors
    /// The first variable that has a value it cannot have.
    pub fn from_env(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let variables: Vec<(String, String)> = variables.into_iter().collect();
        let read = Reader(&variables);
        let mut settings = Self::default();
        settings.response = read.one_of(
            "FIRSTBYTE_RESPONSE",
            settings.response,
            &[("stream", ResponseMode::Stream), ("buffered", ResponseMode::Buffered)],
            "`stream` or `buffered`",
        )?;
        read.log()?;
        let function_mb = read.number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 128)?;
        let concurrency = concurrency(read.get("AWS_LAMBDA_MAX_CONCURRENCY"));
        settings.concurrency = Some(concurrency);
        let share_mb = function_mb.saturating_sub(PROCESS_MB) / u64::from(concurrency);
        let host_mb = read.number_within("FIRSTBYTE_HOST_MEMORY_MB", (share_mb / 4).clamp(1, 16), 1..)?;
        let memory_mb = read.number_within("FIRSTBYTE_MEMORY_MB", share_mb.saturating_sub(host_mb).max(16), 1..)?;
        let descriptors = descriptors::for_each_invocation(descriptors::limit(), concurrency);
        let few = |most: usize| u64::try_from(most.min(descriptors)).unwrap_or(u64::MAX);
        settings.allowance = Allowance {
            memory: usize::try_from(host_mb).unwrap_or(usize::MAX).saturating_mul(MIB),
            connections: read.count("FIRSTBYTE_CONNECTIONS", few(settings.allowance.connections))?,
            files: read.count("FIRSTBYTE_OPEN_FILES", few(settings.allowance.files))?,
            lookups: read.count("FIRSTBYTE_LOOKUPS", settings.allowance.lookups as u64)?,
        };
        settings.memory = usize::try_from(memory_mb).unwrap_or(usize::MAX).saturating_mul(MIB);
        settings.response_limit = match read.number("FIRSTBYTE_RESPONSE_LIMIT_MB", 200)? {
            0 => u64::MAX,
            mb => mb.saturating_mul(MIB as u64),
        };
        if settings.response == ResponseMode::Buffered {
            // Lambda takes no more, and until it does, all of it is in our memory.
            settings.response_limit = settings.response_limit.min(runtime_api::BUFFERED_RESPONSE_LIMIT as u64);
        }
        settings.deadline_reserve =
            Duration::from_millis(read.number_within("FIRSTBYTE_DEADLINE_RESERVE_MS", 200, ..LONGEST_TIMEOUT_MS)?);
        settings.sse_errors = read.one_of("FIRSTBYTE_SSE_ERRORS", true, &[("on", true), ("off", false)], "`on` or `off`")?;
        let silence = read.number("FIRSTBYTE_KEEPALIVE_MS", 0)?;
        settings.keepalive = Some(Duration::from_millis(silence)).filter(|silence| !silence.is_zero());
        settings.telemetry = TelemetrySettings { metrics: read.metrics()?, traces: read.traces()?, gather: read.gather()? };
        let counts = [("answered", ClientErrors::Answered), ("failed", ClientErrors::Failed)];
        settings.client_errors =
            read.one_of("FIRSTBYTE_CLIENT_ERRORS", settings.client_errors, &counts, "`answered` or `failed`")?;
        if let Some(value) = read.get("FIRSTBYTE_DIRECT_REQUEST") {
            let (method, path) = direct_request(value).ok_or_else(|| {
                refused("FIRSTBYTE_DIRECT_REQUEST", value, "expected a method and a path, such as `POST /invoke`")
            })?;
            settings.http.direct_method = method;
            settings.http.direct_path = path;
        }
        settings.http.event_header =
            read.one_of("FIRSTBYTE_EVENT_HEADER", false, &[("on", true), ("off", false)], "`on` or `off`")?;
        settings.reuse = u32::try_from(read.number_within("FIRSTBYTE_REUSE", 1, 1..)?).unwrap_or(u32::MAX);
        settings.reload = read.one_of("FIRSTBYTE_RELOAD", false, &[("on", true), ("off", false)], "`on` or `off`")?;
        settings.record = read.listener(RECORD)?;
        let seals = [("on", Seal::Checked), ("off", Seal::Trusted)];
        settings.seal = read.one_of("FIRSTBYTE_CHECKSUM", settings.seal, &seals, "`on` or `off`")?;
        let list = read.get("FIRSTBYTE_ALLOW_HTTP").unwrap_or_default();
        settings.egress = EgressSettings {
            policy: Policy::parse(list).map_err(|error| refused("FIRSTBYTE_ALLOW_HTTP", list, error.to_string()))?,
            roots: read.get("FIRSTBYTE_CA_FILE").map(Into::into),
            runtime_api: read.get("AWS_LAMBDA_RUNTIME_API").map(addresses).unwrap_or_default(),
            sign_aws: read.services()?,
            credentials: credentials(&read),
            trace_hosts: read.trace_hosts()?,
            route: Route::default(),
        };
        settings.folders = read.list("FIRSTBYTE_ALLOW_READ").unwrap_or_default().into_iter().map(PathBuf::from).collect();
        // Set to nothing, it names nothing.
        let named = read.set("FIRSTBYTE_ENV").map(items);
        let is_for_the_guest = |name: &String| is_for_the_guest(name) && named.as_ref().is_none_or(|named| named.contains(name));
        settings.guest_environment =
            variables.iter().filter(|(name, _)| is_for_the_guest(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
        Ok(settings)
    }

    /// Bytes of memory that the process takes when as many invocations as may run at once take all that they may.
    #[must_use]
    pub fn memory_at_most(&self) -> usize {
        let invocations = self.concurrency.unwrap_or(1) as usize;
        let each = self.memory.saturating_add(self.allowance.memory);
        invocations.saturating_mul(each).saturating_add(PROCESS_MB as usize * MIB)
    }

    /// Variables that look like settings of this runtime, and are not.
    pub fn unknown(names: impl IntoIterator<Item = String>) -> Vec<Unknown> {
        let is_known = |name: &String| DECLARED.iter().any(|setting| setting.name == name);
        let names = names.into_iter().filter(|name| name.starts_with(PREFIX) && !is_known(name));
        names.map(|name| Unknown { meant: nearest(&name), name }).collect()
    }
}

const PREFIX: &str = "FIRSTBYTE_";

/// The setting that names who is told of invocations.
pub(crate) const RECORD: &str = "FIRSTBYTE_RECORD";

/// How much alike two names are at least, of 1, if one was meant by the other.
const ALIKE: f64 = 0.85;

/// The setting that was meant by a name.
fn nearest(name: &str) -> Option<&'static str> {
    let after_prefix = |name: &'static str| name.strip_prefix(PREFIX).unwrap_or(name);
    let given = name.strip_prefix(PREFIX).unwrap_or(name);
    let settings = DECLARED.iter().map(|setting| (strsim::jaro_winkler(given, after_prefix(setting.name)), setting.name));
    settings.filter(|(alike, _)| *alike >= ALIKE).max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, name)| name)
}

/// A method and a path between spaces.
fn direct_request(text: &str) -> Option<(Method, PathAndQuery)> {
    let (method, path) = text.split_once(' ')?;
    let path = path.trim();
    Some((method.parse().ok()?, path.starts_with('/').then(|| path.parse().ok())??))
}

/// How many invocations Lambda may deliver at once, by `AWS_LAMBDA_MAX_CONCURRENCY`: one, if it does not say.
pub(crate) fn concurrency(value: Option<&str>) -> u32 {
    value.and_then(|value| value.parse().ok()).unwrap_or(1).clamp(1, 10_000)
}

/// Whether a guest sees a variable: what the function's owner set and harmless facts about where it runs, but nothing that
/// Lambda sets for the runtime and nothing that opens a door (credentials, the Runtime API's address).
fn is_for_the_guest(name: &str) -> bool {
    const FACTS: [&str; 7] = [
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        // So that a handler need not format what the log would leave out.
        "AWS_LAMBDA_LOG_LEVEL",
        "TZ",
    ];
    const RUNTIME: [&str; 9] =
        ["PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "PWD", "HOME", "SHLVL", "_", "_HANDLER", "_X_AMZN_TRACE_ID"];
    // A collector's headers may hold a key to it.
    let exporter = name.starts_with("OTEL_EXPORTER_");
    let internal = exporter || name.starts_with("AWS_") || name.starts_with("LAMBDA_") || name.starts_with("_LAMBDA_");
    FACTS.contains(&name) || !(internal || name.starts_with("FIRSTBYTE_") || RUNTIME.contains(&name))
}

/// What stands between the commas of a list.
fn items(list: &str) -> Vec<String> {
    let items = list.split(',').map(|item| item.trim().to_owned());
    items.filter(|item| !item.is_empty()).collect()
}

/// All that `host:port` stands for. It is numbers in Lambda.
fn addresses(authority: &str) -> Vec<SocketAddr> {
    authority.to_socket_addrs().map(Iterator::collect).unwrap_or_default()
}

/// Where Lambda has put the execution role's credentials.
fn credentials(read: &Reader<'_>) -> CredentialsSource {
    let get = |name| read.get(name).map(str::to_owned);
    if let (Some(id), Some(secret)) = (get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY")) {
        return CredentialsSource::Fixed { id, secret, token: get("AWS_SESSION_TOKEN") };
    }
    match get("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
        Some(uri) => CredentialsSource::Endpoint { uri, token: get("AWS_CONTAINER_AUTHORIZATION_TOKEN").unwrap_or_default() },
        None => CredentialsSource::Absent,
    }
}

fn refused(name: &'static str, value: &str, expected: impl Into<Cow<'static, str>>) -> SettingsError {
    SettingsError { name, value: value.to_owned(), expected: expected.into() }
}

struct Reader<'a>(&'a [(String, String)]);

impl Reader<'_> {
    /// What a variable is set to, be it nothing.
    fn set(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name)?;
        Some(found.1.trim())
    }

    /// What a variable is set to. One that is set to nothing is not set.
    fn get(&self, name: &str) -> Option<&str> {
        self.set(name).filter(|value| !value.is_empty())
    }

    fn list(&self, name: &str) -> Option<Vec<String>> {
        self.get(name).map(items)
    }

    fn number(&self, name: &'static str, default: u64) -> Result<u64, SettingsError> {
        let Some(value) = self.get(name) else { return Ok(default) };
        value.parse().map_err(|_| refused(name, value, "expected a whole number"))
    }

    fn number_within(&self, name: &'static str, default: u64, range: impl RangeBounds<u64>) -> Result<u64, SettingsError> {
        let number = self.number(name, default)?;
        if range.contains(&number) {
            return Ok(number);
        }
        let least = match range.start_bound() {
            Bound::Included(least) => format!(", at least {least}"),
            _ => String::new(),
        };
        let most = match range.end_bound() {
            Bound::Excluded(most) => format!(", less than {most}"),
            _ => String::new(),
        };
        Err(refused(name, &number.to_string(), format!("expected a whole number{least}{most}")))
    }

    fn count(&self, name: &'static str, default: u64) -> Result<usize, SettingsError> {
        Ok(usize::try_from(self.number_within(name, default, 1..)?).unwrap_or(usize::MAX))
    }

    /// A listener of this machine.
    fn listener(&self, name: &'static str) -> Result<Option<SocketAddr>, SettingsError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let address = value.parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback() && address.port() > 0);
        let expected = "expected `127.0.0.1:PORT` or `[::1]:PORT`: what is recorded does not leave the machine";
        address.map(Some).ok_or_else(|| refused(name, value, expected))
    }

    /// The services to sign for.
    fn services(&self) -> Result<Vec<String>, SettingsError> {
        const NAME: &str = "FIRSTBYTE_SIGN_AWS";
        let given = self.list(NAME).unwrap_or_default();
        let services = given.iter().map(|given| service(given));
        services.collect::<Result<_, _>>().map_err(|error| refused(NAME, &given.join(","), error.to_string()))
    }

    /// Servers whose requests carry the trace on.
    fn trace_hosts(&self) -> Result<Option<Policy>, SettingsError> {
        const NAME: &str = "FIRSTBYTE_TRACE_HOSTS";
        let hosts = self.get(NAME).map(|list| Policy::parse(list).map_err(|error| refused(NAME, list, error.to_string())));
        hosts.transpose()
    }

    fn gather(&self) -> Result<Duration, SettingsError> {
        self.number_within("FIRSTBYTE_TELEMETRY_GATHER_MS", 30, ..60_000).map(Duration::from_millis)
    }

    fn metrics(&self) -> Result<Option<MetricsSettings>, SettingsError> {
        const NAMESPACE: &str = "FIRSTBYTE_METRICS_NAMESPACE";
        const DIMENSIONS: &str = "FIRSTBYTE_METRICS_DIMENSIONS";
        let namespace = self.get(NAMESPACE).unwrap_or("Firstbyte");
        // CloudWatch's rules, whose breach would lose every metric without a word.
        let is_in_a_namespace = |c: char| c.is_ascii_alphanumeric() || ".-_/#: ".contains(c);
        if namespace.len() > 255 || !namespace.chars().all(is_in_a_namespace) || namespace.starts_with("AWS/") {
            let expected = "expected at most 255 letters, digits or any of `.-_/#:`, not beginning with `AWS/`";
            return Err(refused(NAMESPACE, namespace, expected));
        }
        let given = self.get(DIMENSIONS).unwrap_or("function");
        let dimensions: Option<Vec<Dimension>> = items(given).iter().map(|item| Dimension::parse(item)).collect();
        let is_valid = |all: &Vec<Dimension>| {
            let names: std::collections::HashSet<&str> = all.iter().map(Dimension::name).collect();
            all.len() <= 30 && names.len() == all.len()
        };
        let dimensions = dimensions.filter(is_valid).ok_or_else(|| {
            let expected = "expected at most 30 of `function`, `version`, `door` or `Name=value` between commas, none of them twice, and no \
                            name that a line of metrics has already";
            refused(DIMENSIONS, given, expected)
        })?;
        let settings = MetricsSettings { namespace: namespace.to_owned(), dimensions };
        let is_on = self.one_of("FIRSTBYTE_METRICS", false, &[("emf", true), ("off", false)], "`emf` or `off`")?;
        Ok(is_on.then_some(settings))
    }

    /// Whether the log's format and level are such. The log itself is there before any setting, to tell of one that is refused.
    fn log(&self) -> Result<(), SettingsError> {
        self.one_of("AWS_LAMBDA_LOG_FORMAT", (), &[("JSON", ()), ("Text", ())], "`JSON` or `Text`")?;
        let levels = Level::ALL.map(|level| (level.name(), ()));
        self.one_of("AWS_LAMBDA_LOG_LEVEL", (), &levels, "`TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `FATAL`")
    }

    fn one_of<T: Copy>(
        &self,
        name: &'static str,
        default: T,
        choices: &[(&str, T)],
        expected: &'static str,
    ) -> Result<T, SettingsError> {
        let Some(value) = self.get(name) else { return Ok(default) };
        let chosen = choices.iter().find(|(choice, _)| choice.eq_ignore_ascii_case(value));
        chosen.map(|(_, value)| *value).ok_or_else(|| refused(name, value, format!("expected {expected}")))
    }
}

mod otel;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_env(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn defaults_hold_where_nothing_is_set() {
        let settings = from(&[]).unwrap();
        assert_eq!((settings.memory, settings.response), (96 * MIB, ResponseMode::Stream));
        assert_eq!(from(&[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")]).unwrap().memory, 992 * MIB);
        assert_eq!(from(&[("FIRSTBYTE_RESPONSE_LIMIT_MB", "0")]).unwrap().response_limit, u64::MAX);
        let buffered = |limit| from(&[("FIRSTBYTE_RESPONSE", "buffered"), ("FIRSTBYTE_RESPONSE_LIMIT_MB", limit)]);
        assert_eq!(["0", "1"].map(|limit| buffered(limit).unwrap().response_limit), [6 * 1024 * 1024 + 100, 1024 * 1024]);
    }

    #[test]
    fn a_bad_value_is_named() {
        let error = from(&[("FIRSTBYTE_RESPONSE", "maybe")]).unwrap_err();
        let expected = "FIRSTBYTE_RESPONSE=\"maybe\" is not usable: expected `stream` or `buffered`. Correct it, or remove it for its \
                        default: stream";
        assert_eq!(error.to_string(), expected);
        for (name, value, expected) in [
            ("FIRSTBYTE_MEMORY_MB", "-1", "a whole number"),
            ("FIRSTBYTE_MEMORY_MB", "0", "at least 1"),
            ("FIRSTBYTE_HOST_MEMORY_MB", "0", "at least 1"),
            ("FIRSTBYTE_CONNECTIONS", "0", "at least 1"),
            ("FIRSTBYTE_OPEN_FILES", "0", "at least 1"),
            ("FIRSTBYTE_LOOKUPS", "0", "at least 1"),
            ("FIRSTBYTE_REUSE", "0", "at least 1"),
            ("FIRSTBYTE_DEADLINE_RESERVE_MS", "900000", "less than 900000"),
            ("FIRSTBYTE_SIGN_AWS", "dynamodb, sqss", "did you mean sqs?"),
            ("FIRSTBYTE_ALLOW_HTTP", "*.", "a host may begin with `*.`"),
            ("FIRSTBYTE_METRICS", "on", "`emf` or `off`"),
            ("FIRSTBYTE_METRICS_NAMESPACE", "AWS/Lambda", "not beginning with `AWS/`"),
            ("FIRSTBYTE_METRICS_DIMENSIONS", "function,=x", "`Name=value`"),
            ("FIRSTBYTE_METRICS_DIMENSIONS", "door,Stage=a,Stage=b", "none of them twice"),
            ("FIRSTBYTE_METRICS_DIMENSIONS", "EndTime=5", "a line of metrics has already"),
            ("FIRSTBYTE_TRACE_HOSTS", "*.", "a host may begin with `*.`"),
            ("FIRSTBYTE_TELEMETRY_GATHER_MS", "60000", "less than 60000"),
            ("FIRSTBYTE_KEEPALIVE_MS", "soon", "a whole number"),
            ("FIRSTBYTE_RECORD", "192.0.2.1:9003", "`127.0.0.1:PORT`"),
            ("FIRSTBYTE_RECORD", "127.0.0.1:0", "`127.0.0.1:PORT`"),
            ("FIRSTBYTE_RECORD", "on", "`127.0.0.1:PORT`"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector", "a URL"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "`http/json`"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "no value", "`name=value`"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1s", "a whole number"),
            ("OTEL_TRACES_SAMPLER", "sometimes", "parentbased_always_on"),
            ("AWS_LAMBDA_LOG_LEVEL", "verbose", "`TRACE`, `DEBUG`"),
            ("AWS_LAMBDA_LOG_FORMAT", "yaml", "`JSON` or `Text`"),
        ] {
            let error = from(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}=")) && error.contains(expected), "{error}");
        }
        for (name, value) in [
            ("FIRSTBYTE_DEADLINE_RESERVE_MS", "0"),
            ("FIRSTBYTE_DEADLINE_RESERVE_MS", "899999"),
            ("FIRSTBYTE_REUSE", "99999999999"),
            ("FIRSTBYTE_RECORD", "127.0.0.1:9004"),
            ("FIRSTBYTE_SIGN_AWS", "s3,+brandnew"),
            ("FIRSTBYTE_ALLOW_HTTP", "*"),
            ("AWS_LAMBDA_LOG_LEVEL", "warn"),
            ("AWS_LAMBDA_LOG_FORMAT", "json"),
        ] {
            assert!(from(&[(name, value)]).is_ok(), "{name}={value}");
        }
    }

    #[test]
    fn invocations_at_once_share_the_memory() {
        let memory = |concurrency| {
            from(&[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2080"), ("AWS_LAMBDA_MAX_CONCURRENCY", concurrency)]).unwrap().memory
                / MIB
        };
        assert_eq!(["", "1", "8", "1000", "nonsense"].map(memory), [2048, 2048, 242, 16, 2048]);
        let held = |memory, concurrency| {
            let settings = from(&[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory), ("AWS_LAMBDA_MAX_CONCURRENCY", concurrency)]);
            settings.unwrap().allowance.memory / MIB
        };
        assert_eq!([held("128", "1"), held("300", "8"), held("2080", "8"), held("128", "1000")], [16, 8, 16, 1]);
        let shared = from(&[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "300"), ("AWS_LAMBDA_MAX_CONCURRENCY", "8")]).unwrap();
        assert!(8 * (shared.memory + shared.allowance.memory) + 16 * MIB <= 300 * MIB, "{shared:?}");
    }

    #[test]
    fn a_list_of_variables_that_is_empty_names_none() {
        let seen = |list: Option<&str>| {
            let variables = [("TABLE", "t"), ("OTHER", "o")].into_iter().chain(list.map(|list| ("FIRSTBYTE_ENV", list)));
            from(&variables.collect::<Vec<_>>()).unwrap().guest_environment.len()
        };
        assert_eq!([None, Some(""), Some(" , "), Some("TABLE")].map(seen), [2, 0, 0, 1]);
    }

    #[test]
    fn credentials_and_internals_stay_with_the_host() {
        let names = [
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_LAMBDA_RUNTIME_API",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "LAMBDA_TASK_ROOT",
            "_HANDLER",
            "FIRSTBYTE_MEMORY_MB",
            "PATH",
            "TABLE",
            "AWS_REGION",
            "OTEL_EXPORTER_OTLP_HEADERS",
        ];
        let settings = Settings::from_env(
            names.map(|name| (name.to_owned(), if name.starts_with("OTEL") { "key=1" } else { "1" }.to_owned())),
        )
        .unwrap();
        let seen: Vec<&str> = settings.guest_environment.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(seen, ["TABLE", "AWS_REGION"]);
    }

    #[test]
    fn the_readme_lists_every_setting() {
        let readme = include_str!("../../../README.md");
        for Declared { name, default, doc } in DECLARED {
            let row = format!("| `{name}` | {default} | {doc} |");
            assert!(readme.contains(&row), "the README's table of settings lacks this row:\n{row}");
        }
    }

    #[test]
    fn a_mistyped_setting_is_told_with_what_was_meant() {
        for (name, meant) in [
            ("FIRSTBYTE_ALOW_HTTP", Some("FIRSTBYTE_ALLOW_HTTP")),
            ("FIRSTBYTE_MEMROY_MB", Some("FIRSTBYTE_MEMORY_MB")),
            ("FIRSTBYTE_MEMORY", Some("FIRSTBYTE_MEMORY_MB")),
            ("FIRSTBYTE_SIGN", Some("FIRSTBYTE_SIGN_AWS")),
            ("FIRSTBYTE_DEADLINE_RESERVE", Some("FIRSTBYTE_DEADLINE_RESERVE_MS")),
            ("FIRSTBYTE_COLOR", None),
            ("FIRSTBYTE_", None),
        ] {
            let unknown = Settings::unknown([name.to_owned(), "FIRSTBYTE_REUSE".to_owned(), "OTHER".to_owned()]);
            assert_eq!(unknown, [Unknown { name: name.to_owned(), meant }]);
        }
        let told = Settings::unknown(["FIRSTBYTE_ALOW_HTTP".to_owned()])[0].to_string();
        assert_eq!(
            told,
            "FIRSTBYTE_ALOW_HTTP is not a setting of this version and does nothing; did you mean FIRSTBYTE_ALLOW_HTTP?"
        );
    }

    #[test]
    fn no_two_settings_are_taken_for_each_other() {
        for Declared { name, .. } in DECLARED {
            assert_eq!(nearest(name), Some(*name));
        }
    }
}
