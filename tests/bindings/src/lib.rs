//! Whether the SDK's bindings in `guest/rust/src` are what wit-bindgen makes of `wit/`. They are committed so that no handler's
//! build needs the generator.

#[cfg(test)]
mod tests {
    fn assert_current(name: &str, generated: &str) {
        let committed = format!("{}/../../guest/rust/src/{name}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("FIRSTBYTE_BLESS").is_some() {
            std::fs::write(&committed, generated).expect("the sources can be written");
        }
        let committed = std::fs::read_to_string(committed).expect("the bindings are there");
        assert!(committed == generated, "run `FIRSTBYTE_BLESS=1 cargo test -p bindings-check`, and commit what it writes");
    }

    #[test]
    fn the_committed_bindings_are_current() {
        assert_current("bindings.rs", include_str!(concat!(env!("OUT_DIR"), "/bindings.rs")));
        assert_current("init_bindings.rs", include_str!(concat!(env!("OUT_DIR"), "/init_bindings.rs")));
    }
}
