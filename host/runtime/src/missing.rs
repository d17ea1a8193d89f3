//! What a component imports and this host does not have: it is linked as functions that trap, so that a component which never calls
//! them runs.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Linker, LinkerInstance, ResourceType};
use wasmtime::{Engine, StoreContextMut};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable};

/// A function that is not there was called.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the handler called {0}, which this host does not have")]
pub(crate) struct MissingImport(String);

/// Links an interface that this host does not have.
pub(crate) fn add_interface<T: Send + 'static>(
    linker: &mut Linker<T>,
    engine: &Engine,
    name: &str,
    item: &ComponentItem,
) -> wasmtime::Result<()> {
    match item {
        ComponentItem::ComponentInstance(interface) => {
            let mut instance = linker.instance(name)?;
            for (export, item) in interface.exports(engine) {
                match &item.ty {
                    ComponentItem::Resource(_) => add_resource(&mut instance, export)?,
                    ty => add_function(&mut instance, name, export, ty)?,
                }
            }
            Ok(())
        }
        item => add_function(&mut linker.root(), "the import", name, item),
    }
}

/// Links the functions of `item` that an interface which this host does have lacks; `linked` is its name in the host's version.
pub(crate) fn add_functions<T: Send + 'static>(
    linker: &mut Linker<T>,
    engine: &Engine,
    name: &str,
    linked: &str,
    item: &ComponentItem,
) -> wasmtime::Result<()> {
    let ComponentItem::ComponentInstance(interface) = item else { return Ok(()) };
    let mut instance = linker.instance(linked)?;
    for (export, item) in interface.exports(engine) {
        // One that is there is not defined again.
        let _ = add_function(&mut instance, name, export, &item.ty);
    }
    Ok(())
}

fn add_function<T: Send + 'static>(
    instance: &mut LinkerInstance<'_, T>,
    interface: &str,
    name: &str,
    item: &ComponentItem,
) -> wasmtime::Result<()> {
    let ComponentItem::ComponentFunc(function) = item else { return Ok(()) };
    let missing = MissingImport(format!("{interface}#{name}"));
    if function.async_() {
        return instance.func_new_concurrent(name, move |_, _, _, _| {
            let missing = missing.clone();
            Box::pin(async move { Err(missing.into()) })
        });
    }
    instance.func_new(name, move |_: StoreContextMut<'_, T>, _, _, _| Err(missing.clone().into()))
}

/// A resource that an interface names. Those of `wasi:io` are the host's own, whoever names them.
fn add_resource<T: 'static>(instance: &mut LinkerInstance<'_, T>, name: &str) -> wasmtime::Result<()> {
    let ty = match name {
        "pollable" => ResourceType::host::<DynPollable>(),
        "input-stream" => ResourceType::host::<DynInputStream>(),
        "output-stream" => ResourceType::host::<DynOutputStream>(),
        _ => ResourceType::host::<MissingImport>(),
    };
    instance.resource(name, ty, |_, _| Ok(()))
}
