"""What a component does not have, and what to use instead: told by those who are asked for it."""

from __future__ import annotations

import socket
import sys
from typing import Any, NoReturn

WORDS = (
    "a component has no sockets: use firstbyte.fetch(url) or firstbyte.fetch_async(url), which go by the function's "
    "FIRSTBYTE_ALLOW_HTTP; requests to AWS are signed by the host where FIRSTBYTE_SIGN_AWS names the service"
)


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise OSError(WORDS)


def install() -> None:
    """Has `socket`, `http.client`, `urllib.request` and what stands on them say so."""
    socket.create_connection = _refuse
    socket.getaddrinfo = _refuse
    socket.socket.connect = _refuse  # type: ignore[method-assign]
    request = sys.modules.get("urllib.request")
    if request is not None:
        request.OpenerDirector.open = _refuse
