//! What commands say that need no handler of ours: arguments, names, tools that are missing, pages and completions.

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn firstbyte<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firstbyte"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command
}

fn output(command: &mut Command) -> Output {
    command.output().expect("firstbyte runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder with the smallest component that passes for a handler.
fn folder_with_component(name: &str) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let handler = r#"(component (instance $handler) (export "firstbyte:lambda/handler@0.2.0" (instance $handler)))"#;
    fs::write(folder.path().join(name), wat::parse_str(handler).expect("a component")).expect("a file");
    folder
}

/// A folder with a crate that is quick to build.
fn crate_folder() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let manifest = "[package]\nname = \"tiny\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n";
    fs::create_dir(folder.path().join("src")).expect("a folder");
    fs::write(folder.path().join("Cargo.toml"), manifest).expect("a file");
    fs::write(folder.path().join("src/lib.rs"), "").expect("a file");
    folder
}

#[test]
fn a_missing_tool_is_told_once_with_what_installs_it() {
    let folder = crate_folder();
    let nothing = TempDir::new().expect("a temporary folder");
    let mut command = firstbyte(folder.path(), ["compile", "."]);
    let run = output(command.env_remove("CARGO").env_remove("RUSTC").env("PATH", nothing.path()));
    let said = stderr(&run);
    assert!(!run.status.success() && said.lines().count() == 1, "{said}");
    assert_eq!(said.matches("No such file or directory").count(), 1, "{said}");
    assert!(said.contains("; install Rust with `curl ") && said.ends_with(" (https://rustup.rs)\n"), "{said}");
}

#[test]
fn inside_a_crate_the_handler_need_not_be_given() {
    let nothing = TempDir::new().expect("a temporary folder");
    for command in [&["serve"][..], &["invoke"], &["compile"], &["package", "--arch", "arm64"]] {
        let run = output(&mut firstbyte(nothing.path(), command));
        let said = stderr(&run);
        assert!(run.status.code() == Some(1) && said.starts_with("error: no HANDLER: give a .wasm"), "{command:?}: {said}");
    }
    let folder = crate_folder();
    // It is built, and no handler.
    let run = output(&mut firstbyte(folder.path(), ["compile"]));
    let said = stderr(&run);
    assert!(said.contains("tiny.wasm") && said.contains("it exports nothing; a handler exports one of"), "{said}");
}

#[test]
fn a_handler_that_is_no_file_is_refused_and_not_waited_for() {
    let folder = TempDir::new().expect("a temporary folder");
    let pipe = folder.path().join("pipe.wasm");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket.cwasm")).expect("a socket");
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("device.wasm")).expect("a link");
    let commands =
        [&["serve"][..], &["invoke"], &["build"], &["compile"], &["package", "--arch", "arm64"], &["adapt", "-o", "out.wasm"]];
    for handler in ["pipe.wasm", "socket.cwasm", "device.wasm"] {
        for command in commands {
            let run = output(&mut firstbyte(folder.path(), command.iter().chain(&[handler])));
            let said = stderr(&run);
            let why = format!("error: {handler} is neither a file nor a folder; HANDLER is a .wasm");
            assert!(run.status.code() == Some(1) && said.starts_with(&why), "{command:?}: {said}");
        }
    }
}

#[test]
fn what_the_caller_of_a_runtime_that_ends_at_once_is_shown_is_told() {
    let nothing = TempDir::new().expect("a temporary folder");
    // Takes an event and ends.
    let runtime = "exec 3<>/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}
        printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: lambda\r\n\r\n' >&3
        read -r status <&3
        exit 3";
    let told = "the client got 500: the function failed before its metadata, with Runtime.ExitError: ";
    // Which of two events comes first is chance.
    for _ in 0..5 {
        let run = output(&mut firstbyte(nothing.path(), ["invoke", "--via", "api", "--", "bash", "-c", runtime]));
        assert!(run.status.code() == Some(1) && stderr(&run).contains(told), "{run:?}");
    }
}

#[test]
fn help_of_invoke_tells_every_exit_status() {
    let nothing = TempDir::new().expect("a temporary folder");
    let said = stdout(&output(&mut firstbyte(nothing.path(), ["invoke", "--help"])));
    let told = said.split_once("Exit statuses:\n").map(|(_, told)| told).unwrap_or_default();
    let told: Vec<&str> = told.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(told, ["0", "1", "2", "130", "141"], "{said}");
}

