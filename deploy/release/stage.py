"""Lays out what is published, from the built programs and the libraries of guest/, for the tools that pack it.

python stage.py python FOLDER                       a folder that maturin makes wheels of
python stage.py npm FOLDER OS-CPU=PROGRAM …         the npm packages: `firstbyte`, and one for each platform
python stage.py version                             the version of all of it

The libraries belong to their authors, in guest/python and guest/javascript: what their pyproject.toml and package.json say is taken
as it is; only the name, the version and the command line are added here.
"""

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
# Platforms by the names that Node has for them.
PLATFORMS = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"]


def word(key):
    """A key as TOML."""
    return key if re.fullmatch(r"[\w-]+", key, re.ASCII) else json.dumps(key)


def toml(table, path=()):
    """A table as TOML."""
    plain = {key: it for key, it in table.items() if not isinstance(it, dict)}
    lines = [f"[{'.'.join(map(word, path))}]"] if path and plain else []
    lines += [f"{word(key)} = {inline(it)}" for key, it in plain.items()]
    for key, it in table.items():
        if isinstance(it, dict):
            lines += ["", *toml(it, (*path, key))]
    return lines


def inline(it):
    if isinstance(it, dict):
        return "{ " + ", ".join(f"{word(key)} = {inline(inner)}" for key, inner in it.items()) + " }"
    if isinstance(it, list):
        return "[" + ", ".join(map(inline, it)) + "]"
    return json.dumps(it)


def tracked(folder):
    """The files of a folder that belong to the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "."]
    return [Path(name) for name in subprocess.check_output(command, cwd=folder, text=True).splitlines()]


def copy(source, destination, names):
    for name in names:
        (destination / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, destination / name)


def python(folder):
    folder = Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    project = tomllib.loads((HERE / "python/pyproject.toml").read_text())
    project["tool"]["maturin"]["manifest-path"] = str(ROOT / "host/cli/Cargo.toml")
    readme = HERE / "README.package.md"
    library = ROOT / "guest/python"
    if (library / "pyproject.toml").is_file():
        theirs = tomllib.loads((library / "pyproject.toml").read_text())["project"]
        theirs = {key: it for key, it in theirs.items() if key not in ("name", "version", "dynamic", "readme", "license-files")}
        project["project"] |= theirs
        [package] = [found for found in (library / "src/firstbyte", library / "firstbyte") if found.is_dir()]
        copy(package, folder / "src/firstbyte", tracked(package))
        project["tool"]["maturin"] |= {"python-source": "src", "module-name": "firstbyte"}
        readme = library / "README.md"
    shutil.copy(readme, folder / "README.md")
    shutil.copy(ROOT / "LICENSE", folder)
    (folder / "pyproject.toml").write_text("\n".join(toml(project)) + "\n")


def unpack(library, folder):
    """What `npm pack` makes of a package, unpacked."""
    with tempfile.TemporaryDirectory() as packed:
        subprocess.check_call(["npm", "pack", "--silent", "--pack-destination", packed], cwd=library, stdout=subprocess.DEVNULL)
        [archive] = Path(packed).iterdir()
        with tarfile.open(archive) as tar:
            tar.extractall(packed, filter="data")
        shutil.move(Path(packed) / "package", folder)


def lock(file, optional):
    """Adds the platforms' packages to a lock file, which npm takes instead of what package.json says."""
    if not file.is_file():
        return
    tree = json.loads(file.read_text())
    root = tree["packages"][""]
    root["version"] = tree["version"] = VERSION
    root["optionalDependencies"] = root.get("optionalDependencies", {}) | optional
    for name, version in optional.items():
        system, cpu = name.removeprefix("@firstbyte/").split("-")
        tree["packages"][f"node_modules/{name}"] = {"version": version, "os": [system], "cpu": [cpu], "optional": True}
    file.write_text(json.dumps(tree, indent=2) + "\n")


def npm(folder, *programs):
    folder = Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    main = folder / "firstbyte"
    package = json.loads((HERE / "npm/package.json").read_text())
    optional = {f"@firstbyte/{platform}": VERSION for platform in PLATFORMS}
    readme = HERE / "README.package.md"
    library = ROOT / "guest/javascript"
    if (library / "package.json").is_file():
        # As npm would publish it alone: its own script completes it, and its own list says which files belong to it.
        unpack(library, main)
        theirs = json.loads((main / "package.json").read_text())
        scripts = {key: it for key, it in theirs.get("scripts", {}).items() if not key.startswith("pre")}
        added = {"name": package["name"], "bin": package["bin"], "files": [*theirs["files"], *package["files"]]}
        package = {**package, **theirs, **added, "scripts": scripts | package["scripts"]}
        readme = library / "README.md" if (library / "README.md").is_file() else readme
        lock(main / "npm-shrinkwrap.json", optional)
    package["version"] = VERSION
    package["optionalDependencies"] = package.get("optionalDependencies", {}) | optional
    shutil.copytree(HERE / "npm/bin", main / "bin", dirs_exist_ok=True)
    (main / "bin/firstbyte.cjs").chmod(0o755)
    write(main, package, readme)
    for given in programs:
        platform, _, program = given.partition("=")
        system, cpu = platform.split("-")
        assert platform in PLATFORMS, platform
        part = folder / platform
        (part / "bin").mkdir(parents=True)
        shutil.copy(program, part / "bin/firstbyte")
        (part / "bin/firstbyte").chmod(0o755)
        of_all = {key: package[key] for key in ("version", "license", "repository")}
        about = {"description": f"The command line of firstbyte for {platform}", "preferUnplugged": True, "files": ["bin"]}
        write(part, {"name": f"@firstbyte/{platform}", **of_all, **about, "os": [system], "cpu": [cpu]}, HERE / "npm/README.platform.md")


def write(folder, package, readme):
    (folder / "package.json").write_text(json.dumps(package, indent=2) + "\n")
    shutil.copy(readme, folder / "README.md")
    shutil.copy(ROOT / "LICENSE", folder)


if __name__ == "__main__":
    {"python": python, "npm": npm, "version": lambda: print(VERSION)}[sys.argv[1]](*sys.argv[2:])
