"""HTTP requests to other servers, under the function's egress policy: `FIRSTBYTE_ALLOW_HTTP` says which.

Requests to AWS are signed by the host where `FIRSTBYTE_SIGN_AWS` names the service; the handler never sees a key.
"""

from __future__ import annotations

import json as json_
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from . import _wasi
from ._steps import Steps, run, run_async
from .request import Headers

#: Bytes that are read at a time.
_READ = 64 * 1024


class FetchError(OSError):
    """A request has no answer, or not all of it.

    `is_denied`: the function's operator does not allow it. `is_timeout`: the server took too long. `status`: it answered, and
    refused (only of `raise_for_status`).
    """

    def __init__(self, message: str, *, is_denied: bool = False, is_timeout: bool = False, status: int | None = None) -> None:
        super().__init__(message)
        self.is_denied = is_denied
        self.is_timeout = is_timeout
        self.status = status


class _Answer:
    """What both ways to read an answer share."""

    _raw: Any = None
    _body: Any = None
    _stream: Any = None

    def __init__(self, to: str, raw: Any) -> None:
        self._to = to
        #: The status.
        self.status: int = raw.status()
        fields = raw.headers()
        #: Names in any case.
        self.headers = Headers([(name, bytes(value).decode("utf-8", "replace")) for name, value in fields.entries()])
        _wasi.drop(fields)
        self._raw = raw
        self._body = raw.consume()
        self._stream = self._body.stream()

    def __del__(self) -> None:
        # The host takes a stream back before the body that it is of, and Python forgets them in another order.
        self.close()

    @property
    def ok(self) -> bool:
        """Whether the status is 200 to 299."""
        return 200 <= self.status < 300

    def close(self) -> None:
        """Ends the connection, if the body was not read to its end."""
        held = (self._stream, self._body, self._raw)
        self._stream = self._body = self._raw = None
        for resource in held:
            if resource is not None:
                _wasi.drop(resource)

    def _next(self) -> Steps[bytes | None]:
        while self._stream is not None:
            try:
                chunk = self._stream.read(_READ)
            except _wasi.Err as error:
                code = _code_of(error.value)
                self.close()
                if code is None:
                    return None
                raise _failed(self._to, code, is_answering=True) from None
            if chunk:
                return bytes(chunk)
            yield self._stream.subscribe()
        return None

    def _rest(self) -> Steps[bytes]:
        chunks: list[bytes] = []
        while True:
            chunk = yield from self._next()
            if chunk is None:
                return b"".join(chunks)
            chunks.append(chunk)

    def _refused(self) -> Steps[None]:
        if not self.ok:
            said = (yield from self._rest())[:1000].decode("utf-8", "replace").strip()
            raise FetchError(f"{self._to} answered with status {self.status}" + (f": {said}" if said else ""), status=self.status)


