//! What this host knows of WASI 0.3.

use super::{How, Part};
use crate::store::State;
use crate::{charged, clock};
use wasmtime::component::Linker;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::p3::bindings::cli;
use wasmtime_wasi::p3::random;

pub(super) static PARTS: [Part; 7] = [
    ("wasi:cli/terminal", "0.3.", How::Denied),
    ("wasi:cli/", "0.3.", How::By(add_cli)),
    ("wasi:clocks/", "0.3.", How::By(clock::add_p3_to_linker)),
    // Calls of 0.3 run beside one another, each on a thread, which nothing here limits: a component reads what it is granted by 0.2.
    ("wasi:filesystem/", "0.3.", How::Denied),
    ("wasi:http/", "0.3.", How::By(add_http)),
    ("wasi:random/", "0.3.", How::By(random::add_to_linker)),
    ("wasi:sockets/", "0.3.", How::Denied),
];

fn add_cli(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    cli::environment::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::exit::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::stdin::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::stdout::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::stderr::add_to_linker::<_, WasiCli>(linker, State::cli)
}

fn add_http(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p3::add_to_linker(linker)?;
    charged::add_http_p3_to_linker(linker)
}
