//! The article's handler as a service of `wasi:http` 0.3: asynchronous, with its body as a stream. Nothing in it knows of Lambda.

// What it exports has names that only linkers of WebAssembly take.
#![cfg(target_family = "wasm")]

use serde::Deserialize;
use wasip3::clocks::monotonic_clock;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::wit_bindgen::StreamReader;
use wasip3::{wit_bindgen, wit_future, wit_stream};

wasip3::http::service::export!(Service);

struct Service;

#[derive(Deserialize)]
struct Input {
    name: String,
}

impl Guest for Service {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let Ok(input) = serde_json::from_slice::<Input>(&payload(request).await) else {
            return Ok(respond(400, |mut body| async move {
                body.write_all(b"send a JSON object like {\"name\": \"hoge\"}\n".to_vec()).await;
            }));
        };
        Ok(respond(200, |mut body| async move {
            body.write_all(b"Hello, this is a streamed response!\n".to_vec()).await;
            monotonic_clock::wait_for(2_000_000_000).await;
            body.write_all(format!("Hello, {}! This is a delayed message.\n", input.name).into_bytes()).await;
        }))
    }
}

/// The request's body, whole.
async fn payload(request: Request) -> Vec<u8> {
    let (_, result) = wit_future::new(|| Ok(()));
    let (body, _trailers) = Request::consume_body(request, result);
    StreamReader::collect(body).await
}

/// A response whose body is written by `write` after this has returned.
fn respond<F: Future<Output = ()> + 'static>(status: u16, write: impl FnOnce(wit_bindgen::StreamWriter<u8>) -> F) -> Response {
    let headers = Fields::new();
    // Neither name nor value has what no header may have.
    let _ = headers.append("content-type", b"text/plain");
    let (writer, contents) = wit_stream::new();
    // Dropped, it says that nothing went wrong, and that there are no trailers.
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(headers, Some(contents), trailers);
    let _ = response.set_status_code(status);
    wit_bindgen::spawn_local(write(writer));
    response
}
