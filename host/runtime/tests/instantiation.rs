//! What goes wrong while an instance is made, before its handler is called, is told like the rest.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use std::time::{Duration, Instant};
use support::{Door, Next, Post, Request, Running, compile, deadline_in, start_with};

/// A handler that succeeds at once, in a module with so many pages of memory and this body of its start function.
fn component(pages: u32, start: &str) -> String {
    format!(
        r#"(component
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
                (memory (export "memory") {pages})
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                (func (export "handle") (param i32 i32) (result i32) i32.const 0)
                (func $start {start})
                (start $start))
            (core instance $code (instantiate $module))
            (func $handle (param "request" (own $request)) (param "response" (own $response)) (result (result (error $failure)))
                (canon lift (core func $code "handle")
                    (memory (core memory $code "memory")) (realloc (core func $code "realloc"))))
            (instance $handler (export "handle" (func $handle)))
            (export "firstbyte:lambda/handler@0.2.0" (instance $handler)))"#
    )
}

fn running(name: &str, pages: u32, start: &str) -> Running {
    let wasm = wat::parse_str(component(pages, start)).expect("a component");
    let variables = [("FIRSTBYTE_MEMORY_MB", "16"), ("FIRSTBYTE_DEADLINE_RESERVE_MS", "300")];
    start_with(&compile(name, &wasm), &variables, vec![], vec![])
}

fn answer(running: &Running, door: Door) -> Request {
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
