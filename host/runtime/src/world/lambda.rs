//! Our own world, `firstbyte:lambda`: how its handler is called, and what each function of `invocation` does.
//!
//! A handle belongs to the invocation that it was given to. An instance that serves several may keep one; the host refuses it.

#![expect(unreachable_pub, reason = "the generated bindings re-export the handles")]

mod bindings;

use crate::invocation::Invocation;
use crate::outcome::{Failed, Failure};
use crate::outlet::Closed;
use crate::response::{self, SharedResponse};
use crate::store::State;
use bindings::firstbyte::lambda::invocation::{self, HeadError, HttpRequest, Trigger, WriteError};
use bindings::{FunctionHost, FunctionHostPre};
use firstbyte_wire::Head;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use wasmtime::component::{InstancePre, Linker, Resource, WasmList};
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi::p2::{DynPollable, Pollable};

/// What a component of this world exports.
pub(super) const HANDLER: &str = "firstbyte:lambda/handler@0.2.0";

/// The interface that is wired by hand.
const INVOCATION: &str = "firstbyte:lambda/invocation@0.2.0";

/// A component of this world, linked.
pub(crate) struct Pre(FunctionHostPre<State>);

/// An instance of one.
pub(crate) struct Exports(FunctionHost);

impl Pre {
    pub(super) fn new(pre: InstancePre<State>) -> wasmtime::Result<Self> {
        FunctionHostPre::new(pre).map(Self)
    }

    pub(super) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Exports> {
        self.0.instantiate_async(store).await.map(Exports)
    }
}

impl Exports {
    /// Has the handler answer the invocation that the store is pointed at.
    pub(super) async fn call(&self, store: &mut Store<State>) -> wasmtime::Result<Result<(), Failed>> {
        let (request, response) = store.data_mut().hand_over()?;
        let returned = self.0.firstbyte_lambda_handler().call_handle(store, request, response).await?;
        Ok(returned.map_err(|failure| {
            let invocation::Failure { kind, message, status, stack } = failure;
            Failed::from_handler(Failure { kind, message, status, stack })
        }))
    }
}

/// `request`: what its invocation is told. It does not keep that alive.
#[derive(Debug)]
pub struct RequestHandle(Weak<Invocation>);

/// `response`: the right to start the response of its invocation.
#[derive(Debug)]
pub struct ResponseHandle(SharedResponse);

/// `body`: the response of its invocation, started.
#[derive(Debug)]
pub struct BodyHandle(SharedResponse);

