"""What the host calls: an invocation from its beginning to its outcome. Runs inside a component only."""

from __future__ import annotations

import contextlib
import gc
import inspect
import json
import random
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from io import TextIOWrapper
from types import ModuleType
from typing import Any

from . import _absent, _memory, _preload, _proxy, _wasi, log
from ._warm import warm_up
from .context import Context
from .error import Error, kind_of, message_of, stack_of
from .handler import Form, Marked, form_of, of_module
from .loop import run
from .request import Request
from .response import Body, Head, Response
from .sse import CONTENT_TYPE as EVENTS
from .sse import Comment, Event


def prepare() -> None:
    """Before the author's modules are imported, when the component is built."""
    log.install()


def component(
    module: ModuleType, name: str | None, include: Sequence[str] = (), later: Mapping[str, Sequence[str]] | None = None
) -> type:
    """The class that the interface wants, of a module's handler. What is imported by now is in the component's memory."""
    marked = of_module(module, name)
    _preload.preload(include, later or {})
    _absent.install()
    _preload.seal()

    class Handler:
        """The interface's `handler`."""

        def handle(self, request: Any, response: Any) -> None:
            _answer(marked, Request(request), Response(response))

    warm_up(lambda function, request, response: _answer(Marked(function, form_of(function)), Request(request), Response(response)))
    gc.collect()
    _memory.clear()
    # An instance is made for every invocation: a collection that visits all that was imported would copy its pages each time.
    gc.freeze()
    return Handler


def _answer(marked: Marked, request: Request, response: Response) -> None:
    # A line is told when it is written, and not when the handler has returned.
    for output in (sys.stdout, sys.stderr):
        assert isinstance(output, TextIOWrapper)
        output.reconfigure(line_buffering=True)
    log.take_level()
    # Without this, every instance would draw the numbers that were drawn when the component was built.
    random.seed()
    failure = None
    try:
        _call(marked, request, response)
    except SystemExit as error:
        _flush()
        _wasi.exit.exit(_wasi.Ok(None) if error.code in (None, 0) else _wasi.Err(None))
    except BaseException as error:
        status = error.status if isinstance(error, Error) else None
        failure = _wasi.invocation.Failure(kind_of(error), message_of(error), status, stack_of(error))
    _flush()
    if failure is not None:
        raise _wasi.Err(failure)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()


def _call(marked: Marked, request: Request, response: Response) -> None:
    match marked.form:
        case Form.STREAM:
            value = marked.function(request)
        case Form.EXPLICIT:
            value = marked.function(request, response)
        case Form.LAMBDA:
            value = marked.function(request.event, Context(request))
    if inspect.iscoroutine(value) or inspect.isasyncgen(value):
        run(_settle_async(marked, request, response, value))
    else:
        _settle(marked, request, response, value)


async def _settle_async(marked: Marked, request: Request, response: Response, value: Any) -> None:
    if inspect.iscoroutine(value):
        value = await value
    if not hasattr(value, "__aiter__"):
        _settle(marked, request, response, value)
        return
    stream = _Stream(response)
    items: AsyncIterator[Any] = aiter(value)
    try:
        async for item in items:
            chunk = stream.begin(item)
            if chunk is not None:
                await stream.body.send(chunk)
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()


def _settle(marked: Marked, request: Request, response: Response, value: Any) -> None:
    if hasattr(value, "__next__"):
        _stream(response, value)
    elif marked.form is Form.LAMBDA:
        _proxy.respond(request, response, value)
    elif marked.form is Form.EXPLICIT:
        if value is not None:
            raise TypeError(f"a handler of (request, response) writes its response and returns nothing, but it returned {value!r:.80}")
    elif value is not None:
        _stream(response, iter([value]))


def _stream(response: Response, items: Iterator[Any]) -> None:
    stream = _Stream(response)
    try:
        for item in items:
            chunk = stream.begin(item)
            if chunk is not None:
                stream.body.write(chunk)
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


class _Stream:
    """A response made of what a generator yields."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self._body: Body | None = None
        self._head = Head()

    @property
    def body(self) -> Body:
        """The body of the response, which has begun."""
        assert self._body is not None
        return self._body

    def begin(self, item: Any) -> bytes | str | None:
        """What an item has to write, after the head that it is or needs. None if it has nothing to write."""
        if isinstance(item, Head):
            if self._body is not None:
                raise TypeError("a Head comes first, and this response has begun")
            self._body = self._response.start_with(item)
            return None
        chunk: bytes | str
        match item:
            case Event() | Comment():
                chunk, usual = item.encode(), EVENTS
            case str():
                chunk, usual = item, "text/plain; charset=utf-8"
            case bytes() | bytearray() | memoryview():
                chunk, usual = bytes(item), "application/octet-stream"
            case dict() | list() if self._body is None:
                chunk, usual = json.dumps(item), "application/json"
            case _:
                raise TypeError(f"a handler yields a Head, str, bytes or sse.Event, and not {type(item).__name__}: {item!r:.80}")
        if self._body is None:
            self._body = self._response.start_with(Head(), usual)
        return chunk
