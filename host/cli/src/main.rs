//! `firstbyte`: streaming Lambda handlers on a laptop. One file a subcommand.
//!
//! `firstbyte bootstrap` is the runtime itself: the emulator starts it as a process of its own, so that a laptop needs one
//! program. Lambda gets the smaller `bootstrap` of the runtime's own package.

mod adapt;
mod archive;
mod ask;
mod build;
mod carried;
mod checkout;
mod compile;
mod completions;
mod console;
mod cost;
mod elf;
mod elsewhere;
mod function;
mod handler;
mod host;
mod invoke;
mod layer;
mod machine_code;
mod man;
mod new;
mod output;
mod package;
mod replay;
mod report;
mod serve;
mod served;
mod signals;
mod slim;
mod snapshot;
mod stamp;
mod terminal;
mod test_host;
mod watch;
mod world;

use clap::{CommandFactory as _, Parser, Subcommand};
use std::process::ExitCode;

/// Streaming AWS Lambda handlers as WebAssembly components: begin, build, invoke, serve and package them
#[derive(Parser)]
#[command(name = "firstbyte", version, propagate_version = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  firstbyte new hello
  firstbyte build hello -o hello.wasm
  firstbyte invoke guest/examples/greeting --via all --payload '{\"name\":\"hoge\"}'
  firstbyte serve guest/examples/greeting
  firstbyte replay failure.json guest/examples/chat
  firstbyte cost --at-once 500 --seconds 20 --bytes 20000 --tokens 400
  firstbyte compile greeting.wasm --arch arm64
  firstbyte package guest/examples/greeting --arch arm64 -o dist
  firstbyte layer --arch arm64 -o dist

HANDLER is a .wasm, a .cwasm, or the folder of a handler, which is built first.";

#[derive(Subcommand)]
enum Command {
    /// Makes a project for a new handler, complete with its test and its deployment
    New(new::Arguments),
    /// Builds a handler's component
    Build(build::Arguments),
    /// Serves a handler at Lambda's three streaming doors until Ctrl-C
    Serve(serve::Arguments),
    /// Invokes a handler once and prints each chunk with the time it arrived
    Invoke(invoke::Arguments),
    /// Replays a recorded invocation, and says what is not as it was
    Replay(replay::Arguments),
    /// Says what streams cost in a month, and what breaks first
    Cost(cost::Arguments),
    /// Compiles a handler ahead of time, for Lambda
    Compile(compile::Arguments),
    /// Writes a function's zip: the handler, compiled for Lambda
    Package(package::Arguments),
    /// Writes a layer's zip: the host that runs handlers, for Lambda
    Layer(layer::Arguments),
    /// Makes a handler a plain component of wasi:http, for other hosts
    Adapt(adapt::Arguments),
    /// Prints a script with which a shell completes these commands
    Completions(completions::Arguments),
    /// Writes manual pages
    Man(man::Arguments),
    /// Runs as Lambda's bootstrap; the emulator starts it
    #[command(hide = true)]
    Bootstrap,
    /// Runs a handler for its tests; firstbyte-testing starts it
    #[command(hide = true)]
    TestHost,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::New(arguments) => new::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Serve(arguments) => serve::run(arguments),
        Command::Invoke(arguments) => invoke::run(arguments),
        Command::Replay(arguments) => return replay::run(&arguments),
        Command::Cost(arguments) => cost::run(&arguments),
        Command::Compile(arguments) => compile::run(&arguments),
        Command::Package(arguments) => package::run(&arguments),
        Command::Layer(arguments) => layer::run(&arguments),
        Command::Adapt(arguments) => adapt::run(&arguments),
        Command::Completions(arguments) => Ok(completions::run(&arguments, Arguments::command())),
        Command::Man(arguments) => man::run(&arguments, Arguments::command()),
        Command::Bootstrap => return firstbyte_runtime::bootstrap::main(),
        Command::TestHost => test_host::run(),
    };
    done.unwrap_or_else(|error| {
        output::note(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}
