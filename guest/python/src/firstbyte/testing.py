"""Tests of handlers, in a process of their own: the command line runs the component, and the test says and sees the rest.

The fixture `firstbyte` of pytest is a `Firstbyte`. What they say to each other is one JSON document per line, as
`guest/testing/src/message.rs` of the project has it.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from .request import Headers

PROTOCOL = 1

Via = Literal["direct", "url", "api"]

#: The three doors.
DOORS: tuple[Via, ...] = ("direct", "url", "api")


@dataclass(frozen=True)
class Chunk:
    """A piece of the body, as one write of the handler brought it."""

    #: When it came, in seconds from the invocation's beginning.
    at: float
    bytes: bytes

    @property
    def text(self) -> str:
        """The bytes as text."""
        return self.bytes.decode()


@dataclass(frozen=True)
class LogLine:
    """A line of the function's log."""

    level: str
    message: str
    members: dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """What Lambda was told of a failure."""

    #: `Function.ValidationError`, `Runtime.Panic`, …
    kind: str
    message: str
    stack: list[str]


@dataclass(frozen=True)
class Response:
    """What a handler answered, and how it ended."""

    #: The status that an HTTP caller sees; None if no response was started.
    status: int | None
    headers: Headers
    chunks: list[Chunk]
    log: list[LogLine]
    #: None if the response is whole.
    failure: Failure | None

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(chunk.bytes for chunk in self.chunks)

    @property
    def text(self) -> str:
        """The whole body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The whole body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class UpstreamRequest:
    """What a handler asked of another server."""

    method: str
    #: Scheme, host and port: `https://api.example.com`.
    origin: str
    #: Path and query.
    path: str
    headers: Headers
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def signed_for(self) -> str | None:
        """The AWS service that the request was signed for; None if nobody signed it. The signature itself is not verified."""
        scope = self.headers.get("authorization", "").partition("Credential=")[2].split(",")[0].split("/")
        return scope[3] if len(scope) == 5 and scope[4] == "aws4_request" else None


@dataclass
class Answer:
    """What a test answers in another server's place: a head, then pieces of a body and pauses, in their order."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Bytes or text; a number is a pause of so many seconds; None breaks the connection off.
    body: Iterable[bytes | str | float | None] = ()
    #: How many seconds the head takes.
    after: float = 0.0
    is_refused: bool = False

    @classmethod
    def refused(cls) -> Answer:
        """The connection is refused."""
        return cls(is_refused=True)

    @classmethod
    def of_json(cls, value: Any, status: int = 200) -> Answer:
        """JSON."""
        return cls(status, {"content-type": "application/json"}, [json.dumps(value)])

    def _message(self) -> dict[str, Any]:
        head = None if self.is_refused else {"status": self.status, "headers": list(map(list, self.headers.items()))}
        return {"delay": _duration(self.after), "head": head, "steps": [_step(step) for step in self.body]}


#: Answers what a handler asks of a server.
Upstream = Callable[[UpstreamRequest], Answer]


class HostError(Exception):
    """The component cannot be run, in words for its author."""


class Component:
    """A component under test, in a process of its own. Each invocation has an instance of its own."""

    def __init__(self, wasm: Path, environment: Mapping[str, str], cache: Path, program: str) -> None:
        self._program = program
        command = [program, "test-host"]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            raise HostError(_missing(program, error)) from error
        ready = self._receive().get("Ready", {})
        if ready.get("protocol") != PROTOCOL:
            raise HostError(f"`{program}` is version {ready.get('version')}, which this library does not understand")
        load = {"wasm": str(wasm), "environment": list(map(list, environment.items())), "cache": str(cache)}
        self._send({"Load": load})
        told = self._receive()["Loaded"]
        if "Err" in told:
            self.close()
            raise HostError(told["Err"])

    def invoke(
        self, event: bytes, context: Mapping[str, str | None], *, timeout: float, paused: bool, upstream: Mapping[str, Upstream]
    ) -> Response:
        """Invokes the component, and answers what it asks of others."""
        names = ("trace_id", "tenant_id", "client_context", "cognito_identity")
        said = {name: context.get(name) for name in names}
        invocation = {"event": _base64(event), "context": said, "timeout": _duration(timeout), "is_paused": paused}
        self._send({"Invoke": invocation})
        while True:
            message = self._receive()
            if "Settled" in message:
                return _response(message["Settled"])
            asked = _asked(message["Ask"])
            answer = upstream.get(asked.origin)
            self._send({"Answer": answer(asked)._message() if answer else None})

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _send(self, message: object) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._lost() from error

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise self._lost()
        return json.loads(line)  # type: ignore[no-any-return]

    def _lost(self) -> HostError:
        return HostError(f"`{self._program} test-host` has ended, and its standard error may say why")


