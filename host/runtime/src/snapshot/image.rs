//! Memories and globals of an instance, as wizer asks for them: by calling the functions that it added to the component.

use super::host::Host;
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use wasmtime::Store;
use wasmtime::component::{Instance, Lift, WasmList};
use wasmtime_wizer::ComponentInstanceState;

/// An instance that is read.
pub(super) struct Image<'a> {
    store: &'a mut Store<Host>,
    instance: Instance,
    /// The contents of each memory, by the function that reads it. Reading one makes it larger, so it is read once.
    memories: BTreeMap<String, WasmList<u8>>,
    failed: mpsc::UnboundedSender<wasmtime::Error>,
}

/// Learns why something of an [`Image`] could not be read. wizer takes no error, so whoever asked it waits for ever then.
pub(super) type Failed = mpsc::UnboundedReceiver<wasmtime::Error>;

impl<'a> Image<'a> {
    pub(super) fn new(store: &'a mut Store<Host>, instance: Instance) -> (Self, Failed) {
        let (failed, failure) = mpsc::unbounded_channel();
        (Self { store, instance, memories: BTreeMap::new(), failed }, failure)
    }

    /// Bytes of those of its memories that were read.
    pub(super) fn bytes(&self) -> usize {
        self.memories.values().map(WasmList::len).sum()
    }

    async fn call<R: Lift + 'static>(&mut self, interface: &str, function: &str) -> wasmtime::Result<R> {
        let missing = || wasmtime::Error::msg(format!("{interface}#{function} is not there"));
        let (_, interface) = self.instance.get_export(&mut *self.store, None, interface).ok_or_else(missing)?;
        let (_, function) = self.instance.get_export(&mut *self.store, Some(&interface), function).ok_or_else(missing)?;
        let function = self.instance.get_typed_func::<(), (R,)>(&mut *self.store, function)?;
        Ok(function.call_async(&mut *self.store, ()).await?.0)
    }

    /// What a function returns. Does not return if it cannot be called.
    async fn value<R: Lift + 'static>(&mut self, interface: &str, function: &str) -> R {
        match self.call(interface, function).await {
            Ok(value) => value,
            Err(error) => {
                let _ = self.failed.send(error);
                std::future::pending().await
            }
        }
    }
}

impl ComponentInstanceState for Image<'_> {
    async fn call_func_ret_list_u8(&mut self, interface: &str, function: &str, contents: impl FnOnce(&[u8]) + Send) {
        if !self.memories.contains_key(function) {
            let memory = self.value(interface, function).await;
            self.memories.insert(function.to_owned(), memory);
        }
        if let Some(memory) = self.memories.get(function) {
            contents(memory.as_le_slice(&*self.store));
        }
    }

    async fn call_func_ret_s32(&mut self, interface: &str, function: &str) -> i32 {
        self.value(interface, function).await
    }

    async fn call_func_ret_s64(&mut self, interface: &str, function: &str) -> i64 {
        self.value(interface, function).await
    }

    async fn call_func_ret_f32(&mut self, interface: &str, function: &str) -> u32 {
        self.value::<f32>(interface, function).await.to_bits()
    }

    async fn call_func_ret_f64(&mut self, interface: &str, function: &str) -> u64 {
        self.value::<f64>(interface, function).await.to_bits()
    }
}
