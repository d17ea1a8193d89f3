//! A function on AWS's Rust runtime client.

use super::{Builder, Built, Contender, Files, Name, Program};
use anyhow::Result;

pub(super) fn build(builder: &Builder) -> Result<Built> {
    let target = builder.cargo_for_contenders(&["build", "--release", "-p", "native"])?;
    let program = target.join("release/native");
    Ok(Built::Contender(Contender {
        name: Name::Native,
        versions: "lambda_runtime 1.5.0".to_owned(),
        programs: vec![Program { path: program.clone(), arguments: Vec::new() }],
        root: target,
        handler: "native",
        environment: Vec::new(),
        log: builder.log("native")?,
        concurrent: true,
        files: Files { layer: None, function: Some(program) },
    }))
}
