//! A handler reads the folders that its operator names, writes nowhere, and sees nothing else.

use firstbyte_tests::{Call, Door, Function, Guest};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// `granted` with a file and links that lead out of it, and `other` beside it with a file.
fn folders() -> TempDir {
    let root = TempDir::new().expect("a temporary folder");
    let path = root.path();
    std::fs::create_dir_all(path.join("granted/deep")).expect("a folder");
    std::fs::create_dir(path.join("other")).expect("a folder");
    std::fs::write(path.join("granted/deep/file"), "granted text").expect("a file");
    std::fs::write(path.join("other/secret"), "secret text").expect("a file");
    symlink(path.join("other/secret"), path.join("granted/absolute")).expect("a link");
    symlink("../other/secret", path.join("granted/relative")).expect("a link");
    symlink("../other", path.join("granted/folder")).expect("a link");
    symlink("deep/file", path.join("granted/inside")).expect("a link");
    root
}

async fn attempt(function: Function, paths: &[String]) -> Value {
    let lambda = function.start().await;
    lambda.send(Door::Direct, Call::json(&json!({ "ending": "fs", "paths": paths }))).await.json()
}

#[tokio::test]
async fn a_granted_folder_is_read_and_nothing_else_is_done() {
    let root = folders();
    let at = |path: &str| root.path().join(path).to_string_lossy().into_owned();
    let granted = at("granted");
    let (file, inside) = (at("granted/deep/file"), at("granted/inside"));
    let outside = [
        at("granted/../other/secret"),
        at("granted/deep/../../other/secret"),
        at("granted/absolute"),
        at("granted/relative"),
        at("granted/folder/secret"),
        at("granted/folder"),
        at("other/secret"),
        at("other"),
        at(""),
        "/".to_owned(),
        "/proc/self/environ".to_owned(),
    ];
    let paths: Vec<String> = [&granted, &file, &inside].into_iter().chain(&outside).cloned().collect();
    let function = Function::of(Guest::Endings).env("FIRSTBYTE_ALLOW_READ", &granted);
    let tried = attempt(function, &paths).await;

    assert_eq!(tried[&granted]["read"], json!(["absolute", "deep", "folder", "inside", "relative"]));
    assert_eq!((&tried[&file]["read"], &tried[&inside]["read"]), (&json!("granted text"), &json!("granted text")));
    for path in &outside {
        let read = &tried[path]["read"];
        assert!(read.as_str().is_some_and(|told| !told.contains("text")), "{path}: {read}");
    }
    for path in &paths {
        for change in ["append", "create", "rename", "remove"] {
            assert_ne!(tried[path][change], "done", "{change} {path}");
        }
    }
    assert_eq!(std::fs::read_to_string(root.path().join("granted/deep/file")).expect("it is there"), "granted text");
    assert_eq!(std::fs::read_to_string(root.path().join("other/secret")).expect("it is there"), "secret text");
    assert_eq!(std::fs::read_dir(root.path().join("granted")).expect("it is there").count(), 5);
}

#[tokio::test]
async fn nothing_is_granted_unless_it_is_named() {
    let root = folders();
    let paths = ["granted", "granted/deep/file", "other"].map(|path| root.path().join(path).to_string_lossy().into_owned());
    let tried = attempt(Function::of(Guest::Endings), &paths).await;
    for path in &paths {
        assert!(tried[path]["read"].as_str().is_some_and(|told| !told.contains("text")), "{path}: {tried}");
    }
}
