"""What is imported while a component is built: inside it there are no files, so whatever is imported later must be there already.

What the functions of the author's modules, and of what these depend on, import when they are called is looked for by who builds
the component; the standard library does the same in places, which are listed here.
"""

from __future__ import annotations

import importlib
import importlib.abc
import sys
from collections.abc import Mapping, Sequence
from typing import Any

#: What the standard library imports when it is called, by the module that does.
_LATER = {
    "datetime": ["_strptime"],
    "time": ["_strptime"],
    "json": ["json.decoder", "json.encoder"],
}

#: Codecs that programs name.
_CODECS = ["ascii", "latin_1", "utf_8_sig", "utf_16", "idna"]

def preload(include: Sequence[str], later: Mapping[str, Sequence[str]]) -> None:
    """Imports what the modules that are there by now may import later: `later` has what each of them names."""
    for name in include:
        importlib.import_module(name)
    for codec in _CODECS:
        importlib.import_module(f"encodings.{codec}")
    seen: set[str] = set()
    while new := sys.modules.keys() - seen:
        seen |= new
        for module in sorted(new):
            for name in (*_LATER.get(module, ()), *later.get(module, ())):
                _try(name)


class Absent(importlib.abc.MetaPathFinder):
    """Is asked for modules that nobody else has, and says what to do."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        raise ModuleNotFoundError(
            f"no module named {fullname!r} is in this component: import it at the top of a module, or name it in `include` of "
            "[tool.firstbyte] in pyproject.toml",
            name=fullname,
        )


def seal() -> None:
    """Tells whoever imports what is not there."""
    sys.meta_path.append(Absent())


def _try(name: str) -> None:
    if name in sys.modules:
        return
    parent, _, child = name.rpartition(".")
    if parent in sys.modules and hasattr(sys.modules[parent], child):
        return
    try:
        importlib.import_module(name)
    except Exception:
        # Whoever imports it there has a reason to be careful, or will never get there.
        pass
