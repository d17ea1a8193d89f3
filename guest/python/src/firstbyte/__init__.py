"""Streaming handlers for AWS Lambda, as WebAssembly components.

A generator is a stream::

    import time
    import firstbyte

    @firstbyte.handler
    def greet(request: firstbyte.Request):
        yield "Hello, this is a streamed response!\\n"
        time.sleep(2)
        yield f"Hello, {request.json()['name']}!\\n"

Everything here can be imported on any Python, so that editors and tests of single functions work; what talks to the host works
inside a component only.
"""

from . import eventstream, sse
from .asgi import asgi
from .context import Context
from .error import Error, HeadError, WriteError
from .fetch import FetchError, fetch, fetch_async
from .handler import handler
from .request import HttpRequest, Request
from .response import Body, Head, Response
from .wsgi import wsgi

__all__ = [
    "Body", "Context", "Error", "FetchError", "Head", "HeadError", "HttpRequest", "Request", "Response", "WriteError",
    "asgi", "eventstream", "fetch", "fetch_async", "handler", "sse", "wsgi",
]

__version__ = "0.1.0"
