//! The floor: no runtime client at all.

use super::{Builder, Built, Contender, Files, Name, Program};
use anyhow::Result;

pub(super) fn build(builder: &Builder) -> Result<Built> {
    let musl = builder.musl();
    builder.add_target(&musl);
    let target = builder.cargo_for_contenders(&["build", "--release", "-p", "raw", "--target", musl.as_str()])?;
    let program = target.join(&musl).join("release/raw");
    Ok(Built::Contender(Contender {
        name: Name::Raw,
        versions: "std only".to_owned(),
        programs: vec![Program { path: program.clone(), arguments: Vec::new() }],
        root: target,
        handler: "raw",
        environment: Vec::new(),
        log: builder.log("raw")?,
        concurrent: true,
        files: Files { layer: None, function: Some(program) },
    }))
}
