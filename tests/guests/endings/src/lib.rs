//! Every way in which an invocation can end, in one component, so that one process can see them all mixed.
//!
//! The payload chooses: `{"ending": "ok", "bytes": 1000}`. Parameters may be left out.

mod body;
mod chaos;
mod compute;
mod failure;
mod flood;
mod head;
mod kept;
mod log;
mod memory;
mod pattern;
mod sandbox;
mod sse;
mod trap;
mod wait;

use firstbyte::{Body, Request, Response, Result, handler};
use serde::Deserialize;

/// `started` says whether it happens after the response was started and `started\n` was written, or before.
#[derive(Deserialize)]
#[serde(tag = "ending", rename_all = "kebab-case", deny_unknown_fields)]
enum Ending {
    /// A body of `bytes` (1000) bytes of the [`pattern`], in `writes` (1) writes.
    Ok { bytes: Option<usize>, writes: Option<usize> },
    /// A `status` (204) and headers, and nothing written.
    HeadOnly { status: Option<u16> },
    /// A body into which one chunk without bytes was written.
    EmptyBody,
    /// A response that is dropped before it was started, and success.
    NeverStarted,
    /// A body that is dropped after a line was written, and success.
    DropBody,
    /// How often this instance has been called, this time included.
    Reuse,
    /// A handle that is kept for a later invocation, and success.
    Keep { what: kept::Handle },
    /// A line, and then the use of the handle that was kept; after the response was finished, if so.
    UseKept { what: kept::Handle, finished: Option<bool> },
    /// Lines on both outputs, of which the last is without a line break; `name` is in each.
    Unended { name: String },
    /// Anything; which, the seed decides.
    Chaos { seed: u64 },

    /// A failure of the `kind` (`Expected`) with the `status` (none) and `message`, before the response was started.
    ErrBefore { kind: Option<String>, message: Option<String>, status: Option<u16> },
    /// The same after `bytes` (1000) bytes were written.
    ErrAfter { kind: Option<String>, message: Option<String>, status: Option<u16>, bytes: Option<usize> },
    /// A response that is finished, a line in the log, then a failure.
    FinishThenWork,

    /// A panic before the response was started.
    PanicBefore,
    /// A panic after it was started.
    PanicAfter,
    /// Recursion without end, on the stack in linear memory.
    Stack { started: Option<bool> },
    /// Recursion without end, on the engine's stack.
    NativeStack { started: Option<bool> },
    /// `exit` with the `code` (1).
    Exit { code: Option<i32>, started: Option<bool> },
    /// Allocation without end.
    Memory { started: Option<bool> },
    /// `count` of something that the host must hold; files are those in the folder `path`.
    Hoard { what: memory::Hoard, count: usize, path: Option<String> },

    /// Computing for ever, before the response was started.
    SpinBefore,
    /// Computing for ever, after it was started.
    SpinAfter,
    /// A line, `ms` (500) of computing, another line.
    BytesThenCompute { ms: Option<u64> },
    /// Sleeping for `seconds` (3600).
    Wait { seconds: Option<u64>, started: Option<bool> },
    /// `count` (10) tokens, `ms` (100) apart.
    Tokens { count: Option<u64>, ms: Option<u64> },
    /// `bytes` (10 MB) of the [`pattern`] in writes of `chunk` (64 KiB) bytes. A refusal is a failure of the kind `Refused`,
    /// which says after how many bytes; with `ignore`, it is passed over and the next chunk tried.
    Flood { bytes: Option<u64>, chunk: Option<usize>, ignore: Option<bool> },
    /// `lines` (1000) lines in the log, then one of `bytes` (0) bytes without a line break; `stderr` instead of stdout.
    LogFlood { lines: Option<usize>, bytes: Option<usize>, stderr: Option<bool> },

    /// Records of several levels, by the SDK, by `log`, by `tracing` and by hand, and one that claims to be somebody else's.
    LogRecords,

    /// A head that no response may have. The refusal is a failure of the kind `HeadError`.
    BadHead { name: Option<String>, value: Option<String>, status: Option<u16> },
    /// A header of `bytes` (32 KiB), of this name (`x-big`).
    BigHead { bytes: Option<usize>, name: Option<String> },
    /// Headers that belong to the connection, and `x-kept`.
    DroppedHeaders,
    /// These `cookies` (`a=1`, `b=2; Path=/; HttpOnly`), and one header that is there twice.
    Cookies { cookies: Option<Vec<String>> },
    /// A `text/event-stream` of `events` (3), `ms` (0) after each of its lines, `then` (`fail`) an end.
    Sse { events: Option<u64>, ms: Option<u64>, then: Option<sse::Then> },

