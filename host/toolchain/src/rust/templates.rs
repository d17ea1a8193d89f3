//! What a new crate can be made of. The files are in `templates`: a folder for each template, `shared` for all of them, and `sam` for
//! every language.

use crate::{Source, Template};

/// A file of a template.
macro_rules! file {
    ($($part:literal),+) => {
        include_str!(concat!("../../templates/", $($part),+))
    };
}

/// What every project has. A `.gitignore` by its own name would count in this repository.
const SHARED: &[Source] = &[
    (".gitignore", file!("rust/shared/gitignore")),
    ("README.md", file!("rust/shared/README.md")),
    ("Makefile", file!("sam/Makefile")),
    ("samconfig.toml", file!("sam/samconfig.toml")),
];

/// For handlers that call nobody.
const PLAIN: &[Source] = &[("template.yaml", file!("sam/template.yaml"))];

/// What every template has of its own. A `Cargo.toml` by its own name would be a package in this one.
macro_rules! own {
    ($name:literal) => {
        &[
            ("Cargo.toml", file!("rust/", $name, "/Cargo.toml.in")),
            ("src/lib.rs", file!("rust/", $name, "/lib.rs")),
            ("tests/handler.rs", file!("rust/", $name, "/tests.rs")),
        ]
    };
}

/// Every template.
pub(super) const ALL: &[Template] = &[
    Template {
        name: "greeting",
        about: "two lines, two seconds apart",
        invoke: r#"--via all --payload '{"name":"hoge"}'"#,
        environment: "",
        path: "",
        body: Some(r#"{"name":"hoge"}"#),
        files: &[SHARED, PLAIN, own!("greeting")],
    },
    Template {
        name: "sse",
        about: "server-sent events, one each second",
        invoke: "--via url -X GET --path '/?count=3'",
        environment: "",
        path: "?count=3",
        body: None,
        files: &[SHARED, PLAIN, own!("sse")],
    },
    Template {
        name: "router",
        about: "several paths and methods, and a middleware",
        invoke: "--via api -X GET --path '/count?to=2'",
        environment: "",
        path: "count?to=2",
        body: None,
        files: &[SHARED, PLAIN, own!("router")],
    },
    Template {
        name: "model",
        about: "a language model's answer, passed on token by token",
        invoke: r#"--via url --payload '{"prompt":"Say hello"}'"#,
        environment: " -e FIRSTBYTE_ALLOW_HTTP=https://api.openai.com -e MODEL_KEY",
        path: "",
        body: Some(r#"{"prompt":"Say hello"}"#),
        files: &[SHARED, own!("model"), &[("template.yaml", file!("rust/model/template.yaml"))]],
    },
];

/// Names that a crate cannot have, or that would hide what its code needs.
const TAKEN: [&str; 9] = ["alloc", "core", "firstbyte", "firstbyte-testing", "proc-macro", "serde", "serde_json", "std", "test"];

/// Rust's keywords that are a word a handler may be called.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut",
    "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// What a crate and a function of Lambda's can both be called.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(is_allowed) {
        return Err("it begins with a lower-case letter and has lower-case letters, digits, - and _".to_owned());
    }
    if name.len() > 64 {
        return Err("it has 64 characters at most".to_owned());
    }
    if KEYWORDS.contains(&name) || TAKEN.contains(&name) {
        return Err("the word has another meaning in Rust".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_are_those_of_crates() {
        for name in ["hello", "my-handler", "a_1"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "7up", "Hello", "a b", "a.b", "-a", "../a", "fn", "test", "firstbyte", &"n".repeat(65)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
