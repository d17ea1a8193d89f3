"""What a `handler(event, context)` returns, as each door takes it from AWS's own Python runtime."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from .error import Error
from .request import Request
from .response import Head, Response


def respond(request: Request, response: Response, value: Any) -> None:
    """Answers with a value that is not a stream."""
    if request.http is None:
        _send(response, Head(content_type="application/json"), json.dumps(value, default=_not_json).encode())
        return
    if isinstance(value, Mapping) and "statusCode" in value:
        head, body = _of_proxy(value)
        _send(response, head, body)
        return
    if request.trigger == "api-gateway":
        raise Error("MalformedProxyResponse", f"a REST API wants an object with statusCode, and got {value!r:.200}", status=502)
    # A Function URL makes the best of anything else.
    body = value.encode() if isinstance(value, str) else json.dumps(value, default=_not_json).encode()
    _send(response, Head(content_type="application/json"), body)


def _of_proxy(value: Mapping[str, Any]) -> tuple[Head, bytes]:
    headers = [(str(name), _text(said)) for name, said in (value.get("headers") or {}).items()]
    for name, several in (value.get("multiValueHeaders") or {}).items():
        # Where a name is in both, the list has all of its values.
        headers = [field for field in headers if field[0].lower() != str(name).lower()]
        headers += [(str(name), _text(said)) for said in several]
    body = value.get("body")
    if body is None:
        data = b""
    elif value.get("isBase64Encoded"):
        data = base64.b64decode(body)
    elif isinstance(body, str):
        data = body.encode()
    else:
        raise Error("MalformedProxyResponse", f"the body of a proxy response is text, and not {body!r:.200}", status=502)
    try:
        status = int(value["statusCode"])
    except (TypeError, ValueError):
        raise Error("MalformedProxyResponse", f"statusCode is a number, and not {value['statusCode']!r}", status=502) from None
    has_type = any(name.lower() == "content-type" for name, _ in headers)
    return Head(status, headers, value.get("cookies") or (), None if has_type else "application/json"), data


def _send(response: Response, head: Head, body: bytes) -> None:
    started = response.start_with(head)
    if body:
        started.write(body)


def _text(value: Any) -> str:
    """JSON's words for what JSON has words for."""
    return value if isinstance(value, str) else json.dumps(value)


def _not_json(value: Any) -> Any:
    raise Error("MarshalError", f"the handler has returned what JSON has no words for: {value!r:.200}")
