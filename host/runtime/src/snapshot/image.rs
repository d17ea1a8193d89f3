//! Memories and globals of an instance, as wizer asks for them: by calling the functions that it added to the component.

use super::host::Host;
use std::collections::BTreeMap;
use wasmtime::Store;
use wasmtime::component::{Instance, Lift, WasmList};
use wasmtime_wizer::ComponentInstanceState;

/// An instance that is read.
pub(super) struct Image<'a> {
    store: &'a mut Store<Host>,
    instance: Instance,
    /// Bytes of each memory, by the function that reads it.
    memories: BTreeMap<String, usize>,
    /// Why something could not be read: wizer takes no error.
    failed: Option<wasmtime::Error>,
}

impl<'a> Image<'a> {
    pub(super) fn new(store: &'a mut Store<Host>, instance: Instance) -> Self {
        Self { store, instance, memories: BTreeMap::new(), failed: None }
    }

    /// Bytes of its memories.
    ///
    /// # Errors
    /// Something could not be read.
    pub(super) fn finish(self) -> wasmtime::Result<usize> {
        let bytes = self.memories.into_values().sum();
        self.failed.map_or(Ok(bytes), Err)
    }

    async fn call<R: Lift + 'static>(&mut self, interface: &str, function: &str) -> wasmtime::Result<R> {
        let missing = || wasmtime::Error::msg(format!("{interface}#{function} is not there"));
        let (_, interface) = self.instance.get_export(&mut *self.store, None, interface).ok_or_else(missing)?;
        let (_, function) = self.instance.get_export(&mut *self.store, Some(&interface), function).ok_or_else(missing)?;
        let function = self.instance.get_typed_func::<(), (R,)>(&mut *self.store, function)?;
        Ok(function.call_async(&mut *self.store, ()).await?.0)
    }

    /// What a function returns, or anything if it cannot be called: the image is of no use then.
    async fn value<R: Lift + Default + 'static>(&mut self, interface: &str, function: &str) -> R {
        let called = self.call(interface, function).await;
        called.unwrap_or_else(|error| {
            self.failed = Some(error);
            R::default()
        })
    }
}

impl ComponentInstanceState for Image<'_> {
    async fn call_func_ret_list_u8(&mut self, interface: &str, function: &str, contents: impl FnOnce(&[u8]) + Send) {
        match self.call::<WasmList<u8>>(interface, function).await {
            Ok(memory) => {
                let memory = memory.as_le_slice(&*self.store);
                contents(memory);
                // Reading it has made it larger by the next time.
                self.memories.entry(function.to_owned()).or_insert(memory.len());
            }
            Err(error) => {
                self.failed = Some(error);
                contents(&[]);
            }
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