class Answer(_Answer):
    """What a server answered to `fetch`: iterate over it for the body's bytes as they come."""

    def __iter__(self) -> Iterator[bytes]:
        while (chunk := run(self._next())) is not None:
            yield chunk

    def read(self) -> bytes:
        """The rest of the body."""
        return run(self._rest())

    def text(self) -> str:
        """The rest of the body as text."""
        return self.read().decode()

    def json(self) -> Any:
        """The rest of the body as JSON."""
        return json_.loads(self.read())

    def raise_for_status(self) -> Answer:
        """Raises a `FetchError` unless the status is 200 to 299."""
        run(self._refused())
        return self

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncAnswer(_Answer):
    """What a server answered to `fetch_async`: iterate over it with `async for` for the body's bytes as they come."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await run_async(self._next())) is not None:
            yield chunk

    async def read(self) -> bytes:
        """The rest of the body."""
        return await run_async(self._rest())

    async def text(self) -> str:
        """The rest of the body as text."""
        return (await self.read()).decode()

    async def json(self) -> Any:
        """The rest of the body as JSON."""
        return json_.loads(await self.read())

    async def raise_for_status(self) -> AsyncAnswer:
        """Raises a `FetchError` unless the status is 200 to 299."""
        await run_async(self._refused())
        return self

    async def __aenter__(self) -> AsyncAnswer:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


def fetch(
    url: str,
    *,
    method: str | None = None,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    body: bytes | str | Iterable[bytes] | None = None,
    json: Any = None,
    timeout: float | None = None,
) -> Answer:
    """Sends a request and waits for the head of its answer.

    `body` may be an iterable, whose pieces are sent as they come. `timeout` are the seconds for which the server may do nothing:
    be reached, begin its answer, go on with it. Without `method` it is GET, or POST if there is a body.

    Raises `FetchError`.
    """
    sending = _Sending(url, method, headers, body, json, timeout)
    try:
        for piece in sending.pieces():
            if not run(sending.send(piece)):
                break
        return Answer(sending.to, run(sending.finish()))
    finally:
        sending.close()


async def fetch_async(
    url: str,
    *,
    method: str | None = None,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    body: bytes | str | Iterable[bytes] | AsyncIterable[bytes] | None = None,
    json: Any = None,
    timeout: float | None = None,
) -> AsyncAnswer:
    """The same for `async` handlers: other tasks run while it waits, and `body` may be an async iterable."""
    sending = _Sending(url, method, headers, body, json, timeout)
    try:
        if isinstance(body, AsyncIterable):
            async for piece in body:
                if not await run_async(sending.send(piece)):
                    break
        else:
            for piece in sending.pieces():
                if not await run_async(sending.send(piece)):
                    break
        return AsyncAnswer(sending.to, await run_async(sending.finish()))
    finally:
        sending.close()


class _Sending:
    """A request that is under way."""

    def __init__(self, url: str, method: str | None, headers: Any, body: Any, json: Any, timeout: float | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise FetchError(f"the request cannot be sent: the URL is invalid: {url!r} does not begin with https:// or http://")
        self.to = f"{parts.scheme}://{parts.netloc}"
        fields = [(str(n), str(v)) for n, v in (headers.items() if isinstance(headers, Mapping) else headers)]
        if json is not None:
            body = json_.dumps(json, separators=(",", ":"))
            if not any(name.lower() == "content-type" for name, _ in fields):
                fields.append(("content-type", "application/json"))
        if isinstance(body, str):
            body = body.encode()
        self._body = body
        if isinstance(body, (bytes, bytearray)) and not any(name.lower() == "content-length" for name, _ in fields):
            fields.append(("content-length", str(len(body))))
        http = _wasi.http
        try:
            sent = http.Fields.from_list([(name, value.encode()) for name, value in fields])
        except _wasi.Err as error:
            what = type(error.value).__name__.removeprefix("HeaderError_").lower()
            raise FetchError(f"the request cannot be sent: a header is {_HEADER.get(what, what)}") from None
        request = http.OutgoingRequest(sent)
        method = method or ("GET" if body is None else "POST")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        known = getattr(http, f"Method_{method.capitalize()}", None) if method.isupper() and method != "OTHER" else None
        scheme = http.Scheme_Https() if parts.scheme == "https" else http.Scheme_Http()
        try:
            request.set_method(known() if known else http.Method_Other(method))
            request.set_scheme(scheme)
            request.set_authority(parts.netloc)
            request.set_path_with_query(path)
        except _wasi.Err:
            raise FetchError("the request cannot be sent: the method or the URL is invalid") from None
        options = None
        if timeout is not None:
            options = http.RequestOptions()
            nanos = max(1, int(timeout * 1e9))
            for limit in (options.set_connect_timeout, options.set_first_byte_timeout, options.set_between_bytes_timeout):
                limit(nanos)
        outgoing = request.body()
        self._outgoing: Any = outgoing
        self._stream: Any = outgoing.write() if body is not None else None
        self._future: Any = None
        try:
            self._future = _wasi.outgoing_handler.handle(request, options)
        except _wasi.Err as error:
            self.close()
            raise _failed(self.to, error.value, is_answering=False) from None

    def pieces(self) -> Iterable[bytes]:
        """The body's pieces."""
        if self._body is None:
            return ()
        if isinstance(self._body, (bytes, bytearray)):
            return (bytes(self._body),)
        return self._body  # type: ignore[no-any-return]

    def send(self, piece: bytes | str) -> Steps[bool]:
        """Sends a piece of the body; false if the server wants no more."""
        data = piece.encode() if isinstance(piece, str) else bytes(piece)
        at = 0
        try:
            while at < len(data):
                room = self._stream.check_write()
                if room == 0:
                    yield self._stream.subscribe()
                    continue
                self._stream.write(data[at : at + room])
                at += room
            self._stream.flush()
        except _wasi.Err:
            # What the server has to say of it, its answer tells.
            return False
        return True

    def finish(self) -> Steps[Any]:
        """Ends the body and waits for the answer."""
        if self._stream is not None:
            _wasi.drop(self._stream)
            self._stream = None
        outgoing, self._outgoing = self._outgoing, None
        try:
            _wasi.http.OutgoingBody.finish(outgoing, None)
        except _wasi.Err as error:
            self.close()
            raise _failed(self.to, error.value, is_answering=False) from None
        while True:
            told = self._future.get()
            if told is None:
                yield self._future.subscribe()
                continue
            self.close()
            if isinstance(told, _wasi.Err):
                raise FetchError(f"the answer of {self.to} was taken already")
            if isinstance(told.value, _wasi.Err):
                raise _failed(self.to, told.value.value, is_answering=False)
            return told.value.value

    def close(self) -> None:
        """Gives up what is still under way."""
        for resource in (self._stream, self._outgoing, self._future):
            if resource is not None:
                _wasi.drop(resource)
        self._stream = self._outgoing = self._future = None


