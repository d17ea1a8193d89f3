//! `firstbyte cost`, as a person and as a program use it: from figures, from a recording, from metrics, and with other prices.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// 500 answers of a language model at once.
const CHAT: [&str; 8] = ["--at-once", "500", "--seconds", "20", "--bytes", "20000", "--tokens", "400"];

fn cost(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firstbyte"));
    command.arg("cost").args(arguments).stdin(Stdio::null()).output().expect("firstbyte runs")
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&said(&cost(&[arguments, &["--format", "json"]].concat()))).expect("JSON")
}

fn number(value: &Value, pointer: &str) -> f64 {
    value.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{pointer} in {value}"))
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The command and its answer stand in the README, and are what the command answers.
#[test]
fn the_readme_shows_what_is_answered() {
    let readme = fs::read_to_string(repository().join("README.md")).expect("a file");
    let shown = readme.split("$ firstbyte cost ").nth(1).expect("an example").split("\n```").next().expect("its end");
    let (command, answer) = shown.split_once('\n').expect("an answer");
    let arguments: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(arguments, CHAT);
    let lines = said(&cost(&arguments));
    // Its last lines are told there in other words.
    assert!(lines.starts_with(answer), "the README has\n{answer}\nand the command says\n{lines}");
}

#[test]
fn figures_are_enough() {
    let answer = json(&CHAT);
    assert_eq!(number(&answer, "/workload/per_second"), 25.0);
    for (index, name) in ["Firstbyte", "Node.js"].iter().enumerate() {
        let of = |pointer: &str| number(&answer, &format!("/answers/{index}{pointer}"));
        assert_eq!(answer.pointer(&format!("/answers/{index}/runtime/name")), Some(&Value::from(*name)));
        assert_eq!((of("/on_demand/memory_mb"), of("/on_demand/environments")), (128.0, 500.0));
        // 500 environments of an eighth of a GB for 730 hours.
        assert_eq!(of("/on_demand/gb_seconds"), 500.0 / 8.0 * 730.0 * 3600.0);
        assert_eq!(of("/on_instances/streams_per_environment"), 64.0);
    }
    assert_eq!(answer.pointer("/measured/files/1"), Some(&Value::from("tests/bench/results/density-x86_64-2-cores.md")));
}

#[test]
fn a_recording_and_a_log_with_metrics_are_enough_too() {
    let recording = repository().join("guest/examples/chat/tests/stalls-and-breaks.json");
    let answer = json(&[recording.to_str().expect("UTF-8"), "--per-second", "2"]);
    assert!((number(&answer, "/workload/stream/seconds") - 17.945).abs() < 0.001, "{answer}");
    assert_eq!((number(&answer, "/workload/stream/bytes"), number(&answer, "/workload/stream/upstream")), (207.0, 1.0));

    let folder = TempDir::new().expect("a temporary folder");
    let log = folder.path().join("hour.log");
    let line = |at: u64| {
        format!(
            "2026-11-27 {{\"_aws\":{{\"Timestamp\":{at}}},\"EndTime\":4000,\"CpuTime\":8.5,\"ResponseBytes\":900,\"Writes\":10,\"MemoryUsed\":1048576}}\n"
        )
    };
    fs::write(&log, [line(0), "REPORT\n".to_owned(), line(500), line(1000)].concat()).expect("a file");
    let log = log.to_str().expect("UTF-8");
    let answer = json(&[log]);
    let of = |pointer| number(&answer, pointer);
    assert_eq!((of("/workload/per_second"), of("/workload/stream/cpu_ms")), (2.0, 8.5));
    // An option wins over the file.
    assert_eq!(number(&json(&[log, "--per-second", "7"]), "/workload/per_second"), 7.0);
}

#[test]
fn what_is_missing_is_asked_for_and_no_price_is_made_up() {
    for (arguments, why) in [
        (
            &CHAT[..4],
            "missing:\n  how many bytes a stream has: `--bytes N`\n  what CPU time a stream takes: `--tokens N` small writes",
        ),
        (&CHAT[..6], "missing:\n  what CPU time a stream takes: "),
        (&CHAT[2..], "missing:\n  how many streams there are: `--per-second N` that begin, or `--at-once N`"),
        (&["Cargo.toml"], "the file is no recording of the console's, and has no line of metrics"),
        (&["nowhere.json"], "cannot read nowhere.json"),
        (
            &[&CHAT[..], &["--instance", "m1.small"]].concat(),
            "the price file has no instance m1.small of arm64; it has c7g.xlarge, ",
        ),
        (&[&CHAT[..], &["--memory", "64"]].concat(), "the function's memory in MB cannot be 64: Lambda has 128 to 10240"),
    ] {
        let output = cost(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(why), "{arguments:?}: {said}");
    }
    // No machine with Intel's or AMD's processor is in the price file.
    let lines = said(&cost(&[&CHAT[..], &["--arch", "x86_64"]].concat()));
    assert!(lines.contains("–: the price file does not have managed.instances of x86_64"), "{lines}");
}

/// Who types `cost` alone is told all that it needs, and need not ask once more for each.
#[test]
fn all_that_is_missing_is_told_at_once() {
    let output = cost(&[]);
    let said = String::from_utf8_lossy(&output.stderr);
    let options = [
        "`--per-second N`",
        "`--at-once N`",
        "`--seconds S`",
        "`--bytes N`",
        "`--tokens N`",
        "`--cpu-ms MS`",
        "FILE, a recording",
    ];
    assert!(options.iter().all(|option| said.contains(option)), "{said}");
}

/// Each option refuses what no stream can be, by the name of what it counts, and none of it comes to the table.
#[test]
fn figures_that_cannot_be_are_refused() {
    for option in [
        "--at-once",
        "--seconds",
        "--bytes",
        "--tokens",
        "--cpu-ms",
        "--handler-memory",
        "--upstream",
        "--vcpus",
        "--per-vcpu",
        "--headroom",
        "--memory",
    ] {
        for value in ["NaN", "inf", "1e308", "-1"] {
            let mut arguments: Vec<&str> = CHAT.to_vec();
            match arguments.iter().position(|argument| *argument == option) {
                Some(at) => arguments[at + 1] = value,
                None => arguments.extend([option, value]),
            }
            let output = cost(&arguments);
            let said = String::from_utf8_lossy(&output.stderr);
            let is_refused = output.status.code() == Some(1) && said.contains(&format!(" cannot be {value}: "));
            assert!(is_refused && output.stdout.is_empty(), "{option} {value}: {output:?}");
        }
    }
    for (arguments, why) in [
        (["--at-once", "0", "--seconds", "20"], "the number of streams at once cannot be 0"),
        (["--at-once", "500", "--seconds", "0"], "the length of a stream in seconds cannot be 0"),
        (["--at-once", "500", "--seconds", "1e-308"], "the length of a stream in seconds cannot be 1e-308"),
    ] {
        let output = cost(&[&arguments[..], &CHAT[4..]].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(why), "{said}");
    }
}

#[test]
fn connections_to_other_servers_are_named_where_they_decide() {
    let with = |upstream| cost(&[&CHAT[..], &["--upstream", upstream]].concat());
    let lines = said(&with("100"));
    assert!(lines.contains("Firstbyte: 40 in each by descriptors: 101 per stream, 100 of them --upstream.\n"), "{lines}");
    let lines = said(&with("60"));
    assert!(lines.contains("the limit per vCPU; 66 would fit by descriptors: 61 per stream, 60 of them --upstream"), "{lines}");
    let error = with("5000").stderr;
    let error = String::from_utf8_lossy(&error);
    assert!(error.contains("a stream with 5000 connections to other servers needs 5001 descriptors"), "{error}");
}

#[test]
fn headroom_is_in_percent_and_the_table_says_so() {
    let with = |percent| said(&cost(&[&CHAT[..], &["--headroom", percent]].concat()));
    // Three machines have eight environments of the average load.
    for (percent, machines) in [("0", "3 × c7g.xlarge"), ("50", "5 × c7g.xlarge"), ("200", "9 × c7g.xlarge")] {
        let lines = with(percent);
        assert!(lines.contains(&format!("with {percent} % more machines than the average load needs")), "{lines}");
        assert!(lines.contains(machines), "{lines}");
    }
}

/// Windows' programs begin a text with U+FEFF, and PowerShell's `>` writes UTF-16.
#[test]
fn a_mark_of_the_byte_order_is_no_riddle() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("file");
    let path = file.to_str().expect("UTF-8");
    let recording = repository().join("guest/examples/chat/tests/stalls-and-breaks.json");
    let recording = fs::read_to_string(recording).expect("a file");
    let log = r#"{"EndTime":4000,"ResponseBytes":900,"Writes":10}"#;
    for text in [&recording, log] {
        fs::write(&file, format!("\u{feff}{text}")).expect("a file");
        let marked = json(&[path, "--per-second", "2"]);
        fs::write(&file, text).expect("a file");
        assert_eq!(marked, json(&[path, "--per-second", "2"]));
    }
    fs::write(&file, format!("\u{feff}{}", said(&cost(&["--show-prices"])))).expect("a file");
    assert_eq!(json(&[&CHAT[..], &["--prices", path]].concat()), json(&CHAT));
    let utf16: Vec<u8> = format!("\u{feff}{log}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(&file, utf16).expect("a file");
    let output = cost(&[path]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("is in UTF-16; save it in UTF-8"), "{error}");
}

#[test]
fn prices_can_be_others_and_name_their_source() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("prices.json");
    let shown = said(&cost(&["--show-prices"]));
    let mut prices: Value = serde_json::from_str(&shown).expect("JSON");
    let with = |prices: &Value| {
        fs::write(&file, prices.to_string()).expect("a file");
        [&CHAT[..], &["--prices", file.to_str().expect("UTF-8")]].concat()
    };
    let dollars = |answer: &Value| number(answer, "/answers/0/on_demand_bills/function_url/lines/0/usd");
    let before = dollars(&json(&CHAT));
    assert_eq!(dollars(&json(&with(&prices))), before);
    prices["gb_seconds"]["arm64"]["tiers"] = serde_json::json!([{ "usd": 0.0000266668 }]);
    assert!((dollars(&json(&with(&prices))) / before - 2.0).abs() < 1e-4);
    prices["transfer_out_gb"].as_object_mut().expect("an object").remove("read");
    let output = cost(&with(&prices));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(1) && error.contains("prices.json: the price file is invalid: missing field `read`"),
        "{error}"
    );
    prices.as_object_mut().expect("an object").remove("transfer_out_gb");
    let lines = said(&cost(&with(&prices)));
    assert!(lines.contains("–: the price file does not have transfer_out_gb."), "{lines}");
}

#[test]
fn a_simulation_has_the_same_answer_for_the_same_seed() {
    let simulated = |seed| said(&cost(&[&CHAT[..], &["--simulate", "--seed", seed]].concat()));
    assert_eq!(simulated("7"), simulated("7"));
    assert_ne!(simulated("7"), simulated("8"));
    let lines = simulated("7");
    for words in [
        "streams come, independently of each other:",
        " wait for a cold start, ",
        " go on at once at most; no stream is refused.",
    ] {
        assert!(lines.contains(words), "{lines}");
    }
    let answer = json(&[&CHAT[..], &["--simulate"]].concat());
    let of = |pointer| number(&answer, pointer);
    assert_eq!(of("/simulation/on_demand/cold_starts"), of("/simulation/on_demand/at_once"));
    assert!((430.0..570.0).contains(&of("/simulation/on_demand/at_once")), "{answer}");
    assert!(of("/simulation/fullest/late_median_ms") > 0.0, "{answer}");
}
