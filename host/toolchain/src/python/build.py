"""Makes a component of a handler in Python. `firstbyte build` runs this by the Python that has componentize-py.

What it has to say to people goes to standard error. Standard output is one JSON document: the component and what it was made of,
or the reason why there is none.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import lean

#: Extension modules that their packages do without, as was tried with these packages in a component.
FALLBACKS = {"charset-normalizer", "markupsafe", "pyyaml", "wrapt"}

#: What `time`, `datetime` and `ast` import when these are called.
CALLED = {"strptime": "_strptime", "unparse": "_ast_unparse"}

#: Folders that are no part of a handler. Hidden ones are not either.
LEFT_OUT = {"__pycache__", "build", "dist", "node_modules", "target", "tests", "venv"}


class Unsuitable(Exception):
    """Why the project makes no component, as the end of a sentence that begins with its path."""


class Failed(Exception):
    """A tool has said what is wrong; its name."""


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("project", "library", "wit"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        told = build(arguments.project, arguments.library, arguments.wit)
    except Unsuitable as reason:
        told = {"unsuitable": str(reason)}
    except Failed as tool:
        told = {"failed": str(tool)}
    print(json.dumps(told))


def build(project: Path, library: Path, wit: Path) -> dict[str, object]:
    # Tools run in folders of their own.
    project = project.resolve()
    folder = project if project.is_dir() else project.parent
    settings = Settings(project, folder)
    work = folder / "build" / "firstbyte"
    work.mkdir(parents=True, exist_ok=True)
    (folder / "build" / ".gitignore").write_text("*\n")
    dependencies = install(folder, settings.requirements, work)
    name = project.name if project.is_dir() else project.stem
    component = folder / "build" / f"{name}.wasm"
    inputs = sources(folder)
    stamp = digest([*inputs, *sources(library), *wit.rglob("*.wit"), Path(__file__)], settings, dependencies)
    noted = work / f"{name}.stamp"
    if not (component.is_file() and noted.is_file() and noted.read_text() == stamp):
        componentize(settings, folder, library, wit, dependencies, work, component)
        noted.write_text(stamp)
    return {"component": str(component), "inputs": [str(path) for path in inputs]}


class Settings:
    """What `pyproject.toml` says of the handler."""

    def __init__(self, project: Path, folder: Path) -> None:
        manifest = folder / "pyproject.toml"
        try:
            said = tomllib.loads(manifest.read_text()) if manifest.is_file() else {}
        except ValueError as error:
            raise Unsuitable(f"has a pyproject.toml that cannot be read: {error}") from error
        own = said.get("tool", {}).get("firstbyte", {})
        unknown = sorted(set(own) - {"entry", "handler", "include"})
        if unknown:
            raise Unsuitable(f"has `{unknown[0]}` in [tool.firstbyte] of its pyproject.toml, which has entry, handler and include")
        entry = Path(own.get("entry", "app.py")) if project.is_dir() else Path(project.name)
        if entry.suffix != ".py" or not (folder / entry).is_file():
            raise Unsuitable(f"has no {entry}: a handler's module is app.py, or what `entry` in [tool.firstbyte] of pyproject.toml names")
        #: The module, as Python imports it.
        self.module = ".".join(entry.with_suffix("").parts)
        if not all(part.isidentifier() for part in self.module.split(".")):
            raise Unsuitable(f"has a module that Python cannot import: {entry}")
        #: The handler's name in the module, if it is said.
        self.handler: str | None = own.get("handler")
        #: Modules that are imported by nobody at the start, and needed later.
        self.include: list[str] = list(own.get("include", []))
        listed = folder / "requirements.txt"
        #: Lines of a requirements file. The library itself comes with the command line.
        self.requirements = [
            line
            for line in (listed.read_text().splitlines() if listed.is_file() else said.get("project", {}).get("dependencies", []))
            if line.strip() and not line.strip().startswith("#") and not re.match(r"\s*firstbyte\b(?!-)", line)
        ]

    def __repr__(self) -> str:
        return repr((self.module, self.handler, self.include, self.requirements))


def install(folder: Path, requirements: list[str], work: Path) -> Path | None:
    """The folder with the dependencies, installed once for each list of them. None if there are none."""
    if not requirements:
        return None
    listed = "\n".join(requirements) + "\n"
    pins = [path.read_bytes() for path in sorted(folder.glob("*.txt"))]
    key = hashlib.sha256(b"\0".join([listed.encode(), sys.version.encode(), Path(__file__).read_bytes(), *pins])).hexdigest()[:16]
    target = work / f"dependencies-{key}"
    if target.is_dir():
        return target
    say("installing the dependencies…")
    for old in work.glob("dependencies-*"):
        shutil.rmtree(old, ignore_errors=True)
    fresh = work / f"new-{os.getpid()}"
    wanted = work / "requirements.txt"
    wanted.write_text(listed)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-compile"]
    # Paths in it are relative to the project.
    done = subprocess.run([*pip, "--target", fresh, "-r", wanted], cwd=folder, stdout=sys.stderr, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise Failed("pip")
    try:
        without_machine_code(fresh)
    except Unsuitable:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    fresh.rename(target)
    return target


def without_machine_code(folder: Path) -> None:
    """Takes out extension modules that their packages do without, and refuses packages that need them."""
    needed: dict[str, str] = {}
    for record in folder.glob("*.dist-info/RECORD"):
        name, version = record.parent.name.removesuffix(".dist-info").rsplit("-", 1)
        name = re.sub(r"[-_.]+", "-", name).lower()
        files = [folder / line.split(",")[0] for line in record.read_text().splitlines()]
        for file in files:
            if file.suffix not in (".so", ".pyd", ".dylib"):
                continue
            source = file.with_name(file.name.split(".")[0] + ".py")
            if source.is_file() or name in FALLBACKS:
                file.unlink(missing_ok=True)
            else:
                needed[f"{name} {version}"] = file.name
    if needed:
        told = "; ".join(f"{package} (its {file})" for package, file in sorted(needed.items()))
        raise Unsuitable(
            f"depends on what is compiled for this machine, and a component takes pure Python: {told}. Use a package that is pure "
            "Python in its place, or an older version that is; `pip show PACKAGE` tells which of the dependencies wants it"
        )


def componentize(
    settings: Settings, folder: Path, library: Path, wit: Path, dependencies: Path | None, work: Path, component: Path
) -> None:
    say(f"making a component of {settings.module}, with Python itself in it (10 to 30 s)…")
    # There are no files in a component: what functions import when they are called has to be imported before.
    later = {module: names for root in (folder, dependencies) if root for module, names in imported_later(root)}
    entry = work / "entry"
    entry.mkdir(exist_ok=True)
    # Python would take a compiled entry for this one, if both are of the same second and length.
    shutil.rmtree(entry / "__pycache__", ignore_errors=True)
    shutil.copy(Path(__file__).with_name("compact.py"), entry / "firstbyte_compact.py")
    # In a component each path is a folder, by its number.
    ours = ("/python/", "/bundled/", "/world/", f"/{2 if dependencies else 1}/firstbyte/")
    (entry / "firstbyte_entry.py").write_text(
        "import firstbyte_compact\n"
        f"firstbyte_compact.install({ours!r})\n"
        "from importlib import import_module\n"
        "from firstbyte import _component\n"
        "_component.prepare()\n"
        f"module = import_module({settings.module!r})\n"
        f"Handler = _component.component(module, {settings.handler!r}, {settings.include!r}, {later!r})\n"
        "firstbyte_compact.remove()\n"
    )
    # Another process may build the same.
    made = work / f"made-{os.getpid()}.wasm"
    # The author's files come first: what is /0/ in a component is theirs.
    paths = [folder, *([dependencies] if dependencies else []), library.parent, entry]
    command = [Path(sys.executable).with_name("componentize-py"), "--quiet", "--wit-path", wit, "--world", "function"]
    command += ["componentize", *[word for path in paths for word in ("--python-path", path)], "firstbyte_entry", "--output", made]
    # The tool's own frames take seconds to be named, and say nothing of the handler.
    environment = {**os.environ, "RUST_BACKTRACE": "0", "WASMTIME_BACKTRACE_DETAILS": "0"}
    done = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment)
    if done.returncode != 0:
        explain(done.stderr, folder)
    try:
        made.write_bytes(lean.lean(made.read_bytes()))
    except lean.Unknown as what:
        say(f"note: the component is larger than it need be, because it has {what}")
    made.replace(component)


def imported_later(root: Path) -> Iterator[tuple[str, list[str]]]:
    """The modules of a folder whose functions import when they are called, and what these name."""
    for file in sources(root):
        if file.suffix != ".py":
            continue
        parts = file.relative_to(root).with_suffix("").parts
        package = parts[:-1]
        module = ".".join(package if parts[-1] == "__init__" else parts)
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            # Python says so if it is imported, and nobody else needs to know.
            continue
        functions = (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
        names = {name for function in functions for node in ast.walk(function) for name in named(node, package)}
        if names:
            yield module, sorted(names)


def named(node: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    """The modules that an import statement names, or may name."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package[: len(package) - node.level + 1] if node.level else ()
        name = ".".join([*above, *([node.module] if node.module else [])])
        if name:
            yield name
            # What is imported from a package may be a module of it.
            yield from (f"{name}.{alias.name}" for alias in node.names if alias.name != "*")
    elif isinstance(node, ast.Attribute) and node.attr in CALLED:
        yield CALLED[node.attr]


