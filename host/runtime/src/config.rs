//! `wasi:config/store`: the function's environment variables, as far as a handler may see them, under the name that hosts of
//! WebAssembly have agreed on.

use std::sync::Arc;
use wasmtime::component::{HasData, Linker};

mod bindings {
    #![allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]

    wasmtime::component::bindgen!({
        inline: "
            package wasi:config@0.2.0-rc.1;

            interface store {
                variant error { upstream(string), io(string) }
                get: func(key: string) -> result<option<string>, error>;
                get-all: func() -> result<list<tuple<string, string>>, error>;
            }

            world imports {
                import store;
            }
        ",
        imports: { default: trappable },
        require_store_data_send: true,
    });
}

use bindings::wasi::config::store;

/// What a store has for this interface.
pub(crate) trait Configured: Send + 'static {
    /// Names and values that its guest may see.
    fn variables(&self) -> Variables;
}

/// Names and values.
pub(crate) type Variables = Arc<[(String, String)]>;

/// Names [`View`] to the linker.
struct Config;

impl HasData for Config {
    type Data<'a> = View;
}

struct View(Variables);

/// Links the interface.
pub(crate) fn add_to_linker<T: Configured>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    store::add_to_linker::<_, Config>(linker, |state| View(state.variables()))
}

impl store::Host for View {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, store::Error>> {
        Ok(Ok(self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())))
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, store::Error>> {
        Ok(Ok(self.0.to_vec()))
    }
}
