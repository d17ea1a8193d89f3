//! A new project, from `firstbyte new` to an answer, by nothing but what the commands print; and one that changes while it is served.

use firstbyte_tests::{Call, Door, Guest, Serve, gone, in_project, is_alive, send, soon};
use rustix::process::Signal;
use serde_json::json;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Runs commands in a shell, one after the other, until one fails. What they printed, if none did.
async fn run(folder: &Path, commands: &[String]) -> String {
    let mut shell = in_project("sh", folder);
    shell.arg("-ec").arg(commands.join("\n"));
    let output = soon("the end of the commands", shell.output()).await.expect("a shell");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{commands:#?}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

/// A project of a template, and the commands that are to be run next, of which the first goes to its folder.
async fn new(folder: &TempDir, name: &str, template: &str) -> (PathBuf, Vec<String>) {
    let said = run(folder.path(), &[format!("firstbyte new {name} --template {template}")]).await;
    let next = said.lines().skip_while(|line| *line != "Next:").skip(1);
    let next: Vec<String> = next.map_while(|line| line.strip_prefix("  ")).map(str::to_owned).collect();
    let project = folder.path().join(name);
    let serves = next.last().is_some_and(|last| last.starts_with("firstbyte serve"));
    assert!(serves && next.first() == Some(&format!("cd {name}")), "{said}");
    // The versions that this repository has, so that its builds are shared.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    fs::copy(lock, project.join("Cargo.lock")).expect("a copy");
    (project, next)
}

#[tokio::test]
async fn what_new_prints_leads_to_an_answer() {
    for (template, answer) in
        [("greeting", "Hello, hoge! This is a delayed message."), ("sse", r#""data: {\"tick\":3}\n\n""#), ("router", r#""2\n""#)]
    {
        let folder = TempDir::new().expect("a temporary folder");
        let (_, next) = new(&folder, &format!("new-{template}"), template).await;
        let (_serve, until_serve) = next.split_last().expect("commands");
        let said = run(folder.path(), until_serve).await;
        assert!(said.contains(".wasm (") && said.contains("test result: ok."), "{template}: {said}");
        assert!(said.contains(answer), "{template}: {said}");
    }
}

#[tokio::test]
async fn the_model_of_a_new_project_is_asked() {
    let folder = TempDir::new().expect("a temporary folder");
    let (project, next) = new(&folder, "new-model", "model").await;
    let [cd, build, test, ..] = &next[..] else { panic!("{next:?}") };
    let said = run(folder.path(), &[cd.clone(), build.clone(), test.clone()]).await;
    assert!(said.contains("test result: ok."), "{said}");

    // What it prints would ask a model that costs money; one on this machine answers instead.
    let model = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", model.local_addr().expect("bound"));
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = model.accept().expect("a request");
        let mut asked = [0; 4096];
        let length = stream.read(&mut asked).expect("a request");
        let piece = |token: &str| format!("data: {}\n\n", json!({"choices": [{"delta": {"content": token}}]}));
        let events = format!("{}{}data: [DONE]\n\n", piece("Hel"), piece("lo"));
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        stream.write_all(format!("{head}{events}").as_bytes()).expect("an answer");
        String::from_utf8_lossy(&asked[..length]).into_owned()
    });
    let invoke = format!(
        "firstbyte invoke --via url --raw --payload '{{\"prompt\":\"hi\"}}' -e FIRSTBYTE_ALLOW_HTTP={url} -e MODEL_URL={url}/chat \
         -e MODEL_KEY=secret"
    );
    let said = run(&project, &[invoke]).await;
    assert_eq!(said, "data: {\"token\":\"Hel\"}\n\ndata: {\"token\":\"lo\"}\n\nevent: done\ndata: \n\n");
    let asked = asked.join().expect("it was asked");
    assert!(asked.starts_with("POST /chat ") && asked.contains("Bearer secret"), "{asked}");
}

#[tokio::test]
async fn a_source_that_changes_is_built_and_served_and_one_that_does_not_build_is_not() {
    let folder = TempDir::new().expect("a temporary folder");
    let (project, _) = new(&folder, "changing", "greeting").await;
    let source = project.join("src/lib.rs");
    let written = fs::read_to_string(&source).expect("a source");
    // Nobody waits for its second line.
    let saying = |word: &str| written.replace("Hello, this is", word).replace("from_secs(2)", "from_secs(0)");
    fs::write(&source, saying("one")).expect("a change");
    let mut serve = Serve::start_as(in_project("firstbyte", &project), &[]).await;
    let first = async |serve: &Serve| {
        let answer = send(&serve.doors, Door::Url, Call::json(&json!({"name": "hoge"}))).await;
        answer.text().split(' ').next().expect("a word").to_owned()
    };
    assert_eq!(first(&serve).await, "one");

    fs::write(&source, saying("two")).expect("a change");
    serve.until_printed("src/lib.rs has changed: building").await;
    serve.until_printed("changing.wasm has changed: the next invocation runs it").await;
    assert_eq!(first(&serve).await, "two");

    // A module that is not there yet, as when a file is saved before the next one is made.
    fs::write(&source, format!("{}mod later;\n", saying("three"))).expect("a change");
    serve.until_printed("the handler stays as it was: cargo could not build").await;
    assert_eq!(first(&serve).await, "two");
    fs::write(project.join("src/later.rs"), "//! Here it is.\n").expect("a new file");
    serve.until_printed("src/later.rs has changed: building").await;
    serve.until_printed("changing.wasm has changed: the next invocation runs it").await;
    assert_eq!(first(&serve).await, "three");

    // A build that goes on when serve is told to end.
    fs::write(
        project.join("build.rs"),
        r#"fn main() { std::fs::write("pid", std::process::id().to_string()).unwrap(); loop { std::thread::park() } }"#,
    )
    .expect("a new file");
    let building = async {
        loop {
            match fs::read_to_string(project.join("pid")).unwrap_or_default().parse() {
                Ok(pid) => break pid,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let building = soon("a build", building).await;
    assert!(is_alive(building));
    serve.end_by(Signal::TERM).await;
    gone(building).await;
}

#[tokio::test]
async fn a_build_goes_where_it_is_asked_to() {
    let folder = TempDir::new().expect("a temporary folder");
    let sources = Guest::Greeting.folder();
    let greeting = |path: &str| sources.join(path).to_str().expect("UTF-8").to_owned();
    for source in ["", "src/lib.rs", "Cargo.toml"] {
        let said = run(folder.path(), &[format!("firstbyte build '{}' -o mine.wasm", greeting(source))]).await;
        assert!(said.starts_with("mine.wasm (") && said.ends_with(" KB)\n"), "{source}: {said}");
        assert!(fs::read(folder.path().join("mine.wasm")).expect("it was built").starts_with(b"\0asm"));
        fs::remove_file(folder.path().join("mine.wasm")).expect("it was built");
    }
    let said = run(&sources, &["firstbyte build --small".to_owned()]).await;
    let (built, _size) = said.split_once(" (").expect("a path and a size");
    assert!(Path::new(built).is_file() && built.ends_with("/wasm32-wasip2/handler/greeting.wasm"), "{said}");
}
