//! The Rust side of `wit/firstbyte.wit`, generated. What the host's resources are is said here; what they do, beside it.

#![allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]

wasmtime::component::bindgen!({
    path: "wit",
    inline: "
        package firstbyte:host;
        world function-host {
            import firstbyte:lambda/invocation@0.2.0;
            export firstbyte:lambda/handler@0.2.0;
        }
    ",
    imports: {
        default: trappable,
        "firstbyte:lambda/invocation.[static]body.finish": async | trappable,
    },
    exports: { default: async },
    require_store_data_send: true,
    with: {
        "wasi:io": wasmtime_wasi::p2::bindings::io,
        "firstbyte:lambda/invocation.request": super::RequestHandle,
        "firstbyte:lambda/invocation.response": super::ResponseHandle,
        "firstbyte:lambda/invocation.body": super::BodyHandle,
    },
});
