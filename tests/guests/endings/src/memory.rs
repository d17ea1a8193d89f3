//! Taking more memory than there is: the handler's own, and the host's on its behalf.

use std::{hint::black_box, mem::forget};

use firstbyte::{Error, Response, Result};
use serde::Deserialize;
use wasip2::{
    clocks::monotonic_clock,
    filesystem::{
        preopens::get_directories,
        types::{DescriptorFlags, OpenFlags, PathFlags},
    },
    http::{
        outgoing_handler,
        types::{Fields, OutgoingBody, OutgoingRequest, OutgoingResponse, Scheme},
    },
    io::streams::OutputStream,
    random::random,
};

use crate::Held;

pub(crate) fn exhaust(_held: Held) -> Result {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// What a handler can make the host keep.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Hoard {
    /// Pollables that are never dropped.
    Pollables,
    /// Random bytes.
    Random,
    /// A head of many headers.
    Headers,
    /// A failure with a long message.
    Failure,
    /// One write of many bytes.
    Write,
    /// Requests that are never sent, with as much in their bodies as these take.
    Requests,
    /// Requests that wait for AWS's signature, with bodies that never end.
    Signed,
    /// Requests with long paths.
    Paths,
    /// Responses that are never sent, with as much in their bodies as these take.
    Responses,
    /// Maps of fields, 120 KB each.
    Fields,
    /// Copies of such maps, each with another field in it.
    Copies,
    /// Bodies that are finished with such maps as trailers, and never sent.
    Trailers,
    /// Streams of one file, each read a little.
    Streams,
    /// Open files.
    Files,
    /// Listings of a folder.
    Listings,
    /// Requests to the server `path`, none of which is waited for, for a tenth of a second.
    Connections,
    /// Requests to as many names below `path`, none of which is waited for, for a tenth of a second.
    Lookups,
}

/// Takes `count` of them; files are those in the folder `path`.
pub(crate) fn hoard(response: Response, what: &Hoard, count: usize, path: Option<&str>) -> Result {
    let each = |take: &dyn Fn()| (0..count).for_each(|_| take());
    match what {
        Hoard::Pollables => each(&|| forget(monotonic_clock::subscribe_duration(u64::MAX))),
        Hoard::Random => drop(random::get_random_bytes(count as u64)),
        Hoard::Headers => {
            let response = (0..count).fold(response, |response, _| response.header("te", "7"));
            response.content_type("text/plain").start()?.write("kept\n")?;
        }
        Hoard::Failure => return Err(Error::new("Long", "\u{1}".repeat(count))),
        Hoard::Write => response.content_type("application/octet-stream").start()?.write(vec![1; count])?,
        Hoard::Requests => each(&|| {
            let request = OutgoingRequest::new(Fields::new());
            forget(fill(request.body()));
            forget(request);
        }),
        Hoard::Signed => each(&|| {
            let request = OutgoingRequest::new(Fields::new());
            let _ = request.set_authority(Some("sqs.eu-west-1.amazonaws.com"));
            let _ = request.set_path_with_query(Some("/"));
            let body = request.body();
            if let Ok(answer) = outgoing_handler::handle(request, None) {
                forget(answer);
            }
            for _ in 0..100 {
                // What is collected makes room for more.
                std::thread::yield_now();
                monotonic_clock::subscribe_duration(1).block();
            }
            forget(fill(body));
        }),
        Hoard::Paths => each(&|| {
            let request = OutgoingRequest::new(Fields::new());
            let _ = request.set_path_with_query(Some(&format!("/{}", "p".repeat(60_000))));
            forget(request);
        }),
        Hoard::Responses => each(&|| {
            let response = OutgoingResponse::new(Fields::new());
            forget(fill(response.body()));
            forget(response);
        }),
        Hoard::Fields => each(&|| forget(fields())),
        Hoard::Copies => {
            let fields = fields();
            each(&|| {
                let copy = fields.clone();
                let _ = copy.append("another", b"one");
                forget(copy);
            });
        }
        Hoard::Trailers => each(&|| {
            let request = OutgoingRequest::new(Fields::new());
            if let Ok(body) = request.body() {
                let _ = OutgoingBody::finish(body, Some(fields()));
            }
            forget(request);
        }),
        Hoard::Connections | Hoard::Lookups => {
            for number in 0..count {
                let path = path.unwrap_or_default();
                let authority = if let Hoard::Lookups = what { format!("name-{number}.{path}") } else { path.to_owned() };
                let request = OutgoingRequest::new(Fields::new());
                let _ = request.set_scheme(Some(&Scheme::Http));
                let _ = request.set_authority(Some(&authority));
                let _ = request.set_path_with_query(Some("/"));
                forget(outgoing_handler::handle(request, None));
            }
            monotonic_clock::subscribe_duration(100_000_000).block();
        }
        Hoard::Streams | Hoard::Files | Hoard::Listings => files(what, count, path.unwrap_or("/")),
    }
    Ok(())
}

/// About 120 KB.
fn fields() -> Fields {
    let entries: Vec<(String, Vec<u8>)> = (0..30).map(|name| (format!("x-{name}"), vec![b'v'; 4_000])).collect();
    Fields::from_list(&entries).expect("valid fields")
}

/// Writes into a body until it takes no more.
fn fill(body: std::result::Result<OutgoingBody, ()>) -> Option<(OutgoingBody, OutputStream)> {
    let body = body.ok()?;
    let stream = body.write().ok()?;
    let chunk = vec![7; 1 << 20];
    let mut written = 0;
    while written < 6 << 20 {
        match stream.check_write() {
            Ok(room) if room > 0 => {
                let room = (room as usize).min(chunk.len());
                stream.write(&chunk[..room]).ok()?;
                written += room;
            }
            Err(_) => break,
            Ok(_) => {
                // Whoever takes it may need a moment.
                let wait = monotonic_clock::subscribe_duration(2_000_000);
                let ready = wasip2::io::poll::poll(&[&stream.subscribe(), &wait]);
                if !ready.contains(&0) {
                    break;
                }
            }
        }
    }
    Some((body, stream))
}

fn files(what: &Hoard, count: usize, path: &str) {
    let (folder, _) = get_directories().into_iter().find(|(_, name)| name == path).expect("a granted folder");
    let open = |name: &str| folder.open_at(PathFlags::empty(), name, OpenFlags::empty(), DescriptorFlags::READ);
    let file = open("file").expect("a file");
    for _ in 0..count {
        match what {
            Hoard::Streams => {
                let stream = file.read_via_stream(0).expect("a stream");
                // What was asked for and not fetched stays with the host.
                let _ = stream.read(1 << 20);
                stream.subscribe().block();
                forget(stream);
            }
            Hoard::Listings => forget(folder.read_directory()),
            _ => match open("file") {
                Ok(file) => forget(file),
                Err(_) => break,
            },
        }
    }
    forget((folder, file));
}