    /// The environment, as a JSON object.
    Env,
    /// What is read at each of the `paths`, and what becomes of appending to it, creating in it, and removing it: a JSON object.
    Fs { paths: Option<Vec<String>> },
}

#[handler]
fn end(request: Request, response: Response) -> Result {
    let started = |started: Option<bool>, response| open(started.unwrap_or(false), response);
    match request.json()? {
        Ending::Ok { bytes, writes } => body::ok(response, bytes.unwrap_or(1000), writes.unwrap_or(1)),
        Ending::HeadOnly { status } => head::only(response, status.unwrap_or(204)),
        Ending::EmptyBody => body::empty(response),
        Ending::NeverStarted => body::never_started(response),
        Ending::DropBody => body::dropped(response),
        Ending::Reuse => body::reuse(response),
        Ending::Keep { what } => kept::keep(request, response, what),
        Ending::UseKept { what, finished } => kept::using(response, what, finished.unwrap_or(false)),
        Ending::Unended { name } => log::unended(response, &name),
        Ending::Chaos { seed } => chaos::run(response, seed),

        Ending::ErrBefore { kind, message, status } => failure::before(response, failure::expected(kind, message, status)),
        Ending::ErrAfter { kind, message, status, bytes } => {
            failure::after(response, failure::expected(kind, message, status), bytes.unwrap_or(1000))
        }
        Ending::FinishThenWork => failure::after_finish(response),

        Ending::PanicBefore => trap::panic(open(false, response)?),
        Ending::PanicAfter => trap::panic(open(true, response)?),
        Ending::Stack { started: after } => trap::stack(started(after, response)?),
        Ending::NativeStack { started: after } => trap::native_stack(started(after, response)?),
        Ending::Exit { code, started: after } => trap::exit(started(after, response)?, code.unwrap_or(1)),
        Ending::Memory { started: after } => memory::exhaust(started(after, response)?),
        Ending::Hoard { what, count, path } => memory::hoard(response, &what, count, path.as_deref()),

        Ending::SpinBefore => compute::spin(open(false, response)?),
        Ending::SpinAfter => compute::spin(open(true, response)?),
        Ending::BytesThenCompute { ms } => compute::between_lines(response, ms.unwrap_or(500)),
        Ending::Wait { seconds, started: after } => wait::sleep(started(after, response)?, seconds.unwrap_or(3600)),
        Ending::Tokens { count, ms } => wait::tokens(response, count.unwrap_or(10), ms.unwrap_or(100)),
        Ending::Flood { bytes, chunk, ignore } => {
            flood::flood(response, bytes.unwrap_or(10_000_000), chunk.unwrap_or(64 << 10), ignore.unwrap_or(false))
        }
        Ending::LogFlood { lines, bytes, stderr } => {
            log::flood(response, lines.unwrap_or(1000), bytes.unwrap_or(0), stderr.unwrap_or(false))
        }

        Ending::LogRecords => log::records(response),

        Ending::BadHead { name, value, status } => head::bad(response, name, value, status),
        Ending::BigHead { bytes, name } => head::big(response, bytes.unwrap_or(32 << 10), name.as_deref()),
        Ending::DroppedHeaders => head::dropped(response),
        Ending::Cookies { cookies } => head::cookies(response, cookies),
        Ending::Sse { events, ms, then } => {
            sse::events(response, events.unwrap_or(3), ms.unwrap_or_default(), &then.unwrap_or_default())
        }

        Ending::Env => sandbox::env(response),
        Ending::Fs { paths } => sandbox::fs(response, paths),
    }
}

/// What an ending holds on to: a response that was started, or one that was not.
enum Held {
    Unstarted { _response: Response },
    Started { _body: Body },
}

fn open(started: bool, response: Response) -> Result<Held> {
    if !started {
        return Ok(Held::Unstarted { _response: response });
    }
    let mut body = response.content_type("text/plain").start()?;
    body.write("started\n")?;
    Ok(Held::Started { _body: body })
}
