"""What is imported while a component is built: inside it there are no files, so whatever is imported later must be there already.

Functions that import when they are called are looked for in the author's modules and in what these depend on, and what they name
is imported, too. The standard library does the same in places, which are listed here.
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

#: What the standard library imports when it is called, by the module that does.
_LATER = {
    "datetime": ["_strptime"],
    "time": ["_strptime"],
    "json": ["json.decoder", "json.encoder"],
}

#: Codecs that programs name.
_CODECS = ["ascii", "latin_1", "utf_8_sig", "utf_16", "idna"]

#: Folders of the interpreter and of the interface.
_NOT_LOOKED_INTO = ("/python/", "/world/", "/bundled/")


def preload(include: Sequence[str]) -> None:
    """Imports what the modules that are there by now may import later."""
    for name in include:
        importlib.import_module(name)
    for codec in _CODECS:
        importlib.import_module(f"encodings.{codec}")
    looked_into: set[str] = set()
    while modules := [module for name, module in list(sys.modules.items()) if name not in looked_into]:
        for module in modules:
            looked_into.add(module.__name__)
            for name in _LATER.get(module.__name__, []):
                importlib.import_module(name)
            for name in _named_in(module):
                _try(name)
        looked_into.update(name for name, module in sys.modules.items() if module in modules)


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


def _named_in(module: ModuleType) -> Iterator[str]:
    """The modules that a module's functions import."""
    file = getattr(module, "__file__", None)
    if not file or not file.endswith(".py") or file.startswith(_NOT_LOOKED_INTO):
        return
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError):
        return
    package = module.__package__ or ""
    for function in ast.walk(tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                parent = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
                name = ".".join(part for part in (parent if node.level else "", node.module) if part)
                if name:
                    yield name
                    # What is imported from a package may be a module of it.
                    yield from (f"{name}.{alias.name}" for alias in node.names if alias.name != "*")


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
