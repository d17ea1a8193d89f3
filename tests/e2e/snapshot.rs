//! A handler that was prepared while it was built answers as one that prepares itself, and is not prepared again. What a snapshot
//! could not keep, or what has nothing to prepare, is refused with what to do instead.

use firstbyte_tests::{Call, Door, Function, Guest, Invoked, Program};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Runs `firstbyte` where the variable `ASK` is as it says: what it wrote, or what it said instead.
fn run(file: &Path, ask: &str, arguments: &[&str]) -> Result<PathBuf, String> {
    let mut command = Command::new(Program::Firstbyte.path());
    let output = command.args(arguments).arg("-o").arg(file).env("ASK", ask).output().expect("firstbyte runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.success(), file.exists(), "{said}");
    if output.status.success() { Ok(file.to_owned()) } else { Err(said) }
}

/// A guest, compiled with these options as well.
fn compiled(guest: Guest, folder: &TempDir, ask: &str, options: &[&str]) -> Result<PathBuf, String> {
    let component = guest.component().to_str().expect("UTF-8");
    let file = folder.path().join(format!("{guest:?}-{}.cwasm", options.join("")));
    let _ = std::fs::remove_file(&file);
    run(&file, ask, &[&["compile", component], options].concat())
}

#[tokio::test]
async fn a_snapshot_streams_what_its_handler_streams() {
    let folder = TempDir::new().expect("a temporary folder");
    for options in [&[][..], &["--snapshot"]] {
        let file = compiled(Guest::Prepared, &folder, "", options).expect("it is compiled");
        let mut lambda = Function::of_file(&file).start().await;
        for door in Door::ALL {
            // Twice, each time in a fresh instance.
            for _ in 0..2 {
                let call = Call::json(&json!({"name": "hoge"})).path("/tables/999/items/7");
                let Invoked { answer, .. } = lambda.invoke(door, call).await;
                assert_eq!(answer.text(), "Hello, hoge!\nprepared 1 time\n", "{options:?} at {door}");
            }
            let call = Call::json(&json!({"name": "hoge", "of499": [500, 1]})).path("/tables/999/items/7");
            let Invoked { answer, .. } = lambda.invoke(door, call).await;
            assert!(answer.text().contains("/of499/1 is not as the schema has it"), "{options:?} at {door}: {}", answer.text());
        }
        let Invoked { answer, .. } = lambda.invoke(Door::Url, Call::get("/tables/1000")).await;
        assert_eq!(answer.status.as_u16(), 404, "{options:?}");
    }
}

/// What an instance of the handler answers when `ASK` is `now`. It has this in its log, too.
async fn now(file: &Path, printed: &str) -> String {
    let mut lambda = Function::of_file(file).env("ASK", "now").env("AWS_LAMBDA_LOG_LEVEL", "DEBUG").start().await;
    let Invoked { answer, mut seen } = lambda.invoke(Door::Url, Call::get("/")).await;
    lambda.until_printed(&mut seen, printed).await;
    answer.text()
}

/// What every instance prints.
const PRINTED: &str = "printed by the handler";

#[tokio::test]
async fn what_was_prepared_is_not_prepared_again() {
    let folder = TempDir::new().expect("a temporary folder");
    let plain = compiled(Guest::Misprepared, &folder, "before", &[]).expect("it is compiled");
    assert_eq!(now(&plain, PRINTED).await, "kept now; now now\n");

    let granted = ["--snapshot", "--snapshot-env", "ASK"];
    let snapshot = compiled(Guest::Misprepared, &folder, "before", &granted).expect("a snapshot");
    assert_eq!(now(&snapshot, PRINTED).await, "kept before; now now\n", "the environment is the function's own again");

    // The level of the log is the function's, too, although the logger was set up before it was known.
    let snapshot = compiled(Guest::Misprepared, &folder, "logger", &granted).expect("a snapshot");
    assert_eq!(now(&snapshot, "of a level below INFO").await, "kept logger; now now\n");
}

#[tokio::test]
async fn a_hash_seed_that_is_granted_is_one_for_all_instances_of_a_snapshot() {
    let folder = TempDir::new().expect("a temporary folder");
    let granted = ["--snapshot", "--snapshot-env", "ASK", "--snapshot-hash-seed"];
    let mut orders = Vec::new();
    for _ in 0..2 {
        let snapshot = compiled(Guest::Misprepared, &folder, "hash", &granted).expect("a snapshot");
        let (first, second) = (now(&snapshot, PRINTED).await, now(&snapshot, PRINTED).await);
        assert_eq!(first, second);
        orders.push(first);
    }
    assert_ne!(orders[0], orders[1], "each snapshot has a seed of its own");
}

#[test]
fn what_a_snapshot_would_keep_is_refused_with_what_to_do() {
    let folder = TempDir::new().expect("a temporary folder");
    let refused = |ask, options: &[&str]| compiled(Guest::Misprepared, &folder, ask, options).expect_err(ask);
    for (ask, what) in [
        ("instant", "asks for the time (wasi:clocks/monotonic-clock"),
        ("time", "asks for the time (wasi:clocks/wall-clock"),
        ("wait", "asks for the time (wasi:clocks/monotonic-clock"),
        ("random", "asks for random numbers (wasi:random/random"),
        ("insecure", "asks for random numbers (wasi:random/insecure@"),
        ("hash", "give --snapshot-hash-seed if"),
        ("file", "asks for files (wasi:filesystem/"),
        ("stdin", "asks for standard input (wasi:cli/stdin"),
        ("print", "print in the handler (it printed: \"here I am\")"),
        ("half", "print in the handler (it printed: \"half a line\")"),
        ("log", "print in the handler (it printed: \"{"),
        ("panic", "its #[firstbyte::init] panicked: "),
        ("panic", "there are no routes"),
        ("error", "its #[firstbyte::init] failed: there are no routes"),
        ("exit", "trapped: it exited with status 1"),
    ] {
        let said = refused(ask, &["--snapshot", "--snapshot-env", "ASK"]);
        let begins = said.contains("error: cannot make a snapshot of ") && said.contains("guest_misprepared.wasm: ");
        assert!(begins && said.contains(what), "{ask}: {said}");
    }
    let said = refused("time", &["--snapshot", "--snapshot-env", "ASK"]);
    assert!(said.contains("leave it to the handler\n    at ") && said.contains("prepare"), "who asked: {said}");
    let said = refused("before", &["--snapshot"]);
    assert!(said.contains("asks for the environment (") && said.contains("give --snapshot-env NAME"), "{said}");
    let said = refused("before", &["--snapshot", "--snapshot-env", "NOT_SET_ANYWHERE"]);
    assert!(said.contains("--snapshot-env NOT_SET_ANYWHERE: "), "{said}");
    let said = refused("spin", &["--snapshot", "--snapshot-env", "ASK", "--snapshot-timeout", "0.1"]);
    assert!(said.contains("its #[firstbyte::init] has not returned after 0.1 s") && said.contains("\n    at "), "{said}");
    let said = refused("before", &["--snapshot-hash-seed"]);
    assert!(said.contains("--snapshot"), "{said}");
}

#[test]
fn what_has_nothing_to_prepare_is_told_so() {
    let folder = TempDir::new().expect("a temporary folder");
    let nothing =
        "in Rust, mark a function of it with `#[firstbyte::init]`. What is built from JavaScript or Python is a snapshot";
    for (guest, why) in [
        (Guest::Echo, nothing),
        (Guest::HttpP2, "a component of wasi:http/proxy 0.2 prepares itself in no way"),
        (Guest::HttpP3, "a component of wasi:http/service 0.3 prepares itself in no way"),
        (Guest::NotAHandler, "it is a component, but not a handler"),
    ] {
        let said = compiled(guest, &folder, "", &["--snapshot"]).expect_err("there is nothing to prepare");
        assert!(said.contains(why), "{guest:?}: {said}");
    }

    let sources = Guest::Prepared.folder();
    let build = ["build", sources.to_str().expect("UTF-8"), "--snapshot"];
    let snapshot = run(&folder.path().join("prepared.wasm"), "", &build).expect("a snapshot");
    let again = ["compile", snapshot.to_str().expect("UTF-8"), "--snapshot"];
    let said = run(&folder.path().join("again.cwasm"), "", &again).expect_err("it is a snapshot");
    assert!(said.contains("it is a snapshot already"), "{said}");
    run(&folder.path().join("once.cwasm"), "", &again[..2]).expect("it is a component as any other");

    let compiled = compiled(Guest::Prepared, &folder, "", &[]).expect("it is compiled");
    let package = |handler: &Path, name: &str| {
        let handler = handler.to_str().expect("UTF-8");
        run(&folder.path().join(name), "", &["package", handler, "--arch", "x86_64", "--snapshot"])
    };
    let said = package(&compiled, "refused").expect_err("it is machine code");
    assert!(said.contains("is compiled already; --snapshot needs its .wasm"), "{said}");
    let packaged = package(Guest::Prepared.component(), "packaged").expect("a function");
    assert!(packaged.join("function.zip").is_file());
}
