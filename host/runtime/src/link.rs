//! What a component may import: WASI 0.2, outbound HTTP, and the interface of a handler.
//!
//! Only what the component at hand does import is linked: linking all of it takes longer than mapping the component.

use crate::store::State;
use crate::{charged, clock, egress, interface};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2;
use wasmtime_wasi::p2::bindings::{cli, filesystem, random, sockets};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};

/// Adds a part of what can be imported.
type Add = fn(&mut Linker<State>) -> wasmtime::Result<()>;

/// A linker for `component`.
pub(crate) fn linker(engine: &Engine, component: &Component) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    // Input and output, clocks, random bytes, and the standard streams: nearly every component imports these.
    p2::add_to_linker_proxy_interfaces_async(&mut linker)?;
    clock::add_to_linker(&mut linker)?;
    let parts: [(&str, Add); 6] = [
        ("firstbyte:lambda/", interface::add_to_linker),
        ("wasi:cli/", add_cli),
        ("wasi:filesystem/", add_files),
        ("wasi:http/", add_http),
        ("wasi:random/insecure", add_insecure_random),
        ("wasi:sockets/", add_sockets),
    ];
    let component = component.component_type();
    for (prefix, add) in parts {
        if component.imports(engine).any(|(name, _)| name.starts_with(prefix)) {
            add(&mut linker)?;
        }
    }
    Ok(linker)
}

/// The rest of `wasi:cli`.
fn add_cli(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    cli::environment::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::exit::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(linker, State::cli)
}

fn add_files(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    filesystem::preopens::add_to_linker::<_, WasiFilesystem>(linker, State::filesystem)?;
    filesystem::types::add_to_linker::<_, WasiFilesystem>(linker, State::filesystem)?;
    charged::add_files_to_linker(linker)
}

fn add_http(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    charged::add_http_to_linker(linker)?;
    egress::add_to_linker(linker)
}

fn add_insecure_random(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    random::insecure::add_to_linker::<_, WasiRandom>(linker, |state| state.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(linker, |state| state.ctx().ctx.random())
}

/// Sockets that can be asked for and not be had: the standard library of most languages imports them.
fn add_sockets(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let network = sockets::network::LinkOptions::default();
    sockets::instance_network::add_to_linker::<_, WasiSockets>(linker, State::sockets)?;
    sockets::network::add_to_linker::<_, WasiSockets>(linker, &network, State::sockets)?;
    sockets::ip_name_lookup::add_to_linker::<_, WasiSockets>(linker, State::sockets)?;
    sockets::tcp::add_to_linker::<_, WasiSockets>(linker, State::sockets)?;
    sockets::tcp_create_socket::add_to_linker::<_, WasiSockets>(linker, State::sockets)?;
    sockets::udp::add_to_linker::<_, WasiSockets>(linker, State::sockets)?;
    sockets::udp_create_socket::add_to_linker::<_, WasiSockets>(linker, State::sockets)
}
