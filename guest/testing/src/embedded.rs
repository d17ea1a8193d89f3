//! The runtime, and a component in it, as a host for tests: what runs is what runs in Lambda, up to the socket.
//!
//! `firstbyte test-host` is this, and with the feature `embedded` so is the test's own process.

mod body;
mod clock;
mod machine_code;
mod network;
mod pipe;
mod recorder;

pub use pipe::serve;

use crate::host::{Host, Lost};
use crate::message::{Context, Invocation, Load};
use crate::response::{LogLine, Recording};
use crate::servers::Servers;
use clock::skip_waits;
use firstbyte_runtime::egress::Route;
use firstbyte_runtime::log::{Log, Record};
use firstbyte_runtime::{Handler, InvocationContext, Settings, Time};
use network::{Ask, Network};
use recorder::{Recorder, Recordings};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;

/// A component that was loaded.
#[derive(Debug)]
pub(crate) struct Embedded {
    handler: Handler,
    log: Arc<Lines>,
}

impl Embedded {
    /// Loads a component. What it asks of others, `network` answers.
    ///
    /// # Errors
    /// Why it cannot be tested, in words for the handler's author.
    pub(crate) fn load(load: Load, network: Arc<dyn Ask>) -> Result<Self, String> {
        let mut settings = Settings::from_env(load.environment).map_err(|error| error.to_string())?;
        settings.egress.route = Route::Instead(Arc::new(Network(network)));
        settings.time = Time::Executor;
        let log = Arc::<Lines>::default();
        let (settings, lines) = (Arc::new(settings), Arc::clone(&log) as Arc<dyn Log>);
        let handler = machine_code::load(&load.wasm, load.cache.as_deref(), &settings, &lines);
        Ok(Self { handler: handler.map_err(|error| error.to_string())?, log })
    }

    fn run(&self, invocation: Invocation) -> Recording {
        let Invocation { event, context, timeout, is_paused } = invocation;
        self.log.take();
        let recordings = Recordings::default();
        let context = to_runtime(context);
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(is_paused).build();
        let executor = executor.unwrap_or_else(|error| panic!("no executor: {error}"));
        executor.block_on(async {
            let begun = Instant::now();
            let outlet = Box::new(Recorder::new(begun, Arc::clone(&recordings)));
            let invocation = self.handler.invoke(event.into(), context, begun + timeout, outlet);
            if is_paused { skip_waits(invocation).await } else { invocation.await }
        });
        let mut recording = std::mem::take(&mut *recordings.lock().unwrap_or_else(PoisonError::into_inner));
        recording.log = self.log.take();
        recording
    }
}

/// The context, with what is the same in every test.
fn to_runtime(context: Context) -> InvocationContext {
    let mut given = InvocationContext::default();
    "00000000-0000-4000-8000-000000000000".clone_into(&mut given.request_id);
    "arn:aws:lambda:us-east-1:123456789012:function:test".clone_into(&mut given.function_arn);
    let Context { trace_id, tenant_id, client_context, cognito_identity } = context;
    (given.trace_id, given.tenant_id) = (trace_id, tenant_id);
    (given.client_context, given.cognito_identity) = (client_context, cognito_identity);
    given
}

impl Host for Embedded {
    fn invoke(&mut self, invocation: Invocation) -> Result<Recording, Lost> {
        Ok(self.run(invocation))
    }
}

impl Ask for Servers {
    fn ask(&self, request: crate::UpstreamRequest) -> std::io::Result<Option<crate::Answer>> {
        Ok(self.answer(request))
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
        let line = LogLine { level: record.level.name().to_owned(), message: record.message.to_owned(), members };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}
