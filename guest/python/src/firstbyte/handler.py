"""The handler of a module: which it is, and how it wants to be called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class Form(Enum):
    """How a handler is called."""

    #: With a `Request`; what it yields or returns is the response.
    STREAM = "request"
    #: With a `Request` and a `Response`, which it starts and writes itself.
    EXPLICIT = "request, response"
    #: As AWS's own Python runtime does, with an event and a context.
    LAMBDA = "event, context"


@dataclass(frozen=True)
class Marked:
    """A function, and how it is called."""

    function: Callable[..., Any]
    form: Form


_marked: dict[str, Marked] = {}


def handler(function: F) -> F:
    """Marks the function that answers invocations.

    With one parameter, the request, it is a generator, plain or `async`, or returns what a generator would yield::

        @firstbyte.handler
        def greet(request):
            yield "Hello\\n"

    With two, the request and the response, it starts the response and writes its body itself::

        @firstbyte.handler
        def greet(request, response):
            body = response.start(content_type="text/plain")
            body.write("Hello\\n")

    Two parameters called `event` and `context` are those of AWS's own Python runtime.
    """
    module = function.__module__
    if module in _marked and _marked[module].function is not function:
        raise TypeError(f"{module} has two handlers: {_marked[module].function.__qualname__} and {function.__qualname__}")
    _marked[module] = Marked(function, form_of(function))
    return function


def mark(function: F, form: Form) -> F:
    """Says how a function is called, for adapters that make handlers."""
    function.__firstbyte_form__ = form  # type: ignore[attr-defined]
    return function


def of_module(module: ModuleType, name: str | None = None) -> Marked:
    """The handler of a module: the one of a name if there is one, else what is marked, else `handler`, else `handle`."""
    if name is not None:
        return _unmarked(module, name)
    if module.__name__ in _marked:
        return _marked[module.__name__]
    for usual in ("handler", "lambda_handler", "handle"):
        if hasattr(module, usual):
            return _unmarked(module, usual)
    raise TypeError(
        f"{module.__name__} has no handler: mark a function with @firstbyte.handler, or call it `handler` if it takes an event "
        "and a context"
    )


def _unmarked(module: ModuleType, name: str) -> Marked:
    function = getattr(module, name, None)
    if not callable(function):
        raise TypeError(f"{module.__name__}.{name} is no function")
    for marked in _marked.values():
        if marked.function is function:
            return marked
    return Marked(function, form_of(function, usual=Form.EXPLICIT if name == "handle" else Form.LAMBDA))


def form_of(function: Callable[..., Any], usual: Form = Form.EXPLICIT) -> Form:
    given = getattr(function, "__firstbyte_form__", None)
    if given is not None:
        return Form(given)
    parameters = list(inspect.signature(function).parameters.values())
    required = [p for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names = [parameter.name.lstrip("_") for parameter in required]
    if len(required) == 1:
        return Form.STREAM
    if len(required) == 2:
        return Form.LAMBDA if names == ["event", "context"] else usual
    raise TypeError(
        f"{getattr(function, '__qualname__', function)} takes {len(required)} parameters: a handler takes (request), "
        "(request, response) or (event, context)"
    )
