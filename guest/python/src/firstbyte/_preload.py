"""What is imported while a component is built: inside it there are no files, so whatever is imported later must be there already.

What the functions of the author's modules, and of what these depend on, import when they are called is looked for by who builds
the component; the standard library does the same in places, which are listed here.
"""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import BuiltinImporter, ModuleSpec
from types import ModuleType
from typing import Any

#: What the standard library imports when it is called, by the module that does.
_LATER = {
    "ssl": ["_strptime"],
    "mailbox": ["_strptime"],
    "xmlrpc.client": ["_strptime"],
    "email.message": ["email.generator"],
    "json": ["json.decoder", "json.encoder"],
    "xml.dom.minidom": ["xml.dom.expatbuilder"],
    "xml.sax": ["xml.sax.expatreader"],
    "zipfile": ["encodings.cp437"],
}

#: Codecs that programs name.
_CODECS = ["ascii", "latin_1", "cp1252", "utf_8_sig", "utf_16", "idna", "punycode", "unicode_escape"]

#: Modules of CPython's own that are written in C, large, and seldom imported, by what they have in common: some import others when
#: they are called. The builder takes those groups out of a component of which nothing was imported (`lean.py` has their functions).
_GROUPS = {
    "array": ["array"],
    "cjk": ["_codecs_cn", "_codecs_hk", "_codecs_iso2022", "_codecs_jp", "_codecs_kr", "_codecs_tw", "_multibytecodec"],
    "cmath": ["cmath"],
    "csv": ["_csv"],
    "decimal": ["_decimal"],
    "lsprof": ["_lsprof"],
    "pickle": ["_pickle"],
    "sqlite": ["_sqlite3"],
    "xml": ["pyexpat", "_elementtree"],
    "zlib": ["zlib"],
    "zoneinfo": ["_zoneinfo"],
}

#: What the builder looks for in the memory that is left.
note = b""


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
        # Whoever only asks whether there is one has the answer that Python gives. `importlib` asks on behalf of both.
        if sys._getframe(2).f_code.co_name == "find_spec":
            return
        raise ModuleNotFoundError(
            f"no module named {fullname!r} is in this component: import it at the top of a module, or name it in `include` of "
            "[tool.firstbyte] in pyproject.toml",
            name=fullname,
        )


class Builtins(importlib.abc.MetaPathFinder):
    """Finds CPython's own modules but for those that are left out."""

    def __init__(self, left_out: frozenset[str]) -> None:
        self._left_out = left_out

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        return None if fullname in self._left_out else BuiltinImporter.find_spec(fullname, path, target)


def seal() -> None:
    """From now on there is only what was imported. Notes what the builder can take out."""
    global note
    # One may be in use that is not listed any more.
    imported = sys.modules.keys() | {each.__name__ for each in gc.get_objects() if isinstance(each, ModuleType)}
    left_out = {group: names for group, names in _GROUPS.items() if imported.isdisjoint(names)}
    note = b"firstbyte leaves out: %b;" % ",".join(left_out).encode()
    builtins = Builtins(frozenset(name for names in left_out.values() for name in names))
    sys.meta_path[:] = [builtins if finder is BuiltinImporter else finder for finder in sys.meta_path]
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
