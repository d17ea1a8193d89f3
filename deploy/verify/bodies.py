"""Request bodies: what arrives in the event."""

import base64
import json

BODY = '{"probe":"é"}'.encode()

TYPES = [
    "",
    "application/json",
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "application/problem+json",
    "application/vnd.api+json",
    "application/x-ndjson",
    "application/graphql",
    "application/javascript",
    "application/ecmascript",
    "application/xml",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "application/yaml",
    "application/toml",
    "application/x-sh",
    "application/octet-stream",
    "application/x-protobuf",
    "application/pdf",
    "image/svg+xml",
    "image/png",
    "multipart/form-data; boundary=probe",
    "text/plain",
    "text/plain; charset=iso-8859-1",
    "text/html",
    "text/csv",
    "text/xml",
    "text/x-probe",
    "model/gltf+json",
    "probe",
]


def content_types(stack, report):
    report.ask("Which content types of a request arrive as text? (One call for each.)")
    stack.use("raw")
    for door in stack.http:
        fates = {"as text": [], "as base64": [], "otherwise": []}
        for content_type in TYPES:
            fate, detail = sent(door, content_type, BODY)
            fates[fate].append((content_type or "no content type") + detail)
        until_now = "captured: JSON and text/*" if door.name == "Function URL" else "documented: all, without binaryMediaTypes"
        for fate, types in fates.items():
            report.row(f"requests {fate}, {door.name}", until_now if fate == "as text" else "", ", ".join(types) or "none")
        for name, options in [("gzip", ["--header", "content-encoding: gzip"]), ("no UTF-8", [])]:
            fate, detail = sent(door, "text/plain", b"\x1f\x8b\xff\xfe", options)
            report.row(f"text/plain, but {name}, {door.name}", "unknown", fate + detail)


def sent(door, content_type, body, options=()):
    """How a body arrives, in a word and in detail."""
    response = door.tell(body=body, content_type=content_type, options=options, ending="event")
    try:
        event = json.loads(response.body)
        text, is_base64 = event["body"], event["isBase64Encoded"]
        arrived = base64.b64decode(text) if is_base64 else text.encode()
    except (ValueError, KeyError, TypeError, AttributeError):
        return "otherwise", f" ({response})"
    return "as base64" if is_base64 else "as text", "" if arrived == body else f" (CHANGED: {arrived!r})"
