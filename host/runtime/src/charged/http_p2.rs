//! `wasi:http` 0.2: fields, messages, bodies and trailers, charged with what is in them.

use super::{AUTHORITY, Holder, METHOD, again, charge_fields, size_of_fields};
use crate::budget::Budget;
use bytes::Bytes;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi_http::FieldMap;
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler;
use wasmtime_wasi_http::p2::bindings::http::types::{
    self, ErrorCode, HeaderError, HostFields as _, HostOutgoingRequest as _, RequestOptions,
};
use wasmtime_wasi_http::p2::body::{HostFutureTrailers, HostOutgoingBody};
use wasmtime_wasi_http::p2::types::{
    HostFutureIncomingResponse, HostIncomingRequest, HostIncomingResponse, HostOutgoingRequest, HostOutgoingResponse,
    HostResponseOutparam,
};

/// Bytes that an outgoing body costs before anything is written into it: the channel between guest and connection.
const BODY: usize = 3 * 1024;

type Store<'a, T> = StoreContextMut<'a, T>;

/// A change to fields was made, or refused.
fn changed(state: &mut impl Holder, fields: &Resource<FieldMap>, change: Change) -> wasmtime::Result<(Result<(), HeaderError>,)> {
    charge_fields(state, fields)?;
    refusable(change)
}

type Change = Result<(), wasmtime_wasi_http::p2::HeaderError>;

/// A result as the guest sees it; what is no error of the guest's is a trap.
fn refusable<T>(result: Result<T, wasmtime_wasi_http::p2::HeaderError>) -> wasmtime::Result<(Result<T, HeaderError>,)> {
    match result {
        Ok(done) => Ok((Ok(done),)),
        Err(error) => Ok((Err(error.downcast()?),)),
    }
}

pub(super) fn add_to_linker<T: Holder>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    fields(linker)?;
    requests(linker)?;
    responses(linker)?;
    bodies(linker)?;
    incoming(linker)?;
    let mut handler = linker.instance("wasi:http/outgoing-handler@0.2.12")?;
    handler.func_wrap(
        "handle",
        |mut store: Store<'_, T>, (request, options): (Resource<HostOutgoingRequest>, Option<Resource<RequestOptions>>)| {
            let state = store.data_mut();
            // From here on it is charged by what sends it.
            state.holdings().release(request.rep());
            match outgoing_handler::Host::handle(&mut state.http(), request, options) {
                Ok(answer) => Ok((Ok::<_, ErrorCode>(answer),)),
                Err(error) => Ok((Err(error.downcast()?),)),
            }
        },
    )
}

fn fields<T: Holder>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut types = linker.instance("wasi:http/types@0.2.12")?;
    types.func_wrap("[static]fields.from-list", |mut store: Store<'_, T>, (entries,): (Vec<(String, Vec<u8>)>,)| {
        let state = store.data_mut();
        let made = state.http().from_list(entries);
        if let Ok(fields) = &made {
            charge_fields(state, fields)?;
        }
        refusable(made)
    })?;
    types.func_wrap(
        "[method]fields.set",
        |mut store: Store<'_, T>, (fields, name, values): (Resource<FieldMap>, String, Vec<Vec<u8>>)| {
            let state = store.data_mut();
            let change = state.http().set(again(&fields), name, values);
            changed(state, &fields, change)
        },
    )?;
    types.func_wrap(
        "[method]fields.append",
        |mut store: Store<'_, T>, (fields, name, value): (Resource<FieldMap>, String, Vec<u8>)| {
            let state = store.data_mut();
            let change = state.http().append(again(&fields), name, value);
            changed(state, &fields, change)
        },
    )?;
    types.func_wrap("[method]fields.delete", |mut store: Store<'_, T>, (fields, name): (Resource<FieldMap>, String)| {
        let state = store.data_mut();
        let change = state.http().delete(again(&fields), name);
        changed(state, &fields, change)
    })?;
    types.func_wrap("[method]fields.clone", |mut store: Store<'_, T>, (fields,): (Resource<FieldMap>,)| {
        let state = store.data_mut();
        let copy = types::HostFields::clone(&mut state.http(), fields)?;
        charge_fields(state, &copy)?;
        Ok((copy,))
    })?;
    types.resource("fields", ResourceType::host::<FieldMap>(), |mut store: Store<'_, T>, entry| {
        let state = store.data_mut();
        state.holdings().release(entry);
        types::HostFields::drop(&mut state.http(), Resource::new_own(entry))
    })
}

