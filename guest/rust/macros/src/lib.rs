//! The attribute of `firstbyte` handlers. Use it by its name in that crate: `firstbyte::handler`.

mod handler;
mod signature;

use proc_macro::TokenStream;

/// Makes a function the handler of its crate's component. Documented where `firstbyte` re-exports it.
#[proc_macro_attribute]
pub fn handler(attributes: TokenStream, item: TokenStream) -> TokenStream {
    handler::expand(attributes.into(), item.into()).unwrap_or_else(|error| error.into_compile_error()).into()
}
