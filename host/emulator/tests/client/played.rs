//! An environment whose runtime and extensions a test plays: its process only says where its Runtime API is.

use super::{Received, post, printed, send, start, until};
use firstbyte_emulator::{Emulator, EventKind, Events, Settings};
use http::{Method, Request, Version};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// What a shell does before it says where its Runtime API is, and what it does then.
pub(crate) type Script = (&'static str, &'static str);

/// Nothing, for ever.
pub(crate) const WAITS: Script = (":", "exec sleep 1000");

/// It says so when it gets `SIGTERM`, and ends.
pub(crate) const LISTENS: Script = ("trap 'echo terminated; exit 0' TERM", FOREVER);

/// It says so, and only `SIGKILL` ends it.
pub(crate) const IS_DEAF: Script = ("trap 'echo terminated' TERM", FOREVER);

/// The same as [`LISTENS`], beside a process that outlives it.
pub(crate) const LEAVES_A_PROCESS: Script = ("sleep 1000 & trap 'echo terminated; exit 0' TERM", FOREVER);

/// In short steps, between which a shell looks after its signals.
pub(crate) const FOREVER: &str = "while :; do sleep 0.02; done";

/// An environment that is starting, because somebody called.
pub(crate) struct Played {
    pub(crate) emulator: Emulator,
    pub(crate) events: Events,
    pub(crate) api: String,
    pub(crate) pid: u32,
    pub(crate) caller: Option<JoinHandle<Received>>,
}

pub(crate) async fn play(mut settings: Settings, (before, then): Script) -> Played {
    let script = format!("{before}; echo api $AWS_LAMBDA_RUNTIME_API; {then}");
    settings.command = ["sh", "-c", &script].map(Into::into).to_vec();
    let (emulator, mut events) = start(settings).await;
    let url = emulator.function_url();
    let caller = tokio::spawn(async move { post(&url, "hello").await });
    let seen = until(&mut events, |kind| matches!(kind, EventKind::Log { line, .. } if line.starts_with("api "))).await;
    let api = printed(&seen)[0].trim_start_matches("api ").to_owned();
    let pid = seen.iter().find_map(|event| match event.kind {
        EventKind::EnvironmentStarted { pid } => Some(pid),
        _ => None,
    });
    Played { emulator, events, api, pid: pid.expect("it was started"), caller: Some(caller) }
}

/// A request to the Runtime API, by which either the runtime or an extension speaks.
pub(crate) fn ask(api: &str, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> JoinHandle<Received> {
    let mut request = Request::builder().method(method).uri(format!("http://{api}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = body.to_owned();
    tokio::spawn(async move { send(request, &body, Version::HTTP_11).await })
}

pub(crate) async fn json_of(answer: &mut Received) -> Value {
    serde_json::from_str(&answer.text().await).expect("JSON")
}

pub(crate) async fn answered(asked: JoinHandle<Received>) -> Received {
    asked.await.expect("it is answered")
}

impl Played {
    /// Registers an extension, and gives its identifier.
    pub(crate) async fn register(&self, name: &str, events: &[&str]) -> String {
        let mut answer = self.try_register(name, events).await;
        let text = answer.text().await;
        assert_eq!(answer.status, 200, "{text}");
        answer.header("lambda-extension-identifier").to_owned()
    }

    pub(crate) async fn try_register(&self, name: &str, events: &[&str]) -> Received {
        let body = json!({ "events": events }).to_string();
        answered(ask(&self.api, Method::POST, "/2020-01-01/extension/register", &[("lambda-extension-name", name)], &body)).await
    }

    pub(crate) fn extension_polls(&self, id: &str) -> JoinHandle<Received> {
        ask(&self.api, Method::GET, "/2020-01-01/extension/event/next", &[("lambda-extension-identifier", id)], "")
    }

    pub(crate) fn runtime_polls(&self) -> JoinHandle<Received> {
        ask(&self.api, Method::GET, "/2018-06-01/runtime/invocation/next", &[], "")
    }

    /// Takes the next invocation and responds to it; its request id.
    pub(crate) async fn serve(&self, next: JoinHandle<Received>) -> String {
        let next = answered(next).await;
        let id = next.header("lambda-runtime-aws-request-id").to_owned();
        let path = format!("/2018-06-01/runtime/invocation/{id}/response");
        assert_eq!(answered(ask(&self.api, Method::POST, &path, &[], r#""served""#)).await.status, 202);
        id
    }

    /// What the caller who had the environment started got.
    pub(crate) async fn answer(&mut self) -> String {
        answered(self.caller.take().expect("once")).await.text().await
    }
}
