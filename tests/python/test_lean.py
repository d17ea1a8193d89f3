"""What is taken out of a component: nothing that stays needs it, and who imports it keeps it."""

from __future__ import annotations

import importlib
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from firstbyte.testing import Firstbyte

ROOT = Path(__file__).parents[2]
GREETING = ROOT / "guest/examples/python/greeting"

#: Uses one module of each group that can be left out.
USES = {
    "array": "array.array('i', [1, 2]).tobytes().hex()",
    "cjk": "'日本'.encode('shift_jis').hex() + '\\u4e2d'.encode('gb18030').hex() + '한'.encode('iso2022_kr').hex()",
    "cmath": "repr(cmath.sqrt(-1))",
    "csv": "next(csv.reader(['a,\"b,c\"']))[1]",
    "decimal": "str(decimal.Decimal(1) / 7)",
    "lsprof": "type(cProfile.Profile()).__name__",
    "pickle": "repr(pickle.loads(pickle.dumps([1, 'a'])))",
    "sqlite": "repr(sqlite3.connect(':memory:').execute('select 6 * 7, json(?)', ['[1]']).fetchone())",
    "xml": "xml.etree.ElementTree.fromstring('<a><b>c</b></a>').findtext('b')",
    "zlib": "zlib.decompress(zlib.compress(b'a' * 9)).decode()",
    "zoneinfo": "zoneinfo.ZoneInfo.__module__",
}
IMPORTS = (
    "array, cmath, cProfile, csv, decimal, encodings.gb18030, encodings.iso2022_kr, encodings.shift_jis, pickle, sqlite3, "
    "xml.etree.ElementTree, zlib, zoneinfo"
)
#: A module of each group, by which a handler could ask for it when it is called.
LATER = ["array", "_codecs_jp", "cmath", "_csv", "_decimal", "_lsprof", "_pickle", "_sqlite3", "pyexpat", "zlib", "_zoneinfo"]


@pytest.fixture(scope="module")
def lean() -> ModuleType:
    """The module that takes out."""
    sys.path.append(str(ROOT / "host/toolchain/src/python"))
    return importlib.import_module("lean")


@pytest.fixture(scope="module")
def wasm(lean) -> ModuleType:
    """The module that reads components."""
    return importlib.import_module("wasm")


@pytest.fixture(scope="module")
def component(firstbyte: Firstbyte) -> bytes:
    """A component that has imported none of the groups."""
    return firstbyte.build(GREETING).read_bytes()


def modules(lean: ModuleType, wasm: ModuleType, component: bytes) -> list:
    """The modules of a component, with the functions of all groups."""
    found = [wasm.Module.of(data) for data in wasm.modules_of(component)]
    rows = [row for rows in lean.GROUPS.values() for row in rows if isinstance(row, lean.Functions)]
    for module in found:
        for row in rows:
            lean.take_out(module, row)
    return found


def calls(wasm: ModuleType, body: bytes) -> Iterator[int]:
    """What a function calls directly."""
    _, at = wasm.number(body, 0)
    count, at = wasm.number(body, at)
    for _ in range(count):
        _, at = wasm.number(body, at)
        at += 1
    # How many numbers follow an instruction: of blocks, branches, variables, tables and memory.
    numbers = {op: 1 for op in [0x02, 0x03, 0x04, 0x0C, 0x0D, 0x10, *range(0x20, 0x27), 0x3F, 0x40, 0x41, 0x42, 0xD0, 0xD2]}
    numbers |= {op: 2 for op in [0x11, *range(0x28, 0x3F)]}
    numbers |= {op: 0 for op in [0x00, 0x01, 0x05, 0x0B, 0x0F, 0x1A, 0x1B, *range(0x45, 0xC5)]}
    while at < len(body):
        op, at = body[at], at + 1
        if op == 0x10:
            callee, at = wasm.number(body, at)
            yield callee
            continue
        following = 0
        if op == 0x0E:
            targets, at = wasm.number(body, at)
            following = targets + 1
        elif op == 0xFC:
            kind, at = wasm.number(body, at)
            following = 2 if kind in (8, 10, 12, 14) else 1 if kind >= 9 else 0
        elif op in (0x43, 0x44):
            at += 4 if op == 0x43 else 8
        else:
            assert op in numbers, f"an instruction that is not known: {op:#x}"
            following = numbers[op]
        for _ in range(following):
            _, at = wasm.number(body, at)
    assert at == len(body) and body[-1] == 0x0B, "a function that was not read to its end"


