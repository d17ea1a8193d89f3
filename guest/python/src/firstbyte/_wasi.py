"""The interface between handler and host, as componentize-py generates it: the only place that imports it.

Outside of a component it is not there. `Missing` says so to whoever uses it.
"""

from typing import Any


class Missing:
    """Stands for the interface where there is no host."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        raise RuntimeError(
            f"{self._name}.{attribute} works inside a component only: build this handler with `firstbyte build`, "
            "and test it with the fixture `firstbyte` of pytest"
        )


clocks: Any
exit: Any
http: Any
invocation: Any
outgoing_handler: Any
poll: Any
streams: Any
Err: Any
Ok: Any

try:
    from componentize_py_types import Err, Ok  # type: ignore[import-not-found, no-redef]
    from wit_world.imports import exit, invocation, outgoing_handler, poll, streams  # type: ignore[import-not-found, no-redef]
    from wit_world.imports import monotonic_clock as clocks  # type: ignore[no-redef]
    from wit_world.imports import wasi_http_types as http  # type: ignore[no-redef]
except ImportError:

    class Err(Exception):  # type: ignore[no-redef]
        """Never raised where there is no host."""

        value: Any = None

    Ok = ()
    clocks, exit, http = Missing("clocks"), Missing("exit"), Missing("http")
    invocation, outgoing_handler = Missing("invocation"), Missing("outgoing_handler")
    poll, streams = Missing("poll"), Missing("streams")


def drop(resource: Any) -> None:
    """Gives a resource back to the host now, and not when the garbage collector comes by."""
    resource.__exit__(None, None, None)
