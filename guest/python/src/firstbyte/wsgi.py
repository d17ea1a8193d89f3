"""WSGI applications as handlers: Flask, Django, Bottle."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from types import TracebackType
from typing import Any

from .context import Context
from .handler import Form, mark
from .request import Request
from .response import Body, Response, of_the_response

Exception_ = tuple[type[BaseException], BaseException, TracebackType]


def wsgi(app: Callable[..., Iterable[bytes]], *, direct: str = "POST /") -> Callable[[Request, Response], None]:
    """A handler of a WSGI application (PEP 3333)::

        app = Flask(__name__)
        handler = firstbyte.wsgi(app)

    What the application yields is sent as it yields it. `direct` is the method and the path of the request that a direct
    invocation is; its body is the payload. In the environment, `aws.event` and `aws.context` are Lambda's.
    """
    method, _, path = direct.partition(" ")

    def handle(request: Request, response: Response) -> None:
        started = _Started(response)
        chunks = app(_environ(request, method, path or "/"), started.start)
        try:
            for chunk in chunks:
                if chunk:
                    started.write(chunk)
            # A head without a body is a response, too.
            started.body().finish()
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    return mark(handle, Form.EXPLICIT)


class _Started:
    """A response from `start_response` on."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self._head: tuple[int, list[tuple[str, str]]] | None = None
        self._body: Body | None = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Exception_ | None = None) -> Callable[[bytes], None]:
        """WSGI's `start_response`."""
        if exc_info is not None:
            if self._body is not None:
                raise exc_info[1].with_traceback(exc_info[2])
        elif self._head is not None:
            raise RuntimeError("the application has started two responses")
        self._head = (int(status.split(" ", 1)[0]), [(name, _utf8(value)) for name, value in headers])
        return self.write

    def write(self, chunk: bytes) -> None:
        """Sends a piece of the body, after the head."""
        self.body().write(chunk)

    def body(self) -> Body:
        """The body. By the specification, the head is sent with the first piece of it."""
        if self._body is None:
            if self._head is None:
                raise RuntimeError("the application has returned without calling `start_response`")
            status, headers = self._head
            self._body = self._response.start(status, of_the_response(headers))
        return self._body


def _environ(request: Request, method: str, path: str) -> dict[str, Any]:
    http = request.http
    event = request.event if http else {}
    said = event.get("requestContext", {}) if isinstance(event, dict) else {}
    headers = http.headers.pairs() if http else [("content-type", "application/json")]
    body = request.body
    environ: dict[str, Any] = {
        "REQUEST_METHOD": http.method if http else method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _latin1(http.path if http else path),
        "RAW_URI": (http.raw_path if http else path) + (f"?{http.raw_query}" if http and http.raw_query else ""),
        "QUERY_STRING": http.raw_query if http else "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": said.get("domainName") or "localhost",
        "SERVER_PORT": "443",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": True,
        "aws.event": event,
        "aws.context": Context(request),
    }
    source = said.get("http", said.get("identity", {})).get("sourceIp")
    if source:
        environ["REMOTE_ADDR"] = source
    for name, value in headers:
        key = name.upper().replace("-", "_")
        if key == "CONTENT_LENGTH":
            continue
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{_latin1(value)}" if key in environ else _latin1(value)
    if http and http.raw_cookies:
        environ["HTTP_COOKIE"] = _latin1("; ".join(http.raw_cookies))
    return environ


def _latin1(text: str) -> str:
    """Bytes as WSGI has them in strings."""
    return text.encode().decode("latin-1")


def _utf8(text: str) -> str:
    """What WSGI's strings say."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
