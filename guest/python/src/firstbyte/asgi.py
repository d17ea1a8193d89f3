"""ASGI applications as handlers: Starlette, Quart, FastAPI's own kind."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from types import ModuleType
from typing import Any

from .context import Context
from .handler import Form, mark
from .loop import run
from .request import Request
from .response import Body, Response, of_the_response

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


def asgi(app: App, *, direct: str = "POST /") -> Callable[[Request, Response], None]:
    """A handler of an ASGI application (version 3)::

        app = Starlette(routes=[…])
        handler = firstbyte.asgi(app)

    `direct` is the method and the path of the request that a direct invocation is; its body is the payload. The application's
    startup and shutdown (lifespan) run within each instance's invocation. In the scope, `aws.event` and `aws.context` are
    Lambda's.
    """
    method, _, path = direct.partition(" ")
    if "anyio" in sys.modules:
        # anyio imports it when it is first used, and in a component that is too late.
        _import_backend()

    def handle(request: Request, response: Response) -> None:
        _run_inline()
        run(_answer(app, request, response, method, path or "/"))

    return mark(handle, Form.EXPLICIT)


async def _answer(app: App, request: Request, response: Response, method: str, path: str) -> None:
    lifespan = _Lifespan(app)
    await lifespan.start()
    exchange = _Exchange(request.body, response)
    scope = {**_scope(request, method, path), "state": dict(lifespan.state)}
    try:
        await app(scope, exchange.receive, exchange.send)
    finally:
        exchange.over.set()
        await lifespan.stop()
    if not exchange.is_begun:
        raise RuntimeError("the application has returned without a response")


class _Exchange:
    """One request and its response, as ASGI passes messages."""

    def __init__(self, body: bytes, response: Response) -> None:
        self._request: bytes | None = body
        self._response = response
        self._head: Message | None = None
        self._body: Body | None = None
        self.is_begun = False
        self.over = asyncio.Event()

    async def receive(self) -> Message:
        if self._request is not None:
            body, self._request = self._request, None
            return {"type": "http.request", "body": body, "more_body": False}
        # A caller who leaves does not end an invocation of Lambda's; what ends is the response.
        await self.over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        match message["type"]:
            case "http.response.start":
                if self.is_begun:
                    raise RuntimeError("the application has started two responses")
                self.is_begun = True
                self._head = message
            case "http.response.body":
                await self._send_body(message)

    async def _send_body(self, message: Message) -> None:
        if self._body is None:
            if self._head is None:
                raise RuntimeError("the application has sent a body before `http.response.start`")
            headers = [(_text(name), _text(value)) for name, value in self._head.get("headers", ())]
            self._body = self._response.start(self._head["status"], of_the_response(headers))
        chunk = message.get("body", b"")
        if chunk:
            await self._body.send(chunk)
        if not message.get("more_body", False):
            # What the application does afterwards, background tasks among them, is not waited for by the caller.
            self._body.finish()
            self.over.set()


class _Lifespan:
    """The application's startup and shutdown."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._asked: asyncio.Queue[Message] = asyncio.Queue()
        self._told: asyncio.Queue[Message | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] = {}

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())
        told = await self._ask("lifespan.startup")
        if told and told["type"] == "lifespan.startup.failed":
            raise RuntimeError(f"the application does not start: {told.get('message') or 'it does not say why'}")

    async def stop(self) -> None:
        if self._task and not self._task.done():
            await self._ask("lifespan.shutdown")
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ask(self, what: str) -> Message | None:
        await self._asked.put({"type": what})
        return await self._told.get()

    async def _run(self) -> None:
        scope: Scope = {"type": "lifespan", "asgi": _ASGI, "state": self.state}
        try:
            await self._app(scope, self._asked.get, self._told.put)
        except Exception:
            # By the specification: an application that does not know of lifespan says so by an exception.
            pass
        finally:
            self._told.put_nowait(None)


_ASGI = {"version": "3.0", "spec_version": "2.4"}


def _scope(request: Request, method: str, path: str) -> Scope:
    http = request.http
    event = request.event if http else {}
    said = event.get("requestContext", {}) if isinstance(event, dict) else {}
    headers = http.headers.pairs() if http else [("content-type", "application/json")]
    cookies = http.raw_cookies if http else []
    if cookies:
        headers = [*headers, ("cookie", "; ".join(cookies))]
    host = next((value for name, value in headers if name.lower() == "host"), said.get("domainName") or "localhost")
    name, _, port = host.partition(":")
    source = said.get("http", said.get("identity", {})).get("sourceIp")
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": "1.1",
        "method": http.method if http else method,
        "scheme": "https",
        "path": http.path if http else path,
        "raw_path": (http.raw_path if http else path).encode(),
        "query_string": (http.raw_query if http else "").encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "client": (source, 0) if source else None,
        "server": (name, int(port) if port.isdigit() else 443),
        "extensions": {},
        "aws.event": event,
        "aws.context": Context(request),
    }


def _text(value: bytes | str) -> str:
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _import_backend() -> None:
    """Imports anyio's half for asyncio. It wants a module for TLS, which a component has not, and uses it for sockets only."""
    try:
        importlib.import_module("ssl")
    except ImportError:
        stub = ModuleType("ssl")
        stub.__getattr__ = lambda name: type(name, (Exception,), {})  # type: ignore[method-assign]
        sys.modules["ssl"] = stub
        importlib.import_module("anyio._backends._asyncio")
        del sys.modules["ssl"]
    else:
        importlib.import_module("anyio._backends._asyncio")


def _run_inline() -> None:
    """Has anyio, on which Starlette stands, call functions that are not `async` where it would start a thread for them."""
    backend = sys.modules.get("anyio._backends._asyncio")
    if backend is None or getattr(backend, "_firstbyte", False):
        return

    async def run_sync_in_worker_thread(
        cls: type, func: Callable[..., Any], args: tuple[Any, ...], abandon_on_cancel: bool = False, limiter: Any = None
    ) -> Any:
        # Others have their turn before, as they would beside a thread.
        await asyncio.sleep(0)
        return func(*args)

    backend.AsyncIOBackend.run_sync_in_worker_thread = classmethod(run_sync_in_worker_thread)
    backend._firstbyte = True  # type: ignore[attr-defined]
