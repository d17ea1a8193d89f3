//! Between the loop and a handler: gives an invocation an outlet at the Runtime API and has the handler answer it.

use crate::handler::Handler;
use crate::invocation::InvocationContext;
use crate::log::{Level, Log, Record};
use crate::runtime_api::{Answered, RuntimeApi, Target};
use crate::settings::ResponseMode;
use crate::telemetry::Observers;
use firstbyte_wire::ErrorReport;
use firstbyte_wire::runtime_api::{self, header};
use lambda_runtime::Context;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// Where the handler for the next invocation comes from.
pub(crate) trait Source: Send + Sync {
    /// The handler.
    fn handler(&self) -> Arc<Handler>;
}

/// An invocation that was delivered.
pub(crate) struct Delivery {
    pub(crate) answered: Answered,
    pub(crate) context: Context,
}

/// Answers invocations.
#[derive(Clone)]
pub(crate) struct Invoker {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) api: Arc<RuntimeApi>,
    pub(crate) mode: ResponseMode,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) observers: Observers,
}

impl Invoker {
    /// Answers one invocation, whose id stands in a path.
    pub(crate) async fn answer(&self, delivery: Delivery) {
        let Delivery { answered, context } = delivery;
        let headers = &answered.reply.headers;
        let text = |name: &str| {
            let value = headers.get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned()).filter(|value| !value.is_empty())
        };
        let left = Duration::from_millis(context.deadline)
            .saturating_sub(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
            .min(LONGEST);
        let target = Target { request_id: context.request_id.clone(), invocation_id: text(header::INVOCATION_ID) };
        let context = InvocationContext {
            request_id: context.request_id,
            function_arn: context.invoked_function_arn,
            trace_id: text(header::TRACE_ID),
            tenant_id: text(header::TENANT_ID),
            client_context: text(header::CLIENT_CONTEXT),
            cognito_identity: text(header::COGNITO_IDENTITY),
        };
        let event = answered.reply.body.clone();
        let outlet = self.api.outlet(answered, target, self.mode);
        if self.observers.is_empty() {
            self.source.handler().invoke(event, context, Instant::now() + left, outlet).await;
        } else {
            let settled = self.source.handler().invoke(event, context.clone(), Instant::now() + left, outlet).await;
            self.observers.observe(context, settled).await;
        }
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
            self.log.record(&Record {
                level: Level::Error,
                request_id: None,
                tenant_id: None,
                message: &message,
                members: None,
                failure: None,
            });
        }
    }
}

/// Longer than any function may run.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
