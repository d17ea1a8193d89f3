//! `FIRSTBYTE_REUSE`: what one invocation leaves in an instance is of no use in the next, and tenants never meet.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use support::{Bootstrap, Door, Next, Post, Request, start};

fn reusing() -> Bootstrap {
    start(&[("FIRSTBYTE_REUSE", "100")], vec![], vec![])
}

fn answer(running: &Bootstrap, door: Door, payload: &str) -> Request {
    running.deliver(Next::Deliver(door.event(payload), vec![]), Post::Accept);
    running.request()
}

#[test]
fn a_handle_is_good_for_the_invocation_that_it_was_given_to() {
    for door in Door::ALL {
        for what in ["request", "response", "body"] {
            for finished in [false, true] {
                let mut running = reusing();
                let kept = answer(&running, door, &format!(r#"{{"ending":"keep","what":"{what}"}}"#));
                assert!(kept.complete && kept.trailers.is_empty(), "{kept:?}");
                let using = format!(r#"{{"ending":"use-kept","what":"{what}","finished":{finished}}}"#);
                let request = answer(&running, door, &using);
                assert!(request.complete, "{what}: {request:?}");
                assert_eq!(door.body(&request.body), b"second\n", "{what} at {door:?}");
                let told = if what == "body" { "Function.WriteError" } else { "Runtime.Trap" };
                // What fails after the response was finished is told to the log only.
                assert_eq!(request.trailer_type(), (!finished).then_some(told), "{what} at {door:?}");
                running.assert_alive();
                let log = running.log();
                let reason = if what == "body" { "closed" } else { "handle of an earlier invocation was used" };
                assert!(log.contains(told) && log.contains(reason) && !log.contains("the Runtime API answered"), "{what}: {log}");
            }
        }
    }
}

#[test]
fn tenants_do_not_share_an_instance() {
    let running = reusing();
    let count = |tenant: &str| {
        let headers = vec![("lambda-runtime-aws-tenant-id", tenant.to_owned())];
        running.deliver(Next::Deliver(r#"{"ending":"reuse"}"#.to_owned(), headers), Post::Accept);
        String::from_utf8(running.request().body).expect("a number")
    };
    let counts = ["blue", "blue", "red", "", "red", "", "Blue"].map(count);
    // Only as many instances are kept as there are invocations at once: one tenant's makes room for another's.
    assert_eq!(counts, ["1", "2", "1", "1", "1", "1", "1"]);
    assert_eq!(["Blue", "Blue"].map(count), ["2", "3"]);
}

#[test]
fn a_last_line_is_logged_with_the_invocation_that_printed_it() {
    let mut running = reusing();
    let log = running.follow_log();
    for name in ["one", "two", "three"] {
        let id = ("lambda-runtime-aws-request-id", format!("id-{name}"));
        let unended = format!(r#"{{"ending":"unended","name":"{name}"}}"#);
        running.deliver(Next::Deliver(unended, vec![id]), Post::Accept);
        assert!(running.request().complete);
    }
    running.assert_alive();
    drop(running);
    let log = log.whole();
    for name in ["one", "two", "three"] {
        for line in [
            format!("id-{name}\tINFO\t{name} ends\n"),
            format!("id-{name}\tINFO\t{name} does not end\n"),
            format!("id-{name}\tERROR\t{name} does not end, either\n"),
        ] {
            assert_eq!(log.matches(&line).count(), 1, "{line}: {log}");
        }
    }
}