/// A guest used a handle of an invocation that is over.
#[derive(Debug, thiserror::Error)]
#[error("a {0} handle of an earlier invocation was used: a handle is good for the invocation that it was given to")]
struct Stale(&'static str);

impl State {
    /// The two resources a handler is given.
    fn hand_over(&mut self) -> wasmtime::Result<(Resource<RequestHandle>, Resource<ResponseHandle>)> {
        let request = self.table.push(RequestHandle(Arc::downgrade(&self.invocation)))?;
        Ok((request, self.table.push(ResponseHandle(self.response.clone()))?))
    }

    /// The invocation of a handle, if it is the one that is under way.
    fn invocation(&self, request: &Resource<RequestHandle>) -> wasmtime::Result<&Invocation> {
        let handle = self.table.get(request)?;
        if std::ptr::eq(handle.0.as_ptr(), Arc::as_ptr(&self.invocation)) {
            Ok(&self.invocation)
        } else {
            Err(Stale("request").into())
        }
    }
}

/// Links the interface. `body.write` is wired by hand: it reads the chunk where it lies in the guest's memory, and only a write
/// that has to wait is a future.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    invocation::add_to_linker::<_, wasmtime::component::HasSelf<_>>(linker, State::metered)?;
    let mut instance = linker.instance(INVOCATION)?;
    instance.func_wrap_async("[method]body.write", |store, (body, chunk)| match write_now(&store, &body, &chunk) {
        Attempt::Taken => Box::new(Taken),
        Attempt::Over(result) => Box::new(std::future::ready(result)),
        Attempt::Partly(taken) => Box::new(write_rest(store, body, chunk, taken)),
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

type Written = Result<(), WriteError>;

/// How far a write came without waiting.
enum Attempt {
    /// All was taken.
    Taken,
    /// It was refused, or was no write.
    Over(wasmtime::Result<(Written,)>),
    /// So many bytes were taken, and the reader is behind.
    Partly(usize),
}

/// A write that is done, as a future that needs no memory.
struct Taken;

impl Future for Taken {
    type Output = wasmtime::Result<(Written,)>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok((Ok(()),)))
    }
}

fn write_now(store: &StoreContextMut<'_, State>, body: &Resource<BodyHandle>, chunk: &WasmList<u8>) -> Attempt {
    let response = match store.data().table.get(body) {
        Ok(body) => &body.0,
        Err(error) => return Attempt::Over(Err(error.into())),
    };
    let refuse = |refused: response::WriteError| Attempt::Over(Ok((Err(refused.into()),)));
    let Some(response) = &mut *response.lock() else { return refuse(Closed.into()) };
    let chunk = chunk.as_le_slice(store);
    if let Err(refused) = response.admit(chunk) {
        return refuse(refused);
    }
    let mut taken = 0;
    match response.poll_write_all(&mut Context::from_waker(Waker::noop()), chunk, &mut taken) {
        Poll::Ready(Ok(())) => Attempt::Taken,
        Poll::Ready(Err(closed)) => refuse(closed.into()),
        Poll::Pending => Attempt::Partly(taken),
    }
}

async fn write_rest(
    store: StoreContextMut<'_, State>,
    body: Resource<BodyHandle>,
    chunk: WasmList<u8>,
    mut taken: usize,
) -> wasmtime::Result<(Written,)> {
    let response = store.data().table.get(&body)?.0.clone();
    let chunk = chunk.as_le_slice(&store);
    let written = poll_fn(|cx| response.poll_write_all(cx, chunk, &mut taken)).await;
    Ok((written.map_err(|closed| response::WriteError::from(closed).into()),))
}

impl From<response::WriteError> for WriteError {
    fn from(error: response::WriteError) -> Self {
        match error {
            response::WriteError::Closed(_) => Self::Closed,
            response::WriteError::TooLarge => Self::TooLarge,
            response::WriteError::Spent(spent) => Self::Other(spent.to_string()),
        }
    }
}

impl From<firstbyte_wire::HeadError> for HeadError {
    fn from(error: firstbyte_wire::HeadError) -> Self {
        match error {
            firstbyte_wire::HeadError::InvalidStatus(status) => Self::InvalidStatus(status),
            firstbyte_wire::HeadError::InvalidHeader(name) => Self::InvalidHeader(name),
            firstbyte_wire::HeadError::TooLarge => Self::TooLarge,
        }
    }
}

impl invocation::Host for State {}

impl invocation::HostRequest for State {
    fn event(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<String> {
        Ok(String::from_utf8_lossy(&self.invocation(&this)?.event).into_owned())
    }

    fn payload(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.invocation(&this)?.payload.to_vec())
    }

    fn http(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<Option<HttpRequest>> {
        Ok(self.invocation(&this)?.http.clone().map(|http| HttpRequest {
            method: http.method,
            path: http.path,
            query: http.query,
            headers: http.headers,
            cookies: http.cookies,
        }))
    }

    fn trigger(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<Trigger> {
        Ok(match self.invocation(&this)?.trigger {
            firstbyte_wire::Trigger::Direct => Trigger::Direct,
            firstbyte_wire::Trigger::FunctionUrl => Trigger::FunctionUrl,
            firstbyte_wire::Trigger::ApiGateway => Trigger::ApiGateway,
            later => Trigger::Other(later.name().to_owned()),
        })
    }

    fn request_id(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<String> {
        Ok(self.invocation(&this)?.context.request_id.clone())
    }

    fn function_arn(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<String> {
        Ok(self.invocation(&this)?.context.function_arn.clone())
    }

    fn remaining_ms(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<u64> {
        let remaining = self.invocation(&this)?.deadline.saturating_duration_since(tokio::time::Instant::now());
        Ok(u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX))
    }

    fn trace_id(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<Option<String>> {
        Ok(self.invocation(&this)?.context.trace_id.clone())
    }

    fn tenant_id(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<Option<String>> {
        Ok(self.invocation(&this)?.context.tenant_id.clone())
    }

    fn client_context(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<Option<String>> {
        Ok(self.invocation(&this)?.context.client_context.clone())
    }

    fn cognito_identity(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<Option<String>> {
        Ok(self.invocation(&this)?.context.cognito_identity.clone())
    }

    fn drop(&mut self, handle: Resource<RequestHandle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl invocation::HostResponse for State {
    fn start(
        &mut self,
        this: Resource<ResponseHandle>,
        head: invocation::Head,
    ) -> wasmtime::Result<Result<Resource<BodyHandle>, HeadError>> {
        let response = self.table.delete(this)?.0;
        let head = match Head::new(head.status, head.headers) {
            Ok(head) => head,
            Err(error) => return Ok(Err(error.into())),
        };
        for name in head.dropped() {
            self.invocation.log.warn(&format!("response header {name:?} was dropped: it belongs to the connection"));
        }
        match response.start(head) {
            Some(Ok(())) => Ok(Ok(self.table.push(BodyHandle(response))?)),
            Some(Err(error)) => Ok(Err(error.into())),
            None => Err(Stale("response").into()),
        }
    }

    fn drop(&mut self, handle: Resource<ResponseHandle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl invocation::HostBody for State {
    /// Shadowed by [`write`].
    fn write(&mut self, _: Resource<BodyHandle>, _: Vec<u8>) -> wasmtime::Result<Written> {
        Ok(Err(WriteError::Other("not linked".to_owned())))
    }

    fn subscribe(&mut self, body: Resource<BodyHandle>) -> wasmtime::Result<Resource<DynPollable>> {
        // On its own, not as the body's child: languages with a garbage collector may drop the body first.
        let ready = Readiness(self.table.get(&body)?.0.clone());
        let ready = self.table.push(ready)?;
        wasmtime_wasi::p2::subscribe(&mut self.table, ready)
    }

    async fn finish(&mut self, this: Resource<BodyHandle>) -> wasmtime::Result<Written> {
        let response = self.table.delete(this)?.0;
        Ok(response.finish().map_err(|closed| response::WriteError::from(closed).into()))
    }

    fn drop(&mut self, handle: Resource<BodyHandle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

/// What a body's pollable waits for.
struct Readiness(SharedResponse);

#[wasmtime_wasi::async_trait]
impl Pollable for Readiness {
    async fn ready(&mut self) {
        poll_fn(|cx| self.0.poll_ready(cx)).await;
    }
}
