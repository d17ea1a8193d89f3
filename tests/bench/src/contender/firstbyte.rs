//! Firstbyte as it is deployed: the static bootstrap without a compiler, and a component compiled ahead of time.

use super::{Builder, Built, Contender, Files, Name, Program};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;

const GUEST_TARGET: &str = "wasm32-wasip2";

/// What this workspace builds handlers with.
const GUEST_PROFILE: &str = "handler";

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
    builder.cargo(&["build", "--profile", GUEST_PROFILE, "-p", guest, "--target", GUEST_TARGET])?;

    let root = builder.output.join(if name == Name::Firstbyte { "firstbyte" } else { guest });
    fs::create_dir_all(&root).with_context(|| format!("cannot create {}", root.display()))?;
    let component = target.join(GUEST_TARGET).join(GUEST_PROFILE).join(guest.replace('-', "_")).with_extension("wasm");
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
    Ok(Built::Contender(contender(name, bootstrap, root, builder.log(guest)?)))
}

/// What was built for [`build`], with everything on that an operator can have told.
pub(super) fn with_telemetry(builder: &Builder) -> Result<Built> {
    let root = builder.output.join("firstbyte");
    let mut contender = contender(Name::Telemetry, root.join("bootstrap"), root, builder.log("telemetry")?);
    contender.environment.extend([
        ("FIRSTBYTE_METRICS", "emf".to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", crate::collector::start()?),
        ("OTEL_TRACES_SAMPLER", "always_on".to_owned()),
    ]);
    Ok(Built::Contender(contender))
}

/// The bootstrap that `--before` names, with the handler that was built for [`build`] or the one beside it.
pub(super) fn before(builder: &Builder) -> Result<Built> {
    let Some(before) = &builder.before else { return Ok(Built::Absent("no --before names a bootstrap".to_owned())) };
    let before = before.canonicalize().with_context(|| format!("--before names {}", before.display()))?;
    let (bootstrap, root) =
        if before.is_dir() { (before.join("bootstrap"), before) } else { (before, builder.output.join("firstbyte")) };
    Ok(Built::Contender(contender(Name::Before, bootstrap, root, builder.log("before")?)))
}

fn contender(name: Name, bootstrap: PathBuf, root: PathBuf, log: PathBuf) -> Contender {
    let files = Files { layer: Some(bootstrap.clone()), function: Some(root.join("handler.cwasm")) };
    Contender {
        name,
        versions: format!("Firstbyte {}", env!("CARGO_PKG_VERSION")),
        programs: vec![Program { path: bootstrap, arguments: Vec::new() }],
        root,
        handler: "handler",
        environment: vec![("FIRSTBYTE_RESPONSE_LIMIT_MB", "0".to_owned())],
        log,
        concurrent: true,
        files,
    }
}
