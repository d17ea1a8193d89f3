"""The commands that the documents tell a reader to type, and where CI runs each.

python documented.py check              every command has its place, or a reason why it has none; nothing is run
python documented.py run RELEASE WORK   types those that no other part of CI runs, as they are printed, in folders below WORK

RELEASE is a folder as deploy/release/build.sh makes it. The environment has to have cargo on its PATH, and in WORK the configuration
with which cargo finds crates that are not published yet.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCAFFOLDS = "host/toolchain/templates"
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "guest/javascript/README.md", "guest/python/README.md"] + [
    f"{SCAFFOLDS}/{language}/shared/README.md" for language in ("rust", "node", "python")
]

# What other parts of CI run: the file of CI, and the words that it has, unless they are the command's own.
BY = {
    "cargo run --release -- invoke guest/examples/greeting --via all --payload '{\"name\":\"hoge\"}'": (".ci/run", None),
    "cargo test": (".ci/run", None),
    "rustup target add wasm32-wasip2": (".ci/run", None),
    "cargo fmt --all --check": (".ci/run", None),
    "cargo clippy --workspace --all-targets -- -D warnings": (".ci/run", None),
    "cargo component build --release": ("guest/examples/greeting/tests/greeting.rs", 'component(&["build", "--release"'),
    "cargo build --release --target wasm32-wasip2": ("deploy/release/build.sh", "cargo build --locked --quiet --release --target wasm32-wasip2"),
    "FIRSTBYTE=../firstbyte/target/release/firstbyte cargo test": ("tests/outside/run.sh", "cargo test --quiet"),
    "FIRSTBYTE=target/debug/firstbyte FIRSTBYTE_PAGE=host/console tests/console/run.sh": (".ci/run", "tests/console/run.sh"),
    "python tests/deploy/settings.py host/runtime/src/settings.rs deploy/README.md --write": (
        "tests/deploy/run.sh", "python tests/deploy/settings.py host/runtime/src/settings.rs deploy/README.md",
    ),
    "firstbyte cost --at-once 500 --seconds 20 --bytes 20000 --tokens 400": (
        "host/cli/tests/cost.rs", '["--at-once", "500", "--seconds", "20", "--bytes", "20000", "--tokens", "400"]',
    ),
    "deploy/release/build.sh": ("tests/outside/run.sh", "deploy/release/build.sh --quick"),
    "PIP_FIND_LINKS=dist/release pip install firstbyte": ("deploy/release/try.sh", 'pip install --quiet --no-index --find-links "$folder" firstbyte'),
    "firstbyte package --arch arm64": ("tests/deploy/run.sh", "package guest/examples/greeting --arch $arch"),
    "guest/adapter/build.sh": (".ci/run", "guest/adapter/build.sh --check"),
    "firstbyte layer --wasi-p3": ("deploy/release/try.sh", "layer --arch $layer --wasi-p3"),
    "firstbyte build src/other.ts": ("tests/javascript/run.sh", 'build "src/$name.ts"'),
    "wasmtime serve -S cli greeting.http.wasm": ("tests/e2e/adapt.rs", '"serve", "-S", "cli"'),
}
SCRIPTS = [".ci/documents", "tests/deploy/run.sh", "tests/outside/run.sh", "tests/clients/install.sh", "tests/upstream/install.sh"]
BY |= {script: (".ci/run", None) for script in SCRIPTS}

# What CI cannot run, and why.
NEVER = {
    "sam deploy --guided": "needs an AWS account; with stand-ins for it, tests/deploy/verify.py runs the script that deploys",
    "host/wire/fuzz/run.sh 60": "needs a nightly toolchain; the same inputs that were found are tests",
    "host/runtime/fuzz/run.sh 60": "needs a nightly toolchain; the same inputs that were found are tests",
    "cargo run --release -p firstbyte-bench": "measures for ten minutes, on a machine that does nothing else",
    "tests/bench/languages/run.sh": "measures for some minutes, on a machine that does nothing else",
    "FIRSTBYTE_BLESS=1 cargo test -p bindings-check": "writes files of the repository; without the variable, it is a part of `cargo test`",
    "cargo install --locked --path host/cli": "builds the same program once more, in 16 minutes of CPU time; CI builds it by `cargo run --release`",
    "firstbyte serve -- sh -c './app & exec lambda-adapter'": "needs a reader's application, and the Lambda Web Adapter",
    ".ci/run": "is CI",
}

FENCE = re.compile(r"^[ \t>*-]*(?:`{3,}|~{3,}) *(\S*)[^\n]*\n(.*?)^[ \t>]*(?:`{3,}|~{3,}) *$", re.MULTILINE | re.DOTALL)
# What a block may be, besides `sh` and `console`. What a shell is given under another name would be passed over.
OTHERS = {"", "toml", "rust", "python", "js", "ts", "tsx", "json", "yaml", "html", "c", "wit"}
CODE = re.compile(r"`([^`\n]+)`")
# How a command in the middle of a sentence begins. The name of a program or of a subcommand alone is a name.
BEGINS = re.compile(r"(?:[A-Z_]+=\S+ )*(?:(?:cargo|rustup|pip|npm|sam|python3?) \S|firstbyte \w+ [^A-Z\s]|[\w.]+/[\w./-]+\.sh\b|\.ci/(?:run|documents)$)")


def blocks(document):
    """The lines of each block that a shell is given; and, of one that shows an answer, the answer."""
    for kind, text in FENCE.findall((ROOT / document).read_text()):
        if kind not in OTHERS | {"sh", "console"}:
            sys.exit(f"{document}: a block of `{kind}`: commands are in blocks of `sh`, or of `console` with what they answer")
        if kind == "sh":
            yield text, None
        elif kind == "console":
            command = re.match(r"\$ (.*?[^\\])\n", text, re.DOTALL)
            if command is None:
                sys.exit(f"{document}: a block of `console` begins with `$ ` and a command")
            yield command[1] + "\n", text[command.end():]


def commands(text):
    """The commands of a block: one to a line or to a part of it, and those that a comment offers in the place of another one."""
    for line in text.replace("\\\n", " ").splitlines():
        line, _, comment = re.sub(r"\s+", " ", line).partition(" # ")
        yield from (part.strip() for part in line.split(" && ") if part.strip())
        if comment.strip().startswith("or: "):
            yield comment.strip().removeprefix("or: ")


def mentioned(document):
    """The commands in a document's sentences and tables."""
    text = FENCE.sub("", (ROOT / document).read_text())
    return [code for code in CODE.findall(text) if BEGINS.match(code) and not re.search(r"…|<|\b[A-Z]{4,}$", code)]


