//! What a new project can be made of. The files are in `templates/node`: a folder for each template of each language, and `shared`
//! for all of them.

use crate::{Sdk, Source, Template};

/// A file of a template.
macro_rules! file {
    ($($part:literal),+) => {
        include_str!(concat!("../../templates/", $($part),+))
    };
}

/// What every project has.
const SHARED: &[Source] = &[
    (".gitignore", file!("node/shared/gitignore")),
    ("README.md", file!("node/shared/README.md")),
    ("Makefile", file!("sam/Makefile")),
    ("samconfig.toml", file!("sam/samconfig.toml")),
    ("template.yaml", file!("sam/template.yaml")),
];

/// What every project in JavaScript has. A `package.json` by its own name would be a project in this one.
const PLAIN: &[Source] = &[("package.json", file!("node/javascript/package.json.in"))];

/// What every project in TypeScript has.
const TYPED: &[Source] = &[
    ("package.json", file!("node/typescript/shared/package.json.in")),
    ("tsconfig.json", file!("node/typescript/shared/tsconfig.json.in")),
];

/// The templates of a language, whose handlers and tests are alike but for their types.
macro_rules! templates {
    ($language:literal, $common:expr, $handler:literal) => {
        &[
            Template {
                name: "greeting",
                about: "two lines, two seconds apart, as a streaming handler of Lambda's Node.js",
                invoke: r#"--via all --payload '{"name":"hoge"}'"#,
                environment: "",
                path: "",
                body: Some(r#"{"name":"hoge"}"#),
                files: &[
                    SHARED,
                    $common,
                    &[
                        (concat!("src/", $handler), file!("node/", $language, "/greeting/", $handler)),
                        ("test/handler.test.js", file!("node/shared/greeting.test.js")),
                    ],
                ],
            },
            Template {
                name: "sse",
                about: "server-sent events, one each second, at all three doors",
                invoke: r#"--via all --payload '{"count":3}'"#,
                environment: "",
                path: "",
                body: Some(r#"{"count":3}"#),
                files: &[
                    SHARED,
                    $common,
                    &[
                        (concat!("src/", $handler), file!("node/", $language, "/sse/", $handler)),
                        ("test/handler.test.js", file!("node/shared/sse.test.js")),
                    ],
                ],
            },
            Template {
                name: "web",
                about: "a function of a web Request, as Hono and others export it",
                invoke: "--via url -X GET --path '/hello/hoge'",
                environment: "",
                path: "hello/hoge",
                body: None,
                files: &[
                    SHARED,
                    $common,
                    &[
                        (concat!("src/", $handler), file!("node/", $language, "/web/", $handler)),
                        ("test/handler.test.js", file!("node/shared/web.test.js")),
                    ],
                ],
            },
        ]
    };
}

pub(super) const JAVASCRIPT: &[Template] = templates!("javascript", PLAIN, "handler.js");

pub(super) const TYPESCRIPT: &[Template] = templates!("typescript", TYPED, "handler.ts");

/// Names that Node.js or the project's own packages have.
const TAKEN: [&str; 4] = ["firstbyte", "node_modules", "test", "typescript"];

/// What a package of npm's and a function of Lambda's can both be called.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(is_allowed) {
        return Err("it begins with a lower-case letter and has lower-case letters, digits, - and _".to_owned());
    }
    if name.len() > 64 {
        return Err("it has 64 characters at most".to_owned());
    }
    if TAKEN.contains(&name) {
        return Err("a package that the project needs, or a folder of it, has this name".to_owned());
    }
    Ok(())
}

/// What stands for the package `firstbyte` in a `package.json`.
pub(super) fn dependencies(sdk: &Sdk<'_>) -> Vec<(&'static str, String)> {
    let firstbyte = match sdk {
        Sdk::Checkout(checkout) => format!("file:{}", checkout.join("guest/javascript").display()),
        Sdk::Released(version) => (*version).to_owned(),
    };
    vec![("firstbyte", serde_json::Value::from(firstbyte).to_string())]
}
