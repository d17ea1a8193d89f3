//! Generates the SDK's bindings anew, for the test that compares them with the committed ones.

use anyhow::{Context as _, Result};
use std::path::Path;
use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator as _};
use wit_bindgen_rust::{Opts, WithOption};

/// Narrower than `firstbyte:lambda/function`: what a handler uses of WASI comes with `std` and `wasip2`, and imports that
/// nothing uses would only ask the host for more.
const WORLD: &str = "
    package firstbyte:sdk;

    world handler {
        import firstbyte:lambda/invocation@0.2.0;
        export firstbyte:lambda/handler@0.2.0;
    }
";

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=../../wit");
    let mut resolve = Resolve::default();
    resolve.push_path("../../wit")?;
    let package = resolve.push_str("sdk.wit", WORLD)?;
    let world = resolve.select_world(&[package], Some("handler"))?;

    let options = Opts {
        generate_all: true,
        // The pollable that the executor waits for.
        with: vec![("wasi:io/poll@0.2.10".to_owned(), WithOption::Path("::wasip2::io::poll".to_owned()))],
        default_bindings_module: Some("::firstbyte::__private::bindings".to_owned()),
        pub_export_macro: true,
        format: true,
        ..Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files)?;
    let (_, bindings) = files.iter().next().context("wit-bindgen made no file")?;

    let folder = std::env::var("OUT_DIR").context("cargo names the folder")?;
    std::fs::write(Path::new(&folder).join("bindings.rs"), bindings)?;
    Ok(())
}
