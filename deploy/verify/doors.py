"""The three ways to call a function: directly, by its Function URL, and through the REST API.

Knows how a call is made and what came back. Does not know what any of it means.
"""

import json
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from botocore.config import Config

# As curl is told them. A cut looks different in each.
HTTP_VERSIONS = ("--http1.1", "--http2")


def script(words):
    """How the raw runtime is told what to do (see host/emulator/examples/raw_runtime.rs): JSON and bytes in hexadecimal."""

    def encode(value):
        if isinstance(value, dict):
            return json.dumps(value).encode().hex()
        return value.hex() if isinstance(value, bytes) else value

    return " ".join(f"{word}={encode(value)}" for word, value in words.items())


@dataclass
class Response:
    """What a call was answered, however it ended."""

    body: bytes = b""
    # Seconds from the call to the first byte, and to the end.
    first: float = 0.0
    last: float = 0.0
    # How it ended, in words.
    end: str = ""
    is_clean: bool = False
    # The invocation's id in the log; empty if it cannot be told from outside.
    request_id: str = ""
    # Of HTTP alone: no status without a response.
    status: int = 0
    version: str = ""
    headers: list = field(default_factory=list)

    def values(self, name):
        """All values of a header."""
        return [value for known, value in self.headers if known.lower() == name.lower()]

    def __str__(self):
        head = f"{self.status}, HTTP/{self.version}, " if self.version else ""
        first = f"the first after {self.first:.2f} s, " if self.body else ""
        return f"{head}{len(self.body)} bytes, {first}the end after {self.last:.2f} s, {self.end}"


class Direct:
    """InvokeWithResponseStream."""

    name = "direct"

    def __init__(self, function):
        self.function = function
        config = Config(read_timeout=120, retries={"total_max_attempts": 1}, max_pool_connections=20)
        self.client = boto3.client("lambda", config=config)

    def send(self, payload):
        """Calls with a payload, which is JSON."""
        response, begun, chunks = Response(end="broke off without InvokeComplete"), time.monotonic(), []
        try:
            answer = self.client.invoke_with_response_stream(FunctionName=self.function, Payload=json.dumps(payload))
            response.request_id = answer["ResponseMetadata"].get("RequestId", "")
            for event in answer["EventStream"]:
                if "PayloadChunk" in event:
                    response.first = response.first or time.monotonic() - begun
                    chunks.append(event["PayloadChunk"]["Payload"])
                if "InvokeComplete" in event:
                    response.is_clean, response.end = _complete(event["InvokeComplete"])
        except Exception as error:  # whatever it is, it is the answer
            response.end = f"{type(error).__name__}: {error}"
        response.body, response.last = b"".join(chunks), time.monotonic() - begun
        return response

    def tell(self, **words):
        """Calls the raw runtime."""
        return self.send({"x-probe": script(words)})


def _complete(event):
    code = event.get("ErrorCode")
    if not code:
        return True, "InvokeComplete without ErrorCode"
    details = event.get("ErrorDetails", "none")
    details = details if len(details) <= 100 else f"{details[:100]}… ({len(details)} characters)"
    return False, f"InvokeComplete, ErrorCode {code}, ErrorDetails {details}"


class Http:
    """A Function URL or a REST API, called by curl, because it speaks both versions of HTTP and tells a cut from an end."""

    def __init__(self, name, url):
        self.name = name
        self.url = url

    def send(self, payload):
        """Calls with a payload, which is JSON."""
        return self.call(body=json.dumps(payload).encode(), content_type="application/json")

    def tell(self, body=b"", content_type="text/plain", options=(), limit=100, **words):
        """Calls the raw runtime. What it is told is in a header, which comes through whatever becomes of the body."""
        options = ["--header", f"x-probe: {script(words)}", *options]
        return self.call(body=body, content_type=content_type, options=options, limit=limit)

    def call(self, method="POST", body=None, content_type=None, options=(), limit=100):
        """Calls with any options of curl, for `limit` seconds at most."""
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            command = ["curl", "-sS", "--no-buffer", "--max-time", str(limit), "--output", folder / "body"]
            command += ["--dump-header", folder / "head", "--header", f"content-type:{content_type or ''}"]
            command += ["--write-out", "%{http_code} %{http_version} %{time_starttransfer} %{time_total}"]
            command += ["--head"] if method == "HEAD" else ["--data-binary", "@-"]
            done = subprocess.run([*command, *options, self.url], input=body or b"", capture_output=True)
            status, version, first, last = done.stdout.decode().split()
            response = Response(status=int(status), version=version, first=float(first), last=float(last))
            response.body = _read(folder / "body") if method != "HEAD" else b""
            response.headers = _headers(_read(folder / "head").decode("latin-1"))
        response.is_clean = done.returncode == 0
        error = (done.stderr.decode(errors="replace").splitlines() or [""])[0]
        response.end = "clean end" if response.is_clean else f"curl exit {done.returncode}: {error}"
        response.request_id = next(iter(response.values("x-amzn-requestid")), "")
        return response


def _read(path):
    return path.read_bytes() if path.exists() else b""


def _headers(text):
    """The headers of the final response: there may be interim ones before and trailers behind it."""
    heads = [block for block in text.replace("\r\n", "\n").split("\n\n") if block.startswith("HTTP/")]
    lines = heads[-1].splitlines()[1:] if heads else []
    return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