class Firstbyte:
    """Invokes handlers in tests."""

    def __init__(self, cache: Path | None = None) -> None:
        self._program = os.environ.get("FIRSTBYTE") or "firstbyte"
        self._built: dict[Path, Path] = {}
        self._components: dict[tuple[Path, tuple[tuple[str, str], ...]], Component] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="firstbyte-")
        #: Where machine code is kept, so that every component is compiled once.
        self._cache = cache or Path(self._folder.name)

    def invoke(
        self,
        handler: str | os.PathLike[str],
        *,
        via: Via = "url",
        method: str = "POST",
        path: str = "/",
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        cookies: Iterable[str] = (),
        json: Any = None,
        body: bytes | str | None = None,
        env: Mapping[str, str] | None = None,
        upstream: Mapping[str, Upstream] | None = None,
        paused: bool = True,
        timeout: float = 60.0,
        context: Mapping[str, str | None] | None = None,
    ) -> Response:
        """Invokes a handler: a `.wasm`, or a folder or source file that is built first, once.

        With `paused`, waiting takes no time and is counted. `env` has the function's environment variables, `FIRSTBYTE_` settings
        among them; `upstream` answers what the handler asks of servers, by `https://host`. `context` may have `trace_id`,
        `tenant_id`, `client_context` and `cognito_identity`.
        """
        event = make_event(via, method=method, path=path, headers=headers, cookies=cookies, json=json, body=body)
        component = self._component(Path(handler).resolve(), env or {})
        return component.invoke(event, context or {}, timeout=timeout, paused=paused, upstream=upstream or {})

    def build(self, handler: str | os.PathLike[str]) -> Path:
        """The component of a handler's folder or source file, built once."""
        source = Path(handler).resolve()
        if source.suffix in (".wasm", ".cwasm"):
            return source
        if source not in self._built:
            wasm = Path(self._folder.name) / f"{len(self._built)}.wasm"
            command = [self._program, "build", str(source), "-o", str(wasm)]
            try:
                told = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            except OSError as error:
                raise HostError(_missing(self._program, error)) from error
            if told.returncode != 0:
                raise HostError(told.stdout.decode(errors="replace").strip())
            self._built[source] = wasm
        return self._built[source]

    def close(self) -> None:
        """Ends what runs the handlers."""
        for component in self._components.values():
            component.close()
        self._components.clear()
        self._folder.cleanup()

    def _component(self, handler: Path, env: Mapping[str, str]) -> Component:
        key = (handler, tuple(sorted(env.items())))
        if key not in self._components:
            self._components[key] = Component(self.build(handler), env, self._cache, self._program)
        return self._components[key]


