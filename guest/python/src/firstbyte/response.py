"""The right to respond, a response's head, and its body."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from . import _wasi
from ._steps import wait_async
from .error import HeadError, WriteError

Pairs = Mapping[str, str] | Iterable[tuple[str, str]]

#: A call to the host takes 8 MiB at most, and copies what it is given.
_PIECE = 1 << 20

_OF_THE_CONNECTION = {"connection", "content-length", "date", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Head:
    """What precedes a response's body. At the direct door only its content type is used.

    `cookies` are whole values of `set-cookie`: `"session=7; HttpOnly"`. Without `content_type` and without such a header, the
    first thing that is written decides: text, bytes or server-sent events.
    """

    status: int = 200
    headers: Pairs = ()
    cookies: Iterable[str] = ()
    content_type: str | None = None

    def fields(self, usual: str | None = None) -> list[tuple[str, str]]:
        """All headers; `usual` is the content type if nothing says another."""
        headers = self.headers.items() if isinstance(self.headers, Mapping) else self.headers
        fields = [(str(name), str(value)) for name, value in headers]
        has_type = any(name.lower() == "content-type" for name, _ in fields)
        content_type = self.content_type or (None if has_type else usual)
        if content_type is not None:
            fields = [field for field in fields if field[0].lower() != "content-type"] + [("content-type", content_type)]
        return fields + [("set-cookie", cookie) for cookie in self.cookies]


class Response:
    """The right to respond, once."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        #: The body of the response that was started.
        self.body: Body | None = None

    def start(
        self,
        status: int = 200,
        headers: Pairs = (),
        *,
        cookies: Iterable[str] = (),
        content_type: str | None = None,
    ) -> Body:
        """Sends the head at once, and gives the body to write.

        Raises `HeadError` if the host refuses it: then nothing has been sent.
        """
        return self.start_with(Head(status, headers, cookies, content_type))

    def start_with(self, head: Head, usual: str | None = None) -> Body:
        """The same with a head; `usual` is the content type if the head says none."""
        if self._raw is None:
            raise HeadError("the response was started already")
        raw, self._raw = self._raw, None
        status = int(head.status)
        if not 0 <= status < 1 << 16:
            raise HeadError(f"a status is a number from 200 to 599, and not {status}")
        try:
            body = _wasi.invocation.Response.start(raw, _wasi.invocation.Head(status, head.fields(usual)))
        except _wasi.Err as error:
            raise HeadError(_refused(error.value)) from None
        self.body = Body(body)
        return self.body


class Body:
    """A response that was started. Its bytes go to the caller as they are written."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def write(self, chunk: str | bytes | bytearray | memoryview) -> None:
        """Sends text as UTF-8, or bytes. They are on their way when this returns. Waits while the caller reads more slowly.

        Raises `WriteError` if the host refuses them.
        """
        data = _encoded(chunk)
        for at in range(0, len(data), _PIECE):
            self._write(data[at : at + _PIECE] if len(data) > _PIECE else data)

    async def send(self, chunk: str | bytes | bytearray | memoryview) -> None:
        """The same, and other tasks run while the caller reads more slowly."""
        data = _encoded(chunk)
        for at in range(0, len(data), _PIECE):
            if self._raw is not None:
                ready = self._raw.subscribe()
                if ready.ready():
                    _wasi.drop(ready)
                else:
                    await wait_async(ready)
            self._write(data[at : at + _PIECE] if len(data) > _PIECE else data)

    def finish(self) -> None:
        """Ends the response before the handler returns, for handlers that go on working afterwards."""
        if self._raw is None:
            return
        raw, self._raw = self._raw, None
        try:
            _wasi.invocation.Body.finish(raw)
        except _wasi.Err as error:
            raise _refusal(error.value) from None

    @property
    def is_finished(self) -> bool:
        """Whether the response was ended."""
        return self._raw is None

    def __enter__(self) -> Body:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # A response that failed must not look complete.
        if kind is None:
            self.finish()

    def _write(self, data: bytes) -> None:
        if self._raw is None:
            raise WriteError("the response was finished")
        try:
            self._raw.write(data)
        except _wasi.Err as error:
            raise _refusal(error.value) from None


def of_the_response(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without what belongs to the connection, which frameworks set and the host would drop with a line in the log."""
    return [field for field in headers if field[0].lower() not in _OF_THE_CONNECTION]


def _encoded(chunk: str | bytes | bytearray | memoryview) -> bytes:
    if isinstance(chunk, str):
        return chunk.encode()
    if isinstance(chunk, (bytes, bytearray, memoryview)):
        return bytes(chunk)
    raise TypeError(f"a body is made of str and bytes, and not of {type(chunk).__name__}: {chunk!r:.80}")


def _refused(reason: Any) -> str:
    match type(reason).__name__:
        case "HeadError_InvalidStatus":
            return f"a status is a number from 200 to 599, and not {reason.value}"
        case "HeadError_InvalidHeader":
            return f"the header {reason.value!r} has characters that no header may have"
        case _:
            return "status and headers do not fit into 16 KiB"


def _refusal(reason: Any) -> WriteError:
    match type(reason).__name__:
        case "WriteError_Closed":
            return WriteError("nobody reads the response any more", is_closed=True)
        case "WriteError_TooLarge":
            return WriteError("the response is larger than its limit")
        case _:
            return WriteError(str(reason.value))
