//! A component of `wasi:http/proxy` 0.2 that ends as it is asked to, without an SDK in between that would be more careful.

// What it exports has names that only linkers of WebAssembly take.
#![cfg(target_family = "wasm")]

use guest_http_asked::{Ending, Hoard, cuts, pattern};
use std::cell::Cell;
use std::time::Duration;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, Method, OutgoingBody, OutgoingRequest, OutgoingResponse, OutputStream, ResponseOutparam,
    Scheme,
};
use wasip2::io::streams::StreamError;

wasip2::http::proxy::export!(Component);

struct Component;

thread_local! {
    static ASKED: Cell<u32> = const { Cell::new(0) };
}

impl Guest for Component {
    fn handle(request: IncomingRequest, right: ResponseOutparam) {
        ASKED.set(ASKED.get() + 1);
        let body = body(&request);
        let ending = Ending::of(&body);
        if !ending.started() {
            wrong(&ending);
        }
        match ending {
            Ending::NeverAnswered => {}
            Ending::ErrBefore => {
                ResponseOutparam::set(right, Err(ErrorCode::InternalError(Some("this was to be expected".to_owned()))));
            }
            ending => answer(&ending, &request, &body, right),
        }
    }
}

fn wrong(ending: &Ending) {
    if let Ending::Wait { .. } = ending {
        std::thread::sleep(Duration::from_secs(3600));
    }
    ending.go_wrong();
}

/// The request's body, whole.
fn body(request: &IncomingRequest) -> Vec<u8> {
    let body = request.consume().expect("the first time");
    let stream = body.stream().expect("the first time");
    let mut whole = Vec::new();
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(piece) => whole.extend(piece),
            Err(StreamError::Closed) => return whole,
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn write(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at(bytes.len().min(4096));
        stream.blocking_write_and_flush(piece)?;
        bytes = rest;
    }
    Ok(())
}

fn answer(ending: &Ending, request: &IncomingRequest, payload: &[u8], right: ResponseOutparam) {
    let fields = Fields::new();
    fields.append("content-type", b"text/plain").expect("a header");
    if let Ending::BigHead { bytes } = ending {
        fields.append("x-big", &vec![b'x'; *bytes]).expect("a header");
    }
    fields.append("set-cookie", b"a=1").expect("a header");
    fields.append("set-cookie", b"b=2; Path=/").expect("a header");
    let response = OutgoingResponse::new(fields);
    response.set_status_code(ending.status()).expect("a status");
    let body = response.body().expect("the first time");
    ResponseOutparam::set(right, Ok(response));
    let stream = body.write().expect("the first time");
    if let Ending::HeadOnly { .. } | Ending::BigHead { .. } = ending {
        drop(stream);
        return OutgoingBody::finish(body, None).expect("it is whole");
    }
    if write_all(ending, request, payload, &stream).is_err() {
        println!("the reader is gone");
        return;
    }
    drop(stream);
    if let Ending::ErrAfter = ending {
        return;
    }
    let trailers = matches!(ending, Ending::Trailers).then(|| {
        let trailers = Fields::new();
        trailers.append("x-checksum", b"1").expect("a trailer");
        trailers
    });
    OutgoingBody::finish(body, trailers).expect("it is whole");
    if let Ending::WorkAfter = ending {
        println!("working after the response");
        panic!("this panic was to be expected");
    }
}

fn write_all(ending: &Ending, request: &IncomingRequest, payload: &[u8], stream: &OutputStream) -> Result<(), StreamError> {
    match ending {
        Ending::Ok { bytes, writes } => {
            for (from, to) in cuts(*bytes, *writes) {
                write(stream, &pattern(from, to - from))?;
            }
        }
        Ending::Status { status } => write(stream, format!("this is a {status}\n").as_bytes())?,
        Ending::Greeting { name } => {
            write(stream, b"Hello, this is a streamed response!\n")?;
            std::thread::sleep(Duration::from_secs(2));
            write(stream, format!("Hello, {name}! This is a delayed message.\n").as_bytes())?;
        }
        Ending::Tokens { count, ms } => {
            for n in 0..*count {
                std::thread::sleep(Duration::from_millis(*ms));
                write(stream, format!("token {n}\n").as_bytes())?;
            }
        }
        Ending::Echo => {
            write(stream, describe(request).as_bytes())?;
            write(stream, payload)?;
        }
        Ending::Flood => loop {
            write(stream, &pattern(0, 64 * 1024))?;
        },
        Ending::Hoard { what, count } => {
            write(stream, b"started\n")?;
            let held = hoard(*what, *count, request);
            write(stream, format!("holds {held}\n").as_bytes())?;
        }
        Ending::Reuse => write(stream, ASKED.get().to_string().as_bytes())?,
        Ending::WorkAfter => write(stream, b"finished\n")?,
        Ending::ErrAfter | Ending::Trailers => write(stream, &pattern(0, 1000))?,
        _ => {
            write(stream, b"started\n")?;
            wrong(ending);
        }
    }
    Ok(())
}

/// What is known of a request, as a line of JSON.
fn describe(request: &IncomingRequest) -> String {
    let method = match request.method() {
        Method::Get => "GET".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Put => "PUT".to_owned(),
        Method::Other(name) => name,
        other => format!("{other:?}"),
    };
    let scheme = request.scheme().map(|scheme| match scheme {
        Scheme::Http => "http".to_owned(),
        Scheme::Https => "https".to_owned(),
        Scheme::Other(name) => name,
    });
    let headers: Vec<(String, String)> = request
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
        .collect();
    let line = serde_json::json!({
        "method": method, "scheme": scheme, "authority": request.authority(), "path": request.path_with_query(), "headers": headers,
    });
    format!("{line}\n")
}

/// Holds things until there are `count` of them, and says how many.
fn hoard(what: Hoard, count: usize, request: &IncomingRequest) -> usize {
    let value = vec![b'x'; 120_000];
    let fields = || {
        let fields = Fields::new();
        fields.append("x-big", &value).expect("a header");
        fields
    };
    match what {
        Hoard::Fields => (0..count).map(|_| fields()).collect::<Vec<_>>().len(),
        Hoard::Headers => (0..count).map(|_| request.headers()).collect::<Vec<_>>().len(),
        Hoard::Requests => (0..count).map(|_| OutgoingRequest::new(fields())).collect::<Vec<_>>().len(),
        Hoard::Streams | Hoard::Futures | Hoard::Waits => panic!("{what:?} are of another generation"),
    }
}
