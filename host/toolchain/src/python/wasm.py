"""The binary format of WebAssembly, as far as functions and data are taken out of a component by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

# Kinds of sections, of components and of modules.
MODULE, COMPONENT = 1, 4
CUSTOM, IMPORT, CODE, DATA = 0, 2, 10, 11

#: A function's body that only traps, with its length.
TRAP = b"\x03\x00\x00\x0b"


class Unknown(Exception):
    """What a component was expected to have, and does not."""


@dataclass
class Module:
    """A module of a component."""

    sections: list[tuple[int, bytes]]
    #: How many functions it imports. They have the first numbers.
    imported: int = 0
    #: Names of functions, by number.
    names: dict[int, str] = field(default_factory=dict)
    #: Functions that are written as traps.
    dead: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, data: bytes) -> Module:
        """The module of these bytes."""
        module = cls(list(sections(data)))
        for kind, section in module.sections:
            if kind == IMPORT:
                module.imported = functions_imported(section)
            elif kind == CUSTOM:
                length, at = number(section, 0)
                if section[at : at + length] == b"name":
                    module.names = names(section, at + length)
        return module

    def data_size(self) -> int:
        """How many bytes its memory begins with."""
        return sum(len(section) for kind, section in self.sections if kind == DATA)

    def image(self) -> bytes:
        """Its memory, as its data makes it."""
        image = bytearray()
        for kind, section in self.sections:
            if kind == DATA:
                for address, start, length in segments(section):
                    image.extend(bytes(max(0, address + length - len(image))))
                    image[address : address + length] = section[start : start + length]
        return bytes(image)

    def zero(self, ranges: list[range]) -> None:
        """Makes its data zeros at these addresses."""
        self.sections = [(kind, zeroed(section, ranges) if kind == DATA else section) for kind, section in self.sections]

    def bodies(self) -> Iterator[tuple[int, bytes]]:
        """Each function's number, and its body with the length before it."""
        for kind, section in self.sections:
            if kind == CODE:
                count, at = number(section, 0)
                for index in range(self.imported, self.imported + count):
                    length, start = number(section, at)
                    yield index, section[at : start + length]
                    at = start + length

    def written(self) -> bytes:
        """Its bytes, with traps for what is dead."""
        bodies = [TRAP if index in self.dead else body for index, body in self.bodies()]
        code = encoded(len(bodies)) + b"".join(bodies)
        return joined([(kind, code if kind == CODE else section) for kind, section in self.sections])


def modules_of(component: bytes) -> Iterator[bytes]:
    """The modules of a component and of those within it, in order."""
    for kind, data in sections(component):
        if kind == MODULE:
            yield data
        elif kind == COMPONENT:
            yield from modules_of(data)


def rebuilt(component: bytes, module: Callable[[], bytes]) -> bytes:
    """The component with its modules replaced, in order."""
    parts = []
    for kind, data in sections(component):
        if kind == MODULE:
            data = module()
        elif kind == COMPONENT:
            data = rebuilt(data, module)
        parts.append((kind, data))
    return component[:8] + joined(parts)[8:]


def zeroed(data: bytes, ranges: list[range]) -> bytes:
    """A data section with zeros at these addresses."""
    changed = bytearray(data)
    for address, start, length in segments(data):
        for place in ranges:
            first, end = max(place.start, address), min(place.stop, address + length)
            if first < end:
                changed[start + first - address : start + end - address] = bytes(end - first)
    return bytes(changed)


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Of a data section: address, place in the section, length."""
    count, at = number(data, 0)
    for _ in range(count):
        # An active segment of memory 0, at a constant address.
        if data[at : at + 2] != b"\0\x41":
            raise Unknown("data of another kind")
        address, at = number(data, at + 2)
        length, at = number(data, at + 1)
        yield address, at, length
        at += length


def functions_imported(data: bytes) -> int:
    """How many functions an import section has."""
    functions = 0
    count, at = number(data, 0)
    for _ in range(count):
        for _ in range(2):
            length, at = number(data, at)
            at += length
        functions += data[at] == 0
        at = after_import(data, at)
    return functions


def after_import(data: bytes, at: int) -> int:
    """What is after an import, of which this is where its kind stands."""
    kind, at = data[at], at + 1
    if kind == 0:
        return number(data, at)[1]
    if kind == 3:
        return at + 2
    # A table has a type besides; both have limits.
    flags, at = number(data, at + (kind == 1))
    for _ in range(1 + (flags & 1)):
        _, at = number(data, at)
    return at


def names(data: bytes, at: int) -> dict[int, str]:
    """The names of functions in a name section."""
    named = {}
    while at < len(data):
        kind, (length, at) = data[at], number(data, at + 1)
        if kind == 1:
            count, place = number(data, at)
            for _ in range(count):
                index, place = number(data, place)
                size, place = number(data, place)
                named[index] = data[place : place + size].decode()
                place += size
        at += length
    return named


def sections(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and contents of each section."""
    at = 8
    while at < len(data):
        kind, (length, at) = data[at], number(data, at + 1)
        yield kind, data[at : at + length]
        at += length


def joined(parts: list[tuple[int, bytes]]) -> bytes:
    """A module of these sections."""
    return b"\0asm\x01\0\0\0" + b"".join(bytes([kind]) + encoded(len(data)) + data for kind, data in parts)


def number(data: bytes, at: int) -> tuple[int, int]:
    """A number as LEB128, and what is after it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def encoded(value: int) -> bytes:
    """A number as LEB128."""
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])
