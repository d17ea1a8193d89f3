//! `firstbyte invoke` as a user meets it: what it sends, what it shows, and what it says of it.

use firstbyte_tests::{Guest, Serve, Tool, firstbyte, in_project};
use rustix::process::Signal;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

fn component(guest: Guest) -> &'static str {
    guest.component().to_str().expect("UTF-8")
}

#[tokio::test]
async fn invoke_shows_every_door_and_fails_with_the_handler() {
    let run = firstbyte(&["invoke", component(Guest::Greeting), "--via", "all", "--payload", r#"{"name":"hoge"}"#]).await;
    assert!(run.status.success(), "{run:#?}");
    let times: Vec<f64> = (run.stdout.lines())
        .filter(|line| line.contains("Hello, "))
        .map(|line| line.split_whitespace().next().and_then(|at| at.parse().ok()).expect("a time"))
        .collect();
    let [direct, direct_second, url, url_second, api, api_second] = times[..] else { panic!("{run:#?}") };
    for (first, second) in [(direct, direct_second), (url, url_second), (api, api_second)] {
        assert!(second - first > 1.9 && second - first < 4.0, "{run:#?}");
    }
    for part in ["InvokeComplete", "HTTP/1.1", "HTTP/2", "200 OK", "content-type: text/plain"] {
        assert!(run.stdout.contains(part), "{part}: {run:#?}");
    }

    let failing = firstbyte(&["invoke", component(Guest::Greeting), "--payload", "{}"]).await;
    assert!(!failing.status.success() && failing.stdout.contains("Function.BadRequest"), "{failing:#?}");
    let raw = firstbyte(&["invoke", component(Guest::Echo), "--via", "url", "--raw", "--payload", "raw"]).await;
    assert!(raw.status.success() && raw.stdout.ends_with("\nraw") && raw.stderr.is_empty(), "{raw:#?}");
}

#[tokio::test]
async fn machine_code_is_kept_and_made_again_where_it_is_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("firstbyte");
    let invoke = async || {
        let mut command = in_project("firstbyte", folder.path());
        command.env("XDG_CACHE_HOME", folder.path()).args([
            "invoke",
            component(Guest::Echo),
            "--via",
            "url",
            "--raw",
            "--payload",
            "raw",
        ]);
        let output = command.output().await.expect("firstbyte runs");
        assert!(output.status.success() && output.stdout.ends_with(b"raw"), "{output:?}");
        let mut files = std::fs::read_dir(&kept).expect("a folder").map(|file| file.expect("a file").path());
        let file = files.next().expect("machine code");
        assert_eq!((file.extension().and_then(|ending| ending.to_str()), files.next()), (Some("cwasm"), None));
        let written = std::fs::metadata(&file).and_then(|file| file.modified()).expect("a time");
        (file, written)
    };
    let first = invoke().await;
    assert_eq!(invoke().await, first, "not compiled again");
    let code = std::fs::read(&first.0).expect("machine code");
    std::fs::write(&first.0, &code[..code.len() / 2]).expect("damaged");
    let (file, _) = invoke().await;
    assert!(file == first.0 && std::fs::read(&file).expect("machine code") == code, "made again");
}

#[tokio::test]
async fn machine_code_is_not_kept_where_others_can_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("firstbyte");
    std::fs::create_dir(&kept).expect("a folder");
    std::fs::set_permissions(&kept, Permissions::from_mode(0o777)).expect("permissions");
    let mut command = in_project("firstbyte", folder.path());
    command.env("XDG_CACHE_HOME", folder.path()).args(["invoke", component(Guest::Echo)]);
    let output = command.output().await.expect("firstbyte runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(std::fs::read_dir(&kept).expect("a folder").count(), 0);
}

#[tokio::test]
async fn invoke_sends_what_it_is_asked_to_and_says_what_is_of_no_use() {
    let echo = component(Guest::Echo);
    let run = firstbyte(&["invoke", echo, "--via", "url", "--path", "nope"]).await;
    assert_eq!(run.status.code(), Some(2), "{run:#?}");
    assert!(run.stderr.contains("--path") && run.stderr.contains("a path begins with /"), "{run:#?}");

    // A GET has no body, unless one is given. The echo gives back the request, then the payload.
    for (arguments, payload, typed) in [
        (&["-X", "GET"][..], "", false),
        (&["-X", "HEAD"], "", false),
        (&["-X", "GET", "--payload", "given"], "given", true),
        (&[], "{}", true),
        (&["-X", "PUT"], "{}", true),
    ] {
        for door in ["url", "api"] {
            let run = firstbyte(&[&["invoke", echo, "--via", door, "--raw"], arguments].concat()).await;
            assert!(run.status.success(), "{run:#?}");
            if arguments.contains(&"HEAD") {
                assert_eq!(run.stdout, "", "{run:#?}");
                continue;
            }
            let (request, echoed) = run.stdout.split_once('\n').expect("two parts");
            assert_eq!((echoed, request.contains("application/json")), (payload, typed), "{arguments:?} at {door}: {run:#?}");
        }
    }

    let useless = ["--path", "/x", "-H", "a: b", "-H", "x-amz-tenant-id: blue"];
    let run = firstbyte(&[&["invoke", echo, "--via", "direct", "--raw"], &useless[..]].concat()).await;
    assert!(run.status.success() && run.stderr.contains("--path, --header does not reach the handler"), "{run:#?}");
    assert!(run.stdout.contains("blue"), "{run:#?}");
    let run = firstbyte(&[&["invoke", echo, "--via", "url"], &useless[..]].concat()).await;
    assert!(run.status.success() && run.stderr.is_empty(), "{run:#?}");
    let run = firstbyte(&["invoke", echo, "--via", "direct", "-H", "x-amz-tenant-id: blue"]).await;
    assert!(run.status.success() && run.stderr.is_empty(), "{run:#?}");
}

#[tokio::test]
async fn what_is_said_of_an_invocation_is_so() {
    let greeting = component(Guest::Greeting);
    for door in ["url", "api"] {
        let invoke = ["invoke", greeting, "--via", door, "--payload", "{}"];
        let run = firstbyte(&invoke).await;
        assert!(run.status.success() && run.stdout.contains("400 Bad Request") && run.stderr.contains("\tWARN\t"), "{run:#?}");
        assert!(!run.stderr.contains("the client got") && !run.stderr.contains("not shown"), "{run:#?}");
        let run = firstbyte(&[&invoke[..], &["-e", "FIRSTBYTE_CLIENT_ERRORS=failed"]].concat()).await;
        assert!(!run.status.success() && run.stderr.contains("  the client got 400 and "), "{run:#?}");
        assert!(!run.stderr.contains("not shown"), "{run:#?}");
    }
    // A log line is a line of its own behind a body without an end of line, and the body is as it was sent.
    let payload = r#"{"ending":"err-after","bytes":3}"#;
    let run = firstbyte(&["invoke", component(Guest::Endings), "--via", "url", "--raw", "--payload", payload]).await;
    assert!(run.stdout == "\0\x01\x02" && run.stderr.starts_with("\n  "), "{run:#?}");
    for part in ["\n  log  ", "\n  not shown to the client: the response failed with Function.Expected"] {
        assert!(run.stderr.contains(part), "{run:#?}");
    }
    // The stack is behind the message, and nothing is written over.
    assert!(run.stderr.contains("to be expected | at ") && !run.stderr.contains('\r'), "{run:#?}");

    let run = firstbyte(&["--version"]).await;
    assert_eq!(run.stdout, format!("firstbyte {}\n", env!("CARGO_PKG_VERSION")));
    let serve = Serve::start(&[greeting]).await;
    let introduction = serve.introduction();
    assert!(introduction.iter().any(|line| line.contains("-d is the body, here one for the greeting")), "{introduction:#?}");
    // What is printed for the doors works as it is.
    let calls: Vec<&str> = introduction.iter().filter_map(|line| Some(&line[line.find("curl -")?..])).collect();
    assert_eq!(calls.len(), 2, "{introduction:#?}");
    if Tool::curl().is_some() {
        for call in calls {
            let run = tokio::process::Command::new("sh").args(["-c", &call.replacen("curl ", "curl -s ", 1)]).output().await;
            let answer = String::from_utf8_lossy(&run.expect("a shell runs").stdout).into_owned();
            assert!(answer.ends_with("Hello, hoge! This is a delayed message.\n"), "{call}: {answer}");
        }
    }
    serve.end_by(Signal::INT).await;
}
