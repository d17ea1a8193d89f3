//! Calls a handler for each request of `wasi:http`.

// What it exports has names that only linkers of WebAssembly take.
#![cfg(target_family = "wasm")]

mod bindings {
    #![allow(clippy::all, missing_docs, unreachable_pub, unsafe_code, reason = "they are generated")]
    wit_bindgen::generate!({
        path: ["../../../wit", "../wit"],
        world: "firstbyte:adapter/door",
        generate_all,
    });
    use super::Adapter;
    export!(Adapter);
}

use bindings::exports::wasi::http::incoming_handler::{Guest, IncomingRequest, ResponseOutparam};
use bindings::firstbyte::adapter::exchanges::{Begun, Exchange};
use bindings::firstbyte::lambda::handler::handle;

struct Adapter;

impl Guest for Adapter {
    fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
        if let Some(Begun { request, response, exchange }) = Exchange::begin(request, outparam) {
            let outcome = handle(request, response);
            Exchange::settle(exchange, outcome.as_ref().copied());
        }
    }
}
