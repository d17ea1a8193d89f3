//! Generates the SDK's bindings anew, for the test that compares them with the committed ones.

use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use wit_bindgen_core::wit_parser::{PackageId, Resolve};
use wit_bindgen_core::{Files, WorldGenerator as _};
use wit_bindgen_rust::Opts;

/// Narrower than `firstbyte:lambda/function`: what the SDK calls itself. Whatever else a handler uses of WASI comes with `std`.
const WORLD: &str = "
    package firstbyte:sdk;

    world handler {
        import firstbyte:lambda/invocation@0.2.0;
        import wasi:clocks/monotonic-clock@0.2.10;
        import wasi:http/outgoing-handler@0.2.10;
        import wasi:http/types@0.2.10;
        import wasi:io/error@0.2.10;
        import wasi:io/poll@0.2.10;
        import wasi:io/streams@0.2.10;
        export firstbyte:lambda/handler@0.2.0;
    }

    world initialized {
        export firstbyte:lambda/initializer@0.2.0;
    }
";

/// The worlds, each with the module of the SDK that its bindings are in. Only the first of them imports anything.
const BINDINGS: [(&str, &str); 2] = [("handler", "bindings"), ("initialized", "init_bindings")];

/// Of WASI's functions, those that the SDK calls: every handler builds what is generated.
const CALLED: &[&str] = &[
    "subscribe-duration",
    "poll",
    "[method]pollable.ready",
    "[method]error.to-debug-string",
    "[method]input-stream.read",
    "[method]input-stream.subscribe",
    "[method]output-stream.check-write",
    "[method]output-stream.flush",
    "[method]output-stream.subscribe",
    "[method]output-stream.write",
    "handle",
    "http-error-code",
    "[constructor]fields",
    "[method]fields.append",
    "[method]fields.entries",
    "[constructor]outgoing-request",
    "[method]outgoing-request.body",
    "[method]outgoing-request.set-authority",
    "[method]outgoing-request.set-method",
    "[method]outgoing-request.set-path-with-query",
    "[method]outgoing-request.set-scheme",
    "[method]outgoing-body.write",
    "[static]outgoing-body.finish",
    "[constructor]request-options",
    "[method]request-options.set-between-bytes-timeout",
    "[method]request-options.set-connect-timeout",
    "[method]request-options.set-first-byte-timeout",
    "[method]future-incoming-response.get",
    "[method]future-incoming-response.subscribe",
    "[method]incoming-response.consume",
    "[method]incoming-response.headers",
    "[method]incoming-response.status",
    "[method]incoming-body.stream",
];

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=../../wit");
    let mut resolve = Resolve::default();
    let (ours, _) = resolve.push_path("../../wit")?;
    let package = resolve.push_str("sdk.wit", WORLD)?;
    let folder = std::env::var("OUT_DIR").context("cargo names the folder")?;
    for (world, module) in BINDINGS {
        let world = resolve.select_world(&[package], Some(world))?;
        let options = Opts {
            generate_all: true,
            skip: if module == "bindings" { not_called(&resolve, ours)? } else { Vec::new() },
            default_bindings_module: Some(format!("::firstbyte::__private::{module}")),
            pub_export_macro: true,
            format: true,
            ..Opts::default()
        };
        let mut files = Files::default();
        options.build().generate(&mut resolve, world, &mut files)?;
        let (_, bindings) = files.iter().next().context("wit-bindgen made no file")?;
        std::fs::write(Path::new(&folder).join(format!("{module}.rs")), bindings)?;
    }
    Ok(())
}

/// All functions of WASI's interfaces but those that are called.
fn not_called(resolve: &Resolve, ours: PackageId) -> Result<Vec<String>> {
    let of_wasi = resolve.interfaces.iter().filter(|(_, interface)| interface.package != Some(ours));
    let names: Vec<&String> = of_wasi.flat_map(|(_, interface)| interface.functions.keys()).collect();
    for called in CALLED {
        ensure!(names.iter().any(|name| name == called), "WASI has no function {called}");
    }
    Ok(names.into_iter().filter(|name| !CALLED.contains(&name.as_str())).cloned().collect())
}
