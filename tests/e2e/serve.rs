//! `firstbyte` as a user meets it: what it says when something is wrong, a component swapped under it, and its end.

use firstbyte_tests::{
    Call, Door, Guest, Received, Run, Serve, firstbyte, firstbyte_to_head, gone, is_alive, open, send, send_signal, soon,
};
use rustix::process::Signal;
use serde_json::json;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const FIRST: &str = "Hello, this is a streamed response!\n";
const SECOND: &str = "Hello, hoge! This is a delayed message.\n";

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn component(guest: Guest) -> &'static str {
    text(guest.component())
}

/// A folder with one file.
fn folder_with(name: &str, contents: impl AsRef<[u8]>) -> (TempDir, String) {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join(name);
    fs::write(&file, contents).expect("a file");
    let file = text(&file).to_owned();
    (folder, file)
}

/// `firstbyte serve`, where it cannot.
async fn refused(arguments: &[&str]) -> Run {
    let ports = ["serve", "--lambda-port", "0", "--url-port", "0", "--api-port", "0"];
    firstbyte(&[&ports[..], arguments].concat()).await
}

/// One clear line that says all of this, and an exit status.
fn assert_says(run: &Run, parts: &[&str]) {
    assert_eq!(run.status.code(), Some(1), "{run:#?}");
    let line = run.only_line();
    assert!(line.starts_with("error: ") && parts.iter().all(|part| line.contains(part)), "{parts:?} are not in {line}");
}

#[tokio::test]
async fn a_handler_that_is_not_there() {
    assert_says(&refused(&["nowhere.wasm"]).await, &["nowhere.wasm does not exist", "HANDLER is a .wasm"]);
    let (folder, file) = folder_with("notes.txt", "notes");
    assert_says(&refused(&[&file]).await, &["notes.txt is no handler's source: a handler is a .wasm or .cwasm file, or"]);
    assert_says(&refused(&[text(folder.path())]).await, &["has no Cargo.toml"]);
    assert_says(&firstbyte(&["invoke", "nowhere.wasm"]).await, &["nowhere.wasm does not exist"]);
    assert_says(&firstbyte(&["compile", "nowhere.wasm"]).await, &["nowhere.wasm does not exist"]);
    assert_says(
        &refused(&["--bootstrap", "/nowhere/bootstrap", component(Guest::Echo)]).await,
        &["/nowhere/bootstrap does not exist"],
    );
    assert_says(&refused(&["--", "/nowhere/runtime"]).await, &["/nowhere/runtime"]);
}