#[test]
fn what_cannot_be_built_says_why() {
    let folder = crate_folder();
    let component = folder_with_component("built.wasm");
    let built = component.path().join("built.wasm");
    let built = built.to_str().expect("UTF-8");
    for (arguments, why) in [
        (&["build", built][..], "is built already; give the folder of its sources"),
        (
            &["build", "src"],
            "src has no Cargo.toml, no package.json, no tsconfig.json and no app.py: a handler is a .wasm or .cwasm file, or the folder",
        ),
        (&["build", "nowhere"], "nowhere does not exist"),
        (&["build", "-o", "x.cwasm"], "x.cwasm would be machine code: `firstbyte compile -o x.cwasm` makes that"),
        (&["build"], "it exports nothing; a handler exports one of firstbyte:lambda/handler"),
    ] {
        let run = output(&mut firstbyte(folder.path(), arguments));
        assert!(run.status.code() == Some(1) && stderr(&run).contains(why), "{arguments:?}: {run:?}");
    }
    fs::write(folder.path().join("src/lib.rs"), "this is no Rust").expect("a file");
    let run = output(&mut firstbyte(folder.path(), ["build"]));
    let said = stderr(&run);
    assert!(said.contains("expected one of") && said.contains("\nerror: cargo could not build "), "{said}");
}

#[test]
fn a_new_project_has_a_name_and_a_template_and_nothing_is_written_over() {
    let folder = TempDir::new().expect("a temporary folder");
    for (arguments, why) in [
        (&["new"][..], "NAME is missing: give the name of the new project"),
        (
            &["new", "hello", "--template", "goodbye"],
            "Rust has no template \"goodbye\": --template is one of greeting, sse, router, model",
        ),
        (&["new", "Hello"], "\"Hello\" cannot be the name of a handler in Rust: it begins with a lower-case letter"),
        (&["new", "hello", "--sdk", "."], ". is not a checkout of Firstbyte"),
    ] {
        let run = output(&mut firstbyte(folder.path(), arguments));
        assert!(run.status.code() == Some(1) && stderr(&run).contains(why), "{arguments:?}: {run:?}");
    }
    let run = output(&mut firstbyte(folder.path(), ["new", "hello", "--lang", "cobol"]));
    assert!(
        run.status.code() == Some(2) && stderr(&run).contains("[possible values: rust, javascript, typescript, python]"),
        "{run:?}"
    );
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);

    let run = output(&mut firstbyte(folder.path(), ["new", "a/hello"]));
    let said = stdout(&run);
    let program = env!("CARGO_BIN_EXE_firstbyte");
    assert!(said.contains(&format!("\n  {program} serve\n")), "{said}");
    let test =
        format!("\n  cd a/hello\n  export FIRSTBYTE={program}\n  {program} build\n  cargo test\n  {program} invoke --via all ");
    assert!(run.status.success() && said.contains(&test), "{said}");
    // What a model needs, it needs wherever it runs.
    let run = output(&mut firstbyte(folder.path(), ["new", "a/chat", "--template", "model"]));
    let said = stdout(&run);
    let needs = "-e FIRSTBYTE_ALLOW_HTTP=https://api.openai.com -e MODEL_KEY\n";
    assert!(said.contains(&format!("\"}}' {needs}  {program} serve {needs}")), "{said}");
    let readme = fs::read_to_string(folder.path().join("a/chat/README.md")).expect("a project");
    assert!(readme.contains("\nfirstbyte serve -e FIRSTBYTE_ALLOW_HTTP=https://api.openai.com -e MODEL_KEY  "), "{readme}");
    let run = output(&mut firstbyte(folder.path(), ["new", "a/hello"]));
    assert!(stderr(&run).contains("a/hello is there already, and not empty"), "{run:?}");
    let run = output(&mut firstbyte(folder.path(), ["new", "--template", "list"]));
    assert!(stdout(&run).starts_with("rust greeting: two lines") && stdout(&run).lines().count() == 13, "{run:?}");
}

#[test]
fn at_a_terminal_what_was_not_given_is_asked() {
    let folder = TempDir::new().expect("a temporary folder");
    // A terminal, with somebody at it who knows what there is, after a mistake.
    let command = format!("{} new", env!("CARGO_BIN_EXE_firstbyte"));
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &command, "/dev/null"]).current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = terminal.spawn().expect("script runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, b"1\n7\n2\nticks\n").expect("it reads");
    let run = child.wait_with_output().expect("it ends");
    let said = stdout(&run);
    drop(stdin);
    assert!(run.status.success() && said.contains("Template [greeting]: "), "{said}");
    assert!(
        said.contains("\"7\" is not among them: give a number or a name from the list") && said.contains("Name [sse]: "),
        "{said}"
    );
    let handler = fs::read_to_string(folder.path().join("ticks/src/lib.rs")).expect("a project");
    assert!(handler.contains("response.sse()"), "{handler}");
}

