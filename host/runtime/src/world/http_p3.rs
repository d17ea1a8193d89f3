//! `wasi:http/service` of WASI 0.3: components that export `handler`, whose functions are asynchronous and whose bodies are streams.
//!
//! Such a handler goes on after its function has returned: it writes its body then. It is done when none of its tasks is left.

use super::http::{self, Passage, Produced, Rest};
use crate::outcome::Failed;
use crate::store::State;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::{Accessor, InstancePre, Resource};
use wasmtime_wasi_http::p3::Request;
use wasmtime_wasi_http::p3::bindings::{Service, ServicePre};
use wasmtime_wasi_http::{Error, WasiHttpView as _};

/// A component of this world, linked.
pub(crate) struct Pre(ServicePre<State>);

/// An instance of one.
pub(crate) struct Exports(Service);

impl Pre {
    pub(super) fn new(pre: InstancePre<State>) -> wasmtime::Result<Self> {
        ServicePre::new(pre).map(Self)
    }

    pub(super) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Exports> {
        self.0.instantiate_async(store).await.map(Exports)
    }
}

impl Exports {
    /// Has the handler answer the invocation that the store is pointed at.
    pub(super) async fn call(&self, store: &mut Store<State>) -> wasmtime::Result<Result<(), Failed>> {
        let state = store.data_mut();
        let request = match http::request(&state.invocation, &state.settings.http) {
            Ok(request) => request,
            Err(failed) => return Ok(Err(failed)),
        };
        let (right, answer) = oneshot::channel();
        let mut passage = Passage::new(&state.invocation, state.response.clone(), answer);
        let (request, _) = Request::from_http(state.http().hooks, request);
        let request = state.http().table.push(request)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let events = store.run_concurrent(async |accessor| self.work(accessor, request, right, &is_over).await);
        let mut events = pin!(events);
        let mut done = None;
        poll_fn(|cx| {
            loop {
                if done.is_none()
                    && let Poll::Ready(result) = events.as_mut().poll(cx)
                {
                    done = Some(result);
                }
                if passage.poll(cx).is_ready() {
                    is_over.store(true, Ordering::Relaxed);
                }
                match passage.rest() {
                    Rest::Nothing if done.is_some() => return Poll::Ready(()),
                    // Small writes one after the other leave together: they do not wait for the socket in between.
                    _ if passage.has_moved() && done.is_none() => {}
                    _ => return Poll::Pending,
                }
            }
        })
        .await;
        // A trap outweighs what became of the response.
        if let Some(done) = done {
            done??;
        }
        Ok(passage.into_result())
    }

    /// What goes on in the store's own loop: the call, and the tasks that it leaves.
    async fn work(
        &self,
        accessor: &Accessor<State>,
        request: Resource<Request>,
        right: oneshot::Sender<Produced>,
        is_over: &AtomicBool,
    ) -> wasmtime::Result<()> {
        let answer = match self.0.wasi_http_handler().call_handle(accessor, request).await? {
            Ok(response) => accessor.with(|mut access| -> wasmtime::Result<Produced> {
                let response = access.get().http().table.delete(response)?;
                let taken = std::future::ready(Ok::<(), Error>(()));
                Ok(Ok(response.into_http(&mut access, taken)?))
            })?,
            Err(code) => Err(code.into()),
        };
        let _ = right.send(answer);
        poll_fn(|cx| {
            let is_idle = accessor.poll_no_interesting_tasks(cx).is_ready();
            if is_idle && is_over.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        Ok(())
    }
}