#[tokio::test]
async fn a_component_that_is_no_handler() {
    // Three kinds of files that are no handlers, and what to do about each. Nothing is compiled before that is said.
    let other_world = component(Guest::NotAHandler);
    for run in
        [refused(&[other_world]).await, firstbyte(&["invoke", other_world]).await, firstbyte(&["compile", other_world]).await]
    {
        assert_says(
            &run,
            &["guest-not-a-handler.wasm is no handler: it is a component", "exports one of firstbyte:lambda/handler@0.2.0"],
        );
    }

    let (_folder, text_file) = folder_with("text.wasm", "This is no component.");
    for run in [refused(&[&text_file]).await, firstbyte(&["compile", &text_file]).await] {
        assert_says(&run, &["text.wasm is no handler: it is not WebAssembly"]);
    }
    let (_folder, empty) = folder_with("empty.wasm", "");
    assert_says(&refused(&[&empty]).await, &["empty.wasm is no handler: it is not WebAssembly"]);
    let (_folder, module) = folder_with("module.wasm", b"\0asm\x01\0\0\0");
    let package = ["package", &module, "--arch", "arm64", "-o", "/nowhere"];
    for run in [refused(&[&module]).await, firstbyte(&package).await] {
        assert_says(&run, &["module.wasm is no handler: it is a core module", "wasm32-wasip2"]);
    }
    // What others are is said in a line.
    let run = firstbyte(&["invoke", component(Guest::HttpP2), "--payload", r#"{"ending":"ok"}"#]).await;
    assert!(
        run.status.success() && run.only_line().ends_with("guest_http_p2.wasm: a component of wasi:http/proxy 0.2"),
        "{run:#?}"
    );
}

#[tokio::test]
async fn machine_code_that_cannot_be_used() {
    let (_folder, garbage) = folder_with("garbage.cwasm", "no machine code");
    assert_says(&refused(&[&garbage]).await, &["garbage.cwasm cannot be used", "rebuild it with", "firstbyte compile"]);
    let (_folder, elf) = folder_with("elf.cwasm", b"\x7fELF and nothing else");
    assert_says(&refused(&[&elf]).await, &["elf.cwasm cannot be used", "rebuild it with"]);

    // Good machine code with a hole in it, and for another machine.
    let folder = TempDir::new().expect("a temporary folder");
    let compiled = folder.path().join("handler.cwasm");
    let other = if cfg!(target_arch = "x86_64") { "arm64" } else { "x86_64" };
    let run = firstbyte(&["compile", component(Guest::Echo), "-o", text(&compiled), "--arch", other]).await;
    assert!(run.status.success(), "{run:#?}");
    assert_says(&refused(&[text(&compiled)]).await, &["handler.cwasm cannot be used", "rebuild it with"]);
    let code = fs::read(&compiled).expect("machine code");
    fs::write(&compiled, &code[..code.len() / 2]).expect("a file");
    assert_says(&refused(&[text(&compiled)]).await, &["handler.cwasm cannot be used", "rebuild it with"]);

    // With the .wasm beside it, that is used, and said.
    fs::copy(Guest::Echo.component(), compiled.with_extension("wasm")).expect("a copy");
    let mut serve = Serve::start(&[text(&compiled)]).await;
    let answer = send(&serve.doors, Door::Direct, Call::json(&json!({}))).await;
    assert!(answer.text().contains("requestId"), "{}", answer.text());
    assert!(serve.said("using the .wasm beside it").await);
    serve.end_by(Signal::INT).await;
}

#[tokio::test]
async fn a_port_in_use() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    for (flag, door) in [
        ("--lambda-port", "Lambda API"),
        ("--url-port", "Function URL"),
        ("--api-port", "API Gateway"),
        ("--console-port", "console"),
    ] {
        let ports = ["serve", "--lambda-port=0", "--url-port=0", "--api-port=0", "--console-port=0"].map(str::to_owned);
        let ports = ports.map(|given| if given.starts_with(flag) { format!("{flag}={port}") } else { given });
        let arguments: Vec<&str> = ports.iter().map(String::as_str).chain([component(Guest::Echo)]).collect();
        assert_says(&firstbyte(&arguments).await, &[&format!("port {port} is in use"), flag, door]);
    }
}

#[tokio::test]
async fn the_console_is_open_unless_it_is_not_wanted() {
    let of = |serve: &Serve| {
        serve.introduction().iter().find_map(|line| line.strip_prefix("Console")).map(str::trim).map(str::to_owned)
    };
    // Two servers that say nothing of consoles have one each.
    let echo = component(Guest::Echo);
    let first = Serve::start_without_console_options(&[echo]).await;
    let second = Serve::start_without_console_options(&[echo]).await;
    let (one, other) = (of(&first).expect("a console"), of(&second).expect("a console"));
    assert_ne!(one, other);
    let without = Serve::start_without_console_options(&["--no-console", echo]).await;
    assert_eq!(of(&without), None);
}

#[tokio::test]
async fn arguments_and_settings_that_cannot_be() {
    let echo = component(Guest::Echo);
    assert_says(&firstbyte(&["invoke", echo, "--payload-file", "/nowhere/event.json"]).await, &["/nowhere/event.json"]);
    assert_says(&refused(&[echo, "--env", "NOT_SET_ANYWHERE"]).await, &["NOT_SET_ANYWHERE", "not set"]);
    assert_says(
        &refused(&[echo, "--env", "FIRSTBYTE_MEMORY_MB=much"]).await,
        &["FIRSTBYTE_MEMORY_MB=\"much\"", "a whole number"],
    );
    for (setting, told) in [
        ("FIRSTBYTE_REUSE=0", "at least 1. Correct it, or remove it for its default: 1"),
        ("FIRSTBYTE_DEADLINE_RESERVE_MS=900000", "less than 900000"),
        ("FIRSTBYTE_SIGN_AWS=dynamdb", "did you mean dynamodb?"),
        ("AWS_LAMBDA_LOG_LEVEL=loud", "expected `TRACE`"),
    ] {
        let run = firstbyte(&["invoke", echo, "--env", setting]).await;
        assert_says(&run, &["Runtime.InvalidSetting", told]);
    }
    let run = firstbyte(&["invoke", echo, "--raw", "--env", "FIRSTBYTE_ALOW_HTTP=*"]).await;
    assert!(run.status.success() && run.stderr.contains("WARN") && run.stderr.contains("mean FIRSTBYTE_ALLOW_HTTP?"), "{run:#?}");
    for arguments in
        [&["serve", echo, "--timeout", "0"][..], &["invoke", echo, "--via", "window"], &["serve", echo, "--url-port", "99999"]]
    {
        let run = firstbyte(arguments).await;
        assert_eq!(run.status.code(), Some(2), "{run:#?}");
        assert!(run.stderr.starts_with("error: invalid value"), "{run:#?}");
    }
}

#[tokio::test]
async fn what_the_doors_refuse_is_told_to_the_user() {
    let mut serve = Serve::start(&[component(Guest::Echo)]).await;
    let mut nobody = serve.doors.clone();
    nobody.function = "nobody".to_owned();
    assert_eq!(send(&nobody, Door::Direct, Call::json(&json!({}))).await.status, 404);
    let line = serve.until_printed("404").await;
    assert!(line.contains("Function not found") && line.contains("nobody"), "{line}");
    assert_eq!(send(&serve.doors, Door::Direct, Call::post("application/json", "{name: hoge}")).await.status, 400);
    let line = serve.until_printed("400").await;
    assert!(line.contains("Could not parse request body into json"), "{line}");
    serve.end_by(Signal::INT).await;
}

#[tokio::test]
async fn a_compiled_handler_and_a_folder_and_another_runtime_are_served() {
    let folder = TempDir::new().expect("a temporary folder");
    let compiled = folder.path().join("greeting.cwasm");
    let run = firstbyte(&["compile", component(Guest::Greeting), "-o", text(&compiled)]).await;
    assert!(run.status.success() && run.stdout.contains("greeting.cwasm"), "{run:#?}");
    let sources = Guest::Greeting.folder();
    let (compiled, built, native) =
        tokio::join!(async { Serve::start(&[text(&compiled)]).await }, async { Serve::start(&[text(&sources)]).await }, async {
            Serve::start(&["--", env!("CARGO_BIN_EXE_native-greeting")]).await
        },);
    assert_eq!((compiled.doors.function.as_str(), built.doors.function.as_str()), ("greeting", "greeting"));
    let hoge = || Call::json(&json!({"name": "hoge"}));
    let (of_compiled, of_built, of_native) = tokio::join!(
        send(&compiled.doors, Door::Url, hoge()),
        send(&built.doors, Door::Api, hoge()),
        send(&native.doors, Door::Url, hoge()),
    );
    for answer in [of_compiled, of_built] {
        assert_eq!(answer.text(), format!("{FIRST}{SECOND}"));
    }
    assert!(of_native.text().starts_with(FIRST), "{}", of_native.text());
    for serve in [compiled, built, native] {
        serve.end_by(Signal::INT).await;
    }
}

/// An answer, when its environment is free again: a caller who is faster meets a new one, as on AWS.
async fn answer_of(serve: &mut Serve, door: Door, call: Call) -> Received {
    let answer = send(&serve.doors, door, call).await;
    let report = serve.until_printed("REPORT RequestId").await;
    assert!(report.starts_with("[1] "), "another environment: {report}");
    answer
}

#[tokio::test]
async fn doors_that_take_a_response_whole_are_served() {
    let buffered = ["--url-buffered", "--api-buffered", "-e", "FIRSTBYTE_RESPONSE=buffered"];
    let mut serve = Serve::start(&[&[component(Guest::Endings)], &buffered[..]].concat()).await;
    for door in Door::HTTP {
        let answer = answer_of(&mut serve, door, Call::json(&json!({"ending": "head-only", "status": 302}))).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (302, Some("/elsewhere")), "{door}");
        // Streamed, it would be 200 and what there was.
        let answer = answer_of(&mut serve, door, Call::json(&json!({"ending": "err-after"}))).await;
        assert_eq!(answer.status.as_u16(), 502, "{door}");
    }
}

