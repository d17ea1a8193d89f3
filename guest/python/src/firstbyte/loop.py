"""An event loop of asyncio that waits by WASI's pollables.

Timers, tasks, cancellation, timeouts, context variables and async generators are CPython's own; only the place where a loop
waits is another. Threads, processes, signals and sockets do not exist in a component, and what needs them says so.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import base_events
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

from . import _wasi

T = TypeVar("T")


class _Waiting:
    """Stands where CPython's loop has a selector of sockets."""

    def __init__(self) -> None:
        self.pollables: list[tuple[Any, asyncio.Future[None]]] = []

    def select(self, timeout: float | None) -> list[asyncio.Future[None]]:
        """Waits until something is ready or the time has passed; who waited for what is ready."""
        # Whoever was cancelled waits for nothing any more.
        for pollable, future in self.pollables:
            if future.done():
                _wasi.drop(pollable)
        waiting = [entry for entry in self.pollables if not entry[1].done()]
        self.pollables = waiting
        if not waiting:
            if timeout is None:
                raise RuntimeError("every task waits for something that can never happen: the handler would wait forever")
            if timeout > 0:
                time.sleep(timeout)
            return []
        asked = [pollable for pollable, _ in waiting]
        timer = None
        if timeout is not None:
            timer = _wasi.clocks.subscribe_duration(max(0, int(timeout * 1e9)))
            asked.append(timer)
        ready = set(_wasi.poll.poll(asked))
        if timer is not None:
            _wasi.drop(timer)
        self.pollables = [entry for at, entry in enumerate(waiting) if at not in ready]
        done = [entry for at, entry in enumerate(waiting) if at in ready]
        for pollable, _ in done:
            _wasi.drop(pollable)
        return [future for _, future in done]

    def close(self) -> None:
        for pollable, _ in self.pollables:
            _wasi.drop(pollable)
        self.pollables.clear()


class Loop(base_events.BaseEventLoop):
    """The loop of one invocation."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Waiting()

    async def until(self, pollable: Any) -> None:
        """Waits for a pollable, which is given back to the host afterwards."""
        future = self.create_future()
        self._selector.pollables.append((pollable, future))
        await future

    def close(self) -> None:
        self._selector.close()
        super().close()

    def _process_events(self, event_list: list[asyncio.Future[None]]) -> None:
        for future in event_list:
            if not future.done():
                future.set_result(None)

    def _write_to_self(self) -> None:
        """There is no other thread that could wake this one."""

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> NoReturn:  # type: ignore[override]
        raise RuntimeError(
            f"a component has no threads for {getattr(func, '__name__', func)!r}: call it directly, or write it as `async def`"
        )

    async def getaddrinfo(self, *_: Any, **__: Any) -> NoReturn:
        raise OSError("a component has no sockets: use firstbyte.fetch_async, which goes by the function's FIRSTBYTE_ALLOW_HTTP")

    async def create_connection(self, *_: Any, **__: Any) -> NoReturn:
        raise OSError("a component has no sockets: use firstbyte.fetch_async, which goes by the function's FIRSTBYTE_ALLOW_HTTP")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end on a loop of its own; what it left behind is cancelled."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        # Runner would restore a signal's handler, which no component has.
        loop = runner.get_loop()
        task = loop.create_task(main)
        return loop.run_until_complete(task)
