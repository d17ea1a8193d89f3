//! Makes what a handler is given of a request of `wasi:http`: its request, and a response that goes to the host piece by piece.

// What it exports has names that only linkers of WebAssembly take.
#![cfg(target_family = "wasm")]

mod answer;
mod event;
mod request;
mod response;

mod bindings {
    #![allow(clippy::all, missing_docs, unreachable_pub, unsafe_code, reason = "they are generated")]
    wit_bindgen::generate!({
        path: ["../../../wit", "../wit"],
        world: "firstbyte:adapter/exchange",
        generate_all,
    });
    use super::Component;
    export!(Component);
}

use bindings::exports::firstbyte::adapter::exchanges;
use bindings::exports::firstbyte::lambda::invocation;
use bindings::wasi::cli::stderr::get_stderr;
use bindings::wasi::http::types::{IncomingRequest, ResponseOutparam};

struct Component;

impl invocation::Guest for Component {
    type Request = request::Request;
    type Response = response::Response;
    type Body = response::Body;
}

impl exchanges::Guest for Component {
    type Exchange = response::Exchange;
}

impl exchanges::GuestExchange for response::Exchange {
    fn begin(request: IncomingRequest, outparam: ResponseOutparam) -> Option<exchanges::Begun> {
        match request::Request::read(&request) {
            Ok(request) => {
                let exchange = response::Exchange::new(outparam);
                Some(exchanges::Begun {
                    request: invocation::Request::new(request),
                    response: invocation::Response::new(exchange.response()),
                    exchange: exchanges::Exchange::new(exchange),
                })
            }
            Err(refused) => {
                answer::message(outparam, refused.status(), refused.shown());
                None
            }
        }
    }

    fn settle(this: exchanges::Exchange, outcome: Result<(), invocation::Failure>) {
        this.into_inner::<Self>().settle(outcome);
    }
}

/// Says something on standard error, which is where hosts of `wasi:http` have their log.
fn log(message: &str) {
    // There is nobody to be told that the log is gone.
    let _ = get_stderr().blocking_write_and_flush(format!("{message}\n").as_bytes());
}