#[tokio::test]
async fn a_swapped_component_answers_the_next_invocation_in_the_same_process() {
    let (folder, handler) = folder_with("handler.wasm", fs::read(Guest::Endings.component()).expect("a component"));
    let mut serve = Serve::start(&[&handler]).await;
    let environments = serve.environments();
    assert_eq!(environments.len(), 1);
    let call = || Call::json(&json!({"ending": "ok", "bytes": 3}));
    assert_eq!(answer_of(&mut serve, Door::Direct, call()).await.bytes(), [0, 1, 2]);

    let swap = |contents: &[u8]| {
        let new = folder.path().join("new");
        fs::write(&new, contents).expect("a file");
        fs::rename(new, &handler).expect("a swap");
    };
    swap(&fs::read(Guest::Echo.component()).expect("a component"));
    for (door, is_first) in Door::ALL.into_iter().zip([true, false, false]) {
        let answer = send(&serve.doors, door, call()).await;
        assert!(answer.text().contains("requestId"), "{door}: {}", answer.text());
        if is_first {
            serve.until_printed("handler.wasm has changed: the next invocation runs it").await;
            let line = serve.until_printed("the handler was swapped").await;
            assert!(line.starts_with("[1] "), "{line}");
        }
        serve.until_printed("REPORT RequestId").await;
    }

    // What is no component, or none of ours, does not take the handler away.
    let not_a_handler = fs::read(Guest::NotAHandler.component()).expect("a component");
    for (contents, why) in [(&b"half a component"[..], "cannot compile"), (&not_a_handler, "firstbyte:lambda")] {
        swap(contents);
        let answer = send(&serve.doors, Door::Url, call()).await;
        assert!(answer.text().contains("requestId"), "{}", answer.text());
        let line = serve.until_printed("handler.wasm has changed, and the handler stays as it was").await;
        assert!(line.contains(why) && line.contains(&handler), "{line}");
        serve.until_printed("REPORT RequestId").await;
    }

    swap(&fs::read(Guest::Endings.component()).expect("a component"));
    assert_eq!(answer_of(&mut serve, Door::Api, call()).await.bytes(), [0, 1, 2]);
    assert_eq!(serve.environments(), environments, "no restart");
    serve.end_by(Signal::INT).await;
}

