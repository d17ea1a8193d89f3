//! What goes wrong while an instance is made, before its handler is called, is told like the rest.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use std::time::{Duration, Instant};
use support::{Bootstrap, Door, Next, Post, Request, compile, deadline_in, start_as, start_with};

/// A handler that succeeds at once, in a module with so many pages of memory and this body of its start function.
fn component(pages: u32, start: &str) -> String {
    component_with(pages, start, "")
}

/// The same, with more in its module.
fn component_with(pages: u32, start: &str, more: &str) -> String {
    component_importing("", "", "", pages, start, more)
}

/// The same, with this import of the component's, of its module's, and what the one has from the other.
fn component_importing(import: &str, module_import: &str, with: &str, pages: u32, start: &str, more: &str) -> String {
    format!(
        r#"(component
            {import}
            (type $interface (instance
                (export "request" (type (sub resource)))
                (export "response" (type (sub resource)))
                (type $record (record
                    (field "kind" string) (field "message" string) (field "status" (option u16)) (field "stack" (list string))))
                (export "failure" (type (eq $record)))))
            (import "firstbyte:lambda/invocation@0.2.0" (instance $invocation (type $interface)))
            (alias export $invocation "request" (type $request))
            (alias export $invocation "response" (type $response))
            (alias export $invocation "failure" (type $failure))
            (core module $module
                {module_import}
                (memory (export "memory") {pages})
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                (func (export "handle") (param i32 i32) (result i32) i32.const 0)
                (func $start {start})
                {more}
                (start $start))
            (core instance $code (instantiate $module {with}))
            (func $handle (param "request" (own $request)) (param "response" (own $response)) (result (result (error $failure)))
                (canon lift (core func $code "handle")
                    (memory (core memory $code "memory")) (realloc (core func $code "realloc"))))
            (instance $handler (export "handle" (func $handle)))
            (export "firstbyte:lambda/handler@0.2.0" (instance $handler)))"#
    )
}

fn running(name: &str, pages: u32, start: &str) -> Bootstrap {
    let wasm = wat::parse_str(component(pages, start)).expect("a component");
    let variables = [("FIRSTBYTE_MEMORY_MB", "16"), ("FIRSTBYTE_DEADLINE_RESERVE_MS", "300")];
    start_with(&compile(name, &wasm), &variables, vec![], vec![])
}

fn answer(running: &Bootstrap, door: Door) -> Request {
    let headers = vec![("lambda-runtime-deadline-ms", deadline_in(Duration::from_millis(600)))];
    running.deliver(Next::Deliver(door.event("{}"), headers), Post::Accept);
    running.request()
}

#[test]
fn an_instance_that_is_made_well_answers() {
    let running = running("well", 1, "nop");
    for door in Door::ALL {
        let request = answer(&running, door);
        assert!(request.complete && request.trailers.is_empty(), "{request:?}");
        assert_eq!(door.body(&request.body), b"");
    }
}

#[test]
fn the_next_instance_is_made_before_its_invocation_comes_unless_that_takes_long() {
    let long = "(local $left i32) (loop $on (br_if $on (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))";
    for (name, start, invocations_that_make) in [("short", "nop", 1), ("long", long, 3)] {
        let wasm = wat::parse_str(component(1, start)).expect("a component");
        let telemetry = [("FIRSTBYTE_METRICS", "emf"), ("FIRSTBYTE_TELEMETRY_GATHER_MS", "0")];
        let mut running = start_with(&compile(name, &wasm), &telemetry, vec![], vec![]);
        let log = running.follow_log();
        for door in Door::ALL {
            let headers = vec![("lambda-runtime-deadline-ms", deadline_in(Duration::from_secs(60)))];
            running.deliver(Next::Deliver(door.event("{}"), headers), Post::Accept);
            let request = running.request();
            assert!(request.complete && request.trailers.is_empty(), "{name}: {request:?}");
        }
        running.terminate();
        assert!(running.ended().0);
        let told = log.whole();
        assert_eq!(told.matches("\"_aws\"").count(), 3, "{told}");
        assert_eq!(told.matches("\"InstantiationTime\":").count(), invocations_that_make, "{name}: {told}");
    }
}

