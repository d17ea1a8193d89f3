//! What a new project can be made of. The files are in `templates/python`: a folder for each template, `shared` for all of them.

use crate::{Source, Template};

/// A file of a template.
macro_rules! file {
    ($($part:literal),+) => {
        include_str!(concat!("../../templates/", $($part),+))
    };
}

/// What every project has. A `.gitignore` by its own name would count in this repository.
const SHARED: &[Source] = &[
    (".gitignore", file!("python/shared/gitignore")),
    ("README.md", file!("python/shared/README.md")),
    ("pyproject.toml", file!("python/shared/pyproject.toml.in")),
    ("requirements-dev.txt", file!("python/shared/requirements-dev.txt")),
    ("Makefile", file!("sam/Makefile")),
    ("samconfig.toml", file!("sam/samconfig.toml")),
    ("template.yaml", file!("sam/template.yaml")),
];

/// What every template has of its own. A test by its own name would be one of this repository's.
macro_rules! own {
    ($name:literal) => {
        &[
            ("app.py", file!("python/", $name, "/app.py")),
            ("requirements.txt", file!("python/", $name, "/requirements.txt")),
            ("tests/test_app.py", file!("python/", $name, "/tests.py")),
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
        files: &[SHARED, own!("greeting")],
    },
    Template {
        name: "sse",
        about: "server-sent events, one each second",
        invoke: "--via url -X GET --path '/?count=3'",
        environment: "",
        path: "?count=3",
        body: None,
        files: &[SHARED, own!("sse")],
    },
    Template {
        name: "asgi",
        about: "a Starlette application",
        invoke: "--via api -X GET --path '/count/2'",
        environment: "",
        path: "count/2",
        body: None,
        files: &[SHARED, own!("asgi")],
    },
];

/// What a folder and a function of Lambda's can both be called.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(is_allowed) {
        return Err("it begins with a letter and has letters, digits, - and _".to_owned());
    }
    if name.len() > 64 {
        return Err("it has 64 characters at most".to_owned());
    }
    if name == "firstbyte" {
        return Err("the library is called so".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_are_those_of_folders_and_functions() {
        for name in ["hello", "my-handler", "A_1"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "7up", "a b", "a.b", "-a", "../a", "firstbyte", &"n".repeat(65)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