def make_event(
    via: Via,
    *,
    method: str = "POST",
    path: str = "/",
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    cookies: Iterable[str] = (),
    json: Any = None,
    body: bytes | str | None = None,
) -> bytes:
    """An event as one of the three doors makes it."""
    fields = list(headers.items() if isinstance(headers, Mapping) else headers)
    if json is not None:
        fields.append(("content-type", "application/json"))
        body = _dumps(json)
    data = body.encode() if isinstance(body, str) else body or b""
    if via == "direct":
        return data or b"{}"
    text, is_base64 = _text(data)
    parts = urlsplit(path)
    if via == "url":
        joined: dict[str, str] = {}
        for name, value in fields:
            name = name.lower()
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        http = {"method": method, "path": parts.path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}
        http["userAgent"] = joined.get("user-agent", "")
        request = {
            "accountId": "anonymous", "apiId": "test", "domainName": "test.lambda-url.us-east-1.on.aws", "domainPrefix": "test",
            "http": http, "requestId": "00000000-0000-4000-8000-000000000000", "routeKey": "$default", "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1767225600000,
        }
        event: dict[str, Any] = {
            "version": "2.0", "routeKey": "$default", "rawPath": parts.path, "rawQueryString": parts.query, "headers": joined,
            "requestContext": request, "isBase64Encoded": is_base64,
        }
        if cookies:
            event["cookies"] = list(cookies)
        if text is not None:
            event["body"] = text
        return _dumps(event).encode()
    several: dict[str, list[str]] = {}
    for name, value in fields:
        several.setdefault(name, []).append(value)
    if cookies:
        several["Cookie"] = ["; ".join(cookies)]
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    return _dumps({
        "resource": "/{proxy+}", "path": unquote(parts.path), "httpMethod": method,
        "headers": {name: values[-1] for name, values in several.items()}, "multiValueHeaders": several,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None, "pathParameters": None, "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012", "apiId": "test", "domainName": "test.execute-api.us-east-1.amazonaws.com",
            "httpMethod": method, "identity": {"sourceIp": "127.0.0.1", "userAgent": several.get("user-agent", [None])[-1]},
            "path": f"/test{unquote(parts.path)}", "protocol": "HTTP/1.1", "requestId": "00000000-0000-4000-8000-000000000000",
            "requestTime": "01/Jan/2026:00:00:00 +0000", "requestTimeEpoch": 1767225600000, "resourceId": "test",
            "resourcePath": "/{proxy+}", "stage": "test",
        },
        "body": text, "isBase64Encoded": is_base64,
    }).encode()


def _missing(program: str, error: OSError) -> str:
    return (
        f"cannot run `{program}`, which runs the handler of a test: {error}; put Firstbyte's command line on the path, or name it in "
        "the variable FIRSTBYTE"
    )


def _dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _text(data: bytes) -> tuple[str | None, bool]:
    """A body as an event has it: what is not UTF-8 goes as base64."""
    try:
        return (data.decode() or None), False
    except UnicodeDecodeError:
        return _base64(data), True


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _duration(seconds: float) -> dict[str, int]:
    nanos = round(seconds * 1e9)
    return {"secs": nanos // 10**9, "nanos": nanos % 10**9}


def _seconds(duration: Mapping[str, int]) -> float:
    return duration["secs"] + duration["nanos"] / 1e9


def _step(step: bytes | str | float | None) -> Any:
    match step:
        case None:
            return "BreakOff"
        case bytes():
            return {"Chunk": _base64(step)}
        case str():
            return {"Chunk": _base64(step.encode())}
        case _:
            return {"Pause": _duration(step)}


def _headers(pairs: Iterable[Iterable[str]]) -> Headers:
    return Headers([(name, value) for name, value in pairs])


def _asked(said: Mapping[str, Any]) -> UpstreamRequest:
    body = base64.b64decode(said["body"])
    return UpstreamRequest(said["method"], said["origin"], said["path"], _headers(said["headers"]), body)


def _response(said: Mapping[str, Any]) -> Response:
    opening, end = said["opening"], said["end"]
    chunks = [Chunk(_seconds(chunk["at"]), base64.b64decode(chunk["bytes"])) for chunk in said["chunks"]]
    log = [LogLine(line["level"], line["message"], line.get("members") or {}) for line in said["log"]]
    failure = None
    if end != "Clean":
        report = end["Failed"] if isinstance(end, dict) else {}
        failure = Failure(
            report.get("errorType", "Runtime.Unsettled"), report.get("errorMessage", ""), report.get("stackTrace", [])
        )
    return Response(opening and opening["status"], _headers(opening["headers"] if opening else []), chunks, log, failure)
