//! Whether `guest/rust/src/bindings.rs` is what wit-bindgen makes of `wit/`. It is committed so that no handler's build needs
//! the generator.

#[cfg(test)]
mod tests {
    const GENERATED: &str = include_str!(concat!(env!("OUT_DIR"), "/bindings.rs"));
    const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest/rust/src/bindings.rs");

    #[test]
    fn the_committed_bindings_are_current() {
        if std::env::var_os("FIRSTBYTE_BLESS").is_some() {
            std::fs::write(COMMITTED, GENERATED).expect("the sources can be written");
        }
        let committed = std::fs::read_to_string(COMMITTED).expect("the bindings are there");
        assert!(committed == GENERATED, "run `FIRSTBYTE_BLESS=1 cargo test -p bindings-check`, and commit what it writes");
    }
}
