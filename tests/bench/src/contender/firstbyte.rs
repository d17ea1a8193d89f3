//! Firstbyte as it is deployed: the static bootstrap without a compiler, and a component compiled ahead of time.

use super::{Builder, Built, Contender, Files, Name, Program};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;

const GUEST_TARGET: &str = "wasm32-wasip2";

/// The bootstrap with the component of the crate `guest`.
pub(super) fn build(builder: &Builder, name: Name, guest: &str) -> Result<Built> {
    let musl = builder.musl();
    builder.add_target(&musl);
    builder.add_target(GUEST_TARGET);
    let target = builder.cargo(&[
        "build",
        "--profile",
        "lambda",
        "-p",
        "firstbyte-runtime",
        "--no-default-features",
        "--features",
        "bootstrap",
        "--target",
        musl.as_str(),
    ])?;
    builder.cargo(&["build", "--release", "-p", guest, "--target", GUEST_TARGET])?;

    let root = builder.output.join(if name == Name::Firstbyte { "firstbyte" } else { guest });
    fs::create_dir_all(&root).with_context(|| format!("cannot create {}", root.display()))?;
    let component = target.join(GUEST_TARGET).join("release").join(guest.replace('-', "_")).with_extension("wasm");
    let handler = root.join("handler.cwasm");
    builder.cargo(&[
        "run",
        "-p",
        "firstbyte-cli",
        "--",
        "compile",
        &component.to_string_lossy(),
        "-o",
        &handler.to_string_lossy(),
    ])?;
    // A copy: a build that runs meanwhile does not change what is measured.
    let bootstrap = root.join("bootstrap");
    if builder.builds {
        fs::copy(target.join(&musl).join("lambda/bootstrap"), &bootstrap).context("cannot copy the bootstrap")?;
    }
    contender(name, bootstrap, root, builder.log(guest)?)
}

/// The bootstrap that `--before` names, with the handler that was built for [`build`].
pub(super) fn before(builder: &Builder) -> Result<Built> {
    let Some(before) = &builder.before else { return Ok(Built::Absent("no --before names a bootstrap".to_owned())) };
    let bootstrap = before.canonicalize().with_context(|| format!("--before names {}", before.display()))?;
    contender(Name::Before, bootstrap, builder.output.join("firstbyte"), builder.log("before")?)
}

fn contender(name: Name, bootstrap: PathBuf, root: PathBuf, log: PathBuf) -> Result<Built> {
    let files = Files { layer: Some(bootstrap.clone()), function: Some(root.join("handler.cwasm")) };
    Ok(Built::Contender(Contender {
        name,
        versions: format!("Firstbyte {}", env!("CARGO_PKG_VERSION")),
        programs: vec![Program { path: bootstrap, arguments: Vec::new() }],
        root,
        handler: "handler",
        environment: vec![("FIRSTBYTE_RESPONSE_LIMIT_MB", "0")],
        log,
        concurrent: true,
        files,
    }))
}
