//! The runtime, and a component in it, as a host for tests: what runs is what runs in Lambda, up to the socket.
//!
//! `firstbyte test-host` is this, and with the feature `embedded` so is the test's own process.

mod body;
mod clock;
mod collector;
mod machine_code;
mod network;
mod pipe;

pub use pipe::serve;

use crate::host::{Host, Lost};
use crate::message::{Context, Invocation, Load, Replaying};
use crate::response::{Collected, LogLine};
use crate::servers::Servers;
use clock::{Computing, skip_waits};
use collector::{Collection, Collector};
use firstbyte_runtime::egress::Route;
use firstbyte_runtime::log::{Log, Record};
use firstbyte_runtime::{Conditions, Handler, InvocationContext, Settings, Time};
use network::{Ask, Network};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
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

    fn run(&self, invocation: Invocation) -> Collected {
        let Invocation { event, context, timeout, is_paused, replaying } = invocation;
        self.log.take();
        let collection = Collection::default();
        let context = to_runtime(context);
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(is_paused).build();
        let executor = executor.unwrap_or_else(|error| panic!("no executor: {error}"));
        executor.block_on(async {
            let begun = Instant::now();
            let outlet = Box::new(Collector::new(begun, Arc::clone(&collection)));
            let conditions = replaying.map(|Replaying { seed, clock }| Conditions {
                seed: Some(seed),
                clock: SystemTime::UNIX_EPOCH.checked_add(clock),
            });
            let computing = if replaying.is_some() { Computing::Free } else { Computing::Counted };
            let conditions = conditions.unwrap_or_default();
            let invocation = self.handler.invoke_under(conditions, event.into(), context, begun + timeout, outlet);
            if is_paused { skip_waits(invocation, computing).await } else { invocation.await }
        });
        let mut collected = std::mem::take(&mut *collection.lock().unwrap_or_else(PoisonError::into_inner));
        collected.log = self.log.take();
        collected
    }
}

/// The context, with what is the same in every test.
fn to_runtime(context: Context) -> InvocationContext {
    let mut given = InvocationContext::default();
    let Context { request_id, function_arn, trace_id, tenant_id, client_context, cognito_identity } = context;
    given.request_id = request_id.unwrap_or_else(|| "00000000-0000-4000-8000-000000000000".to_owned());
    given.function_arn = function_arn.unwrap_or_else(|| "arn:aws:lambda:us-east-1:123456789012:function:test".to_owned());
    (given.trace_id, given.tenant_id) = (trace_id, tenant_id);
    (given.client_context, given.cognito_identity) = (client_context, cognito_identity);
    given
}

impl Host for Embedded {
    fn invoke(&mut self, invocation: Invocation) -> Result<Collected, Lost> {
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
