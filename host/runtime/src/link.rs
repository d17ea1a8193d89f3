//! What a component may import: WASI, outbound HTTP, configuration, and what its world brings.
//!
//! Only what the component at hand does import is linked: linking all of it takes longer than mapping the component.

use crate::absent::{self, Absent};
use crate::store::State;
use crate::world::World;
use crate::{charged, clock, config, egress};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::{cli, filesystem, random};
use wasmtime_wasi::p3::bindings::cli as p3_cli;
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{p2, p3};

/// Adds a part of what can be imported.
type Add = fn(&mut Linker<State>) -> wasmtime::Result<()>;

/// How a part of what can be imported is linked.
#[derive(Clone, Copy)]
enum How {
    /// It is in every linker.
    Always,
    /// By this, where it is imported.
    By(Add),
    /// As something that the sandbox has nothing of.
    Denied,
}

/// Interfaces whose names begin with the first, of versions that begin with the second.
type Part = (&'static str, &'static str, How);

/// All that this host knows. What is not in here is missing.
static PARTS: [Part; 20] = [
    ("firstbyte:lambda/invocation", "0.2.", How::Always),
    ("wasi:io/", "0.2.", How::Always),
    ("wasi:clocks/", "0.2.", How::Always),
    ("wasi:random/random", "0.2.", How::Always),
    ("wasi:cli/std", "0.2.", How::Always),
    ("wasi:cli/environment", "0.2.", How::By(add_environment)),
    ("wasi:cli/exit", "0.2.", How::By(add_exit)),
    ("wasi:cli/terminal", "0.2.", How::Denied),
    ("wasi:filesystem/", "0.2.", How::By(add_files)),
    ("wasi:http/", "0.2.", How::By(add_http)),
    ("wasi:random/insecure", "0.2.", How::By(add_insecure_random)),
    ("wasi:sockets/", "0.2.", How::Denied),
    // A release candidate, of which no other patch will do.
    ("wasi:config/store", "0.2.0-rc.1", How::By(config::add_to_linker)),
    ("wasi:cli/terminal", "0.3.", How::Denied),
    ("wasi:cli/", "0.3.", How::By(add_cli_p3)),
    ("wasi:clocks/", "0.3.", How::By(clock::add_p3_to_linker)),
    // Calls of 0.3 run beside one another, each on a thread, which nothing here limits: a component reads what it is granted by 0.2.
    ("wasi:filesystem/", "0.3.", How::Denied),
    ("wasi:http/", "0.3.", How::By(add_http_p3)),
    ("wasi:random/", "0.3.", How::By(p3::random::add_to_linker)),
    ("wasi:sockets/", "0.3.", How::Denied),
];

/// The part that an interface of this name belongs to: the first that fits.
fn part_of(import: &str) -> Option<&'static Part> {
    let (name, of) = import.split_once('@').unwrap_or((import, ""));
    PARTS.iter().find(|(interface, version, _)| name.starts_with(interface) && of.starts_with(version))
}

/// Whether this host has the interface of this name.
pub(crate) fn is_known(import: &str) -> bool {
    part_of(import).is_some()
}

/// A linker for `component`, which is of `world`.
pub(crate) fn linker(engine: &Engine, component: &Component, world: World) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    p2::add_to_linker_proxy_interfaces_async(&mut linker)?;
    clock::add_to_linker(&mut linker)?;
    world.add_to_linker(&mut linker)?;
    let mut added: Vec<&Part> = Vec::new();
    for (name, item) in component.component_type().imports(engine) {
        match part_of(name) {
            Some((_, _, How::Always)) => {}
            Some(part @ (_, _, How::By(add))) => {
                if !added.iter().any(|before| std::ptr::eq(*before, part)) {
                    add(&mut linker)?;
                    added.push(part);
                }
            }
            Some((_, _, How::Denied)) => absent::add_interface(&mut linker, engine, name, &item.ty, Absent::Denied)?,
            None => absent::add_interface(&mut linker, engine, name, &item.ty, Absent::Missing)?,
        }
    }
    Ok(linker)
}

/// Adds the functions of interfaces of this host that a later patch of them has, and this host does not. It takes longer than
/// linking what is there.
pub(crate) fn add_later_functions(linker: &mut Linker<State>, engine: &Engine, component: &Component) -> wasmtime::Result<()> {
    for (name, item) in component.component_type().imports(engine) {
        let Some((_, _, How::Always | How::By(_))) = part_of(name) else { continue };
        let Some((interface, version)) = name.split_once('@') else { continue };
        let ours = if version.starts_with("0.3.") { "0.3.0" } else { "0.2.12" };
        absent::add_missing_functions(linker, engine, name, &format!("{interface}@{ours}"), &item.ty)?;
    }
    Ok(())
}

fn add_environment(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    cli::environment::add_to_linker::<_, WasiCli>(linker, State::cli)
}

fn add_exit(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    cli::exit::add_to_linker::<_, WasiCli>(linker, State::cli)
}

fn add_cli_p3(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    p3_cli::environment::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    p3_cli::exit::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    p3_cli::stdin::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    p3_cli::stdout::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    p3_cli::stderr::add_to_linker::<_, WasiCli>(linker, State::cli)
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

fn add_insecure_random(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    random::insecure::add_to_linker::<_, WasiRandom>(linker, |state| state.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(linker, |state| state.ctx().ctx.random())
}