def test_nothing_that_stays_calls_a_module_that_was_taken_out(lean, wasm, component):
    found = modules(lean, wasm, component)
    imported = {name for module in found for kind, data in module.sections if kind == wasm.IMPORT for name in imports(wasm, data)}
    assert {"PyObject_Call", "malloc"} < imported
    for module in found:
        for index, body in module.bodies():
            if index in module.dead:
                assert body == wasm.TRAP, module.names[index]
                # CPython's list of modules has where each begins.
                assert module.names[index] not in imported or module.names[index].startswith("PyInit_")
            else:
                wrong = [module.names[callee] for callee in calls(wasm, body) if callee in module.dead]
                assert not wrong, (module.names[index], wrong)
    assert sum(len(module.dead) for module in found) > 2500


def imports(wasm: ModuleType, data: bytes) -> Iterator[str]:
    """The names of what a module imports."""
    count, at = wasm.number(data, 0)
    for _ in range(count):
        for _ in range(2):
            length, at = wasm.number(data, at)
            name, at = data[at : at + length].decode(), at + length
        yield name
        at = wasm.after_import(data, at)


def test_a_component_is_small(component):
    assert len(zlib.compress(component)) < 6_500_000


def test_another_cpython_is_told_and_not_damaged(lean, component):
    with pytest.raises(lean.Unknown, match="no functions from"):
        lean.lean(component.replace(b"_PyUnicode_InitStaticStrings", b"_PyUnicode_InitStaticStrinks"))
    with pytest.raises(lean.Unknown, match="notes of what is left out"):
        lean.lean(component.replace(b"firstbyte leaves out", b"firstbyte leaves off"))


def test_what_is_imported_stays(firstbyte: Firstbyte, tmp_path):
    body = ",\n".join(f"    {group!r}: {use}" for group, use in USES.items())
    (tmp_path / "app.py").write_text(
        # One that is in use stays even if it is not listed any more.
        f"import {IMPORTS}\nimport sys\nimport firstbyte\n\ndel sys.modules['array'], sys.modules['cmath']\n\n"
        f"@firstbyte.handler\ndef f(request):\n    yield {{\n{body}\n    }}\n"
    )
    response = firstbyte.invoke(tmp_path, via="url")
    assert response.failure is None, response.failure
    assert response.json() == {
        "array": "0100000002000000",
        "cjk": "93fa967bd6d01b2429430e47510f",
        "cmath": "1j",
        "csv": "b,c",
        "decimal": "0.1428571428571428571428571429",
        "lsprof": "Profile",
        "pickle": "[1, 'a']",
        "sqlite": "(42, '[1]')",
        "xml": "c",
        "zlib": "aaaaaaaaa",
        "zoneinfo": "zoneinfo",
    }


def test_what_was_taken_out_is_told_and_what_the_author_wrote_stays(firstbyte: Firstbyte, tmp_path):
    (tmp_path / "app.py").write_text(
        "import json\nfrom importlib import import_module\nfrom importlib.util import find_spec\n"
        "from dataclasses import dataclass\nimport firstbyte\n\n"
        "@dataclass\nclass Asserted:\n    'Of the author.'\n    text: str\n\n"
        "def fails(text):\n    try:\n        assert (\n            text ==\n            'x'\n        )\n    finally:\n        pass\n\n"
        "@firstbyte.handler\ndef f(request):\n"
        "    try:\n        fails('y')\n    except AssertionError as error:\n"
        "        yield f'{error.__traceback__.tb_next.tb_lineno} {Asserted.__doc__} {Asserted(1)} {json.dumps.__doc__}\\n'\n"
        "    yield b'\\\\x41'.decode('unicode_escape') + ' ' + 'é.com'.encode('idna').decode() + '\\n'\n"
        "    yield f'{find_spec(\"array\")} {find_spec(\"numpy\")} {find_spec(\"math\").name}\\n'\n"
        "    for name in request.json():\n        try:\n            import_module(name)\n        except ImportError as error:\n"
        "            yield f'{name}: {error}\\n'\n"
    )
    response = firstbyte.invoke(tmp_path, via="url", json=LATER)
    assert response.failure is None, response.failure
    first, codecs, specs, *lines = response.text.splitlines()
    assert first == "15 Of the author. Asserted(text=1) None"
    assert codecs == "A xn--9ca.com"
    assert specs == "None None math"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.py", "build"]
    assert len(lines) == len(LATER)
    for name, line in zip(LATER, lines, strict=True):
        assert line.startswith(f"{name}: no module named '{name}' is in this component: import it at the top of a module")
