//! A component under test.

use crate::clock::skip_waits;
use crate::event::Event;
use crate::network::Network;
use crate::recorder::{Recorder, Recording, Recordings};
use crate::response::{LogLine, Response};
use crate::upstream::Upstream;
use firstbyte_runtime::egress::Route;
use firstbyte_runtime::log::{Log, Record};
use firstbyte_runtime::{Handler, InvocationContext, Settings, Time, cargo};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A component under test. Load it once and invoke it as often as you like: each invocation has an instance of its own.
#[derive(Debug)]
pub struct Component {
    handler: Handler,
    log: Arc<Lines>,
    network: Network,
    timeout: Duration,
    is_paused: bool,
    one_at_a_time: Mutex<()>,
}

/// Why a component cannot be tested.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be built.
    #[error(transparent)]
    Build(#[from] cargo::BuildError),
    /// It cannot be loaded.
    #[error(transparent)]
    Setup(#[from] firstbyte_runtime::SetupError),
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
    /// # Panics
    /// If it cannot be built, is no handler, or a setting is of no use; the message says why.
    #[must_use]
    #[track_caller]
    pub fn of_this_crate_with<N: Into<String>, V: Into<String>>(environment: impl IntoIterator<Item = (N, V)>) -> Self {
        let variables = environment.into_iter().map(|(name, value)| (name.into(), value.into()));
        let settings = match Settings::from_env(variables) {
            Ok(settings) => settings,
            Err(error) => panic!("{error}"),
        };
        let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| ".".to_owned());
        let built = cargo::build(folder.as_ref()).map_err(LoadError::from);
        match built.and_then(|wasm| Self::load_with(wasm, settings)) {
            Ok(component) => component,
            Err(error) => panic!("{error}"),
        }
    }

    /// The Rust handler in `folder`, built for `wasm32-wasip2` first.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn build(folder: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::load(cargo::build(folder.as_ref())?)
    }

    /// The component in a `.wasm` file, with default settings.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(wasm: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::load_with(wasm, Settings::default())
    }

    /// The component in a `.wasm` file, with an operator's settings, but for the network and the time, which are the test's.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load_with(wasm: impl AsRef<Path>, mut settings: Settings) -> Result<Self, LoadError> {
        let log = Arc::<Lines>::default();
        let network = Network::default();
        settings.egress.route = Route::Instead(Arc::new(network.clone()));
        settings.time = Time::Executor;
        // Instances come from a pool, as in Lambda.
        settings.concurrency = Some(1);
        let handler = Handler::load(wasm.as_ref(), Arc::new(settings), Arc::clone(&log) as _)?;
        let timeout = Duration::from_secs(60);
        Ok(Self { handler, log, network, timeout, is_paused: false, one_at_a_time: Mutex::default() })
    }

    /// Has `upstream` answer what the handler asks of `server`: `https://api.example.com`, and a port if it is not the scheme's
    /// own. What the function's settings do not allow (`FIRSTBYTE_ALLOW_HTTP`) is refused as ever, before anybody is asked; what
    /// nobody answers for goes nowhere.
    ///
    /// # Panics
    /// If `server` is none.
    #[must_use]
    #[track_caller]
    pub fn answering(self, server: &str, upstream: &Upstream) -> Self {
        self.network.add(server, upstream);
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
    #[must_use]
    pub fn invoke(&self, event: Event) -> Response {
        let _turn = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        self.log.take();
        let recordings = Recordings::default();
        let (event, context) = event.into_parts();
        let context = InvocationContext {
            request_id: "00000000-0000-4000-8000-000000000000".to_owned(),
            function_arn: "arn:aws:lambda:us-east-1:123456789012:function:test".to_owned(),
            ..context
        };
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(self.is_paused).build();
        let executor = executor.unwrap_or_else(|error| panic!("no executor: {error}"));
        executor.block_on(async {
            let begun = Instant::now();
            let outlet = Box::new(Recorder::new(begun, Arc::clone(&recordings)));
            let invocation = self.handler.invoke(event, context, begun + self.timeout, outlet);
            if self.is_paused { skip_waits(invocation).await } else { invocation.await }
        });
        let recording: Recording = std::mem::take(&mut *recordings.lock().unwrap_or_else(PoisonError::into_inner));
        Response::new(recording, self.log.take())
    }
}

/// A log that is kept.
#[derive(Debug, Default)]
struct Lines(Mutex<Vec<LogLine>>);

impl Lines {
    fn take(&self) -> Vec<LogLine> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Log for Lines {
    fn record(&self, record: &Record<'_>) {
        let members = record.members.cloned().unwrap_or_default();
        let line = LogLine { level: record.level.name(), message: record.message.to_owned(), members };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}
