//! Between the loop and a handler: gives an invocation an outlet at the Runtime API and has the handler answer it.

use crate::invocation::{Handler, InvocationContext};
use crate::log::{InvocationLog, Level, Log, Record};
use crate::outlet::Outlet;
use crate::runtime_api::{Buffered, RuntimeApi, Streamed, Target};
use crate::settings::ResponseMode;
use firstbyte_wire::ErrorReport;
use firstbyte_wire::runtime_api::{self, header};
use lambda_runtime::LambdaInvocation;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

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
    /// Answers one invocation, whose id stands in a path.
    pub(crate) async fn answer(self, invocation: LambdaInvocation) {
        let headers = &invocation.parts.headers;
        let text = |name: &str| {
            let value = headers.get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned()).filter(|value| !value.is_empty())
        };
        let request_id = invocation.context.request_id.clone();
        let log = InvocationLog::new(Arc::clone(&self.log), request_id.clone(), text(header::TENANT_ID));
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
        self.log.written().await;
    }

    /// Reports an invocation that no handler was asked to answer.
    pub(crate) async fn refuse(&self, request_id: &str, report: &ErrorReport) {
        self.report(&runtime_api::error_path(request_id), report).await;
    }

    /// Reports an error outside of any response.
    pub(crate) async fn report(&self, path: &str, report: &ErrorReport) {
        if let Err(error) = self.api.post_error(path, report).await {
            let message = format!("Lambda could not be told of {}: {error}", report.error_type);
            self.log.record(&Record { level: Level::Error, request_id: None, tenant_id: None, message: &message, failure: None });
        }
    }
}

/// Longer than any function may run.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
