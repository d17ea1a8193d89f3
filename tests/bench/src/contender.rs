//! Who is compared, and what it takes to run each of them.

mod builder;
mod firstbyte;
mod native;
mod node;
mod raw;
mod web;

pub(crate) use builder::Builder;

use anyhow::Result;
use clap::ValueEnum;
use std::path::PathBuf;

/// The contenders by name, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Name {
    Firstbyte,
    /// The same bootstrap with a component of `wasi:http` 0.2.
    HttpP2,
    /// The same bootstrap with a component of `wasi:http` 0.3.
    HttpP3,
    /// The same with metrics and traces on.
    Telemetry,
    /// Another bootstrap of Firstbyte's, such as that of the commit before. Takes part where `--before` names one.
    Before,
    Native,
    Node,
    Lwa,
    Raw,
}

impl Name {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Firstbyte => "Firstbyte",
            Self::HttpP2 => "wasi:http 0.2",
            Self::HttpP3 => "wasi:http 0.3",
            Self::Telemetry => "with telemetry",
            Self::Before => "Firstbyte before",
            Self::Native => "lambda_runtime",
            Self::Node => "Node.js",
            Self::Lwa => "LWA + axum",
            Self::Raw => "raw",
        }
    }

    /// What the row is about, for the reader of the table.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Firstbyte => "the bootstrap for Lambda and the handler as a component, compiled ahead of time",
            Self::HttpP2 => "the same bootstrap and a component of `wasi:http` 0.2",
            Self::HttpP3 => "the same bootstrap and a component of `wasi:http` 0.3",
            Self::Telemetry => "Firstbyte with metrics, and a trace of every invocation to a collector on the same machine",
            Self::Before => "another bootstrap",
            Self::Native => "a native Rust function on AWS's runtime client, with that client's streaming response",
            Self::Node => "a streaming function on AWS's `aws-lambda-ric`",
            Self::Lwa => "AWS's Lambda Web Adapter in front of a Rust web application, two processes",
            Self::Raw => "a Rust program that speaks the Runtime API by hand, one system call per write: the floor",
        }
    }

    /// Builds the contender.
    pub(crate) fn build(self, builder: &Builder) -> Result<Built> {
        match self {
            Self::Firstbyte => firstbyte::build(builder, Name::Firstbyte, "bench-guest"),
            Self::HttpP2 => firstbyte::build(builder, Name::HttpP2, "bench-guest-http-p2"),
            Self::HttpP3 => firstbyte::build(builder, Name::HttpP3, "bench-guest-http-p3"),
            Self::Telemetry => firstbyte::with_telemetry(builder),
            Self::Before => firstbyte::before(builder),
            Self::Native => native::build(builder),
            Self::Node => node::build(builder),
            Self::Lwa => web::build(builder),
            Self::Raw => raw::build(builder),
        }
    }
}

/// What came of building a contender.
pub(crate) enum Built {
    Contender(Contender),
    /// Why it cannot be had here.
    Absent(String),
}

/// A contender that can be started.
pub(crate) struct Contender {
    pub(crate) name: Name,
    /// Its version, and those of what it stands on.
    pub(crate) versions: String,
    /// What Lambda would start, in that order.
    pub(crate) programs: Vec<Program>,
    /// The folder that is `/var/task` in Lambda.
    pub(crate) root: PathBuf,
    pub(crate) handler: &'static str,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Where its output goes.
    pub(crate) log: PathBuf,
    /// Whether it takes several invocations at once in one process.
    pub(crate) concurrent: bool,
    pub(crate) files: Files,
}

/// A program and its arguments.
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<PathBuf>,
}

/// What is deployed. Empty where Lambda brings it along.
#[derive(Default)]
pub(crate) struct Files {
    /// Of the layer that is the runtime.
    pub(crate) layer: Option<PathBuf>,
    /// Of the function's own package.
    pub(crate) function: Option<PathBuf>,
}
