//! Writes the schema: 500 definitions in 100 kB, none of which is like another.

use std::{env, fmt::Write as _, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut schema = String::from(r#"{"$defs":{"#);
    for n in 0..500 {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(
            schema,
            r#"{comma}"d{n}":{{"type":"object","required":["name"],"properties":{{"name":{{"type":"string","minLength":1,"maxLength":{}}},"of{n}":{{"type":"array","items":{{"type":"number","minimum":{n}}}}}}}}}"#,
            100 + n
        );
    }
    schema.push_str("}}");
    let folder = env::var("OUT_DIR").expect("cargo names the folder");
    fs::write(Path::new(&folder).join("schema.json"), schema).expect("the folder can be written");
}
