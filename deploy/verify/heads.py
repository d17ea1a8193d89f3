"""Heads: alone, large, and with headers of all kinds."""

import gzip
import json
from functools import partial

from doors import HTTP_VERSIONS
from stack import together

# What hangs is not waited for longer than this.
LIMIT = 20

# Headers that a proxy may have an opinion on, each with a value that it may have.
HEADERS = {
    "accept-ranges": "bytes",
    "access-control-allow-origin": "https://example.com",
    "age": "17",
    "allow": "GET, POST",
    "alt-svc": 'h3=":4443"',
    "authorization": "Bearer probe-authorization",
    "cache-control": "private, max-age=17",
    "connection": "keep-alive",
    "content-disposition": 'attachment; filename="probe"',
    "content-language": "de-DE",
    "content-length": "16",
    "content-location": "/probe-location",
    "content-md5": "Q2hlY2sgSW50ZWdyaXR5IQ==",
    "content-range": "bytes 0-15/17",
    "content-security-policy": "default-src 'none'",
    "content-type": "text/x-probe",
    "cookie": "probe=cookie",
    "date": "Tue, 15 Nov 1994 08:12:31 GMT",
    "etag": '"probe-etag"',
    "expect": "probe-expect",
    "expires": "Tue, 15 Nov 1994 08:12:32 GMT",
    "host": "probe.example.com",
    "http2-settings": "AAMAAABkAAQAAP__",
    "keep-alive": "timeout=17",
    "last-modified": "Tue, 15 Nov 1994 08:12:33 GMT",
    "link": "</probe>; rel=preload",
    "location": "/probe",
    "max-forwards": "17",
    "origin": "https://probe.example.com",
    "pragma": "probe-pragma",
    "proxy-authenticate": "Basic realm=probe-proxy",
    "proxy-connection": "probe-proxy-connection",
    "range": "bytes=0-17",
    "referer": "https://probe.example.com/referer",
    "retry-after": "17",
    "server": "probe-server",
    "server-timing": "probe;dur=17",
    "set-cookie": "probe=set-cookie",
    "strict-transport-security": "max-age=17",
    "te": "trailers",
    "trailer": "x-probe-trailer",
    "transfer-encoding": "chunked",
    "upgrade": "probe-upgrade",
    "user-agent": "probe-agent",
    "vary": "x-probe",
    "via": "1.1 probe-via",
    "warning": '199 - "probe"',
    "www-authenticate": "Basic realm=probe-www",
    "x-accel-buffering": "no",
    "x-amz-cf-id": "probe-cf",
    "x-amz-meta-probe": "probe-meta",
    "x-amzn-errortype": "ProbeException",
    "x-amzn-remapped-date": "probe-remapped",
    "x-amzn-requestid": "probe-request-id",
    "x-amzn-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793",
    "x-cache": "probe-cache",
    "x-content-type-options": "nosniff",
    "x-forwarded-for": "192.0.2.17",
    "x-frame-options": "DENY",
    "X-Probe-Mixed-Case": "probe-mixed",
}


def head_only(stack, report):
    # A client of HTTP/1.1 does not wait for the body of a 204, a 304 or a HEAD: there, 200 and 302 would show a hang.
    report.ask("Does a response that is a head alone end at once?")
    stack.use("endings")
    for status in (200, 204, 302, 304):
        body = json.dumps({"ending": "head-only", "status": status}).encode()
        for door in stack.http:
            row_of_both_versions(report, f"{status} without a body", door, {"body": body, "content_type": "application/json"})
    for door in stack.http:
        # The guest finds no payload and fails with a 400, of which HEAD leaves the head.
        row_of_both_versions(report, "HEAD", door, {"method": "HEAD"})


def row_of_both_versions(report, what, door, call):
    responses = together([partial(door.call, **call, options=[version], limit=LIMIT) for version in HTTP_VERSIONS])
    found = [f"{version.strip('-')}: {when(response)}" for version, response in zip(HTTP_VERSIONS, responses)]
    report.row(f"{what}, {door.name}", "others report hangs", "; ".join(found))


def when(response):
    how = "ended" if response.is_clean else f"{response.end},"
    return f"{response.status}, {how} after {response.last:.2f} s"


def tell(door, **words):
    """Calls by HTTP/1.1, which shows how names are spelled, allows headers of a connection, and limits none."""
    return door.tell(options=["--http1.1"], limit=LIMIT, **words)


