"""Has what is imported while a component is built take less room. Runs inside the component, before the author's modules.

Where something stands in its line is told with the line's text, and a component has no files with the text. What documents the
standard library and what it asserts are left out, as by `python -OO`.
"""

from __future__ import annotations

# What is imported here is imported before this works, and so is only what is there anyway.
import gc
import sys
from _frozen_importlib_external import SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType
    from typing import Any

#: What runs before the author's modules, and hardly again.
SELDOM = {
    f"<frozen {name}>"
    for name in ("genericpath", "importlib._bootstrap", "importlib._bootstrap_external", "posixpath", "site", "zipimport")
}

# What is replaced meanwhile.
CACHE_TAG = sys.implementation.cache_tag
SOURCE_TO_CODE = SourceFileLoader.source_to_code

# Of an entry in a table of lines: how it says where an instruction is.
ONE_LINE, NO_COLUMNS, LONG, NONE = 10, 13, 14, 15


def install(ours: tuple[str, ...]) -> None:
    """Does so for what is imported from now on. Only what begins with one of these paths loses what documents it, and what it asserts."""
    # Nothing is had from `__pycache__`, or written there.
    sys.implementation.cache_tag = None

    def source_to_code(self: SourceFileLoader, data: Any, path: str, *, _optimize: int = -1) -> CodeType:
        return compact(SOURCE_TO_CODE(self, data, path, _optimize=2 if path.startswith(ours) else _optimize))

    SourceFileLoader.source_to_code = source_to_code
    import collections
    import dataclasses

    # These give classes methods that they have made as text.
    collections.eval = compacting(eval)
    dataclasses.exec = compacting(exec)
    # These are there already. CPython may never again specialize calls of a function whose code was replaced, so that handlers'
    # usual ones stay.
    for function in gc.get_objects():
        if type(function) is type(install) and function.__code__.co_filename in SELDOM:
            function.__code__ = compact(function.__code__)


def compacting(run: Callable[..., Any]) -> Callable[..., Any]:
    """`exec` or `eval`, of text that is compiled here."""

    def compacted(source: str, *names: dict[str, Any]) -> Any:
        return run(compact(compile(source, "<string>", run.__name__, dont_inherit=True)), *names)

    return compacted


def remove() -> None:
    """Leaves nothing of this to handlers."""
    sys.implementation.cache_tag = CACHE_TAG
    SourceFileLoader.source_to_code = SOURCE_TO_CODE
    del sys.modules["collections"].eval
    del sys.modules["dataclasses"].exec
    del sys.modules[__name__]


def compact(code: CodeType) -> CodeType:
    """The code, and that within it, without columns."""
    constants = tuple(compact(constant) if type(constant) is type(code) else constant for constant in code.co_consts)
    return code.replace(co_consts=constants, co_linetable=bytes(lines(code.co_linetable)))


def lines(table: bytes) -> Iterator[int]:
    """A table of lines, with one entry where several were for the same line. CPython's `InternalDocs/code_objects.md` has the format."""
    held, length = NONE, 0
    delta = 0
    for entry, size, step in entries(table):
        if length and step == 0 and entry == held:
            length += size
            continue
        yield from written(held, length, delta)
        held, length, delta = entry, size, step
    yield from written(held, length, delta)


def entries(table: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind (without a line, or without columns), length in units of code, and how many lines further it is than the one before."""
    at = 0
    while at < len(table):
        kind, size = table[at] >> 3 & 15, (table[at] & 7) + 1
        end = at + 1
        while end < len(table) and not table[end] & 0x80:
            end += 1
        if kind == NONE:
            yield NONE, size, 0
        elif kind in (NO_COLUMNS, LONG):
            yield NO_COLUMNS, size, signed(table, at + 1)
        else:
            yield NO_COLUMNS, size, max(0, kind - ONE_LINE)
        at = end


def signed(table: bytes, at: int) -> int:
    """A number of six bits a byte, whose lowest is the sign."""
    value = shift = 0
    while True:
        value |= (table[at] & 63) << shift
        if not table[at] & 64:
            return -(value >> 1) if value & 1 else value >> 1
        shift += 6
        at += 1


def written(kind: int, length: int, delta: int) -> Iterator[int]:
    """Entries of at most eight units each: those after the first are on the same line."""
    while length:
        size = min(length, 8)
        yield 0x80 | kind << 3 | size - 1
        if kind == NO_COLUMNS:
            value = abs(delta) << 1 | (delta < 0)
            while value > 63:
                yield value & 63 | 64
                value >>= 6
            yield value
        length, delta = length - size, 0
