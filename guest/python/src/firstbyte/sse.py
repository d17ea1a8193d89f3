"""Server-sent events: what to yield or write, and how to read those of others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

CONTENT_TYPE = "text/event-stream"


@dataclass(frozen=True)
class Event:
    """A server-sent event. Yield it, or write `event.encode()`."""

    #: What it says: any text, of any number of lines.
    data: str
    #: What it is called; a browser calls one without a name `message`.
    event: str | None = None
    #: What a browser names in `last-event-id` when it comes back.
    id: str | None = None
    #: After how many milliseconds a browser is to come back.
    retry: int | None = None

    def encode(self) -> bytes:
        """The event as it goes over the wire."""
        fields = []
        if self.id is not None:
            fields.append("id: " + _one_line(self.id))
        if self.event is not None:
            fields.append("event: " + _one_line(self.event))
        if self.retry is not None:
            fields.append(f"retry: {int(self.retry)}")
        fields += ["data: " + line for line in _lines(self.data)]
        return ("\n".join(fields) + "\n\n").encode()


@dataclass(frozen=True)
class Comment:
    """A line that readers pass over: it keeps a connection open."""

    text: str = ""

    def encode(self) -> bytes:
        """The comment as it goes over the wire."""
        return ("".join(f": {line}\n" for line in _lines(self.text)) + "\n").encode()


class Parser:
    """Reads events from bytes, however these are cut."""

    def __init__(self, *, limit: int = 1 << 20) -> None:
        self._rest = b""
        self._limit = limit
        self._data: list[str] = []
        self._event: str | None = None
        self._retry: int | None = None
        #: What to name in `last-event-id` when coming back.
        self.last_id: str | None = None
        self._is_first = True

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that are complete with these bytes. Raises `ValueError` if one is larger than the limit."""
        rest = self._rest + chunk
        # A CR at the end may be half of a CRLF.
        held = b""
        if rest.endswith(b"\r"):
            rest, held = rest[:-1], b"\r"
        lines = rest.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop() + held
        for line in lines:
            event = self._line(line)
            if event is not None:
                yield event
        if len(self._rest) + sum(map(len, self._data)) > self._limit:
            raise ValueError(f"a server-sent event is larger than {self._limit} bytes")

    def _line(self, line: bytes) -> Event | None:
        text = line.decode("utf-8", "replace")
        if self._is_first:
            text = text.removeprefix("\ufeff")
            self._is_first = False
        if not text:
            return self._dispatch()
        name, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self.last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self._retry = int(value)
        return None

    def _dispatch(self) -> Event | None:
        data, event, retry = self._data, self._event, self._retry
        self._data, self._event, self._retry = [], None, None
        return Event("\n".join(data), event or None, self.last_id, retry) if data else None


def read(chunks: Iterable[bytes]) -> Iterator[Event]:
    """The events in an answer: `firstbyte.sse.read(firstbyte.fetch(url))`."""
    parser = Parser()
    for chunk in chunks:
        yield from parser.feed(chunk)


async def read_async(chunks: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """The same of `firstbyte.fetch_async`."""
    parser = Parser()
    async for chunk in chunks:
        for event in parser.feed(chunk):
            yield event


async def keep_alive(items: AsyncIterator[T], seconds: float = 15.0) -> AsyncIterator[T | Comment]:
    """The items, and a comment whenever none has come for some seconds, so that nobody on the way takes the stream for dead."""
    iterator = aiter(items)
    pending = asyncio.ensure_future(anext(iterator))
    try:
        while True:
            done, _ = await asyncio.wait([pending], timeout=seconds)
            if not done:
                yield Comment()
                continue
            try:
                item = pending.result()
            except StopAsyncIteration:
                return
            yield item
            pending = asyncio.ensure_future(anext(iterator))
    finally:
        pending.cancel()
        await asyncio.gather(pending, return_exceptions=True)


def _lines(text: str) -> list[str]:
    """Lines end by LF, CR or both, as they do to whoever reads them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _one_line(value: str) -> str:
    """A field whose value is one line: whoever wrote the value cannot write other fields with it."""
    return value.translate({13: " ", 10: " ", 0: " "}).lstrip(" ")
