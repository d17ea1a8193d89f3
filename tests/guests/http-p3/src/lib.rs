//! A component of `wasi:http/service` 0.3 that ends as it is asked to.

// What it exports has names that only linkers of WebAssembly take.
#![cfg(target_family = "wasm")]

use guest_http_asked::{Ending, Hoard, cuts, pattern};
use std::cell::Cell;
use std::task::{Context, Waker};
use wasip3::clocks::monotonic_clock;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme};
use wasip3::wit_bindgen::StreamWriter;
use wasip3::{wit_bindgen, wit_future, wit_stream};

wasip3::http::service::export!(Component);

struct Component;

thread_local! {
    static ASKED: Cell<u32> = const { Cell::new(0) };
}

/// The reader is gone.
struct Gone;

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        ASKED.set(ASKED.get() + 1);
        let described = describe(&request);
        let headers = request.get_headers();
        let (taken, is_taken) = wit_future::new(|| Ok(()));
        let (mut body, _trailers) = Request::consume_body(request, is_taken);
        drop(taken);
        let mut payload = Vec::new();
        while let Some(byte) = body.next().await {
            payload.push(byte);
        }
        let ending = Ending::of(&payload);
        if !ending.started() {
            wrong(&ending).await;
        }
        if let Ending::ErrBefore = ending {
            return Err(ErrorCode::InternalError(Some("this was to be expected".to_owned())));
        }
        Ok(answer(ending, described, headers, payload))
    }
}

async fn wrong(ending: &Ending) {
    if let Ending::Wait { .. } = ending {
        monotonic_clock::wait_for(3_600_000_000_000).await;
    }
    ending.go_wrong();
}

async fn write(stream: &mut StreamWriter<u8>, bytes: &[u8]) -> Result<(), Gone> {
    if stream.write_all(bytes.to_vec()).await.is_empty() { Ok(()) } else { Err(Gone) }
}

fn answer(ending: Ending, described: String, headers: Fields, payload: Vec<u8>) -> Response {
    let fields = Fields::new();
    fields.append("content-type", b"text/plain").expect("a header");
    if let Ending::BigHead { bytes } = ending {
        fields.append("x-big", &vec![b'x'; bytes]).expect("a header");
    }
    fields.append("set-cookie", b"a=1").expect("a header");
    fields.append("set-cookie", b"b=2; Path=/").expect("a header");
    let (mut stream, contents) = wit_stream::new();
    let (end, how_it_ended) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(fields, Some(contents), how_it_ended);
    response.set_status_code(ending.status()).expect("a status");
    wit_bindgen::spawn_local(async move {
        if let Ending::HeadOnly { .. } | Ending::BigHead { .. } = ending {
            return;
        }
        if write_all(&ending, &described, &headers, &payload, &mut stream).await.is_err() {
            println!("the reader is gone");
            return;
        }
        drop(stream);
        let ended = match ending {
            Ending::ErrAfter => Err(ErrorCode::InternalError(Some("this was to be expected".to_owned()))),
            Ending::Trailers => {
                let trailers = Fields::new();
                trailers.append("x-checksum", b"1").expect("a trailer");
                Ok(Some(trailers))
            }
            _ => Ok(None),
        };
        let _ = end.write(ended).await;
        if let Ending::WorkAfter = ending {
            println!("working after the response");
            panic!("this panic was to be expected");
        }
    });
    response
}

async fn write_all(
    ending: &Ending,
    described: &str,
    headers: &Fields,
    payload: &[u8],
    stream: &mut StreamWriter<u8>,
) -> Result<(), Gone> {
    match ending {
        Ending::Ok { bytes, writes } => {
            for (from, to) in cuts(*bytes, *writes) {
                write(stream, &pattern(from, to - from)).await?;
            }
        }
        Ending::Status { status } => write(stream, format!("this is a {status}\n").as_bytes()).await?,
        Ending::Greeting { name } => {
            write(stream, b"Hello, this is a streamed response!\n").await?;
            monotonic_clock::wait_for(2_000_000_000).await;
            write(stream, format!("Hello, {name}! This is a delayed message.\n").as_bytes()).await?;
        }
        Ending::Tokens { count, ms } => {
            for n in 0..*count {
                monotonic_clock::wait_for(ms * 1_000_000).await;
                write(stream, format!("token {n}\n").as_bytes()).await?;
            }
        }
        Ending::Echo => {
            write(stream, described.as_bytes()).await?;
            write(stream, payload).await?;
        }
        Ending::Flood => loop {
            write(stream, &pattern(0, 64 * 1024)).await?;
        },
        Ending::Hoard { what, count } => {
            write(stream, b"started\n").await?;
            let held = hoard(*what, *count, headers);
            write(stream, format!("holds {held}\n").as_bytes()).await?;
        }
        Ending::Reuse => write(stream, ASKED.get().to_string().as_bytes()).await?,
        Ending::WorkAfter => write(stream, b"finished\n").await?,
        Ending::ErrAfter | Ending::Trailers => write(stream, &pattern(0, 1000)).await?,
        _ => {
            write(stream, b"started\n").await?;
            wrong(ending).await;
        }
    }
    Ok(())
}

/// What is known of a request, as a line of JSON.
fn describe(request: &Request) -> String {
    let method = match request.get_method() {
        Method::Get => "GET".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Put => "PUT".to_owned(),
        Method::Other(name) => name,
        other => format!("{other:?}"),
    };
    let scheme = request.get_scheme().map(|scheme| match scheme {
        Scheme::Http => "http".to_owned(),
        Scheme::Https => "https".to_owned(),
        Scheme::Other(name) => name,
    });
    let headers: Vec<(String, String)> = request
        .get_headers()
        .copy_all()
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
        .collect();
    let line = serde_json::json!({
        "method": method,
        "scheme": scheme,
        "authority": request.get_authority(),
        "path": request.get_path_with_query(),
        "headers": headers,
    });
    format!("{line}\n")
}

/// Holds things until there are `count` of them, and says how many.
fn hoard(what: Hoard, count: usize, headers: &Fields) -> usize {
    let value = vec![b'x'; 120_000];
    let fields = || {
        let fields = Fields::new();
        fields.append("x-big", &value).expect("a header");
        fields
    };
    match what {
        Hoard::Fields => (0..count).map(|_| fields()).collect::<Vec<_>>().len(),
        Hoard::Headers => (0..count).map(|_| headers.clone()).collect::<Vec<_>>().len(),
        Hoard::Requests => {
            let request = || Request::new(fields(), None, wit_future::new(|| Ok(None)).1, None);
            (0..count).map(|_| request()).collect::<Vec<_>>().len()
        }
        Hoard::Streams => (0..count).map(|_| wit_stream::new::<u8>()).collect::<Vec<_>>().len(),
        Hoard::Futures => {
            (0..count).map(|_| wit_future::new::<Result<Option<Fields>, ErrorCode>>(|| Ok(None))).collect::<Vec<_>>().len()
        }
        Hoard::Waits => {
            let mut waits: Vec<_> = (0..count).map(|_| Box::pin(monotonic_clock::wait_for(3_600_000_000_000))).collect();
            let mut context = Context::from_waker(Waker::noop());
            waits.iter_mut().map(|wait| usize::from(wait.as_mut().poll(&mut context).is_pending())).sum()
        }
    }
}
