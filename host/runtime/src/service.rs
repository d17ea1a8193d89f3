//! Between `lambda_runtime`'s loop and a handler: takes each invocation from the loop before it would answer itself, and
//! answers it through our own half of the Runtime API.

use crate::invocation::{Handler, InvocationContext};
use crate::log::{InvocationLog, Log};
use crate::outlet::Outlet;
use crate::runtime_api::{Buffered, RuntimeApi, Streamed, Target};
use crate::settings::ResponseMode;
use firstbyte_wire::runtime_api::{header, is_request_id};
use lambda_runtime::LambdaInvocation;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};
use tower::{Layer, Service};

/// Where the handler for the next invocation comes from.
pub(crate) trait Source: Send + Sync {
    /// The handler.
    fn handler(&self) -> Arc<Handler>;
}

/// Answers invocations.
#[derive(Clone)]
pub(crate) struct Invoker {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) api: Arc<RuntimeApi>,
    pub(crate) mode: ResponseMode,
    pub(crate) log: Arc<dyn Log>,
}

impl Invoker {
    async fn answer(self, invocation: LambdaInvocation) {
        let headers = &invocation.parts.headers;
        let text = |name: &str| {
            let value = headers.get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned()).filter(|value| !value.is_empty())
        };
        let request_id = invocation.context.request_id.clone();
        let log = InvocationLog::new(Arc::clone(&self.log), request_id.clone(), text(header::TENANT_ID));
        if !is_request_id(&request_id) {
            log.warn("the invocation's id cannot stand in a path, so it cannot be answered");
            return;
        }
        let target = Target { request_id: request_id.clone(), invocation_id: text(header::INVOCATION_ID) };
        let opened: std::io::Result<Box<dyn Outlet>> = match self.mode {
            ResponseMode::Stream => Streamed::open(&self.api, target).await.map(|outlet| Box::new(outlet) as _),
            ResponseMode::Buffered => Buffered::open(&self.api, target).await.map(|outlet| Box::new(outlet) as _),
        };
        let outlet = match opened {
            Ok(outlet) => outlet,
            Err(error) => {
                log.warn(&format!("no connection to the Runtime API, so nothing can be answered: {error}"));
                return;
            }
        };
        let context = InvocationContext {
            request_id,
            function_arn: invocation.context.invoked_function_arn.clone(),
            trace_id: text(header::TRACE_ID),
            tenant_id: text(header::TENANT_ID),
            client_context: text(header::CLIENT_CONTEXT),
            cognito_identity: text(header::COGNITO_IDENTITY),
        };
        let left = Duration::from_millis(invocation.context.deadline)
            .saturating_sub(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
            .min(LONGEST);
        self.source.handler().invoke(invocation.body, context, Instant::now() + left, outlet).await;
    }
}

/// Longer than any function may run.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Service<LambdaInvocation> for Invoker {
    type Response = ();
    type Error = lambda_runtime::Error;
    type Future = crate::log::BoxFuture<'static, Result<(), Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            this.answer(invocation).await;
            Ok(())
        })
    }
}

/// Puts the [`Invoker`] in the place of `lambda_runtime`'s own response half.
pub(crate) struct Instead(pub(crate) Invoker);

impl<S> Layer<S> for Instead {
    type Service = Invoker;

    fn layer(&self, _: S) -> Invoker {
        self.0.clone()
    }
}