def explain(said: str, folder: Path) -> NoReturn:
    """What Python says while it imports the handler's module, in the names of the author's files."""
    begun = said.find("Traceback (most recent call last)")
    text = said[begun:] if begun >= 0 else said
    text = text.split("\nCaused by:")[0].replace('"/0/', f'"{folder}/')
    # The tool's own words around it, the backtrace of the engine, and what imports the author's module, say nothing of the handler.
    lines = []
    is_frame_of_others = False
    for line in text.splitlines():
        if not line.startswith("    "):
            is_frame_of_others = any(other in line for other in ("firstbyte_entry", "firstbyte_compact", '"<frozen importlib'))
        if not is_frame_of_others and "wasm backtrace" not in line:
            lines.append(line)
    print("\n".join(lines).rstrip(), file=sys.stderr)
    last = next((line for line in reversed(lines) if re.match(r"[A-Za-z_.]+(Error|Exception)?: ", line)), "")
    if last.startswith("TypeError: ") and "handler" in last:
        raise Unsuitable(f"makes no handler: {last.removeprefix('TypeError: ')}")
    raise Failed("componentize-py")


def sources(folder: Path) -> list[Path]:
    """The files that a component is made of."""
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT and not name.startswith("."))
        if "pyvenv.cfg" in files:
            folders.clear()
            continue
        found += [Path(root) / name for name in sorted(files) if not name.startswith(".") and not name.endswith((".wasm", ".zip"))]
    return found


def digest(files: list[Path], settings: Settings, dependencies: Path | None) -> str:
    """Tells whether anything has changed."""
    state = hashlib.sha256(repr((settings, dependencies, sys.version)).encode())
    for file in files:
        state.update(f"\0{file}\0".encode())
        state.update(file.read_bytes())
    return state.hexdigest()


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
