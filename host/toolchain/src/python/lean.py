"""Takes out of a component what no invocation can reach. Every byte of a component is deployed, and read at each start.

A component made of Python is a CPython and the memory that the build has left. Of both, this takes out:

- functions that made what is in the memory, and are not called again;
- modules of CPython's own that are written in C and were not imported, with their tables: `firstbyte/_preload.py` has refused them
  since, and its note in the memory says which;
- the code of modules that CPython carries marshalled, and has imported.

A function is known by its name, and a group of them by the first and the last: the functions of one source file follow each other.
One that is taken out becomes a trap, and a table becomes zeros, so that whatever stays is where it was. `tests/python/test_lean.py`
looks at every direct call of what stays.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from wasm import Module, Unknown, modules_of, rebuilt

#: The note of `firstbyte/_preload.py`.
NOTE = re.compile(rb"firstbyte leaves out: ([a-z,]*);")


@dataclass(frozen=True)
class Functions:
    """Functions of one source file, or of several that follow each other."""

    first: str
    last: str
    count: int


@dataclass(frozen=True)
class Table:
    """Constants, by what they begin with."""

    first: bytes
    length: int
    sha256: str


#: Never called in an instance: relocations of shared libraries, CPython's own strings, the types of `_ast`, conversions of texts
#: that nothing imports.
DONE: list[Functions | Table] = [
    Functions("__wasm_apply_data_relocs", "__wasm_apply_data_relocs", 1),
    Functions("_PyUnicode_InitStaticStrings", "_PyUnicode_InitStaticStrings", 1),
    Functions("init_types", "init_types", 1),
    Functions("add_ast_annotations", "add_ast_annotations", 1),
    Table(
        bytes.fromhex("7574663800636861720000c87763686172740000c67563733262650000c47563"),
        139344,
        "03652b23b11d1c930ae96aef274d2b61f17d7f7c35fe8c9df476a9af71ca9a50",
    ),
]

#: What belongs to the groups that `firstbyte/_preload.py` names.
GROUPS: dict[str, list[Functions | Table]] = {
    "array": [Functions("PyInit_array", "array_arrayiterator___setstate__", 101)],
    "cjk": [
        Functions("PyInit__codecs_cn", "_multibytecodec_MultibyteStreamWriter_reset", 154),
        Table(
            bytes.fromhex("59505b505d505e505f506050615062506350645066506750685069506a506b506d506e506f5070507150725073507450"),
            573792,
            "c81490a728cc295fea0bcb1051909377c515b4f5aa8c3cc112778e160699e630",
        ),
    ],
    "cmath": [Functions("PyInit_cmath", "cmath_exec", 32)],
    "csv": [Functions("PyInit__csv", "csv_exec", 40)],
    "decimal": [
        Functions("PyInit__decimal", "signaldict_copy", 221),
        Functions("mpd_dflt_traphandler", "swap_halfrows_pow2", 226),
    ],
    "lsprof": [Functions("PyInit__lsprof", "RotatingTree_Enum", 27)],
    "pickle": [Functions("PyInit__pickle", "Unpickler_set_memo", 104)],
    "sqlite": [
        Functions("pysqlite_close_all_blobs", "_pysqlite_long_as_int64", 148),
        Functions("sqlite3_log", "pcache1Shrink", 1316),
    ],
    "xml": [
        Functions("PyInit_pyexpat", "makeuniversal", 178),
        Functions("parserCreate", "big2_scanCdataSection", 285),
    ],
    # What sums up by CRC stays: `binascii` calls it.
    "zlib": [
        Functions("PyInit_zlib", "zlib_ZlibDecompressor_decompress", 39),
        Functions("adler32_z", "adler32", 2),
        Functions("deflateInit2_", "zcfree", 56),
    ],
    "zoneinfo": [Functions("PyInit__zoneinfo", "parse_tz_delta", 35)],
}

#: The code of modules that CPython carries marshalled, and has imported before it runs anything.
FROZEN = [
    # _collections_abc
    Table(
        bytes.fromhex("630000000000000000000000000800000000000000f3c00a0000800052007400"),
        47885,
        "4a2d726f3a0d60d84d29a2d46370a1c851288585665a612c4ee0a167af7b2749",
    ),
    # _frozen_importlib
    Table(
        bytes.fromhex("630000000000000000000000000500000000000000f314020000800052007400"),
        58686,
        "de2bc1a0a701c50094d68264c06da75e9d502e55d66d0513ff5f84cfd004f87b",
    ),
    # _frozen_importlib_external
    Table(
        bytes.fromhex("630000000000000000000000000600000000000000f3b2040000800052007400"),
        66886,
        "6f2968f957284571b6b6342f983677198272c47f7a0e0741efbdb08cafce3815",
    ),
    # _sitebuiltins
    Table(
        bytes.fromhex("630000000000000000000000000500000000000000f354000000800052007400"),
        5019,
        "58a7689f265296c198005a7cb7a30bd81b5ec19d3a98c1c4a85fdc9da6aae81f",
    ),
    # abc
    Table(
        bytes.fromhex("630000000000000000000000000600000000000000f3e8000000800052007400"),
        7995,
        "4fdb4da1e4f04e4c2e5dff6f46ba1aff25ee8ed2e45e9bbb09e9cb9ac3ab8821",
    ),
    # codecs
    Table(
        bytes.fromhex("630000000000000000000000000500000000000000f32c030000800052007400"),
        41846,
        "8590fec209796346c0b7c09e180ad311bea8bb364f9713d38ef72ddbcba1b144",
    ),
    # genericpath
    Table(
        bytes.fromhex("630000000000000000000000000500000000000000f3ba000000800052007400"),
        7908,
        "bba8c9acd05b6ee0706f624d85ec2d9d88f6f021d86d10a6f05f597c0fc12243",
    ),
    # io
    Table(
        bytes.fromhex("630000000000000000000000000700000000000000f3a2020000800052007400"),
        6233,
        "565553bbcd1117a8046a6adfcbbb77243f6280445407892d9a41323aa4bb4806",
    ),
    # os
    Table(
        bytes.fromhex("630000000000000000000000000700000000000000f3ee0b0000800052007400"),
        47163,
        "c7da525c13516dc727d52b2146d1b83f7d986fc44921f9414c759cb2c3039384",
    ),
    # posixpath
    Table(
        bytes.fromhex("630000000000000000000000000400000000000000f32c020000800052007400"),
        19632,
        "f44133d442f46c18b03c3e8ce85dee820cf9d31d81abd296e1d0802cdd59250d",
    ),
    # site
    Table(
        bytes.fromhex("630000000000000000000000000200000000000000f398010000800052007400"),
        32708,
        "ddfbe8720db998adc54f738b6131b8c0f2c66c48879b45dae19818f2c42414bb",
    ),
    # stat
    Table(
        bytes.fromhex("630000000000000000000000000d00000000000000f372020000800052007400"),
        5477,
        "5343201ed2212174feffb8371c00e30bba9bc5a9dfe6a972cc73b9ce37689ddc",
    ),
    # zipimport
    Table(
        bytes.fromhex("630000000000000000000000000500000000000000f3c8010000800052007400"),
        28192,
        "149be2701fde41e3b49307bf2e088d407a34f46b29b8e29406e64d7118e3bec6",
    ),
]


def lean(component: bytes) -> bytes:
    """The component without what no invocation can reach. Raises `Unknown` if it is of another CPython than this knows."""
    modules = [Module.of(data) for data in modules_of(component)]
    memory = max(modules, key=Module.data_size)
    image = memory.image()
    notes = set(NOTE.findall(image))
    if len(notes) != 1:
        raise Unknown(f"{len(notes)} notes of what is left out")
    groups = notes.pop().decode().split(",")
    rows = [*DONE, *FROZEN, *(row for group in groups if group for row in GROUPS[group])]
    for row in rows:
        # Each shared library has relocations.
        if isinstance(row, Functions) and not sum(take_out(module, row) for module in modules):
            raise Unknown(f"no functions from {row.first} to {row.last}")
    memory.zero([found(image, row) for row in rows if isinstance(row, Table)])
    written = iter(modules)
    return rebuilt(component, lambda: next(written).written())


def take_out(module: Module, row: Functions) -> bool:
    """Marks functions as dead, if the module has them."""
    for first in (index for index, name in module.names.items() if name == row.first):
        last = first + row.count - 1
        if first >= module.imported and module.names.get(last) == row.last:
            module.dead.update(range(first, last + 1))
            return True
    return False


def found(image: bytes, table: Table) -> range:
    """Where a table is."""
    for place in re.finditer(re.escape(table.first), image):
        whole = range(place.start(), place.start() + table.length)
        if hashlib.sha256(image[whole.start : whole.stop]).hexdigest() == table.sha256:
            return whole
    raise Unknown(f"no table that begins with {table.first[:8].hex()}")