def headers(stack, report):
    report.ask("Which response headers are renamed, replaced or dropped on the way? (One call for each.)")
    stack.use("raw")
    for door in stack.http:
        added = tell(door, prelude={"statusCode": 200, "headers": {"x-plain": "probe"}})
        fates = {}
        for name, value in HEADERS.items():
            response = tell(door, prelude={"statusCode": 200, "headers": {name: value}})
            fate, found = fate_of(name, value, response, added)
            fates.setdefault(fate, []).append(found)
        names = [name for name, _ in added.headers if name.lower() != "x-plain"]
        report.row(f"headers added, {door.name}", "captured in part", " ".join(names))
        for fate in ("kept", "spelled differently", "renamed", "replaced", "dropped", "refused"):
            report.row(f"headers {fate}, {door.name}", "no list published", ", ".join(fates.get(fate, ["none"])))
        report.row(f"a gzip body, {door.name}", "reported: stripped or decoded", compressed(door))


def compressed(door):
    plain = b"probe " * 100
    sent = gzip.compress(plain)
    response = tell(door, prelude={"statusCode": 200, "headers": {"content-encoding": "gzip"}}, text=sent, chunks=1)
    encoding = " ".join(response.values("content-encoding")) or "not there"
    bodies = {sent: "the body as it was sent", plain: "the body decoded"}
    body = bodies.get(response.body, f"another body of {len(response.body)} bytes")
    return f"{response.status}, content-encoding: {encoding}, {body}, {response.end}"


def fate_of(name, value, response, added):
    """What became of a header, in a word and in detail. `added` is a response that the function gave none of these headers."""
    if response.status != 200 or not response.is_clean:
        return "refused", f"{name} ({response.status}, {response.end})"
    # What the door sends anyway is the door's own.
    own = [content for known, content in added.headers if known.lower() == name.lower()]
    if value in response.values(name) and value not in own:
        spelled = next(known for known, _ in response.headers if known.lower() == name.lower())
        return ("kept", name) if spelled == name else ("spelled differently", f"{name} → {spelled}")
    others = [known for known, content in response.headers if content == value and (known, content) not in added.headers]
    if others:
        return "renamed", f"{name} → {others[0]}"
    if found := response.values(name):
        return "replaced", f"{name} ({'; '.join(found)})"
    return "dropped", name


def values(stack, report):
    report.ask("Which values may a header in the metadata have, besides a string? (One call for each.)")
    stack.use("raw")
    known = {"multiValueHeaders": "documented: 1 and 2", "headers and multiValueHeaders": "documented: 1 and 2"}
    for door in stack.http:
        for name, headers in [
            ("an array", {"headers": {"x-many": ["1", "2"]}}),
            ("an empty array", {"headers": {"x-many": []}}),
            ("a number", {"headers": {"x-many": 17}}),
            ("a boolean", {"headers": {"x-many": True}}),
            ("null", {"headers": {"x-many": None}}),
            ("multiValueHeaders", {"multiValueHeaders": {"x-many": ["1", "2"]}}),
            ("headers and multiValueHeaders", {"headers": {"x-many": "0"}, "multiValueHeaders": {"x-many": ["1", "2"]}}),
        ]:
            response = tell(door, prelude={"statusCode": 200, **headers})
            found = f"{response.status}, x-many: {' and '.join(response.values('x-many')) or 'not there'}"
            is_known = door is stack.api and name in known
            report.row(f"{name}, {door.name}", known[name] if is_known else "unknown; Firstbyte sends none", found)


def metadata(stack, report):
    report.ask("How large may the metadata before the body be, with the eight NULs behind them?")
    stack.use("raw")
    kib = 1 << 10
    for door in stack.http:
        for size in (4 * kib, 8 * kib, 10 * kib, 15 * kib, 16 * kib, 16 * kib + 1, 17 * kib, 32 * kib, 64 * kib):
            until_now = "documented: " + ("fits" if size <= 16 * kib else "500") if door.name == "REST API" else "unknown"
            response = tell(door, metadata=size)
            length = sum(map(len, response.values("x-filler")))
            found = f"{when(response)}, with {length} bytes in a header"
            report.row(f"metadata of {size} bytes, {door.name}", until_now, found)
