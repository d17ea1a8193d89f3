"""Work that waits for the host, written once for both ways to wait.

Such work is a generator that yields a pollable whenever it has to wait for it. `run` blocks; `run_async` lets other tasks run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any, TypeVar

from . import _wasi

T = TypeVar("T")

Steps = Generator[Any, None, T]


def run(steps: Steps[T]) -> T:
    """Does the work, and blocks while it waits."""
    while True:
        try:
            pollable = next(steps)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        try:
            pollable.block()
        finally:
            _wasi.drop(pollable)


async def run_async(steps: Steps[T]) -> T:
    """Does the work on the running loop."""
    try:
        while True:
            try:
                pollable = next(steps)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            await wait_async(pollable)
    finally:
        steps.close()


async def wait_async(pollable: Any) -> None:
    """Waits for a pollable, which is given back to the host afterwards."""
    from .loop import Loop

    loop = asyncio.get_running_loop()
    if not isinstance(loop, Loop):
        raise RuntimeError("this waits on the loop that runs the handler: do not start another one with asyncio.run")
    await loop.until(pollable)
