//! The interface `firstbyte:lambda` as generated Rust. Nothing in here is for handler authors: every type has a counterpart of
//! this crate's own. The world is narrower than `firstbyte:lambda/function`: what a handler uses of WASI comes with `std` and
//! `wstd`, and imports that nothing uses would only ask the host for more.

wit_bindgen::generate!({
    path: "../../wit",
    inline: "
        package firstbyte:sdk;

        world handler {
            import firstbyte:lambda/invocation@0.2.0;
            export firstbyte:lambda/handler@0.2.0;
        }
    ",
    world: "firstbyte:sdk/handler",
    generate_all,
    // The pollable that `wstd`'s executor waits for.
    with: { "wasi:io/poll@0.2.10": ::wasip2::io::poll },
    default_bindings_module: "::firstbyte::__private::bindings",
    pub_export_macro: true,
});
