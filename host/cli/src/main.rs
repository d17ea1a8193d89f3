//! `firstbyte`: streaming Lambda handlers on a laptop. One file a subcommand.
//!
//! `firstbyte bootstrap` is the runtime itself: the emulator starts it as a process of its own, so that a laptop needs one
//! program. Lambda gets the smaller `bootstrap` of the runtime's own package.

mod client;
mod compile;
mod function;
mod handler;
mod invoke;
mod report;
mod serve;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Streaming AWS Lambda handlers as WebAssembly components: serve, invoke and compile them on a laptop
#[derive(Parser)]
#[command(version, propagate_version = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  firstbyte invoke guest/examples/greeting --via all --payload '{\"name\":\"hoge\"}'
  firstbyte serve guest/examples/greeting
  firstbyte compile greeting.wasm --arch arm64

HANDLER is a .wasm, a .cwasm, or the folder of a Rust handler, which is built first.";

#[derive(Subcommand)]
enum Command {
    /// Offers a handler at Lambda's three streaming doors until Ctrl-C
    Serve(serve::Arguments),
    /// Invokes a handler once and prints each chunk with the time it arrived
    Invoke(invoke::Arguments),
    /// Compiles a handler ahead of time, for Lambda
    Compile(compile::Arguments),
    /// Runs as Lambda's bootstrap; the emulator starts it
    #[command(hide = true)]
    Bootstrap,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Invoke(arguments) => invoke::run(arguments),
        Command::Compile(arguments) => compile::run(&arguments),
        Command::Bootstrap => return firstbyte_runtime::bootstrap::main(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
