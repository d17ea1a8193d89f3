//! `wasi:http` 0.3: fields and messages, charged with what is in them. A body is a stream, whose pieces wait in the guest's memory.

use super::{AUTHORITY, Holder, METHOD, again, charge_fields};
use wasmtime::component::{Access, FutureReader, Linker, Resource, ResourceType, StreamReader};
use wasmtime::{AsContextMut as _, StoreContextMut};
use wasmtime_wasi_http::p3::bindings::http::types::{self, ErrorCode, HeaderError, HostFields as _, HostRequest as _};
use wasmtime_wasi_http::p3::{MaybeMutable, Request, Response};
use wasmtime_wasi_http::{FieldMap, RequestOptions, WasiHttp};

/// The interface in the version that wasmtime-wasi-http has. Linkers give it to components of any patch.
const TYPES: &str = "wasi:http/types@0.3.0";

type Store<'a, T> = StoreContextMut<'a, T>;
type Refusal = wasmtime_wasi::TrappableError<HeaderError>;
type Trailers = FutureReader<Result<Option<Resource<FieldMap>>, ErrorCode>>;
type Sent = FutureReader<Result<(), ErrorCode>>;

/// A result as the guest sees it; what is no error of the guest's is a trap.
fn refusable<R>(result: Result<R, Refusal>) -> wasmtime::Result<(Result<R, HeaderError>,)> {
    match result {
        Ok(done) => Ok((Ok(done),)),
        Err(error) => Ok((Err(error.downcast()?),)),
    }
}

/// A change to fields was made, or refused.
fn changed<R>(
    state: &mut impl Holder,
    fields: &Resource<FieldMap>,
    change: Result<R, Refusal>,
) -> wasmtime::Result<(Result<R, HeaderError>,)> {
    charge_fields(state, fields)?;
    refusable(change)
}

/// What the functions that deal with streams are given.
fn access<T: Holder>(store: Store<'_, T>) -> Access<'_, T, WasiHttp> {
    Access::new(store, |state| state.http())
}

pub(super) fn add_to_linker<T: Holder>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    fields(linker)?;
    requests(linker)?;
    responses(linker)
}

fn fields<T: Holder>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut types = linker.instance(TYPES)?;
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
    types.func_wrap(
        "[method]fields.get-and-delete",
        |mut store: Store<'_, T>, (fields, name): (Resource<FieldMap>, String)| {
            let state = store.data_mut();
            let change = state.http().get_and_delete(again(&fields), name);
            changed(state, &fields, change)
        },
    )?;
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

type NewRequest = (Resource<FieldMap>, Option<StreamReader<u8>>, Trailers, Option<Resource<MaybeMutable<RequestOptions>>>);

fn requests<T: Holder>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut types = linker.instance(TYPES)?;
    types.func_wrap("[static]request.new", |mut store: Store<'_, T>, (fields, contents, trailers, options): NewRequest| {
        let before = fields.rep();
        let access = access(store.as_context_mut());
        let (request, sent) = <WasiHttp as types::HostRequestWithStore<T>>::new(access, fields, contents, trailers, options)?;
        store.data_mut().holdings().carry(before, request.rep());
        Ok(((request, sent),))
    })?;
    types.func_wrap(
        "[static]request.consume-body",
        |mut store: Store<'_, T>, (request, result): (Resource<Request>, Sent)| {
            store.data_mut().holdings().release(request.rep());
            let access = access(store.as_context_mut());
            Ok((<WasiHttp as types::HostRequestWithStore<T>>::consume_body(access, request, result)?,))
        },
    )?;
    types.func_wrap("[method]request.get-headers", |mut store: Store<'_, T>, (request,): (Resource<Request>,)| {
        let state = store.data_mut();
        let fields = types::HostRequest::get_headers(&mut state.http(), request)?;
        // They outlive the request.
        charge_fields(state, &fields)?;
        Ok((fields,))
    })?;
    types.func_wrap(
        "[method]request.set-method",
        |mut store: Store<'_, T>, (request, method): (Resource<Request>, types::Method)| match &method {
            types::Method::Other(name) if name.len() > METHOD => Ok((Err(()),)),
            _ => Ok((store.data_mut().http().set_method(request, method)?,)),
        },
    )?;
    types.func_wrap(
        "[method]request.set-authority",
        |mut store: Store<'_, T>, (request, authority): (Resource<Request>, Option<String>)| match &authority {
            Some(authority) if authority.len() > AUTHORITY => Ok((Err(()),)),
            _ => Ok((store.data_mut().http().set_authority(request, authority)?,)),
        },
    )?;
    types.func_wrap(
        "[method]request.set-path-with-query",
        |mut store: Store<'_, T>, (request, path): (Resource<Request>, Option<String>)| {
            let state = store.data_mut();
            state.holdings().add(request.rep(), path.as_ref().map_or(0, String::len))?;
            Ok((state.http().set_path_with_query(request, path)?,))
        },
    )?;
    types.resource("request", ResourceType::host::<Request>(), |mut store: Store<'_, T>, entry| {
        store.data_mut().holdings().release(entry);
        let access = access(store.as_context_mut());
        <WasiHttp as types::HostRequestWithStore<T>>::drop(access, Resource::new_own(entry))
    })
}

type NewResponse = (Resource<FieldMap>, Option<StreamReader<u8>>, Trailers);

fn responses<T: Holder>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut types = linker.instance(TYPES)?;
    types.func_wrap("[static]response.new", |mut store: Store<'_, T>, (fields, contents, trailers): NewResponse| {
        let before = fields.rep();
        let access = access(store.as_context_mut());
        let (response, sent) = <WasiHttp as types::HostResponseWithStore<T>>::new(access, fields, contents, trailers)?;
        store.data_mut().holdings().carry(before, response.rep());
        Ok(((response, sent),))
    })?;
    types.func_wrap(
        "[static]response.consume-body",
        |mut store: Store<'_, T>, (response, result): (Resource<Response>, Sent)| {
            store.data_mut().holdings().release(response.rep());
            let access = access(store.as_context_mut());
            Ok((<WasiHttp as types::HostResponseWithStore<T>>::consume_body(access, response, result)?,))
        },
    )?;
    types.func_wrap("[method]response.get-headers", |mut store: Store<'_, T>, (response,): (Resource<Response>,)| {
        let state = store.data_mut();
        let fields = types::HostResponse::get_headers(&mut state.http(), response)?;
        charge_fields(state, &fields)?;
        Ok((fields,))
    })?;
    types.resource("response", ResourceType::host::<Response>(), |mut store: Store<'_, T>, entry| {
        store.data_mut().holdings().release(entry);
        let access = access(store.as_context_mut());
        <WasiHttp as types::HostResponseWithStore<T>>::drop(access, Resource::new_own(entry))
    })
}