def part_of_the_tests(command):
    """Whether it runs tests that `cargo test` runs as well."""
    words = shlex.split(command)
    if words[:2] != ["cargo", "test"] or not words[2:]:
        return False
    members = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["members"]
    manifests = [path for member in members for path in ROOT.glob(f"{member}/Cargo.toml")]
    packages = {tomllib.loads(path.read_text())["package"]["name"] for path in manifests}
    named = [word for before, word in zip(words, words[1:]) if before == "-p"]
    assert len(words) == 2 + 2 * (len(named) + words.count("--test")), command
    return bool(named) and set(named) <= packages


def check():
    typed = BESIDES | {command for document, shown in TYPED for text, _ in blocks(document) if shown(text) for command in commands(text)}
    wrong, never = [], set()
    for document in DOCUMENTS:
        first = next((text for text, _ in blocks(document)), "")
        if any("# or: " in text for text, _ in blocks(document) if (document, text) != ("README.md", first)):
            wrong.append(f"{document}: only the first block of README.md may offer another command after `# or: `")
        found = [command for text, _ in blocks(document) for command in commands(text)] + mentioned(document)
        assert found, f"no command is found in {document}"
        for command in found:
            if command in NEVER:
                never.add(command)
            elif command in BY:
                file, words = BY[command]
                lines = (ROOT / file).read_text().splitlines()
                have = "\n".join(line for line in lines if not line.lstrip().startswith(("# ", "//")))
                if not re.search(rf"(?<![\w-]){re.escape(words or command)}(?![\w-]| -p)", have):
                    wrong.append(f"{document}: `{command}` is said to be run by {file}, which does not have it")
            elif not (command in typed or part_of_the_tests(command)):
                wrong.append(f"{document}: no part of CI runs `{command}`: see the head of {Path(__file__).name}")
    for command in sorted(never):
        print(f"not run by CI: {command} ({NEVER[command]})")
    wrong += [f"{command}: no document has this command any more" for command in (BY.keys() | NEVER.keys()) - everywhere()]
    if wrong:
        sys.exit("\n".join(wrong))


