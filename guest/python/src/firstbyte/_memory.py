"""The memory that a build leaves, which is part of the component: what is free in it is made zeros, which take no room in a package."""

from __future__ import annotations

import gc
import sys

#: Up to this, CPython has lists of free blocks, by sizes that are multiples of a step. In bytes.
_SMALL, _STEP = 512, 8

#: No hole is expected to be larger: sources of modules, and what they are compiled in, leave smaller ones.
_LARGEST = 1 << 18


def clear() -> None:
    """Takes what is free, as zeros, and gives it back. To be called before `gc.freeze()`, which hides where objects are."""
    end = max(map(id, gc.get_objects()))
    overhead = sys.getsizeof(b"")
    taken = []
    size = _LARGEST
    while size > overhead:
        # What is taken lies behind all others when there is no hole of this size left.
        while id(zeros := bytes(size - overhead)) < end:
            taken.append(zeros)
        size = size * 31 // 32 if size > _SMALL else (size - 1) // _STEP * _STEP
