//! What a handler can see of the machine.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{self, Write as _},
    path::Path,
};

use firstbyte::{Response, Result};
use serde_json::{Value, json};

pub(crate) fn env(response: Response) -> Result {
    let variables: BTreeMap<String, String> =
        env::vars_os().map(|(name, value)| (name.to_string_lossy().into(), value.to_string_lossy().into())).collect();
    response.content_type("application/json").start()?.write(json!(variables).to_string())?;
    Ok(())
}

pub(crate) fn fs(response: Response, paths: Option<Vec<String>>) -> Result {
    let usual = [".", "/", "/etc/passwd", "/proc/self/environ", "/tmp/guest", "/var/task", "../Cargo.toml"];
    let paths = paths.unwrap_or_else(|| usual.map(str::to_owned).to_vec());
    let tried: BTreeMap<String, Value> = paths.into_iter().map(|path| (path.clone(), attempt(Path::new(&path)))).collect();
    response.content_type("application/json").start()?.write(json!(tried).to_string())?;
    Ok(())
}

/// What can be done with a file or folder: its text, or the names in it, and for every change what became of that.
fn attempt(path: &Path) -> Value {
    let names = |folder: fs::ReadDir| folder.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let read = match fs::read_dir(path) {
        Ok(folder) => json!(names(folder).collect::<BTreeSet<_>>()),
        Err(_) => fs::read_to_string(path).map_or_else(|error| json!(error.to_string()), Value::String),
    };
    let outcome = |changed: io::Result<()>| changed.map_or_else(|error| error.to_string(), |()| "done".to_owned());
    json!({
        "read": read,
        "append": outcome(fs::File::options().append(true).open(path).and_then(|mut file| file.write_all(b"x"))),
        "create": outcome(fs::File::create(path.join("new")).map(drop)),
        "rename": outcome(fs::rename(path, path.with_extension("new"))),
        "remove": outcome(fs::remove_file(path)),
    })
}
