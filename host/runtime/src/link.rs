//! What a component may import: WASI, outbound HTTP, configuration, and what its world brings.
//!
//! Only what the component at hand does import is linked: linking all of it takes longer than mapping the component.

#[cfg(feature = "wasi-p3")]
mod p3;

use crate::absent::{self, Absent};
use crate::store::State;
use crate::world::World;
use crate::{charged, clock, config, egress};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2;
use wasmtime_wasi::p2::bindings::{cli, filesystem, random};
use wasmtime_wasi::random::WasiRandom;

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

/// What this host knows of WASI 0.2, and of our own.
static PARTS: [Part; 13] = [
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
];

/// The part that an interface of this name belongs to: the first that fits. What is of none is missing.
fn part_of(import: &str) -> Option<&'static Part> {
    let (name, of) = import.split_once('@').unwrap_or((import, ""));
    #[cfg(feature = "wasi-p3")]
    let parts = PARTS.iter().chain(&p3::PARTS);
    #[cfg(not(feature = "wasi-p3"))]
    let parts = PARTS.iter();
    let mut parts = parts;
    parts.find(|(interface, version, _)| name.starts_with(interface) && of.starts_with(version))
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
