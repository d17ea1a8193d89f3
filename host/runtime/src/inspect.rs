//! What a `.wasm` is, told from its first and last lines of business (its imports and exports) before anything is compiled.

use crate::link;
use crate::world::{World, is_patch_of};
use wasmparser::{Encoding, Parser, Payload};

/// A component that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspected {
    /// The world that it is of.
    pub world: World,
    /// Interfaces that it imports and this host does not have, with their versions. It runs without them until it calls one.
    pub missing: Vec<String>,
    /// The interface that it exports to be prepared by, if there is one.
    pub initializer: Option<String>,
    /// Whether it was prepared already.
    pub is_snapshot: bool,
    /// Whether a module of it asks for the first preview of WASI, which an adapter beside it has.
    pub is_preview1: bool,
}

/// What a handler exports to be prepared by. Any later patch of the same version will do.
const INITIALIZER: &str = "firstbyte:lambda/initializer@0.2.0";

/// The custom section by which a snapshot is told.
pub(crate) const SNAPSHOT: &str = "firstbyte:snapshot";

/// Why a file is no handler. The text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAHandler {
    /// Another kind of file, or a damaged one.
    #[error("it is not WebAssembly: {0}; build the handler for wasm32-wasip2, or give its folder, which is built then")]
    NotWebAssembly(String),
    /// WebAssembly, but not a component.
    #[error(
        "it is a core module and not a component: build it for wasm32-wasip2 instead of wasm32-wasip1 or wasm32-unknown-unknown, \
         with `cargo component build`, or make a component of it with `wasm-tools component new`"
    )]
    CoreModule,
    /// A component whose exports no world here has.
    #[error(
        "it is a component, but not a handler: it exports {}; a handler exports one of {}",
        list(.0),
        World::all().map(World::export).join(", ")
    )]
    NoWorld(Vec<String>),
}

fn list(exports: &[String]) -> String {
    if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") }
}

/// Tells what `wasm` is. Takes no longer than looking at the heads of its sections.
///
/// # Errors
/// [`NotAHandler`].
pub fn inspect(wasm: &[u8]) -> Result<Inspected, NotAHandler> {
    let malformed = |error: wasmparser::BinaryReaderError| NotAHandler::NotWebAssembly(error.message().to_owned());
    if !wasm.starts_with(b"\0asm") {
        return Err(NotAHandler::NotWebAssembly("it does not begin as WebAssembly does".to_owned()));
    }
    let (mut imports, mut exports, mut is_snapshot, mut is_preview1) = (Vec::new(), Vec::new(), false, false);
    // Modules and components inside of the component have imports and exports of their own.
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(malformed)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err(NotAHandler::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import.map_err(malformed)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export.map_err(malformed)?.name.name.to_owned());
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    is_preview1 |= import.map_err(malformed)?.module == "wasi_snapshot_preview1";
                }
            }
            Payload::CustomSection(section) if depth == 0 => is_snapshot |= section.name() == SNAPSHOT,
            _ => {}
        }
    }
    let Some(world) = World::of(&exports.iter().map(String::as_str)) else { return Err(NotAHandler::NoWorld(exports)) };
    let missing = imports.into_iter().filter(|name| !link::is_known(name)).collect();
    let initializer = exports.into_iter().find(|export| is_patch_of(INITIALIZER, export));
    Ok(Inspected { world, missing, initializer, is_snapshot, is_preview1 })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Inspected, NotAHandler> {
        inspect(&wat::parse_str(text).unwrap())
    }

    #[test]
    fn a_component_is_told_by_what_it_exports() {
        for (export, world) in [
            ("firstbyte:lambda/handler@0.2.0", World::Lambda),
            ("wasi:http/incoming-handler@0.2.0", World::HttpP2),
            ("wasi:http/incoming-handler@0.2.12", World::HttpP2),
            ("wasi:http/handler@0.3.0", World::HttpP3),
        ] {
            let inspected = of(&format!(
                r#"(component
                    (import "wasi:keyvalue/store@0.2.0-draft" (instance))
                    (import "wasi:io/streams@0.2.1" (instance))
                    (core module (import "spin:core" "export" (func)))
                    (component (export "wasi:http/handler@0.3.0" (instance $inner)) (instance $inner))
                    (instance $handler)
                    (export "{export}" (instance $handler)))"#
            ));
            let missing = vec!["wasi:keyvalue/store@0.2.0-draft".to_owned()];
            assert_eq!(
                inspected,
                Ok(Inspected { world, missing, initializer: None, is_snapshot: false, is_preview1: false }),
                "{export}"
            );
        }
    }

    #[test]
    fn what_is_no_handler_is_told_in_three_ways() {
        let error = |bytes: &[u8]| inspect(bytes).unwrap_err().to_string();
        assert!(error(b"#!/bin/sh").starts_with("it is not WebAssembly: it does not begin"));
        assert!(error(b"\0asm\x0d\0\x01\0\xff").starts_with("it is not WebAssembly: "));
        assert!(error(&wat::parse_str("(module)").unwrap()).contains("a core module and not a component"));
        let other = of(r#"(component (instance $run) (export "wasi:cli/run@0.2.3" (instance $run)))"#).unwrap_err().to_string();
        assert!(
            other.contains("exports wasi:cli/run@0.2.3; a handler exports one of firstbyte:lambda/handler@0.2.0, "),
            "{other}"
        );
        assert!(of("(component)").unwrap_err().to_string().contains("it exports nothing"));
        let old = of(r#"(component (instance $h) (export "wasi:http/handler@0.3.0-rc-2026-03-15" (instance $h)))"#);
        assert!(old.is_err(), "a release candidate is not the release: {old:?}");
    }

    #[test]
    fn a_module_inside_tells_of_the_first_preview() {
        let with = |import: &str| {
            of(&format!(
                r#"(component (core module {import}) (instance $handler) (export "firstbyte:lambda/handler@0.2.0" (instance $handler)))"#
            ))
            .unwrap()
        };
        assert!(with(r#"(import "wasi_snapshot_preview1" "fd_write" (func))"#).is_preview1);
        assert!(!with(r#"(import "env" "memory" (memory 1))"#).is_preview1);
    }
}
