//! What a handler can see of the machine.

use std::{collections::BTreeMap, env, fs, io};

use firstbyte::{Response, Result};
use serde_json::json;

pub(crate) fn env(response: Response) -> Result {
    let variables: BTreeMap<String, String> =
        env::vars_os().map(|(name, value)| (name.to_string_lossy().into(), value.to_string_lossy().into())).collect();
    response.content_type("application/json").start()?.write(json!(variables).to_string())?;
    Ok(())
}

pub(crate) fn fs(response: Response, paths: Option<Vec<String>>) -> Result {
    let usual = [".", "/", "/etc/passwd", "/proc/self/environ", "/tmp/guest", "/var/task", "../Cargo.toml"];
    let paths = paths.unwrap_or_else(|| usual.map(str::to_owned).to_vec());
    let tried: BTreeMap<String, [String; 2]> = paths
        .into_iter()
        .map(|path| {
            let read = outcome(fs::File::open(&path));
            let write = fs::File::options().append(true).create(true).open(&path);
            (path, [read, outcome(write)])
        })
        .collect();
    response.content_type("application/json").start()?.write(json!(tried).to_string())?;
    Ok(())
}

fn outcome(opened: io::Result<fs::File>) -> String {
    opened.map_or_else(|error| error.to_string(), |_| "opened".to_owned())
}
