//! The attributes of `firstbyte` handlers. Use them by their names in that crate: `firstbyte::handler`, `firstbyte::init`.

mod handler;
mod init;
mod signature;

use proc_macro::TokenStream;

/// Makes a function the handler of its crate's component. Documented where `firstbyte` re-exports it.
#[proc_macro_attribute]
pub fn handler(attributes: TokenStream, item: TokenStream) -> TokenStream {
    handler::expand(attributes.into(), item.into()).unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Makes a function what a handler's instances are prepared by. Documented where `firstbyte` re-exports it.
#[proc_macro_attribute]
pub fn init(attributes: TokenStream, item: TokenStream) -> TokenStream {
    init::expand(attributes.into(), item.into()).unwrap_or_else(|error| error.into_compile_error()).into()
}
