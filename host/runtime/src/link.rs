//! What a component may import: WASI, outbound HTTP, configuration, and what its world brings.
//!
//! Only what the component at hand does import is linked: linking all of it takes longer than mapping the component. What this
//! host does not have is linked as functions that trap, so that a component which imports it and never calls it runs.

use crate::store::State;
use crate::world::World;
use crate::{charged, clock, config, egress, missing};
use wasmtime::Engine;
use wasmtime::component::{Component, HasData, Linker, Resource};
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::{cli, filesystem, random, sockets};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};
use wasmtime_wasi::{p2, p3};

/// Adds a part of what can be imported.
type Add = fn(&mut Linker<State>) -> wasmtime::Result<()>;

/// Interfaces whose names begin with the first, of versions that begin with the second, and what links them.
type Part = (&'static str, &'static str, Add);

/// What every linker has: nearly every component imports these.
const BASE: [Part; 5] = [
    ("wasi:io/", "0.2.", nothing),
    ("wasi:clocks/", "0.2.", nothing),
    ("wasi:random/random", "0.2.", nothing),
    ("wasi:cli/std", "0.2.", nothing),
    ("firstbyte:lambda/invocation", "0.2.", nothing),
];

/// What is linked where it is imported.
const PARTS: [Part; 11] = [
    ("wasi:cli/", "0.2.", add_cli),
    ("wasi:filesystem/", "0.2.", add_files),
    ("wasi:http/", "0.2.", add_http),
    ("wasi:random/insecure", "0.2.", add_insecure_random),
    ("wasi:sockets/", "0.2.", add_sockets),
    // A release candidate, of which no other patch will do.
    ("wasi:config/store", "0.2.0-rc.1", config::add_to_linker),
    ("wasi:cli/", "0.3.", p3::cli::add_to_linker),
    ("wasi:clocks/", "0.3.", clock::add_p3_to_linker),
    ("wasi:filesystem/preopens", "0.3.", add_no_folders),
    ("wasi:http/", "0.3.", add_http_p3),
    ("wasi:random/", "0.3.", p3::random::add_to_linker),
];

fn nothing(_: &mut Linker<State>) -> wasmtime::Result<()> {
    Ok(())
}

fn is_of(import: &str, (interface, version, _): &Part) -> bool {
    let (name, of) = import.split_once('@').unwrap_or((import, ""));
    name.starts_with(interface) && of.starts_with(version)
}

/// Whether this host has the interface of this name.
pub(crate) fn is_known(import: &str) -> bool {
    BASE.iter().chain(&PARTS).any(|part| is_of(import, part))
}

/// A linker for `component`, which is of `world`.
pub(crate) fn linker(engine: &Engine, component: &Component, world: World) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    p2::add_to_linker_proxy_interfaces_async(&mut linker)?;
    clock::add_to_linker(&mut linker)?;
    world.add_to_linker(&mut linker)?;
    let types = component.component_type();
    for part in &PARTS {
        if types.imports(engine).any(|(name, _)| is_of(name, part)) {
            part.2(&mut linker)?;
        }
    }
    for (name, item) in types.imports(engine).filter(|(name, _)| !is_known(name)) {
        missing::add_interface(&mut linker, engine, name, &item.ty)?;
    }
    Ok(linker)
}

/// Adds the functions of interfaces of this host that a later patch of them has, and this host does not. It takes longer than
/// linking what is there.
pub(crate) fn add_later_functions(linker: &mut Linker<State>, engine: &Engine, component: &Component) -> wasmtime::Result<()> {
    for (name, item) in component.component_type().imports(engine) {
        let Some((interface, version)) = name.split_once('@').filter(|_| is_known(name)) else { continue };
        let ours = if version.starts_with("0.3.") { "0.3.0" } else { "0.2.12" };
        missing::add_functions(linker, engine, name, &format!("{interface}@{ours}"), &item.ty)?;
    }
    Ok(())
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

fn add_http_p3(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p3::add_to_linker(linker)?;
    charged::add_http_p3_to_linker(linker)
}

/// The folders that WASI 0.3 grants: none. The rest of its file system, and its sockets, are not here: none of its calls could succeed,
/// and they would take a tenth of the bootstrap. A component may read what it is granted by the interface of 0.2.
fn add_no_folders(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    p3::bindings::filesystem::preopens::add_to_linker::<_, NoFolders>(linker, |_| NoFolders)
}

/// A file system with nothing in it.
struct NoFolders;

impl HasData for NoFolders {
    type Data<'a> = Self;
}

impl p3::bindings::filesystem::preopens::Host for NoFolders {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        Ok(Vec::new())
    }
}

fn add_insecure_random(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    random::insecure::add_to_linker::<_, WasiRandom>(linker, |state| state.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(linker, |state| state.ctx().ctx.random())
}

/// Sockets that can be asked for and not be had: the standard library of most languages imports them.
fn add_sockets(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut network = sockets::network::LinkOptions::default();
    // The engine of JavaScript components imports this function, although it is not stable.
    network.network_error_code(true);
    sockets::instance_network::add_to_linker::<_, WasiSockets>(linker, State::sockets)?;
    sockets::network::add_to_linker::<_, WasiSockets>(linker, &network, State::sockets)?;
    sockets::ip_name_lookup::add_to_linker::<_, WasiSockets>(linker, State::sockets)?;
    sockets::tcp::add_to_linker::<_, WasiSockets>(linker, State::sockets)?;
    sockets::tcp_create_socket::add_to_linker::<_, WasiSockets>(linker, State::sockets)?;
    sockets::udp::add_to_linker::<_, WasiSockets>(linker, State::sockets)?;
    sockets::udp_create_socket::add_to_linker::<_, WasiSockets>(linker, State::sockets)
}
