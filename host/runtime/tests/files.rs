//! What a handler opens in a folder that it may read: files and folders, and nothing that would keep a thread of the host's.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use std::process::Command;
use support::{Next, Post, start};

#[test]
fn pipes_are_refused_and_files_are_read_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    std::fs::write(at("file"), "content").expect("ours");
    std::os::unix::fs::symlink("pipe", at("link")).expect("ours");
    assert!(Command::new("mkfifo").arg(at("pipe")).status().expect("coreutils").success());
    let mut paths = [at("pipe"), at("link")].map(|path| vec![path; 300]).concat();
    paths.push(at("file"));
    let mut running = start(&[("FIRSTBYTE_ALLOW_READ", folder.path().to_str().expect("text"))], vec![], vec![]);
    running.discard_log();
    let payload = serde_json::json!({ "ending": "fs", "paths": paths }).to_string();
    // Whoever opens a pipe for reading waits for somebody who writes, and there are 512 threads to wait with.
    running.deliver(Next::Deliver(payload, vec![]), Post::Accept);
    let request = running.request();
    assert!(request.complete && request.trailers.is_empty(), "{request:?}");
    let told: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    let told = told.as_object().expect("an object");
    assert!(told[&at("file")].to_string().contains("content"), "{told:?}");
    for name in ["pipe", "link"] {
        assert!(told[&at(name)].to_string().contains("not permitted"), "{told:?}");
    }
    running.assert_alive();
}