#[tokio::test]
async fn swapped_machine_code_is_taken_up_and_told() {
    let (_folder, handler) = folder_with("handler.cwasm", fs::read(Guest::Endings.compiled()).expect("machine code"));
    let mut serve = Serve::start(&[&handler]).await;
    assert_eq!(answer_of(&mut serve, Door::Direct, Call::json(&json!({"ending": "ok", "bytes": 3}))).await.bytes(), [0, 1, 2]);
    let new = format!("{handler}.new");
    fs::copy(Guest::Echo.compiled(), &new).expect("a copy");
    fs::rename(new, &handler).expect("a swap");
    assert!(send(&serve.doors, Door::Url, Call::json(&json!({}))).await.text().contains("requestId"));
    assert!(serve.until_printed("the handler was swapped").await.starts_with("[1] "));
    serve.end_by(Signal::INT).await;
}

#[tokio::test]
async fn a_build_for_another_target_than_what_is_served_is_told() {
    let folder = TempDir::new().expect("a temporary folder");
    let place = |target: &str| {
        let release = folder.path().join(target).join("release");
        fs::create_dir_all(&release).expect("a folder");
        release.join("greeting.wasm")
    };
    let (served, other) = (place("wasm32-wasip2"), place("wasm32-wasip1"));
    fs::copy(Guest::Echo.component(), &served).expect("a copy");
    let mut serve = Serve::start(&[text(&served)]).await;
    assert!(serve.introduction().contains(&format!("Handler       {}", text(&served))), "{:?}", serve.introduction());
    // As `cargo component build` does.
    fs::copy(Guest::Echo.component(), &other).expect("a copy");
    send(&serve.doors, Door::Url, Call::json(&json!({}))).await;
    let line = serve.until_printed("was built, but what is served is").await;
    assert!(line.starts_with(text(&other)) && line.contains(text(&served)), "{line}");
    serve.end_by(Signal::INT).await;
}

