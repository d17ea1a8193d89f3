//! Interfaces that this host has by name only. A component that imports one runs.
//!
//! What the sandbox has nothing of (sockets, terminals, the folders of WASI 0.3) is denied: its functions return the error that they
//! have for that, or nothing. What the host does not know is missing: its functions trap when they are called. Both are made from
//! the types that the component gives them, so that none of them takes room in the bootstrap.

use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceAny, ResourceType, Type, Val};
use wasmtime::{AsContextMut, Engine};
use wasmtime_wasi::p2::bindings::io::error::Error as IoError;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable};

/// A function that is not there was called.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the handler called {0}, which this host does not have")]
pub(crate) struct MissingImport(pub(crate) String);

/// What a call to an absent function comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// An error of its own, where it has one.
    Denied,
    /// A trap.
    Missing,
}

/// What stands for a resource of an absent interface.
struct Nothing;

/// Links all of an interface as absent.
pub(crate) fn add_interface<T: Send + 'static>(
    linker: &mut Linker<T>,
    engine: &Engine,
    name: &str,
    item: &ComponentItem,
    absent: Absent,
) -> wasmtime::Result<()> {
    match item {
        ComponentItem::ComponentInstance(interface) => {
            let mut instance = linker.instance(name)?;
            for (export, item) in interface.exports(engine) {
                match &item.ty {
                    ComponentItem::Resource(_) => add_resource(&mut instance, export)?,
                    ComponentItem::ComponentFunc(function) => add_function(&mut instance, name, export, function, absent)?,
                    _ => {}
                }
            }
            Ok(())
        }
        ComponentItem::ComponentFunc(function) => add_function(&mut linker.root(), "the import", name, function, absent),
        _ => Ok(()),
    }
}

/// Links the functions of `item` that an interface which this host does have lacks; `linked` is its name in the host's version.
pub(crate) fn add_missing_functions<T: Send + 'static>(
    linker: &mut Linker<T>,
    engine: &Engine,
    name: &str,
    linked: &str,
    item: &ComponentItem,
) -> wasmtime::Result<()> {
    let ComponentItem::ComponentInstance(interface) = item else { return Ok(()) };
    let mut instance = linker.instance(linked)?;
    for (export, item) in interface.exports(engine) {
        if let ComponentItem::ComponentFunc(function) = &item.ty {
            // One that is there is not defined again.
            let _ = add_function(&mut instance, name, export, function, Absent::Missing);
        }
    }
    Ok(())
}

fn add_function<T: Send + 'static>(
    instance: &mut LinkerInstance<'_, T>,
    interface: &str,
    name: &str,
    _function: &ComponentFunc,
    absent: Absent,
) -> wasmtime::Result<()> {
    let missing = MissingImport(format!("{interface}#{name}"));
    #[cfg(feature = "wasi-p3")]
    if _function.async_() {
        return instance.func_new_concurrent(name, move |accessor, function, _, results| {
            let missing = missing.clone();
            Box::pin(async move { accessor.with(|store| answer(store, &function, results, absent, &missing)) })
        });
    }
    instance.func_new(name, move |store, function, _, results| answer(store, &function, results, absent, &missing))
}

fn answer(
    store: impl AsContextMut,
    function: &ComponentFunc,
    results: &mut [Val],
    absent: Absent,
    missing: &MissingImport,
) -> wasmtime::Result<()> {
    let denial = if absent == Absent::Denied { function.results().next().and_then(|ty| denial(store, &ty)) } else { None };
    match (denial, results) {
        (Some(denial), [result]) => {
            *result = denial;
            Ok(())
        }
        _ => Err(missing.clone().into()),
    }
}

/// What a function with a result of this type returns when it is denied: its error for that, nothing, or a handle that is good for
/// nothing. None if it has no way to say so.
fn denial(store: impl AsContextMut, ty: &Type) -> Option<Val> {
    const DENIED: [&str; 3] = ["access-denied", "not-permitted", "access"];
    match ty {
        Type::Result(result) => {
            let error = match result.err()? {
                Type::Enum(error) => {
                    Val::Enum(DENIED.into_iter().find(|name| error.names().any(|case| case == *name))?.to_owned())
                }
                Type::Variant(error) => {
                    Val::Variant(DENIED.into_iter().find(|name| error.cases().any(|case| case.name == *name))?.to_owned(), None)
                }
                _ => return None,
            };
            Some(Val::Result(Err(Some(Box::new(error)))))
        }
        Type::Option(_) => Some(Val::Option(None)),
        Type::List(_) => Some(Val::List(Vec::new())),
        Type::Own(_) => ResourceAny::try_from_resource(Resource::<Nothing>::new_own(0), store).ok().map(Val::Resource),
        _ => None,
    }
}

/// A resource that an interface names. Those of `wasi:io` are the host's own, whoever names them.
fn add_resource<T: 'static>(instance: &mut LinkerInstance<'_, T>, name: &str) -> wasmtime::Result<()> {
    let ty = match name {
        "error" => ResourceType::host::<IoError>(),
        "pollable" => ResourceType::host::<DynPollable>(),
        "input-stream" => ResourceType::host::<DynInputStream>(),
        "output-stream" => ResourceType::host::<DynOutputStream>(),
        _ => ResourceType::host::<Nothing>(),
    };
    instance.resource(name, ty, |_, _| Ok(()))
}
