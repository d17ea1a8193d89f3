//! The host's side of `firstbyte:lambda/invocation`: what each function of the WIT does, and the state of a store.

#![expect(unreachable_pub, reason = "the generated bindings re-export the handles")]

use crate::bindings::firstbyte::lambda::invocation::{self, HeadError, HttpRequest, Trigger, WriteError};
use crate::clock::SharedAlarm;
use crate::egress::Outbound;
use crate::invocation::Invocation;
use crate::limits::Limits;
use crate::log::GuestOutput;
use crate::outlet::Closed;
use crate::response::{self, Response};
use firstbyte_wire::Head;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceTable, WasmList};
use wasmtime_wasi::p2::{DynPollable, Pollable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// `request`: there is one a store, so the handle holds nothing.
#[derive(Debug)]
pub struct RequestHandle(());

/// `response`: the right to start.
#[derive(Debug)]
pub struct ResponseHandle(());

/// `body`: the response of this invocation, started.
pub struct BodyHandle(SharedResponse);

impl std::fmt::Debug for BodyHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("BodyHandle").finish()
    }
}

/// A response that the store and the task that settles it both hold, until it is taken to be settled: then a handle that a
/// handler kept is of no use any more.
#[derive(Clone)]
pub(crate) struct SharedResponse(Arc<Mutex<Option<Response>>>);

impl SharedResponse {
    pub(crate) fn new(response: Response) -> Self {
        Self(Arc::new(Mutex::new(Some(response))))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Response>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The response, to be settled.
    pub(crate) fn take(&self) -> Option<Response> {
        self.lock().take()
    }

    /// Sends what the handler wrote; called each time it waits.
    pub(crate) fn flush(&self, cx: &mut Context<'_>) {
        if let Some(response) = &mut *self.lock() {
            response.flush(cx);
        }
    }

    fn poll_write_all(&self, cx: &mut Context<'_>, data: &[u8], taken: &mut usize) -> Poll<Result<(), Closed>> {
        self.lock().as_mut().map_or(Poll::Ready(Err(Closed)), |response| response.poll_write_all(cx, data, taken))
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.lock().as_mut().map_or(Poll::Ready(()), |response| response.poll_ready(cx))
    }

    fn start(&self, head: Head) -> Result<(), firstbyte_wire::HeadError> {
        // There is one right to start a response, and it is gone by the time that the response is.
        self.lock().as_mut().map_or(Ok(()), |response| response.start(head))
    }

    fn finish(&self) -> Result<(), Closed> {
        self.lock().as_mut().ok_or(Closed)?.finish()
    }
}

/// What one store holds.
pub(crate) struct State {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) limits: Limits,
    pub(crate) invocation: Arc<Invocation>,
    pub(crate) response: SharedResponse,
    pub(crate) http: WasiHttpCtx,
    pub(crate) alarm: Option<SharedAlarm>,
    pub(crate) outbound: Outbound,
    /// Standard output and error, to be pointed at the next invocation's log.
    pub(crate) outputs: [GuestOutput; 2],
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outbound }
    }
}

impl State {
    /// The two resources a handler is given.
    pub(crate) fn hand_over(&mut self) -> wasmtime::Result<(Resource<RequestHandle>, Resource<ResponseHandle>)> {
        Ok((self.table.push(RequestHandle(()))?, self.table.push(ResponseHandle(()))?))
    }
}

/// Links the interface. `body.write` is wired by hand: it reads the chunk where it lies in the guest's memory, and only a write
/// that has to wait is a future.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    invocation::add_to_linker::<_, wasmtime::component::HasSelf<_>>(linker, |state| state)?;
    let mut instance = linker.instance("firstbyte:lambda/invocation@0.2.0")?;
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
    if let Err(refused) = response.admit(chunk.len()) {
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
    fn event(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<String> {
        Ok(String::from_utf8_lossy(&self.invocation.event).into_owned())
    }

    fn payload(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.invocation.payload.to_vec())
    }

    fn http(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<Option<HttpRequest>> {
        Ok(self.invocation.http.clone().map(|http| HttpRequest {
            method: http.method,
            path: http.path,
            query: http.query,
            headers: http.headers,
            cookies: http.cookies,
        }))
    }

    fn trigger(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<Trigger> {
        Ok(match self.invocation.trigger {
            firstbyte_wire::Trigger::Direct => Trigger::Direct,
            firstbyte_wire::Trigger::FunctionUrl => Trigger::FunctionUrl,
            firstbyte_wire::Trigger::ApiGateway => Trigger::ApiGateway,
        })
    }

    fn request_id(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<String> {
        Ok(self.invocation.context.request_id.clone())
    }

    fn function_arn(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<String> {
        Ok(self.invocation.context.function_arn.clone())
    }

    fn remaining_ms(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<u64> {
        let remaining = self.invocation.deadline.saturating_duration_since(tokio::time::Instant::now());
        Ok(u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX))
    }

    fn trace_id(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<Option<String>> {
        Ok(self.invocation.context.trace_id.clone())
    }

    fn tenant_id(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<Option<String>> {
        Ok(self.invocation.context.tenant_id.clone())
    }

    fn client_context(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<Option<String>> {
        Ok(self.invocation.context.client_context.clone())
    }

    fn cognito_identity(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<Option<String>> {
        Ok(self.invocation.context.cognito_identity.clone())
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
        self.table.delete(this)?;
        let head = match Head::new(head.status, head.headers) {
            Ok(head) => head,
            Err(error) => return Ok(Err(error.into())),
        };
        for name in head.dropped() {
            self.invocation.log.warn(&format!("response header {name:?} was dropped: it belongs to the connection"));
        }
        if let Err(error) = self.response.start(head) {
            return Ok(Err(error.into()));
        }
        Ok(Ok(self.table.push(BodyHandle(self.response.clone()))?))
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