/// A component with so much more code in it that it takes two seconds to compile.
async fn slow_to_compile(component: &Path) -> Vec<u8> {
    /// A number as modules have it.
    fn leb(mut number: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while number > 0x7f {
            bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
        bytes
    }
    fn section(id: u8, content: &[u8]) -> Vec<u8> {
        [&[id][..], &leb(content.len()), content].concat()
    }
    // (func (param i32) (result i32)): the parameter, and a thousand times that multiplied by itself and by a constant.
    let body = [&[0, 0x20, 0][..], &[0x20, 0, 0x6c, 0x41, 7, 0x6c].repeat(1000), &[0x0b]].concat();
    let function = [leb(body.len()), body].concat();
    let component = fs::read(component).expect("a component");
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("slow.wasm");
    let mut functions = 100;
    loop {
        let module = [
            b"\0asm\x01\0\0\0".to_vec(),
            section(1, &[1, 0x60, 1, 0x7f, 1, 0x7f]),
            section(3, &[leb(functions), vec![0; functions]].concat()),
            section(10, &[leb(functions), function.repeat(functions)].concat()),
        ];
        let slow = [component.clone(), section(1, &module.concat())].concat();
        fs::write(&file, &slow).expect("a file");
        let run = firstbyte(&["compile", text(&file)]).await;
        // It prints its file's name (architecture, size, time).
        let seconds = run.stdout.rsplit(", ").next().and_then(|time| time.strip_suffix(" s)\n")?.parse().ok());
        let seconds: f64 = seconds.unwrap_or_else(|| panic!("no time: {run:#?}"));
        if seconds >= 2.0 {
            return slow;
        }
        functions *= 2;
    }
}

#[tokio::test]
async fn compiling_takes_nothing_of_the_timeout() {
    let slow = slow_to_compile(Guest::Echo.component()).await;
    let (_folder, handler) = folder_with("handler.wasm", fs::read(Guest::Endings.component()).expect("a component"));
    let mut serve = Serve::start(&[&handler, "--timeout", "1"]).await;
    let new = format!("{handler}.new");
    fs::write(&new, slow).and_then(|()| fs::rename(&new, &handler)).expect("a swap");
    let answer = send(&serve.doors, Door::Url, Call::json(&json!({}))).await;
    assert!(answer.status == 200 && answer.text().contains("requestId"), "{answer:?}");
    serve.until_printed("handler.wasm has changed: the next invocation runs it").await;
    serve.end_by(Signal::INT).await;
}

#[tokio::test]
async fn ctrl_c_ends_the_children_too() {
    for signal in [Signal::INT, Signal::TERM] {
        let serve = Serve::start(&[component(Guest::Endings)]).await;
        let mut answer = open(&serve.doors, Door::Url, Call::json(&json!({"ending": "wait", "started": true}))).await;
        assert_eq!(answer.next().await.expect("a chunk").bytes, "started\n");
        let children = serve.environments();
        assert_eq!(children.len(), 1);
        assert!(is_alive(children[0]));
        let status = serve.end_by(signal).await;
        assert_eq!(status.code(), Some(130), "{signal:?}: {status}");
        assert!(!is_alive(children[0]), "{signal:?} left {children:?}");
    }
}

#[tokio::test]
async fn ctrl_c_before_the_runtime_is_ready_ends_it_too() {
    let (mut serve, child) = Serve::starting(&["--", "sleep", "90"]).await;
    send_signal(serve.id().expect("it runs"), Signal::INT);
    soon("the end of serve", serve.wait()).await.expect("it ends");
    gone(child).await;
}

/// A runtime that is not ours, and a process of its own that nobody waits for.
const STRAGGLER: [&str; 4] =
    ["--", "sh", "-c", concat!("sleep 1000 & echo started $!; exec ", env!("CARGO_BIN_EXE_native-greeting"))];

#[tokio::test]
async fn what_serve_started_ends_with_it_however_it_ends() {
    for signal in [Signal::KILL, Signal::HUP, Signal::TERM] {
        let mut serve = Serve::start(&STRAGGLER).await;
        let runtime = serve.environments();
        let line = serve.until_printed("started ").await;
        let straggler = line.rsplit(' ').next().and_then(|pid| pid.parse().ok()).expect("a process id");
        assert_eq!(runtime.len(), 1);
        assert!(is_alive(runtime[0]) && is_alive(straggler));
        let status = serve.end_by(signal).await;
        assert_eq!(status.code(), (signal != Signal::KILL).then_some(130), "{signal:?}: {status}");
        gone(runtime[0]).await;
        gone(straggler).await;
    }
}

#[tokio::test]
async fn a_serve_that_nobody_reads_ends_when_it_is_told_to() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut serve = Serve::start(&[component(Guest::Endings)]).await;
        let flood = Call::json(&json!({"ending": "log-flood", "lines": 3000, "stderr": false}));
        send(&serve.doors, Door::Url, flood).await;
        serve.until_blocked().await;
        // The doors are not held up by it.
        assert_eq!(send(&serve.doors, Door::Url, Call::json(&json!({"ending": "ok", "bytes": 3}))).await.bytes(), [0, 1, 2]);
        let runtimes = serve.environments();
        assert!(!runtimes.is_empty());
        let status = serve.end_by(signal).await;
        assert_eq!(status.code(), Some(130), "{signal:?}: {status}");
        for runtime in runtimes {
            gone(runtime).await;
        }
    }
}