def everywhere():
    return {command for document in DOCUMENTS for text, _ in blocks(document) for command in commands(text)} | {
        command for document in DOCUMENTS for command in mentioned(document)
    }


class Reader:
    """Somebody at a terminal: a folder and an environment, which one command leaves to the next."""

    def __init__(self, folder, environment):
        self.folder, self.environment = folder, environment

    def types(self, text):
        """What the commands say, by a shell that stops at the first one that fails."""
        print("  $ " + text.strip().replace("\n", "\n  $ "), flush=True)
        state = self.folder.parent / f".state-{os.getpid()}"
        script = f"set -euo pipefail\n{text}\n{{ pwd; env -0; }} > {shlex.quote(str(state))}"
        done = subprocess.run(["bash", "-c", script], cwd=self.folder, env=self.environment, text=True, capture_output=True)
        if done.returncode != 0:
            sys.exit(f"error: it failed with {done.returncode}:\n{done.stdout}{done.stderr}")
        folder, _, variables = state.read_text().partition("\n")
        state.unlink()
        self.folder = Path(folder)
        self.environment = dict(pair.split("=", 1) for pair in variables.split("\0") if pair)
        return done.stdout

    def serves(self, command):
        """Starts what goes on until it is told to end, on ports that are free, and tells it to end once it listens."""
        print(f"  $ {command}", flush=True)
        ports = " ".join(f"--{name}-port 0" for name in ("lambda", "url", "api", "console"))
        process = subprocess.Popen(
            ["bash", "-c", f"{command} {ports}"], cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )
        # A program that neither listens nor ends would be waited for without an end.
        late = threading.Timer(600, os.killpg, (process.pid, signal.SIGKILL))
        late.start()
        said = []
        for line in process.stdout:
            said.append(line)
            if "http://127.0.0.1:" in line:
                break
        else:
            sys.exit(f"error: it does not serve:\n{''.join(said)}")
        os.killpg(process.pid, signal.SIGTERM)
        process.stdout.read()
        process.wait()
        late.cancel()

    def follows(self, text):
        """A block, as it is printed."""
        before = ""
        for line in text.replace("\\\n", " ").splitlines(keepends=True):
            if re.search(r"\bserve\b", line.partition(" # ")[0]):
                if before.strip():
                    self.types(before)
                before = ""
                self.serves(line.partition(" # ")[0].strip())
            else:
                before += line
        return self.types(before) if before.strip() else ""


def without_an_account(text):
    """A block up to the command that needs an AWS account."""
    return re.sub(r"(?: && |^)sam deploy --guided.*", "", text, flags=re.MULTILINE)


