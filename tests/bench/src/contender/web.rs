//! AWS's Lambda Web Adapter, as it is published, in front of a web application on axum.

use super::builder::run;
use super::{Builder, Built, Contender, Files, Name, Program};
use anyhow::Result;
use std::process::Command;

const VERSION: &str = "1.0.0-rc1";

pub(super) fn build(builder: &Builder) -> Result<Built> {
    let root = builder.output.join("lwa");
    let adapter = root.join("bin/lambda-adapter");
    if !adapter.is_file() {
        let mut install = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        install.args(["install", "--locked", "lambda_web_adapter", "--version", VERSION, "--bin", "lambda-adapter", "--root"]);
        if let Err(error) = run(install.arg(&root).arg("--target-dir").arg(root.join("target"))) {
            return Ok(Built::Absent(format!("the adapter could not be built: {error}")));
        }
    }
    let target = builder.cargo_for_contenders(&["build", "--release", "-p", "web"])?;
    let application = target.join("release/web");
    Ok(Built::Contender(Contender {
        name: Name::Lwa,
        versions: format!("lambda_web_adapter {VERSION}, axum 0.8"),
        programs: [&application, &adapter].map(|path| Program { path: path.clone(), arguments: Vec::new() }).into(),
        root,
        handler: "web",
        environment: vec![
            ("AWS_LWA_INVOKE_MODE", "response_stream".to_owned()),
            ("AWS_LWA_READINESS_CHECK_PATH", "/ready".to_owned()),
        ],
        log: builder.log("lwa")?,
        concurrent: true,
        files: Files { layer: Some(adapter), function: Some(application) },
    }))
}
