"""Projects of users, made of what this repository says and shows.

python project.py readme README.md FOLDER            the handler that the README tells its reader to write
python project.py examples REPOSITORY FOLDER         the examples, as packages that know of no workspace of ours
python project.py layer template.yaml ARN            a template that takes a layer that is there, instead of making one
python project.py synthesized TEMPLATE.json          whether the CDK's template has both kinds of layer
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path


def readme(source, folder):
    """Writes each block of code that begins with the name of its file, the blocks of one file one after the other."""
    folder = Path(folder)
    blocks = re.findall(r"```(?:toml|rust)\n(?:#|//) ([\w./]+)[^\n]*\n(.*?)```", Path(source).read_text(), re.DOTALL)
    files = [name for name, _ in blocks]
    assert sorted(set(files)) == ["Cargo.toml", "src/lib.rs", "tests/greeting.rs"], files
    for name, text in blocks:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(text)


def value(it):
    """A value as TOML has it in one line."""
    if isinstance(it, dict):
        return "{ " + ", ".join(f"{key} = {value(inner)}" for key, inner in it.items()) + " }"
    if isinstance(it, list):
        return "[" + ", ".join(map(value, it)) + "]"
    return json.dumps(it)


def dependency(name, given, workspace):
    """A dependency without the workspace that it is inherited from, and of a crate of ours its version and not its path."""
    given = {"version": given} if isinstance(given, str) else dict(given)
    if not given.pop("workspace", False):
        return given
    inherited = workspace["dependencies"][name]
    inherited = {"version": inherited} if isinstance(inherited, str) else dict(inherited)
    inherited.pop("path", None)
    if name == "firstbyte-testing":
        # Users' tests have the installed command line run their handlers.
        inherited.pop("features")
    features = inherited.pop("features", []) + given.pop("features", [])
    return inherited | given | ({"features": features} if features else {})


def examples(repository, folder):
    repository, folder = Path(repository), Path(folder)
    workspace = tomllib.loads((repository / "Cargo.toml").read_text())["workspace"]
    listed = subprocess.check_output(["git", "ls-files", "--cached", "--others", "--exclude-standard", "guest/examples"], cwd=repository)
    left_out = {repository / path for path in workspace.get("exclude", [])}
    for name in listed.decode().split():
        source, copy = repository / name, folder / Path(name).relative_to("guest/examples")
        if left_out & set(source.parents):
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.name != "Cargo.toml":
            copy.write_bytes(source.read_bytes())
            continue
        manifest = tomllib.loads(source.read_text())
        package = {
            key: workspace["package"][key] if given == {"workspace": True} else given for key, given in manifest["package"].items()
        }
        lines = ["[package]", *(f"{key} = {value(given)}" for key, given in package.items())]
        # A program has no table of its own.
        if "lib" in manifest:
            lines += ["[lib]", *(f"{key} = {value(given)}" for key, given in manifest["lib"].items())]
        for table in ("dependencies", "dev-dependencies"):
            lines.append(f"[{table}]")
            lines += [f"{key} = {value(dependency(key, given, workspace))}" for key, given in manifest[table].items()]
        copy.write_text("\n".join(lines) + "\n")
    members = sorted(path.parent.name for path in folder.glob("*/Cargo.toml"))
    assert {"greeting", "export", "chat", "orders", "shop"} <= set(members), members
    (folder / "Cargo.toml").write_text(f'[workspace]\nresolver = "3"\nmembers = {value(members)}\n')


def layer(template, arn):
    """What the template's comment says: without the resource, and with the ARN under Layers."""
    text = Path(template).read_text()
    without = re.sub(r"  # The host: .*?\n\n", "", text, count=1, flags=re.DOTALL)
    changed = without.replace("Layers: [!Ref Host]", f"Layers: ['{arn}']")
    assert changed.count("Host") == 0 and arn in changed, changed
    Path(template).write_text(changed)


def synthesized(template):
    resources = json.loads(Path(template).read_text())["Resources"].values()
    of = lambda kind: [resource["Properties"] for resource in resources if resource["Type"] == kind]  # noqa: E731
    layers = sorted(json.dumps(function["Layers"]) for function in of("AWS::Lambda::Function"))
    assert len(layers) == 2 and "layer:firstbyte:7" in layers[0] and '"Ref": "Host' in layers[1], layers
    assert len(of("AWS::Lambda::LayerVersion")) == 1 and len(of("AWS::Lambda::Url")) == 2
    assert {function["Handler"] for function in of("AWS::Lambda::Function")} == {"greeting"}
    print("  one function with a layer of its stack, one with a layer that is there already")


if __name__ == "__main__":
    {"readme": readme, "examples": examples, "layer": layer, "synthesized": synthesized}[sys.argv[1]](*sys.argv[2:])
