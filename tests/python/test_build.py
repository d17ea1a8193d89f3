"""What `firstbyte build` takes, leaves out and refuses, with what it says."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HANDLER = "import firstbyte\n\n@firstbyte.handler\ndef f(request):\n    yield 'a'\n"


@pytest.fixture(scope="module")
def build():
    """The module that makes components, as a module."""
    sys.path.append(str(ROOT / "host/toolchain/src/python"))
    spec = importlib.util.spec_from_file_location("build", ROOT / "host/toolchain/src/python/build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def refusal(project: Path) -> str:
    """What the command line says of a project that it does not build."""
    run = subprocess.run([os.environ["FIRSTBYTE"], "build", project], capture_output=True, text=True)
    assert run.returncode == 1, run
    return run.stderr


def wheel(folder: Path, name: str, files: list[str]) -> Path:
    """A wheel with these files."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    record = "".join(f"{file},,\n" for file in files)
    metadata = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": record,
    }
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.writestr(file, "")
        for file, text in metadata.items():
            archive.writestr(f"{name}-1.0.dist-info/{file}", text)
    return path


def test_a_compiled_wheel_is_refused_by_name(tmp_path):
    (tmp_path / "app.py").write_text(HANDLER)
    made = wheel(tmp_path, "fastthing", ["fastthing/__init__.py", "fastthing/_core.cpython-311-x86_64-linux-gnu.so"])
    (tmp_path / "requirements.txt").write_text(f"./{made.name}\n")
    said = refusal(tmp_path)
    assert "fastthing 1.0 (its _core.cpython-311-x86_64-linux-gnu.so)" in said and "a component takes pure Python" in said
    assert not list((tmp_path / "build/firstbyte").glob("dependencies-*"))


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ("import nothing_like_it\n", ["nothing_like_it", "app.py", "componentize-py could not build"]),
        ("def f(:\n", ["SyntaxError: invalid syntax", "app.py\", line 1", "componentize-py could not build"]),
        ("x = 1\n", ["makes no handler: app has no handler: mark a function with @firstbyte.handler"]),
    ],
)
def test_a_module_that_makes_no_handler(tmp_path, app, words):
    (tmp_path / "app.py").write_text(app)
    said = refusal(tmp_path)
    assert all(word in said for word in words), said
    assert not any(word in said for word in ["firstbyte_entry", "firstbyte_compact", "<frozen importlib"]), said
    assert not list(tmp_path.glob("build/*.wasm"))


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("[tool.firstbyte]\nentry = 'gone.py'\n", "has no gone.py"),
        ("[tool.firstbyte]\nenrty = 'app.py'\n", "has `enrty` in [tool.firstbyte]"),
        ("[tool.firstbyte\n", "cannot be read"),
    ],
)
def test_a_manifest_that_is_of_no_use(tmp_path, manifest, words):
    (tmp_path / "app.py").write_text(HANDLER)
    (tmp_path / "pyproject.toml").write_text(manifest)
    assert words in refusal(tmp_path)


def test_settings_are_those_of_the_manifest(build, tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg/main.py").write_text(HANDLER)
    (tmp_path / "pyproject.toml").write_text(
        "[project]\ndependencies = ['firstbyte==0.1.0', 'starlette', 'firstbyte-more']\n"
        "[tool.firstbyte]\nentry = 'pkg/main.py'\nhandler = 'f'\ninclude = ['wave']\n"
    )
    settings = build.Settings(tmp_path, tmp_path)
    assert (settings.module, settings.handler, settings.include) == ("pkg.main", "f", ["wave"])
    assert settings.requirements == ["starlette", "firstbyte-more"]
    (tmp_path / "requirements.txt").write_text("# of PyPI\nfirstbyte\nflask\n")
    assert build.Settings(tmp_path, tmp_path).requirements == ["flask"]


def test_machine_code_that_nobody_needs_is_left_out(build, tmp_path):
    files = {"markupsafe": ["markupsafe/_speedups.cpython-311.so"], "twice": ["twice/fast.py", "twice/fast.cpython-311.so"]}
    for name, listed in files.items():
        for file in listed:
            (tmp_path / file).parent.mkdir(exist_ok=True)
            (tmp_path / file).touch()
        (tmp_path / f"{name}-1.0.dist-info").mkdir()
        (tmp_path / f"{name}-1.0.dist-info/RECORD").write_text("".join(f"{file},,\n" for file in listed))
    build.without_machine_code(tmp_path)
    assert not list(tmp_path.rglob("*.so")) and (tmp_path / "twice/fast.py").is_file()


def test_what_functions_import_is_found(build, tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg/__init__.py").write_text("def f():\n    from . import a\n    import b.c as d\n")
    (tmp_path / "pkg/deep.py").write_text("import top\nclass A:\n    async def f(self):\n        from ..pkg.x import y\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "dates.py").write_text("import time\ndef f(text):\n    return time.strptime(text, '%Y')\n")
    found = dict(build.imported_later(tmp_path))
    assert found == {"pkg": ["b.c", "pkg", "pkg.a"], "pkg.deep": ["pkg.x", "pkg.x.y"], "dates": ["_strptime"]}


def test_what_is_no_part_of_a_handler_is_not_looked_at(build, tmp_path):
    for file in ["app.py", "data.txt", "tests/test_app.py", ".venv/x.py", "env/pyvenv.cfg", "env/lib/x.py", "build/x.py", "a.wasm"]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert [path.name for path in build.sources(tmp_path)] == ["app.py", "data.txt"]
