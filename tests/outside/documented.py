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
sys.path.append(str(ROOT / "tests/deploy"))
SCAFFOLDS = [f"host/toolchain/templates/{language}/shared/README.md" for language in ("rust", "node", "python")]
# Those that have no command, too, so that their first one is seen.
PARTS = [
    "guest/*/README.md", "guest/examples/*/README.md", "guest/examples/*/*/README.md", "host/*/README.md", "host/*/fuzz/README.md",
    "deploy/release/*.md", "tests/bench/README.md", "tests/bench/languages/README.md",
]
PROJECTS = ["guest/javascript/README.md", "guest/python/README.md"]
WITH_COMMANDS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "deploy/README.md", *PROJECTS, *SCAFFOLDS]
# What a newcomer reads has no command that CI does not run.
FOR_NEWCOMERS = ["README.md", "CONTRIBUTING.md", *PROJECTS, *SCAFFOLDS]
DOCUMENTS = list(dict.fromkeys([
    *WITH_COMMANDS, "guest/README.md",
    *(str(path.relative_to(ROOT)) for parts in PARTS for path in sorted(ROOT.glob(parts)) if "node_modules" not in path.parts),
]))

# What other parts of CI run: the file of CI, and the words that it has, unless they are the command's own.
BY = {
    "cargo run --release -- invoke guest/examples/greeting --via all --payload '{\"name\":\"hoge\"}'": (".ci/run", None),
    "cargo test": (".ci/run", None),
    "rustup target add wasm32-wasip2": (".ci/run", None),
    "cargo fmt --all --check": (".ci/run", None),
    "cargo clippy --workspace --all-targets -- -D warnings": (".ci/run", None),
    "cargo component build --release": ("guest/examples/greeting/tests/greeting.rs", 'component(&["build", "--release"'),
    "cargo build --release --target wasm32-wasip2": ("tests/outside/run.sh", None),
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
    "FIRSTBYTE_BLESS=1 cargo test -p bindings-check": ("tests/bindings/src/lib.rs", "fn what_is_blessed_is_current"),
    "cargo update -p wasmtime": (".ci/run", None),
    "cargo deny --config .ci/deny.toml check advisories": (".ci/run", None),
    "firstbyte compile --snapshot": ("tests/e2e/snapshot.rs", '["compile", snapshot.to_str().expect("UTF-8"), "--snapshot"]'),
    "firstbyte package --snapshot": ("tests/e2e/snapshot.rs", '["package", handler, "--arch", "x86_64", "--snapshot"]'),
    "curl -N localhost:9003/events": ("host/console/tests/console.rs", 'served.watch_from("/events"'),
    "cargo build --release --bin firstbyte": ("tests/outside/run.sh", "cargo build --release --quiet --bin firstbyte"),
    "deploy/release/build.sh --try x86_64": ("deploy/release/build.sh", 'deploy/release/try.sh "$arch"'),
    "pip install aws-sam-cli ziglang": ("tests/deploy/tools.sh", 'pip" install --quiet -r tests/deploy/requirements.txt'),
    "pip install -r requirements.txt": ("tests/deploy/tools.sh", "-r deploy/clients/python/requirements.txt"),
    "npm ci": ("tests/deploy/tools.sh", None),
    "cargo run": ("tests/deploy/run.sh", "cd deploy/clients/rust && CARGO_TARGET_DIR=$WORK/client nice cargo build"),
    "python3 -m ziglang": ("host/toolchain/src/rust/bootstrap.rs", '"-m", "ziglang", "version"'),
    "cp …/deploy/own/* .": ("tests/outside/run.sh", "cp deploy/own/{Makefile,template.yaml,samconfig.toml}"),
    "make swap": ("tests/outside/run.sh", "swap FUNCTION=a-function DRY_RUN=1"),
    "make swap FUNCTION=<DirectFunction> HANDLER=../guest/examples/greeting": (
        "tests/deploy/run.sh", "swap FUNCTION=a-function HANDLER=../guest/examples/greeting DRY_RUN=1",
    ),
    "cargo build --release -p firstbyte-cli": ("tests/deploy/run.sh", "cargo build --release --quiet --package firstbyte-cli"),
    "firstbyte layer --arch arm64 -o dist": ("tests/deploy/run.sh", 'layer --arch $arch -o "$WORK/first-$arch"'),
    ".ci/run": (".github/workflows/ci.yml", "run: .ci/run"),
    "sam deploy": ("tests/deploy/deployed.py", '"sam deploy"'),
    "sam delete": ("tests/deploy/deployed.py", '"sam delete"'),
    "npx cdk bootstrap": ("tests/deploy/deployed.py", '"npx cdk bootstrap"'),
    "npx cdk deploy": ("tests/deploy/deployed.py", '"npx cdk deploy"'),
    "firstbyte package guest/examples/greeting --arch arm64 -o dist": (
        "tests/deploy/run.sh", 'package guest/examples/greeting --arch $arch -o "$WORK/first-$arch"',
    ),
}
# The build of the host, which `firstbyte layer` runs for both architectures; a reader of the package has no other one.
HOST = ("host/toolchain/src/rust/bootstrap.rs", '"--no-default-features", "--features", features, "--target", &target')
MUSL = "--bin bootstrap --no-default-features --features bootstrap --target aarch64-unknown-linux-musl"
BY |= {f"cargo build --release {MUSL}": HOST, f"cargo build --profile lambda -p firstbyte-runtime {MUSL}": HOST}
SCRIPTS = [".ci/documents", "tests/deploy/run.sh", "tests/outside/run.sh", "tests/clients/install.sh", "tests/upstream/install.sh"]
BY |= {script: (".ci/run", None) for script in SCRIPTS}

