"""Greets by name: one line at once, one two seconds later."""

import time
from collections.abc import Iterator

import firstbyte


@firstbyte.handler
def greet(request: firstbyte.Request) -> Iterator[str]:
    # What is not JSON is answered with 400.
    name = request.json().get("name")
    if not name:
        raise firstbyte.Error.bad_request("give a name")

    # It is on its way when this goes on.
    yield "Hello, this is a streamed response!\n"
    time.sleep(2)
    yield f"Hello, {name}! This is a delayed message.\n"
