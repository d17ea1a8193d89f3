"""One invocation: what the caller sent, and what Lambda says about it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Literal
from urllib.parse import parse_qs, unquote

from .error import Error

Trigger = Literal["direct", "function-url", "api-gateway"] | str

_TRIGGERS = {"Trigger_Direct": "direct", "Trigger_FunctionUrl": "function-url", "Trigger_ApiGateway": "api-gateway"}


class Headers(Mapping[str, str]):
    """A request's or an answer's headers, by names in any case. Several values of one name are joined by commas."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.lower() for name, _ in self._pairs))

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self._pairs})

    def __repr__(self) -> str:
        return f"Headers({self._pairs!r})"

    def get_all(self, name: str) -> list[str]:
        """All values of a name, in their order."""
        name = name.lower()
        return [value for known, value in self._pairs if known.lower() == name]

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values as they came."""
        return list(self._pairs)


class HttpRequest:
    """The HTTP request behind an invocation."""

    def __init__(self, raw: Any) -> None:
        #: `GET`, `POST`, …
        self.method: str = raw.method
        #: The path, percent-encoded; `/` if there was none.
        self.raw_path: str = raw.path
        #: What followed `?`, percent-encoded.
        self.raw_query: str = raw.query
        #: Names in any case.
        self.headers = Headers(raw.headers)
        #: Each as `name=value`.
        self.raw_cookies: list[str] = raw.cookies

    @property
    def path(self) -> str:
        """The path, decoded."""
        return unquote(self.raw_path)

    @cached_property
    def query(self) -> dict[str, str]:
        """The last value of each parameter; `parse_qs(request.http.raw_query)` has all of them."""
        return {name: values[-1] for name, values in parse_qs(self.raw_query, keep_blank_values=True).items()}

    @cached_property
    def cookies(self) -> dict[str, str]:
        """The caller's cookies, the first of each name."""
        pairs = (cookie.partition("=") for cookie in reversed(self.raw_cookies))
        return {name.strip(): value for name, _, value in pairs}


class Request:
    """One invocation. Everything is asked of the host when it is needed, and kept."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @cached_property
    def body(self) -> bytes:
        """What the caller sent. Direct: the event's bytes. HTTP: the request's body, with Lambda's base64 undone."""
        return bytes(self._raw.payload())

    def text(self) -> str:
        """The body as text. A body that is not UTF-8 is the caller's mistake: 400."""
        try:
            return self.body.decode()
        except UnicodeDecodeError as error:
            raise Error.bad_request(f"the body is not UTF-8: {error.reason} at byte {error.start}") from error

    def json(self) -> Any:
        """The body as JSON. A body that is no JSON is the caller's mistake: 400."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Error.bad_request(f"the body is not JSON: {error}") from error

    @cached_property
    def event_text(self) -> str:
        """The event exactly as Lambda delivered it: JSON text."""
        return str(self._raw.event())

    @cached_property
    def event(self) -> Any:
        """The event."""
        return json.loads(self.event_text)

    @cached_property
    def http(self) -> HttpRequest | None:
        """The HTTP request; None for a direct invocation."""
        raw = self._raw.http()
        return None if raw is None else HttpRequest(raw)

    @property
    def method(self) -> str:
        """`GET`, `POST`, …; of a direct invocation `POST`."""
        return self.http.method if self.http else "POST"

    @property
    def path(self) -> str:
        """The path, decoded; of a direct invocation `/`."""
        return self.http.path if self.http else "/"

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, the last value of each; of a direct invocation there are none."""
        return self.http.query if self.http else {}

    @property
    def headers(self) -> Headers:
        """The headers; of a direct invocation there are none."""
        return self.http.headers if self.http else Headers([])

    @property
    def cookies(self) -> dict[str, str]:
        """The caller's cookies; of a direct invocation there are none."""
        return self.http.cookies if self.http else {}

    @cached_property
    def trigger(self) -> Trigger:
        """How the caller reached the function. Handlers seldom need it."""
        raw = self._raw.trigger()
        return _TRIGGERS.get(type(raw).__name__) or str(raw.value)

    @cached_property
    def request_id(self) -> str:
        """Lambda's id of this invocation, which is also on every log line."""
        return str(self._raw.request_id())

    @cached_property
    def function_arn(self) -> str:
        """The ARN by which the function was invoked, with its version or alias."""
        return str(self._raw.function_arn())

    def remaining_ms(self) -> int:
        """Milliseconds until the host ends this invocation."""
        return int(self._raw.remaining_ms())

    @cached_property
    def trace_id(self) -> str | None:
        """The X-Ray trace header, if the invocation is traced."""
        return self._raw.trace_id()  # type: ignore[no-any-return]

    @cached_property
    def tenant_id(self) -> str | None:
        """The tenant on whose behalf the function runs, if it is tenant-isolated."""
        return self._raw.tenant_id()  # type: ignore[no-any-return]

    @cached_property
    def client_context(self) -> str | None:
        """The client context that an SDK caller passed: JSON text."""
        return self._raw.client_context()  # type: ignore[no-any-return]

    @cached_property
    def cognito_identity(self) -> str | None:
        """The Amazon Cognito identity of the caller: JSON text."""
        return self._raw.cognito_identity()  # type: ignore[no-any-return]
