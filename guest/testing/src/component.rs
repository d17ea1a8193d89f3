//! A component under test.

use crate::event::Event;
use crate::host::{self, Host, Lost};
use crate::message::{Invocation, Load};
use crate::response::Response;
use crate::servers::Servers;
use crate::upstream::Upstream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A component under test. Load it once and invoke it as often as you like: each invocation has an instance of its own.
#[derive(Debug)]
pub struct Component {
    host: Mutex<Box<dyn Host>>,
    servers: Servers,
    timeout: Duration,
    is_paused: bool,
}

/// Why a component cannot be tested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It cannot be built.
    #[error(transparent)]
    Build(#[from] firstbyte_toolchain::BuildError),
    /// It is not a handler, or a setting is of no use.
    #[error("{0}")]
    Unusable(String),
    /// Firstbyte's command line, which runs the handler, is not there.
    #[error(
        "cannot run `{program}`, which runs the handler of a test: {source}; install it (`cargo install firstbyte-cli --locked`), \
         or name it in the variable FIRSTBYTE. Without it, firstbyte-testing runs handlers itself if it is built with its feature \
         `embedded`, which takes minutes"
    )]
    NoCommandLine {
        /// The program.
        program: String,
        /// Why it cannot be run.
        source: std::io::Error,
    },
    /// The command line and this library do not understand each other.
    #[error(
        "`{program}`, which runs the handler of a test, {}, and this is firstbyte-testing {}: install the same version of both",
        version.as_ref().map_or_else(|| "cannot do that".to_owned(), |version| format!("is version {version}")),
        env!("CARGO_PKG_VERSION")
    )]
    OtherVersion {
        /// The program.
        program: String,
        /// Its version; absent if it does not say.
        version: Option<String>,
    },
    /// The command line was ended.
    #[error(transparent)]
    Lost(#[from] Lost),
}

impl Component {
    /// The handler in whose `cargo test` this runs, built for `wasm32-wasip2` first.
    ///
    /// # Panics
    /// If it cannot be built or is no handler; the message says why.
    #[must_use]
    #[track_caller]
    pub fn of_this_crate() -> Self {
        Self::of_this_crate_with::<&str, &str>([])
    }

    /// The same with environment variables, as the function's owner sets them: the handler's own and `FIRSTBYTE_` settings.
    ///
    /// Credentials are given in the same way, under the names that Lambda has for them, and the handler does not see them: with
    /// `FIRSTBYTE_SIGN_AWS`, requests to AWS are signed with them, as [`UpstreamRequest::signed`](crate::UpstreamRequest::signed)
    /// tells. Those of whoever runs the test are never used.
    ///
    /// ```no_run
    /// # use firstbyte_testing::Component;
    /// let orders = Component::of_this_crate_with([
    ///     ("FIRSTBYTE_ALLOW_HTTP", "https://dynamodb.eu-central-1.amazonaws.com"),
    ///     ("FIRSTBYTE_SIGN_AWS", "dynamodb"),
    ///     ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ///     ("AWS_SECRET_ACCESS_KEY", "of nobody's"),
    /// ]);
    /// ```
    ///
    /// # Panics
    /// If it cannot be built, is no handler, or a setting is of no use; the message says why.
    #[must_use]
    #[track_caller]
    pub fn of_this_crate_with<N: Into<String>, V: Into<String>>(environment: impl IntoIterator<Item = (N, V)>) -> Self {
        match this_crate().and_then(|wasm| Self::load_with(wasm, environment)) {
            Ok(component) => component,
            Err(error) => panic!("{error}"),
        }
    }

    /// The Rust handler in `folder`, built for `wasm32-wasip2` first.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn build(folder: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::load(firstbyte_toolchain::build(folder.as_ref())?)
    }

    /// The component in a `.wasm` file, with default settings.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(wasm: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::load_with::<&str, &str>(wasm, [])
    }

    /// The component in a `.wasm` file, with environment variables as in [`of_this_crate_with`](Self::of_this_crate_with).
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load_with<N: Into<String>, V: Into<String>>(
        wasm: impl AsRef<Path>,
        environment: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, LoadError> {
        let wasm = wasm.as_ref();
        let environment = environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let wasm = std::path::absolute(wasm).unwrap_or_else(|_| wasm.to_owned());
        let servers = Servers::default();
        let host = host::load(Load { cache: cache(&wasm), wasm, environment }, &servers)?;
        Ok(Self { host: Mutex::new(host), servers, timeout: Duration::from_secs(60), is_paused: false })
    }

    /// Has `upstream` answer what the handler asks of `server`: `https://api.example.com`, and a port if it is not the scheme's
    /// own. What the function's settings do not allow (`FIRSTBYTE_ALLOW_HTTP`) is refused as ever, before anybody is asked; what
    /// nobody answers for goes nowhere.
    ///
    /// # Panics
    /// If `server` is not a scheme, a host and perhaps a port.
    #[must_use]
    #[track_caller]
    pub fn answering(self, server: &str, upstream: &Upstream) -> Self {
        self.servers.add(server, upstream);
        self
    }

    /// Pauses the clock. Waiting takes no time: whatever the handler, the host or an [`Upstream`] waits for, comes at once, in the
    /// order in which it would have come, and everybody's clock, [`Chunk::at`](crate::Chunk::at) among them, says that it took its
    /// time. Timeouts and deadlines pass in the same way. Computing takes the time that it takes.
    #[must_use]
    pub fn paused(mut self) -> Self {
        self.is_paused = true;
        self
    }

    /// Sets the function's timeout; 60 seconds otherwise.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Invokes the handler and waits for its outcome. Tests may call this from several threads; one goes after the other.
    ///
    /// # Panics
    /// If whoever runs the component is gone: Firstbyte's command line, if that was ended.
    #[must_use]
    #[track_caller]
    pub fn invoke(&self, event: Event) -> Response {
        let (event, context) = event.into_parts();
        let invocation = Invocation { event, context, timeout: self.timeout, is_paused: self.is_paused, replaying: None };
        let settled = self.host.lock().unwrap_or_else(PoisonError::into_inner).invoke(invocation);
        match settled {
            Ok(collected) => Response::new(collected),
            Err(lost) => panic!("{lost}"),
        }
    }

    /// Invokes the handler as it was invoked before, with `upstream` in the place of whatever server it asks.
    #[track_caller]
    pub(crate) fn replay(&self, invocation: Invocation, upstream: &Upstream) -> Response {
        let mut host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
        let everybody = self.servers.stand_in(upstream);
        let settled = host.invoke(invocation);
        drop(everybody);
        match settled {
            Ok(collected) => Response::new(collected),
            Err(lost) => panic!("{lost}"),
        }
    }
}

/// The component of the crate whose tests run, built once for all of them.
fn this_crate() -> Result<PathBuf, LoadError> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(wasm) = &*built {
        return Ok(wasm.clone());
    }
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| ".".into(), PathBuf::from);
    Ok(built.insert(firstbyte_toolchain::build(&folder)?).clone())
}

/// Where machine code may be kept: in the folder into which cargo built the test, or the component.
fn cache(wasm: &Path) -> Option<PathBuf> {
    // Cargo marks its folder so.
    let target = |path: &Path| path.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).map(Path::to_owned);
    let test = std::env::current_exe().ok();
    Some(test.as_deref().and_then(target).or_else(|| target(wasm))?.join("firstbyte"))
}
