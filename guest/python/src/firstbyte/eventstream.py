"""Reads AWS's event streams, as Bedrock answers: `firstbyte.eventstream.read(firstbyte.fetch(url, …))`.

The format is that of `application/vnd.amazon.eventstream`. Writing it is not known here.
"""

from __future__ import annotations

import binascii
import json
import struct
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

#: What AWS's own readers take.
_LIMIT = 24 * 1024 * 1024

#: By type, how many bytes a header's value has.
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}


class StreamError(Exception):
    """The server has ended its stream by an error: `ThrottlingException` or whatever it calls it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind = kind
        self.message = message


@dataclass(frozen=True)
class Message:
    """One message of an AWS event stream."""

    #: What it is called: `contentBlockDelta`.
    event: str
    #: Headers whose values are text, `:content-type` among them.
    headers: dict[str, str]
    payload: bytes

    def json(self) -> Any:
        """The payload as JSON."""
        return json.loads(self.payload)


class Parser:
    """Reads messages from bytes, however these are cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """The messages that are complete with these bytes. Raises `StreamError` where the server tells of an error, and `ValueError`
        if the bytes are no event stream."""
        self._rest += chunk
        while len(self._rest) >= 12:
            total, headers_length, checksum = struct.unpack(">III", self._rest[:12])
            if binascii.crc32(self._rest[:8]) != checksum or not 16 + headers_length <= total <= _LIMIT:
                raise ValueError("this is no event stream of AWS's")
            if len(self._rest) < total:
                return
            message, self._rest = self._rest[:total], self._rest[total:]
            if binascii.crc32(message[:-4]) != int.from_bytes(message[-4:]):
                raise ValueError("an event stream's message is damaged")
            yield _message(_headers(message[12 : 12 + headers_length]), message[12 + headers_length : -4])

    def end(self) -> None:
        """Raises `ValueError` if a message was begun and has no end."""
        if self._rest:
            raise ValueError("an event stream ends within a message")


def read(chunks: Iterable[bytes]) -> Iterator[Message]:
    """The messages in an answer."""
    parser = Parser()
    for chunk in chunks:
        yield from parser.feed(chunk)
    parser.end()


async def read_async(chunks: AsyncIterable[bytes]) -> AsyncIterator[Message]:
    """The same of `firstbyte.fetch_async`."""
    parser = Parser()
    async for chunk in chunks:
        for message in parser.feed(chunk):
            yield message
    parser.end()


def _message(headers: dict[str, str], payload: bytes) -> Message:
    kind = headers.get(":message-type", "event")
    if kind == "event":
        return Message(headers.get(":event-type", ""), headers, payload)
    if kind == "error":
        raise StreamError(headers.get(":error-code", "error"), headers.get(":error-message", ""))
    try:
        said = json.loads(payload)
        message = str(said.get("message", said)) if isinstance(said, dict) else str(said)
    except ValueError:
        message = payload.decode("utf-8", "replace")
    raise StreamError(headers.get(":exception-type", kind), message)


def _headers(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        while data:
            end = 1 + data[0]
            name, kind = data[1:end].decode(), data[end]
            data = data[end + 1 :]
            if kind in (6, 7):
                (size,) = struct.unpack(">H", data[:2])
                value, data = data[2 : 2 + size], data[2 + size :]
                if kind == 7:
                    found[name] = value.decode()
            else:
                data = data[_SIZES[kind] :]
    except (IndexError, KeyError, struct.error, UnicodeDecodeError) as error:
        raise ValueError("an event stream's headers are damaged") from error
    return found
