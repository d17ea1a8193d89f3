//! `wasi:http/proxy` of WASI 0.2: components that export `incoming-handler`, as wstd, Spin, wasmCloud and many others make them.
//!
//! Such a handler is done when its function returns: what it has not written then, it never will.

use super::http::{self, Passage, Produced, Rest};
use crate::outcome::Failed;
use crate::store::State;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::{InstancePre, Resource};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p2::bindings::{Proxy, ProxyPre};
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};

/// What a component of this world exports.
pub(super) const HANDLER: &str = "wasi:http/incoming-handler@0.2.0";

/// A component of this world, linked.
pub(crate) struct Pre(ProxyPre<State>);

/// An instance of one.
pub(crate) struct Exports(Proxy);

impl Pre {
    pub(super) fn new(pre: InstancePre<State>) -> wasmtime::Result<Self> {
        ProxyPre::new(pre).map(Self)
    }

    pub(super) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Exports> {
        self.0.instantiate_async(store).await.map(Exports)
    }
}

impl Exports {
    /// Has the handler answer the invocation that the store is pointed at.
    pub(super) async fn call(&self, store: &mut Store<State>) -> wasmtime::Result<Result<(), Failed>> {
        let (request, right, mut passage) = match hand_over(store.data_mut())? {
            Ok(handed_over) => handed_over,
            Err(failed) => return Ok(Err(failed)),
        };
        let mut call = pin!(self.0.wasi_http_incoming_handler().call_handle(store, request, right));
        let mut returned = None;
        poll_fn(|cx| {
            loop {
                if returned.is_none()
                    && let Poll::Ready(result) = call.as_mut().poll(cx)
                {
                    returned = Some(result);
                }
                let _ = passage.poll(cx);
                match passage.rest() {
                    Rest::Nothing if returned.is_some() => return Poll::Ready(()),
                    // Small writes one after the other leave together: they do not wait for the socket in between.
                    _ if passage.has_moved() && returned.is_none() => {}
                    _ => return Poll::Pending,
                }
            }
        })
        .await;
        // A trap outweighs what became of the response.
        returned.transpose()?;
        Ok(passage.into_result())
    }
}

type HandedOver = (Resource<HostIncomingRequest>, Resource<HostResponseOutparam>, Passage);

/// The two resources that a handler is given, and the way that its response goes.
fn hand_over(state: &mut State) -> wasmtime::Result<Result<HandedOver, Failed>> {
    let request = match http::request(&state.invocation, &state.settings.http) {
        Ok(request) => request,
        Err(failed) => return Ok(Err(failed)),
    };
    let scheme = if request.uri().scheme_str() == Some("http") { Scheme::Http } else { Scheme::Https };
    let (right, answer) = oneshot::channel::<Produced>();
    let passage = Passage::new(&state.invocation, state.response.clone(), answer);
    let request = state.http().new_incoming_request(scheme, request)?;
    let right = state.http().new_response_outparam_from_callback(move |answer| {
        let _ = right.send(answer.map_err(Into::into));
    })?;
    Ok(Ok((request, right, passage)))
}