#[tokio::test]
async fn a_reader_that_leaves_ends_the_command_quietly() {
    let payload = r#"{"name":"hoge"}"#;
    let run = firstbyte_to_head(&["invoke", component(Guest::Greeting), "--via", "all", "--payload", payload]).await;
    assert_eq!((run.status.code(), run.stderr.as_str()), (Some(141), ""), "{run:#?}");

    let serve = Serve::start(&[component(Guest::Echo)]).await;
    let (doors, runtimes) = (serve.doors.clone(), serve.environments());
    let mut child = serve.read_no_more();
    send(&doors, Door::Url, Call::json(&json!({}))).await;
    let status = soon("the end of serve", child.wait()).await.expect("it ends");
    assert_eq!(status.code(), Some(141), "{status}");
    gone(runtimes[0]).await;
}

#[tokio::test]
async fn a_runtime_that_dies_at_start_is_shown_with_its_last_words() {
    let script = "echo one; echo two >&2; sleep 1000 & echo started $! >&2; exit 7";
    for arguments in [
        &["serve", "--lambda-port", "0", "--url-port", "0", "--api-port", "0", "--", "sh", "-c", script][..],
        &["invoke", "--", "sh", "-c", script],
    ] {
        let run = firstbyte(arguments).await;
        assert_eq!(run.status.code(), Some(1), "{run:#?}");
        let lines: Vec<&str> = run.stderr.lines().collect();
        assert!(lines[0].starts_with("error: the runtime could not start: ") && lines[0].ends_with("exit status 7"), "{run:#?}");
        assert!(lines.contains(&"  one") && lines.contains(&"  two"), "{run:#?}");
        let straggler = lines.iter().find_map(|line| line.strip_prefix("  started ")?.parse().ok()).expect("a process id");
        gone(straggler).await;
    }
}
