"""Streams that fail: who is told, and what."""

from functools import partial

from doors import HTTP_VERSIONS
from stack import together

# Short, because what hangs is waited for. Firstbyte ends a handler 200 ms before.
TIMEOUT = 10
# What the template gives the REST API's integration.
API_TIMEOUT = 30

UNKNOWN_TO_HTTP = {"Function URL": "captured: clean end", "REST API": "unknown"}


def half_way(stack, report):
    report.ask("A stream fails half-way, and the host says so in trailers: who gets to know?")
    stack.use("endings")
    for door in stack.doors:
        stack.set_timeout(door, TIMEOUT)
    requests = {}
    asked = [
        ("the handler fails (Function.Expected)", {"ending": "err-after", "kind": "Expected", "message": "on purpose"}),
        ("the handler panics (Runtime.Panic)", {"ending": "panic-after"}),
        ("the host's deadline (Runtime.DeadlineExceeded)", {"ending": "wait", "seconds": 600, "started": True}),
    ]
    for name, payload in asked:
        responses = together([partial(door.send, payload) for door in stack.doors])
        for door, response in zip(stack.doors, responses):
            until_now = UNKNOWN_TO_HTTP.get(door.name, "documented: ErrorCode; captured for other types: none")
            report.row(f"{name} half-way, {door.name}", until_now, response)
        requests[name] = responses[0]
    say_what_the_log_says(stack, report, requests)


def codes(stack, report):
    report.ask("Which types of an error does a direct caller get as ErrorCode?")
    stack.use("raw")
    stack.set_timeout(stack.direct, TIMEOUT)
    requests = {}
    for name, words, until_now in [
        ("Function.Probe in trailers", {"ending": "trailers", "kind": "Function.Probe"}, "documented: ErrorCode"),
        ("Runtime.Probe in trailers", {"ending": "trailers", "kind": "Runtime.Probe"}, "documented: ErrorCode"),
        ("Probe.Explicit in trailers", {"ending": "trailers", "kind": "Probe.Explicit"}, "captured: no ErrorCode"),
        ("Function.Probe by /error", {"ending": "error", "kind": "Function.Probe"}, "captured: no ErrorCode"),
        ("Runtime.Probe by /error", {"ending": "error", "kind": "Runtime.Probe"}, "captured: no ErrorCode"),
        ("the runtime's process exits half-way", {"ending": "exit"}, "unknown"),
    ]:
        requests[name] = stack.direct.tell(**words)
        report.row(f"{name}, direct", until_now, requests[name])
    say_what_the_log_says(stack, report, requests)


def timeouts(stack, report):
    report.ask(f"What do callers see of Lambda's own timeout ({TIMEOUT} s) in mid-stream?")
    stack.use("raw")
    for door in stack.doors:
        stack.set_timeout(door, TIMEOUT)
    cut = "documented: cut, curl exit 18"
    known = {"direct": "captured: no ErrorCode", "Function URL": "captured: clean end", "REST API": cut}
    hang = {"ending": "hang", "gap": 1000}
    calls = [(stack.direct, {})] + [(door, {"options": [version]}) for door in stack.http for version in HTTP_VERSIONS]
    responses = together([partial(door.tell, **hang, **options) for door, options in calls])
    for (door, options), response in zip(calls, responses):
        version = "".join(f", {option.strip('-')}" for option in options.get("options", []))
        report.row(f"Lambda's timeout in mid-stream, {door.name}{version}", known[door.name], response)

    report.ask(f"And of the REST API's own timeout ({API_TIMEOUT} s)?")
    stack.set_timeout(stack.api, 2 * API_TIMEOUT)
    responses = together([partial(stack.api.tell, **hang, options=[version]) for version in HTTP_VERSIONS])
    for version, response in zip(HTTP_VERSIONS, responses):
        report.row(f"the REST API's timeout in mid-stream, {version.strip('-')}", cut, response)


def trailers(stack, report):
    report.ask("How long may the trailers be? (Go's HTTP server, which AWS's emulator uses, takes 4096 bytes and no more.)")
    stack.use("raw")
    for door in stack.doors:
        stack.set_timeout(door, TIMEOUT)
    requests = {}
    for size in (4000, 4095, 4096, 4097, 4099):
        until_now = "AWS's emulator: passes" if size <= 4096 else "AWS's emulator: fails, and /next answers 403"
        calls = [partial(door.tell, ending="trailers", kind="Function.Probe", section=size) for door in stack.doors]
        for door, response in zip(stack.doors, together(calls)):
            what = f"trailers of {size} bytes, {door.name}"
            report.row(what, until_now, response)
            # The REST API gives its own requests' ids, not the invocations'.
            if door is not stack.api:
                requests[what] = response
    say_what_the_log_says(stack, report, requests)


def say_what_the_log_says(stack, report, responses):
    """What the log calls the failures of these invocations, because a caller may not be told."""
    wanted = {response.request_id for response in responses.values()}
    found = stack.reports(lambda records: wanted <= {record["requestId"] for record in records})
    records = {record["requestId"]: record for record in found}
    for name, response in responses.items():
        record = records.get(response.request_id)
        found = f"status {record.get('status')}, errorType {record.get('errorType')}" if record else "not in the log"
        report.row(f"{name}: in the log", "unknown", found)