# What CI does not run, and why: of documents for those who fuzz or measure, all that no other document has.
SPECIAL = {
    "host/wire/fuzz/README.md": "needs a nightly toolchain",
    "host/runtime/fuzz/README.md": "needs a nightly toolchain",
    "tests/bench/README.md": "measures for ten minutes, on a machine that does nothing else",
    "tests/bench/languages/README.md": "measures for eight minutes, on a machine that does nothing else",
}
NEVER = {
    "curl -N 'https://….lambda-url.eu-west-1.on.aws/' -d '{\"name\":\"hoge\"}'": "needs an AWS account",
    "cargo install firstbyte-cli --locked": "needs a release, and there is none yet",
    "deploy/release/build.sh x86_64": "builds hosts and a command line (52 minutes of CPU time for both architectures); CI runs it with `--quick`",
}
FENCE = re.compile(r"^[ \t>*-]*(?:`{3,}|~{3,}) *(\S*)[^\n]*\n(.*?)^[ \t>]*(?:`{3,}|~{3,}) *$", re.MULTILINE | re.DOTALL)
# What a block may be, besides `sh` and `console`. What a shell is given under another name would be passed over.
OTHERS = {"", "toml", "rust", "rust,no_run", "python", "js", "ts", "tsx", "json", "yaml", "html", "c", "wit"}
CODE = re.compile(r"`([^`\n]+)`")
# How a command in the middle of a sentence begins. The name of a program or of a subcommand alone is a name.
BEGINS = re.compile(
    r"(?:[A-Z_]+=\S+ )*(?:(?:cargo|rustup|pip|npm|npx|sam|docker|make|pytest|python3?) \S|curl .*[:/]|firstbyte \w+ [^A-Z\s]"
    r"|[\w.]+/[\w./-]+\.sh\b|\.ci/(?:run|documents)$)"
)
# What runs no program.
SHELL = re.compile(r"(?:cd|export) \S+$")