_HEADER = {"invalidsyntax": "invalid", "forbidden": "one that the host sets itself"}

_WORDS = {
    "DnsError": "the name cannot be resolved",
    "DestinationNotFound": "the name cannot be resolved",
    "ConnectionRefused": "it was refused",
    "ConnectionTerminated": "it broke",
    "TlsCertificateError": "the certificate is not trusted",
    "TlsProtocolError": "TLS failed",
    "HttpResponseIncomplete": "the answer broke off",
    "HttpProtocolError": "it is not HTTP",
}

_OF_CONNECTIONS = {
    "DestinationUnavailable", "DestinationIpUnroutable", "ConnectionLimitReached", "TlsAlertReceived", *_WORDS,
} - {"HttpProtocolError"}

_TIMEOUTS = {
    "DnsTimeout": "cannot be reached in time",
    "ConnectionTimeout": "cannot be reached in time",
    "ConnectionReadTimeout": None,
    "ConnectionWriteTimeout": None,
    "HttpResponseTimeout": None,
}


def _code_of(stream_error: Any) -> Any:
    """Why a stream ended; None if it has simply ended."""
    if type(stream_error).__name__ == "StreamError_Closed":
        return None
    code = _wasi.http.http_error_code(stream_error.value)
    return code if code is not None else _wasi.http.ErrorCode_InternalError(stream_error.value.to_debug_string())


def _failed(to: str, code: Any, *, is_answering: bool) -> FetchError:
    name = type(code).__name__.removeprefix("ErrorCode_")
    if name in ("HttpRequestDenied", "DestinationIpProhibited"):
        told = f"the function's operator does not allow requests to {to}: FIRSTBYTE_ALLOW_HTTP has to name it"
        return FetchError(told, is_denied=True)
    if name in _TIMEOUTS:
        late = "stopped in the middle of its answer" if is_answering else "did not answer in time"
        return FetchError(f"{to} {_TIMEOUTS[name] or late}", is_timeout=True)
    if name in ("HttpRequestMethodInvalid", "HttpRequestUriInvalid"):
        return FetchError(f"the request cannot be sent: the {'method' if 'Method' in name else 'URL'} is invalid")
    reason = _WORDS.get(name) or (code.value if name == "InternalError" and code.value else name)
    if name in _OF_CONNECTIONS:
        return FetchError(f"the connection to {to} failed: {reason}")
    return FetchError(f"the answer of {to} is of no use: {reason}")