fn requests<T: Holder>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut types = linker.instance("wasi:http/types@0.2.12")?;
    types.func_wrap("[constructor]outgoing-request", |mut store: Store<'_, T>, (fields,): (Resource<FieldMap>,)| {
        let state = store.data_mut();
        let before = fields.rep();
        let request = types::HostOutgoingRequest::new(&mut state.http(), fields)?;
        state.holdings().carry(before, request.rep());
        Ok((request,))
    })?;
    types.func_wrap(
        "[method]outgoing-request.headers",
        |mut store: Store<'_, T>, (request,): (Resource<HostOutgoingRequest>,)| {
            let state = store.data_mut();
            let fields = types::HostOutgoingRequest::headers(&mut state.http(), request)?;
            // They outlive the request.
            charge_fields(state, &fields)?;
            Ok((fields,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store: Store<'_, T>, (request, method): (Resource<HostOutgoingRequest>, types::Method)| match &method {
            types::Method::Other(name) if name.len() > METHOD => Ok((Err(()),)),
            _ => Ok((store.data_mut().http().set_method(request, method)?,)),
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store: Store<'_, T>, (request, authority): (Resource<HostOutgoingRequest>, Option<String>)| match &authority {
            Some(authority) if authority.len() > AUTHORITY => Ok((Err(()),)),
            _ => Ok((store.data_mut().http().set_authority(request, authority)?,)),
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-path-with-query",
        |mut store: Store<'_, T>, (request, path): (Resource<HostOutgoingRequest>, Option<String>)| {
            let state = store.data_mut();
            let length = path.as_ref().map_or(0, String::len);
            state.holdings().add(request.rep(), length)?;
            Ok((state.http().set_path_with_query(request, path)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.body",
        |mut store: Store<'_, T>, (request,): (Resource<HostOutgoingRequest>,)| {
            let state = store.data_mut();
            let body = types::HostOutgoingRequest::body(&mut state.http(), request)?;
            charge_body(state, body)
        },
    )?;
    types.resource("outgoing-request", ResourceType::host::<HostOutgoingRequest>(), |mut store: Store<'_, T>, entry| {
        let state = store.data_mut();
        state.holdings().release(entry);
        types::HostOutgoingRequest::drop(&mut state.http(), Resource::new_own(entry))
    })
}

/// What a component that exports a handler of `wasi:http` has besides: the request that it answers.
fn incoming<T: Holder>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut types = linker.instance("wasi:http/types@0.2.12")?;
    types.func_wrap(
        "[method]incoming-request.headers",
        |mut store: Store<'_, T>, (request,): (Resource<HostIncomingRequest>,)| {
            let state = store.data_mut();
            let fields = types::HostIncomingRequest::headers(&mut state.http(), request)?;
            charge_fields(state, &fields)?;
            Ok((fields,))
        },
    )?;
    types.func_wrap(
        "[static]response-outparam.set",
        |mut store: Store<'_, T>,
         (right, answer): (Resource<HostResponseOutparam>, Result<Resource<HostOutgoingResponse>, ErrorCode>)| {
            let state = store.data_mut();
            if let Ok(response) = &answer {
                state.holdings().release(response.rep());
            }
            types::HostResponseOutparam::set(&mut state.http(), right, answer)
        },
    )
}

fn charge_body(
    state: &mut impl Holder,
    body: Result<Resource<HostOutgoingBody>, ()>,
) -> wasmtime::Result<(Result<Resource<HostOutgoingBody>, ()>,)> {
    if let Ok(body) = &body {
        state.holdings().set(body.rep(), BODY)?;
    }
    Ok((body,))
}

