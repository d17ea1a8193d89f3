"""What deploy/verify-on-aws.sh meets in the place of an AWS account: stand-ins on its PATH, and doors that are the emulator's.

Knows how to run the script. Does not know what it should do.
"""

import json
import os
import platform
import re
import signal
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import samcli

HERE = Path(__file__).parent
SCRIPT = HERE.parents[1] / "deploy/verify-on-aws.sh"
ARCH = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
# Nothing answers here.
NOWHERE = "http://127.0.0.1:1/"


class Account:
    """A folder for the stand-ins, and an environment in which the script finds them. `broken` names the commands that fail."""

    def __init__(self, broken=()):
        self.root = Path(tempfile.mkdtemp(prefix="firstbyte-verify-"))
        (self.root / "bin").mkdir()
        for name in ("aws", "sam"):
            shutil.copy(HERE / "stand_in.py", self.root / "bin" / name)
        (self.root / "functions").mkdir()
        (self.root / "tmp").mkdir()
        (self.root / "broken").write_text("\n".join(broken))
        self.outputs = {
            "Url": NOWHERE, "ApiUrl": f"{NOWHERE}dev/greeting", "LogGroup": "/aws/lambda/logs",
            "DirectFunction": "direct", "UrlFunction": "url", "ApiFunction": "api",
        }
        self.environment = os.environ | {
            "STAND_IN": str(self.root), "PATH": f"{self.root}/bin:{os.environ['PATH']}", "TMPDIR": str(self.root / "tmp"),
            "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nobody",
            "AWS_ENDPOINT_URL_LAMBDA": NOWHERE,
            "ARCH": ARCH,
        }

    def start(self, *arguments):
        (self.root / "outputs.json").write_text(json.dumps(self.outputs))
        return subprocess.Popen(
            [SCRIPT, *arguments], env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            # A shell's jobs in the background begin without SIGINT, which no shell below them can take again.
            start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *arguments, status):
        """Runs the script to its end, and gives what it printed."""
        script = self.start(*arguments)
        said, _ = script.communicate(timeout=180)
        self.check_end(script, said, status)
        return said

    def check_end(self, script, said, status):
        assert script.returncode == status, f"{script.args} ended with {script.returncode}, not {status}:\n{said}"
        left = list((self.root / "tmp").iterdir())
        assert not left, f"{script.args} left {left}:\n{said}"

    def remove(self):
        shutil.rmtree(self.root)

    def calls(self, pattern):
        """The calls that match, as they would be typed."""
        lines = (self.root / "calls").read_text().splitlines() if (self.root / "calls").exists() else []
        return [call for call in (" ".join(json.loads(line)) for line in lines) if re.search(pattern, call)]


class Gate:
    """A port that refuses the first connections with 403, as a new Function URL does, and passes on the others."""

    def __init__(self, upstream, refusals):
        self.upstream = upstream
        self.refusals = refusals
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            client, _ = self.listener.accept()
            if self.refusals:
                self.refusals -= 1
                client.recv(65536)
                client.sendall(b'HTTP/1.1 403 Forbidden\r\nContent-Length: 16\r\nConnection: close\r\n\r\n{"Message":null}')
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.upstream))
            for source, sink in [(client, server), (server, client)]:
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one side is gone, and the other one will see it


class Function:
    """A function behind `firstbyte serve`: the code in its folder, a bootstrap of its own or Firstbyte's."""

    def __init__(self, account, name, firstbyte, task):
        folder = account.root / "functions" / name
        (folder / "processes").mkdir(parents=True)
        shutil.copytree(task, folder / "task")
        # The emulator takes the function's name from the program's.
        launcher = folder / name
        (folder / "environment").touch()
        launcher.write_text(
            f'#!/bin/sh\n: > "{folder}/processes/$$"\nset -a\n. "{folder}/environment"\n'
            f'[ -x bootstrap ] && exec ./bootstrap\nexec "{firstbyte}" bootstrap\n'
        )
        launcher.chmod(0o755)
        ports = ("--lambda-port", "0", "--url-port", "0", "--api-port", "0")
        self.log = open(folder / "log", "w")
        self.process = subprocess.Popen(
            [firstbyte, "serve", "greeting", *ports, "--timeout", "4", "--", launcher], cwd=folder / "task", stdout=self.log,
            stderr=subprocess.STDOUT, env={"PATH": os.environ["PATH"]},
        )
        while "Ctrl-C" not in (said := (folder / "log").read_text()):
            assert self.process.poll() is None, f"the emulator did not start: {said}"
            time.sleep(0.02)
        self.urls = dict(re.findall(r"^(Lambda API|Function URL|API Gateway) +(http\S+)", said, re.MULTILINE))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


class Rie:
    """AWS's runtime interface emulator, which comes with the SAM CLI: its Runtime API server is the one of Lambda."""

    def __init__(self, bootstrap):
        program = Path(samcli.__file__).parent / f"local/rapid/aws-lambda-rie-{ARCH}"
        self.folder = tempfile.TemporaryDirectory()
        # Without the permission to be executed in the package.
        copy = Path(shutil.copy(program, self.folder.name))
        copy.chmod(0o755)
        self.address, runtime_api = (f"127.0.0.1:{free_port()}" for _ in range(2))
        addresses = ["--runtime-interface-emulator-address", self.address, "--runtime-api-address", runtime_api]
        self.process = subprocess.Popen(
            [copy, *addresses, bootstrap], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"AWS_LAMBDA_FUNCTION_TIMEOUT": "3"},
        )

    def invoke(self, event):
        url = f"http://{self.address}/2015-03-31/functions/function/invocations"
        command = ["curl", "-s", "--retry", "20", "--retry-delay", "1", "--retry-connrefused", "--max-time", "20", url]
        return subprocess.check_output([*command, "--data", json.dumps(event)], text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.folder.cleanup()


def free_port():
    """A port for a program that cannot choose one itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