class Try:
    """Where the documents are followed."""

    def __init__(self, release, work):
        self.release, self.work = Path(release).resolve(), Path(work).resolve()
        self.registry = subprocess.Popen(
            [sys.executable, ROOT / "deploy/release/registry.py", self.release], stdout=subprocess.PIPE, text=True
        )
        self.published = {
            "PIP_FIND_LINKS": f"{self.release} {os.environ.get('PIP_FIND_LINKS', '')}", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "npm_config_registry": self.registry.stdout.readline().strip(), "npm_config_audit": "false", "npm_config_fund": "false",
        }

    def reader(self, name, path, **more):
        """Somebody in an empty folder, with nothing of this repository on the path."""
        home, tools = self.work / name, self.work / f"{name}-tools"
        home.mkdir(parents=True)
        tools.mkdir()
        for tool in ("sam", "node", "npm", "npx"):
            (tools / tool).symlink_to(shutil.which(tool))
        system = [str(tools), "/usr/local/bin", "/usr/bin", "/bin"]
        environment = {"HOME": str(home), "PATH": os.pathsep.join([*map(str, path), *system]), "LANG": "C.UTF-8"}
        # How this machine reaches the registries is not of their business.
        network = re.compile(
            r"(?i).*_proxy|.*_(ca|cert)_?(file|dir|bundle|certs)?|NODE_EXTRA_CA_CERTS|PIP_.*|npm_config_.*|SAM_CLI_TELEMETRY|AWS_DEFAULT_REGION"
        )
        environment |= {name: value for name, value in os.environ.items() if network.fullmatch(name)}
        if (npmrc := Path.home() / ".npmrc").is_file():
            environment["npm_config_userconfig"] = str(npmrc)
        return Reader(home, environment | self.published | more)

    def venv(self, name):
        """An environment of Python that pip installs into."""
        subprocess.run([sys.executable, "-m", "venv", self.work / name], check=True)
        return self.work / name / "bin"

    def rust(self):
        """Rust, as a reader who has it has it."""
        cargo = Path(shutil.which("cargo")).parent
        known = ("CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO_TARGET_DIR", "CARGO_INCREMENTAL")
        kept = {name: os.environ[name] for name in (*known, "FIRSTBYTE_HOSTS") if name in os.environ}
        home = Path(os.environ["HOME"])
        return cargo, {"CARGO_HOME": str(home / ".cargo"), "RUSTUP_HOME": str(home / ".rustup")} | kept

    def begins(self):
        """The first block of README.md, and what README.md of that project says."""
        cargo, kept = self.rust()
        kept["CARGO_TARGET_DIR"] = str(Path(kept.get("CARGO_TARGET_DIR", ROOT / "target"), "outside"))
        reader = self.reader("reader", [self.venv("reader-venv"), cargo], npm_config_prefix=str(self.work / "npm"), **kept)
        first = next(text for text, _ in blocks("README.md"))
        # With the versions of this repository: cargo would take those that are the newest today.
        reader.follows(first.replace("cd hello", f"cd hello && cp {ROOT}/Cargo.lock ."))
        for text in re.findall(r"# or: (.*)", first):
            reader.types(text)
            assert "firstbyte" in reader.types(f"{self.work}/npm/bin/firstbyte --version")
        self.scaffold(reader, "rust")

    def scaffold(self, reader, language):
        """What a new project's own README.md says, in the project."""
        shown = (reader.folder / "README.md").read_text()
        assert "{{" not in shown, shown
        for kind, text in FENCE.findall(shown):
            assert kind == "sh", kind
            reader.follows(without_an_account(text))
        assert list((reader.folder / ".aws-sam/build").glob("*/handler.cwasm")), f"sam built no handler in {language}"

    def without_rust(self, language, name):
        """A language's own README.md, and what README.md of its project says."""
        reader = self.reader(name, [self.venv(f"{name}-venv")])
        assert shutil.which("cargo", path=reader.environment["PATH"]) is None, "there is Rust on the path"
        reader.types("pip install firstbyte")
        for text, _ in blocks(f"guest/{language}/README.md"):
            reader.follows(without_an_account(text))
        self.scaffold(reader, language)
        if language == "javascript":
            reader.types("mkdir ../exists && cd ../exists && npm install --save-dev firstbyte && ./node_modules/.bin/firstbyte --version")

    def checkout(self):
        """The other blocks of README.md, which a reader types in a checkout."""
        cargo, kept = self.rust()
        reader = self.reader("checkout", [self.work / "reader-venv/bin", cargo], **kept)
        reader.folder = ROOT
        for text, answer in list(blocks("README.md"))[1:]:
            if not in_a_checkout(text):
                continue
            if answer is None:
                reader.follows("\n".join(line for line in text.splitlines() if not line.startswith("wasmtime ")))
            else:
                said = reader.types(f"{text.strip()} 2> /dev/null || [ $? = 1 ]")
                assert said == answer, f"README.md shows another answer than this:\n{said}"
        (ROOT / "greeting.http.wasm").unlink(missing_ok=True)


def in_a_checkout(text):
    return not all(command in BY for command in commands(text))


# Whose blocks are typed here, and what is typed besides.
BESIDES = {"npm install --save-dev firstbyte"}
TYPED = [("README.md", in_a_checkout)] + [(document, lambda _: True) for document in DOCUMENTS[2:]]


def run(release, work):
    tried = Try(release, work)
    try:
        tried.begins()
        tried.checkout()
        tried.without_rust("javascript", "node")
        tried.without_rust("python", "python")
    finally:
        tried.registry.kill()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["check"]:
            check()
        case ["run", release, work]:
            run(release, work)
        case _:
            sys.exit(__doc__)
