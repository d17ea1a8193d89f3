//! What a handler learns of an answer that ends before its end: the codes of `wasi:http`.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::bindings::io::error::Error as IoError;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;

/// Links `http-error-code` over that of wasmtime-wasi-http 48, which looks for an error of another type than its own bodies
/// have, and so knows none of them.
pub(crate) fn add_to_linker<T: WasiView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance("wasi:http/types@0.2.12")?;
    types.func_wrap("http-error-code", |mut store: StoreContextMut<'_, T>, (error,): (Resource<IoError>,)| {
        let error = store.data_mut().ctx().table.get(&error)?;
        Ok((error.downcast_ref::<Error>().map(code),))
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The code for an error of a body: what `of_body` and `UnderWay` make of it.
fn code(error: &Error) -> ErrorCode {
    match error {
        Error::ConnectionReadTimeout => ErrorCode::ConnectionReadTimeout,
        Error::ConnectionTerminated => ErrorCode::ConnectionTerminated,
        Error::HttpResponseIncomplete => ErrorCode::HttpResponseIncomplete,
        Error::HttpProtocolError => ErrorCode::HttpProtocolError,
        other => ErrorCode::InternalError(Some(other.to_string())),
    }
}

/// Why a body is not complete.
pub(super) fn of_body(error: &hyper::Error) -> Error {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    let ended = source.is_some_and(|source| source.kind() == std::io::ErrorKind::UnexpectedEof);
    if ended || error.is_incomplete_message() {
        Error::HttpResponseIncomplete
    } else if error.is_parse() {
        Error::HttpProtocolError
    } else {
        Error::ConnectionTerminated
    }
}
