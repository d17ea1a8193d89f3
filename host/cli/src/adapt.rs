//! `firstbyte adapt`: a handler for other hosts than Firstbyte. It is composed with two components that stand between its
//! interface and `wasi:http` 0.2; guest/adapter/wit/adapter.wit says what each does.

use crate::handler::Handler;
use crate::output::{self, File, say};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use firstbyte_runtime::World;
use firstbyte_toolchain::Effort;
use std::path::PathBuf;
use std::process::ExitCode;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

/// Makes what a handler is given.
const EXCHANGE: &[u8] = include_bytes!("../adapters/exchange.wasm");

/// What the host calls.
const DOOR: &[u8] = include_bytes!("../adapters/door.wasm");

const INVOCATION: &str = "firstbyte:lambda/invocation@0.2.0";
const HANDLER: &str = "firstbyte:lambda/handler@0.2.0";
const EXCHANGES: &str = "firstbyte:adapter/exchanges@0.2.0";
const INCOMING_HANDLER: &str = "wasi:http/incoming-handler@0.2.10";

#[derive(Args)]
#[command(after_help = "\
The component runs wherever wasi:http/proxy 0.2 does, streaming, with its status and headers:

  firstbyte adapt guest/examples/greeting -o greeting.http.wasm
  wasmtime serve -S cli greeting.http.wasm

There, a response that fails after its start is broken off and says no more, request ids are made up, and nothing but the host
ends a handler that takes too long.")]
pub(crate) struct Arguments {
    /// A handler of Firstbyte's own world: a .wasm, or a folder, which is built first; the current folder if absent
    handler: Option<PathBuf>,

    /// Where to
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let handler = Handler::resolve(arguments.handler.as_deref(), Effort::Small)?;
    let shown = handler.path.display();
    match handler.known.world() {
        Some(World::Lambda) => {}
        Some(world) => bail!("{shown} is a component of {} already, which other hosts run as it is", world.name()),
        None => bail!("{shown} is machine code; adapt the .wasm that it was compiled from"),
    }
    let bytes = std::fs::read(&handler.path).with_context(|| format!("cannot read {shown}"))?;
    let adapted = compose(bytes).with_context(|| format!("cannot adapt {shown}"))?;
    output::write(&[File { path: arguments.output.clone(), bytes: &adapted, mode: 0o644 }])?;
    say(format_args!("{} ({} KB): a component of wasi:http 0.2", arguments.output.display(), adapted.len().div_ceil(1000)));
    Ok(ExitCode::SUCCESS)
}

/// A component of `wasi:http/proxy` that answers as the handler does. What else they import is imported once.
fn compose(handler: Vec<u8>) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let exchange = instance(&mut graph, "adapter:exchange", EXCHANGE.to_vec())?;
    let invocation = graph.alias_instance_export(exchange, INVOCATION)?;
    let exchanges = graph.alias_instance_export(exchange, EXCHANGES)?;

    let handler = instance(&mut graph, "adapted:handler", handler)?;
    graph.set_instantiation_argument(handler, INVOCATION, invocation)?;
    let handle = graph.alias_instance_export(handler, HANDLER)?;

    let door = instance(&mut graph, "adapter:door", DOOR.to_vec())?;
    graph.set_instantiation_argument(door, INVOCATION, invocation)?;
    graph.set_instantiation_argument(door, EXCHANGES, exchanges)?;
    graph.set_instantiation_argument(door, HANDLER, handle)?;
    let incoming = graph.alias_instance_export(door, INCOMING_HANDLER)?;
    graph.export(incoming, INCOMING_HANDLER)?;
    Ok(graph.encode(EncodeOptions::default())?)
}

fn instance(graph: &mut CompositionGraph, name: &str, component: Vec<u8>) -> Result<NodeId> {
    let package = Package::from_bytes(name, None, component, graph.types_mut())?;
    let package = graph.register_package(package)?;
    Ok(graph.instantiate(package))
}