fn responses<T: Holder>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut types = linker.instance("wasi:http/types@0.2.12")?;
    types.func_wrap("[constructor]outgoing-response", |mut store: Store<'_, T>, (fields,): (Resource<FieldMap>,)| {
        let state = store.data_mut();
        let before = fields.rep();
        let response = types::HostOutgoingResponse::new(&mut state.http(), fields)?;
        state.holdings().carry(before, response.rep());
        Ok((response,))
    })?;
    types.func_wrap(
        "[method]outgoing-response.headers",
        |mut store: Store<'_, T>, (response,): (Resource<HostOutgoingResponse>,)| {
            let state = store.data_mut();
            let fields = types::HostOutgoingResponse::headers(&mut state.http(), response)?;
            charge_fields(state, &fields)?;
            Ok((fields,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-response.body",
        |mut store: Store<'_, T>, (response,): (Resource<HostOutgoingResponse>,)| {
            let state = store.data_mut();
            let body = types::HostOutgoingResponse::body(&mut state.http(), response)?;
            charge_body(state, body)
        },
    )?;
    types.resource("outgoing-response", ResourceType::host::<HostOutgoingResponse>(), |mut store: Store<'_, T>, entry| {
        let state = store.data_mut();
        state.holdings().release(entry);
        types::HostOutgoingResponse::drop(&mut state.http(), Resource::new_own(entry))
    })?;

    types.func_wrap(
        "[method]future-incoming-response.get",
        |mut store: Store<'_, T>, (answer,): (Resource<HostFutureIncomingResponse>,)| {
            let state = store.data_mut();
            let answer = types::HostFutureIncomingResponse::get(&mut state.http(), answer)?;
            if let Some(Ok(Ok(response))) = &answer {
                let size = size_of_fields(&state.ctx().table.get(response)?.headers);
                state.holdings().set(response.rep(), size)?;
            }
            Ok((answer,))
        },
    )?;
    types.func_wrap(
        "[method]incoming-response.headers",
        |mut store: Store<'_, T>, (response,): (Resource<HostIncomingResponse>,)| {
            let state = store.data_mut();
            let fields = types::HostIncomingResponse::headers(&mut state.http(), response)?;
            charge_fields(state, &fields)?;
            Ok((fields,))
        },
    )?;
    types.resource("incoming-response", ResourceType::host::<HostIncomingResponse>(), |mut store: Store<'_, T>, entry| {
        let state = store.data_mut();
        state.holdings().release(entry);
        types::HostIncomingResponse::drop(&mut state.http(), Resource::new_own(entry))
    })?;
    types.func_wrap("[method]future-trailers.get", |mut store: Store<'_, T>, (trailers,): (Resource<HostFutureTrailers>,)| {
        let state = store.data_mut();
        let trailers = types::HostFutureTrailers::get(&mut state.http(), trailers)?;
        if let Some(Ok(Ok(Some(fields)))) = &trailers {
            charge_fields(state, fields)?;
        }
        Ok((trailers,))
    })
}

fn bodies<T: Holder>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut types = linker.instance("wasi:http/types@0.2.12")?;
    types.func_wrap("[method]outgoing-body.write", |mut store: Store<'_, T>, (body,): (Resource<HostOutgoingBody>,)| {
        let state = store.data_mut();
        let Ok(stream) = types::HostOutgoingBody::write(&mut state.http(), again(&body))? else { return Ok((Err(()),)) };
        let stream = Charged { stream: state.ctx().table.delete(stream)?, budget: state.holdings().budget().clone() };
        let stream: DynOutputStream = Box::new(stream);
        Ok((Ok(state.ctx().table.push_child(stream, &body)?),))
    })?;
    types.func_wrap(
        "[static]outgoing-body.finish",
        |mut store: Store<'_, T>, (body, trailers): (Resource<HostOutgoingBody>, Option<Resource<FieldMap>>)| {
            let state = store.data_mut();
            state.holdings().release(body.rep());
            if let Some(trailers) = &trailers {
                // They wait for a connection that may never take them.
                state.holdings().keep(trailers.rep());
            }
            match types::HostOutgoingBody::finish(&mut state.http(), body, trailers) {
                Ok(()) => Ok((Ok::<_, ErrorCode>(()),)),
                Err(error) => Ok((Err(error.downcast()?),)),
            }
        },
    )?;
    types.resource("outgoing-body", ResourceType::host::<HostOutgoingBody>(), |mut store: Store<'_, T>, entry| {
        let state = store.data_mut();
        state.holdings().release(entry);
        types::HostOutgoingBody::drop(&mut state.http(), Resource::new_own(entry))
    })
}

/// The stream into a body: each piece is charged until the connection has sent it, or it is dropped.
struct Charged {
    stream: DynOutputStream,
    budget: Budget,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Charged {
    async fn ready(&mut self) {
        self.stream.ready().await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Charged {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let held = self.budget.hold(bytes).map_err(|spent| StreamError::Trap(spent.into()))?;
        self.stream.write(held)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.stream.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.stream.check_write()
    }

    async fn cancel(&mut self) {
        self.stream.cancel().await;
    }
}
