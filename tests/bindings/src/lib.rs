//! Whether the SDK's bindings in `guest/rust/src` are what wit-bindgen makes of `wit/`. They are committed so that no handler's
//! build needs the generator.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// What is to be done with committed bindings.
    #[derive(Clone, Copy, PartialEq)]
    enum Committed {
        Compared,
        /// `FIRSTBYTE_BLESS`: they are written anew first.
        Blessed,
    }

    fn is_current(committed: &Path, generated: &str, what: Committed) -> bool {
        if what == Committed::Blessed {
            fs::write(committed, generated).expect("the sources can be written");
        }
        fs::read_to_string(committed).expect("the bindings are there") == generated
    }

    #[test]
    fn the_committed_bindings_are_current() {
        let what = if std::env::var_os("FIRSTBYTE_BLESS").is_some() { Committed::Blessed } else { Committed::Compared };
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest/rust/src");
        for (name, generated) in [
            ("bindings.rs", include_str!(concat!(env!("OUT_DIR"), "/bindings.rs"))),
            ("init_bindings.rs", include_str!(concat!(env!("OUT_DIR"), "/init_bindings.rs"))),
        ] {
            let is_current = is_current(&sources.join(name), generated, what);
            assert!(is_current, "run `FIRSTBYTE_BLESS=1 cargo test -p bindings-check`, and commit what it writes");
        }
    }

    /// In a copy, so that no test writes the repository's own.
    #[test]
    fn what_is_blessed_is_current() {
        let copy = Path::new(env!("OUT_DIR")).join("copy.rs");
        let generated = include_str!(concat!(env!("OUT_DIR"), "/bindings.rs"));
        fs::write(&copy, "of an older interface").expect("the build's folder can be written");
        assert!(!is_current(&copy, generated, Committed::Compared));
        assert!(is_current(&copy, generated, Committed::Blessed));
        assert!(is_current(&copy, generated, Committed::Compared));
    }
}