#[test]
fn a_package_says_which_handler_to_set_and_refuses_names_that_lambda_does() {
    let folder = folder_with_component("my handler.wasm");
    let package = |arguments: &[&str]| {
        let command = ["package", "my handler.wasm", "--arch", "x86_64"];
        output(&mut firstbyte(folder.path(), command.iter().chain(arguments)))
    };
    for (arguments, why) in [
        (&[][..], "\"my handler\" cannot be a function's Handler: Lambda takes no spaces; --name gives another"),
        (&["--name", "a/b"], "without a folder"),
        (&["--name", "a.wasm"], "without its ending"),
        (&["--name", ""], "it is empty"),
        (&["--name", &"n".repeat(129)], "Lambda takes 128 characters"),
    ] {
        let run = package(arguments);
        assert!(run.status.code() == Some(1) && stderr(&run).contains(why), "{arguments:?}: {run:?}");
        assert!(!folder.path().join("dist").exists(), "{arguments:?}");
    }
    let run = package(&["--name", "mine"]);
    assert!(run.status.success() && stdout(&run).ends_with("\nset the function's Handler to mine\n"), "{run:?}");
    assert!(stderr(&run).contains("the layer that `firstbyte layer --arch x86_64` writes, or --with-host"), "{run:?}");
}

#[test]
fn what_was_done_is_done_though_nobody_reads_of_it() {
    let folder = folder_with_component("a.wasm");
    for command in [
        &["compile", "a.wasm"][..],
        &["package", "a.wasm", "--arch", "x86_64"],
        &["completions", "bash"],
        &["man"],
        &["man", "pages"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let run = output(firstbyte(folder.path(), command).stdout(writer));
        assert!(run.status.success() && !stderr(&run).contains("error"), "{command:?}: {run:?}");
    }
    for file in ["a.cwasm", "dist/function.zip", "pages/firstbyte.1"] {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
}

#[test]
fn shells_are_told_what_to_complete() {
    let nothing = TempDir::new().expect("a temporary folder");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = output(&mut firstbyte(nothing.path(), ["completions", shell]));
        let script = stdout(&run);
        assert!(run.status.success() && run.stderr.is_empty(), "{run:?}");
        for word in ["serve", "invoke", "payload-file", "allow-host"] {
            assert!(script.contains(word), "{shell} does not complete {word}");
        }
        assert!(!script.contains("bootstrap\n"), "{shell} completes what is hidden");
    }
    // The script is one that its shell reads.
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().expect("bash runs");
    let script = output(&mut firstbyte(nothing.path(), ["completions", "bash"])).stdout;
    std::io::Write::write_all(&mut bash.stdin.take().expect("a pipe"), &script).expect("bash reads");
    assert!(bash.wait().expect("bash ends").success());

    let run = output(&mut firstbyte(nothing.path(), ["completions", "tcsh"]));
    assert!(run.status.code() == Some(2) && stderr(&run).contains("possible values: bash"), "{run:?}");
}

#[test]
fn manual_pages_say_what_help_says() {
    let folder = TempDir::new().expect("a temporary folder");
    let run = output(&mut firstbyte(folder.path(), ["man", "man1"]));
    assert!(run.status.success(), "{run:?}");
    let read = |page: &str| {
        let mut text = String::new();
        let path = folder.path().join("man1").join(page);
        fs::File::open(&path)
            .and_then(|mut file| file.read_to_string(&mut text))
            .unwrap_or_else(|error| panic!("{page}: {error}"));
        text
    };
    let main = read("firstbyte.1");
    assert!(main.contains(".TH firstbyte 1") && main.contains("firstbyte\\-serve(1)"), "{main}");
    assert!(!main.contains("bootstrap(1)"), "{main}");
    let serve = read("firstbyte-serve.1");
    assert!(serve.contains(".TH firstbyte-serve 1") && serve.contains("\\-\\-allow\\-host"), "{serve}");
    for command in ["invoke", "compile", "package", "layer", "completions", "man"] {
        assert!(read(&format!("firstbyte-{command}.1")).contains(".TH firstbyte"), "{command}");
    }
    assert!(!folder.path().join("man1/firstbyte-bootstrap.1").exists());
    let run = output(&mut firstbyte(folder.path(), ["man"]));
    assert_eq!(stdout(&run), main);
}
