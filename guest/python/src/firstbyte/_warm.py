"""Invocations that are played while a component is built, so that every instance begins where they ended.

An instance is a copy of the memory that the build has left. CPython specializes code and fills caches while it runs (where a type
has its methods, what is an instance of what), and without this each instance would do it anew. The author's handler is not called:
what it does at its first call is nobody's to guess.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from . import _wasi, sse
from .error import Error
from .request import Request
from .response import Body, Head, Response

#: CPython specializes what has run a few times.
_TIMES = 40


class _Http:
    method, path, query, headers, cookies = "POST", "/", "a=1", [("content-type", "application/json"), ("host", "a")], ["a=1"]


class _Request:
    """What the host would give."""

    def __init__(self, http: _Http | None) -> None:
        self._http = http

    def http(self) -> _Http | None:
        return self._http

    def payload(self) -> bytes:
        return b'{"name":"a","list":[1,2.5,true,null]}'

    def event(self) -> str:
        return '{"requestContext":{"http":{"sourceIp":"127.0.0.1"}},"headers":{}}'

    def request_id(self) -> str:
        return "a"

    def function_arn(self) -> str:
        return "a"

    def remaining_ms(self) -> int:
        return 1

    def trigger(self) -> object:
        return _Direct()

    def _nothing(self) -> None:
        return None

    trace_id = tenant_id = client_context = cognito_identity = _nothing


class _Direct:
    value = "played"


class _Pollable:
    def ready(self) -> bool:
        return True

    def __exit__(self, *_: object) -> None:
        return None


class _Body:
    def write(self, chunk: bytes) -> None:
        assert isinstance(chunk, bytes)

    def subscribe(self) -> _Pollable:
        return _Pollable()

    @staticmethod
    def finish(body: _Body) -> None:
        return None


class _Response:
    @staticmethod
    def start(raw: object, head: object) -> _Body:
        return _Body()


class _Interface:
    """Stands for the host's interface."""

    Body, Response = _Body, _Response

    def __init__(self, head: Any, failure: Any) -> None:
        self.Head, self.Failure = head, failure


def _stream(request: Request) -> Iterator[Any]:
    request.json()
    yield Head(content_type="text/plain", headers={"a": "b"}, cookies=["a=1"])
    yield "text"
    yield b"bytes"


def _events(request: Request) -> Iterator[Any]:
    yield sse.Event(str(request.query), event="a", id="1")
    yield sse.Comment()


def _text(request: Request) -> Iterator[str]:
    yield f"{request.method} {request.path} {request.cookies.get('a')} {request.headers.get('host')}"


async def _later(request: Request) -> AsyncIterator[str]:
    yield "a"
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0))
    yield "b"


def _explicit(request: Request, response: Response) -> None:
    body: Body = response.start(200, {"a": "b"}, content_type="text/plain")
    body.write("a")
    body.finish()


def _proxy(event: Any, context: Any) -> dict[str, Any]:
    return {"statusCode": 200, "headers": {"a": "b"}, "body": "{}"}


def _fails(request: Request) -> None:
    raise Error.bad_request("played")


def warm_up(answer: Callable[[Callable[..., Any], Any, Any], None]) -> None:
    """Plays invocations of every form. `answer` calls a function as if it were the handler."""
    interface = _wasi.invocation
    _wasi.invocation = _Interface(interface.Head, interface.Failure)
    try:
        for _ in range(_TIMES):
            # Every resource of the host's that a handler holds has one.
            resource = _Pollable()
            weakref.finalize(resource, len, ()).detach()
            for handler in (_stream, _events, _text, _later, _explicit, _proxy):
                for http in (_Http(), None):
                    answer(handler, _Request(http), object())
            try:
                answer(_fails, _Request(None), object())
            except _wasi.Err:
                pass
    finally:
        _wasi.invocation = interface