def blocks(document):
    """The lines of each block that a shell is given; and, of one that shows an answer, the answer."""
    for kind, text in FENCE.findall((ROOT / document).read_text()):
        if kind not in OTHERS | {"sh", "console"}:
            sys.exit(f"{document}: a block of `{kind}`: commands are in blocks of `sh`, or of `console` with what they answer")
        if kind == "" and any(BEGINS.match(line.removeprefix("$ ")) for line in text.splitlines()):
            sys.exit(f"{document}: a block with a command is one of `sh`, or of `console` with what it answers:\n{text}")
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
        if not line.startswith("#"):
            yield from (part.strip() for part in line.split(" && ") if part.strip() and not SHELL.match(part.strip()))
        if comment.strip().startswith("or: "):
            yield comment.strip().removeprefix("or: ")


def mentioned(document):
    """The commands in a document's sentences and tables."""
    text = FENCE.sub("", (ROOT / document).read_text())
    found = [code for code in CODE.findall(text) if BEGINS.match(code) and not re.search(r"…|<|\b[A-Z]{4,}$", code)]
    return [command for code in found for command in commands(code)]


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
        assert found or document not in WITH_COMMANDS, f"no command is found in {document}"
        for command in found:
            if command in NEVER and document in FOR_NEWCOMERS:
                wrong.append(f"{document}: `{command}` is not run by CI, because it {NEVER[command]}: it belongs in another document")
            elif command in NEVER:
                never.add(command)
            elif document in SPECIAL:
                continue
            elif command in BY:
                file, words = BY[command]
                lines = (ROOT / file).read_text().splitlines()
                have = "\n".join(line for line in lines if not line.lstrip().startswith(("# ", "//")))
                if not re.search(rf"(?<![\w-]){re.escape(words or command)}(?![\w-]| -p)", have):
                    wrong.append(f"{document}: `{command}` is said to be run by {file}, which does not have it")
            elif not (command in typed or part_of_the_tests(command)):
                wrong.append(f"{document}: no part of CI runs `{command}`: see the head of {Path(__file__).name}")
    for document, reason in SPECIAL.items():
        print(f"not run by CI, because it {reason}: what {document} has")
    for reason in sorted({NEVER[command] for command in never}):
        print(f"not run by CI, because it {reason}:", *sorted(command for command in never if NEVER[command] == reason), sep="\n  ")
    wrong += [f"{command}: no document has this command any more" for command in (BY.keys() | NEVER.keys() | BESIDES) - everywhere()]
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

    def serves(self, command, asking=""):
        """Starts what goes on until it is told to end, on ports that are free, asks it once it listens, and tells it to end.

        Returns what the commands that ask it say. They name the ports that it has unless it is told others.
        """
        print(f"  $ {command}", flush=True)
        ports = " ".join(f"--{name}-port 0" for name in ("lambda", "url", "api", "console"))
        process = subprocess.Popen(
            ["bash", "-c", re.sub(r"\bserve\b", f"serve {ports}", command, count=1)], cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )
        # A program that neither listens nor ends would be waited for without an end.
        late = threading.Timer(600, os.killpg, (process.pid, signal.SIGKILL))
        late.daemon = True
        late.start()
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("Ctrl-C"):
                break
        else:
            sys.exit(f"error: it does not serve:\n{''.join(said)}")
        doors = dict(re.findall(r"^(.*?)  +http://127\.0\.0\.1:(\d+)", "".join(said), re.MULTILINE))
        for port, door in (("9001", "Function URL"), ("9002", "API Gateway")):
            asking = asking.replace(f":{port}/", f":{doors[door]}/")
        answers = self.types(asking) if asking else ""
        os.killpg(process.pid, signal.SIGTERM)
        process.stdout.read()
        process.wait()
        late.cancel()
        return answers

    def deploys(self, command):
        """Answers what SAM asks, before an AWS that is on this machine, and sees that what was built arrived there."""
        # They need what tests/deploy/tools.sh installs, and `check` needs nothing.
        from aws import Aws
        from deployed import answered, arrived

        print(f"  $ {command}", flush=True)
        with Aws() as aws:
            answered(command, self.folder, self.environment | aws.environment)
            stack = arrived(aws, self.folder / ".aws-sam/build")
        made = sorted(resource["Type"].removeprefix("AWS::") for resource in stack.resources().values())
        assert made == ["IAM::Role", "Lambda::Function", "Lambda::LayerVersion", "Lambda::Url"], made
        print(f"    {stack.name}: {stack.status}, {' '.join(made)}", flush=True)

    def follows(self, text):
        """A block, as it is printed."""
        before = ""
        for line in text.replace("\\\n", " ").splitlines(keepends=True):
            command = line.partition(" # ")[0].strip()
            first, _, last = command.rpartition(" && ")
            if re.search(r"\bserve\b", command):
                first, step, last = "", self.serves, command
            elif last.startswith("sam deploy"):
                step = self.deploys
            else:
                before += line
                continue
            if (before + first).strip():
                self.types(before + first)
            before = ""
            step(last)
        return self.types(before) if before.strip() else ""


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
        # What the package of the command line says, with the project as the handler.
        reader.types("cd .. && mkdir path && mkdir path/to && ln -s ../../hello path/to/handler")
        for text, _ in blocks("host/cli/README.md"):
            reader.follows("\n".join(line for line in text.splitlines() if line not in NEVER))
        assert (reader.folder / "dist/function.zip").is_file()

    def scaffold(self, reader, language):
        """What a new project's own README.md says, in the project."""
        shown = (reader.folder / "README.md").read_text()
        assert "{{" not in shown, shown
        for kind, text in FENCE.findall(shown):
            assert kind == "sh", kind
            reader.follows(text)
        assert list((reader.folder / ".aws-sam/build").glob("*/handler.cwasm")), f"sam built no handler in {language}"

    def without_rust(self, language, name):
        """A language's own README.md, and what README.md of its project says."""
        reader = self.reader(name, [self.venv(f"{name}-venv")])
        assert shutil.which("cargo", path=reader.environment["PATH"]) is None, "there is Rust on the path"
        reader.types("pip install firstbyte")
        for text, _ in blocks(f"guest/{language}/README.md"):
            reader.follows(text)
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
            if text.startswith("curl "):
                said = reader.serves(served, asking=text)
                assert said.count("Hello, hoge! This is a delayed message.") == len(text.splitlines()), said
                continue
            if "serve guest/examples/greeting" in text:
                # The block after it asks this one.
                served = text.strip()
            if answer is None:
                reader.follows("\n".join(line for line in text.splitlines() if not line.startswith("wasmtime ")))
            else:
                said = reader.types(f"{text.strip()} 2> /dev/null || [ $? = 1 ]")
                assert said == answer, f"README.md shows another answer than this:\n{said}"
        (ROOT / "greeting.http.wasm").unlink(missing_ok=True)
        # An application of a reader's, behind an adapter.
        reader = self.reader("web", [self.work / "web", self.work / "reader-venv/bin"])
        shutil.copytree(ROOT / "tests/outside/web", reader.folder, dirs_exist_ok=True)
        asking = "curl -sS http://127.0.0.1:9001/a/path -d hoge && curl -sS http://127.0.0.1:9002/dev/a/path -d hoge"
        said = reader.serves(ADAPTED, asking)
        assert said == 2 * "POST /a/path: hoge\n", said


def in_a_checkout(text):
    return not all(command in BY for command in commands(text))


# Whose blocks are typed here, and what is typed besides.
ADAPTED = "firstbyte serve -e AWS_LWA_INVOKE_MODE=response_stream -- sh -c './app & exec lambda-adapter'"
BESIDES = {"npm install --save-dev firstbyte", ADAPTED}
TYPED = [("README.md", in_a_checkout)] + [(document, lambda _: True) for document in [*PROJECTS, *SCAFFOLDS, "host/cli/README.md"]]
# tests/deploy/deployed.py types them.
TYPED += [("deploy/README.md", lambda text: re.search(r"^(\w+=\$\()?aws ", text, re.MULTILINE))]


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