#[test]
fn an_instance_that_cannot_be_made_is_a_failure_before_the_start() {
    for (name, pages, start, told, shown) in [
        ("spinning", 1, "(loop br 0)", "Runtime.DeadlineExceeded", "Gateway Timeout"),
        ("trapping", 1, "unreachable", "Runtime.Trap", "Internal Server Error"),
        ("recursing", 1, "call $start", "Runtime.StackOverflow", "Internal Server Error"),
        ("growing", 1, "(drop (memory.grow (i32.const 1000))) unreachable", "Runtime.OutOfMemory", "Internal Server Error"),
        ("large", 1000, "nop", "Runtime.OutOfMemory", "Internal Server Error"),
    ] {
        let mut running = running(name, pages, start);
        for door in Door::ALL {
            let begun = Instant::now();
            let request = answer(&running, door);
            assert!(request.complete && begun.elapsed() < Duration::from_secs(2), "{name} at {door:?}: {:?}", begun.elapsed());
            let header = request.headers.get("lambda-runtime-function-error-type").map(String::as_str);
            assert_eq!(header.or(request.trailer_type()), Some(told), "{name} at {door:?}: {request:?}");
            if let Door::Url | Door::Rest = door {
                assert_eq!(String::from_utf8_lossy(door.body(&request.body)), format!(r#"{{"message":"{shown}"}}"#));
            }
            running.assert_is_running();
        }
    }
}

#[test]
fn what_does_not_fit_the_pool_runs_without_it() {
    for (name, more, told) in [
        ("memories", "(memory 1) (memory 1)".to_owned(), ""),
        ("tables", "(table 1 funcref)".repeat(17), ""),
        ("table", "(table 900000 funcref)".to_owned(), ""),
        // More elements than any handler may have: refused when it is called, and told as that.
        ("elements", "(table 2000000 funcref)".to_owned(), "Runtime.Trap"),
    ] {
        let wasm = wat::parse_str(component_with(1, "nop", &more)).expect("a component");
        let mut running = start_with(&compile(name, &wasm), &[("FIRSTBYTE_MEMORY_MB", "16")], vec![], vec![]);
        for door in Door::ALL {
            let request = answer(&running, door);
            let header = request.headers.get("lambda-runtime-function-error-type").map(String::as_str);
            assert_eq!(header.or(request.trailer_type()).unwrap_or_default(), told, "{name} at {door:?}: {request:?}");
        }
        running.assert_is_running();
        assert!(!running.log().contains("pool"), "{name}");
    }
}

#[test]
fn where_addresses_are_limited_what_cannot_run_is_told_at_the_start() {
    let wasm = wat::parse_str(component(1, "nop")).expect("a component");
    let compiled = compile("limited", &wasm);
    let source = compiled.with_file_name("source.wasm");
    std::fs::write(&source, &wasm).expect("ours");
    // Enough for one memory, but not for the pool's.
    let running = start_as(Some("ulimit -v 8000000"), &compiled, &[], vec![], vec![]);
    assert!(answer(&running, Door::Direct).complete);
    // Not enough for one.
    let running = start_as(Some("ulimit -v 3000000"), &source, &[], vec![], vec![]);
    let request = answer(&running, Door::Direct);
    assert!(request.complete && request.path.ends_with("/response"), "{request:?}");
    let running = start_as(Some("ulimit -v 3000000"), &compiled, &[], vec![], vec![]);
    let request = running.request();
    assert!(request.path.ends_with("/init/error"), "{request:?}");
    assert_eq!(request.headers["lambda-runtime-function-error-type"], "Runtime.AddressSpace");
    assert!(!running.ended().0);
}

#[test]
fn what_this_host_does_not_have_is_told_at_the_start_and_traps_when_it_is_called() {
    for (import, start, told) in [
        ("wasi:keyvalue/store@0.2.0-draft", "nop", ""),
        ("wasi:keyvalue/store@0.2.0-draft", "call $open", "wasi:keyvalue/store@0.2.0-draft#open"),
        ("spin:sqlite/sqlite@3.0.0", "call $open", "spin:sqlite/sqlite@3.0.0#open"),
        // A function that a later patch of an interface has, which the host has otherwise.
        ("wasi:random/random@0.2.13", "call $open", "wasi:random/random@0.2.13#open"),
    ] {
        let imported = format!(
            r#"(import "{import}" (instance $missing (export "open" (func)) (export "handle" (type (sub resource)))))
            (core func $lowered (canon lower (func $missing "open")))"#
        );
        let imported = if import.starts_with("wasi:random") {
            imported.replace(r#" (export "handle" (type (sub resource)))"#, "")
        } else {
            imported
        };
        let module_import = r#"(import "missing" "open" (func $open))"#;
        let with = r#"(with "missing" (instance (export "open" (func $lowered))))"#;
        let wasm = wat::parse_str(component_importing(&imported, module_import, with, 1, start, "")).expect("a component");
        let mut running = start_with(&compile("missing", &wasm), &[("FIRSTBYTE_MEMORY_MB", "16")], vec![], vec![]);
        for door in Door::ALL {
            let request = answer(&running, door);
            let header = request.headers.get("lambda-runtime-function-error-type").map(String::as_str);
            let kind = if told.is_empty() { None } else { Some("Runtime.MissingImport") };
            assert_eq!(header.or(request.trailer_type()), kind, "{import} {start} at {door:?}: {request:?}");
        }
        running.assert_is_running();
        let log = running.log();
        let warning = "imports what this host does not have: ";
        assert_eq!(log.contains(&format!("{warning}{import}")), !import.starts_with("wasi:random"), "{log}");
        assert!(log.contains(told), "{import}: {log}");
    }
}

#[test]
fn a_damaged_component_is_not_run() {
    let wasm = wat::parse_str(component(1, "nop")).expect("a component");
    let path = compile("damaged", &wasm);
    let mut bytes = std::fs::read(&path).expect("it was written");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).expect("ours");
    let running = start_with(&path, &[], vec![], vec![]);
    let request = running.request();
    assert!(request.path.ends_with("/init/error"), "{request:?}");
    let told = String::from_utf8_lossy(&request.body);
    assert!(told.contains("Runtime.ComponentStale") && told.contains("damaged") && told.contains("firstbyte compile"), "{told}");
}

#[test]
fn an_instruction_that_takes_longer_than_the_handler_has_is_told_in_time() {
    // 1.5 GB that were never touched, filled again and again.
    let fill = "(loop $again (memory.fill (i32.const 0) (i32.const 7) (i32.const 1500000000)) (br $again))";
    let wasm = wat::parse_str(component(24_000, fill)).expect("a component");
    let variables = [("FIRSTBYTE_MEMORY_MB", "1600"), ("FIRSTBYTE_DEADLINE_RESERVE_MS", "500")];
    let path = compile("filling", &wasm);
    for door in Door::ALL {
        let mut running = start_with(&path, &variables, vec![], vec![]);
        let timeout = Duration::from_millis(800);
        let begun = Instant::now();
        let headers = vec![("lambda-runtime-deadline-ms", deadline_in(timeout))];
        running.deliver(Next::Deliver(door.event("{}"), headers), Post::Accept);
        let request = running.request();
        assert!(request.complete && begun.elapsed() < timeout, "{door:?} after {:?}: {request:?}", begun.elapsed());
        let header = request.headers.get("lambda-runtime-function-error-type").map(String::as_str);
        assert_eq!(header.or(request.trailer_type()), Some("Runtime.DeadlineExceeded"), "{door:?}: {request:?}");
        running.assert_is_running();
    }
}
