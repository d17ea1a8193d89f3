#!/usr/bin/env python3
"""Measures runtimes of JavaScript and Python side by side, in turns: from exec to the first `/next`, the first byte back to back, CPU and
memory. Each runtime meets a Runtime API of this program's own. Nothing is installed here: README.md says how the runtimes are had.

    measure.py [--starts N] [--invocations N,N] [--path PATH] NAME=FOLDER:HANDLER[:VARIABLE=VALUE…]=>COMMAND …

With --save, the figures are written as JSON, too, of which chart.py makes a table and a picture. A `function.zip` in FOLDER is what is
deployed: its size is told.

COMMAND is split as a shell does; several commands between `&&&` are started together, as the Web Adapter and its server are. RSS is that
of all of them, CPU that of all they have started. `{port}` is a port that is
free. With two numbers for `--invocations`, RSS is told after each.
"""

import argparse
import json
import math
import os
import platform
import queue
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

TICK = os.sysconf("SC_CLK_TCK")
EVENT = {
    "version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "", "headers": {"content-type": "application/json"},
    "requestContext": {
        "accountId": "anonymous", "apiId": "bench", "domainName": "bench.lambda-url.us-east-1.on.aws", "domainPrefix": "bench",
        "http": {"method": "POST", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "bench"},
        "requestId": "0", "routeKey": "$default", "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1767225600000,
    },
    "body": '{"name":"hoge","work":"greet"}', "isBase64Encoded": False,
}  # fmt: skip


#: What an extension gets, as the Web Adapter is one.
REGISTERED = b"HTTP/1.1 200 OK\r\nlambda-extension-identifier: 1\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class RuntimeApi:
    """Lambda's Runtime API for one process: events go to who asks `/next`, and what is answered is kept with its times."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.asked = threading.Semaphore(0)
        self.events = queue.SimpleQueue()
        self.answers = queue.SimpleQueue()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        reader = connection.makefile("rb")
        try:
            while line := reader.readline():
                method, path, _ = line.decode().split(" ")
                headers = {}
                while (field := reader.readline().strip()):
                    name, _, value = field.decode().partition(":")
                    headers[name.lower()] = value.strip()
                if path.endswith("/invocation/next"):
                    self.asked.release()
                    self._deliver(connection)
                    continue
                if path.endswith("/extension/event/next"):
                    continue  # There is no event for an extension.
                first, body, trailers = self._body(reader, headers)
                if path.endswith("/extension/register"):
                    connection.sendall(REGISTERED)
                    continue
                if "/invocation/" in path:
                    kind = "failed" if path.endswith("/error") or "lambda-runtime-function-error-type" in trailers else "answered"
                    self.answers.put((kind, first, body))
                connection.sendall(b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 0\r\n\r\n")
        except OSError:
            pass

    def _deliver(self, connection):
        number = self.events.get()
        if number is None:
            return
        event = json.dumps(EVENT).encode()
        head = (
            f"HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: 00000000-0000-4000-8000-{number:012}\r\n"
            f"lambda-runtime-deadline-ms: {int(time.time() * 1000) + 30_000}\r\n"
            "lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:bench\r\n"
            f"content-type: application/json\r\ncontent-length: {len(event)}\r\n\r\n"
        )
        connection.sendall(head.encode() + event)

    @staticmethod
    def _body(reader, headers):
        """When the first byte of the handler's came, the body, and the trailers. A prelude is no byte of the handler's."""
        first, body, trailers = None, b"", {}
        if headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int(reader.readline().split(b";")[0], 16):
                body += reader.read(size)
                reader.readline()
                if first is None and b"Hello" in body:
                    first = time.perf_counter()
            while (line := reader.readline().strip()):
                name, _, value = line.decode().partition(":")
                trailers[name.lower()] = value.strip()
        else:
            body = reader.read(int(headers.get("content-length", 0)))
            first = time.perf_counter()
        return first, body, trailers


@dataclass
class Contender:
    name: str
    folder: str
    handler: str
    environment: dict
    commands: list
    starts: list = field(default_factory=list)
    start_cpus: list = field(default_factory=list)
    firsts: list = field(default_factory=list)
    rss: list = field(default_factory=list)
    cpu: float = 0.0
    failures: int = 0

    @classmethod
    def parsed(cls, text):
        name, where, command = text.split("=", 1)[0], *text.split("=", 1)[1].split("=>", 1)
        folder, handler, *variables = where.split(":")
        return cls(name, os.path.abspath(folder), handler, dict(one.split("=", 1) for one in variables), [shlex.split(one) for one in command.split("&&&")])


class Started:
    """The processes of a contender, before whom its Runtime API stands."""

    def __init__(self, contender, log):
        self.api = RuntimeApi()
        environment = {
            "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api.port}",
            "_HANDLER": contender.handler, "LAMBDA_TASK_ROOT": contender.folder, "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_REGION": "us-east-1",
            "AWS_LAMBDA_LOG_GROUP_NAME": "bench", "AWS_LAMBDA_LOG_STREAM_NAME": "bench", **contender.environment,
        }  # fmt: skip
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        environment = {name: value.replace("{port}", port) for name, value in environment.items()}
        commands = [[word.replace("{port}", port) for word in command] for command in contender.commands]
        begun = time.perf_counter()
        self.processes = [
            subprocess.Popen(command, cwd=contender.folder, env=environment, stdout=log, stderr=log, start_new_session=True) for command in commands
        ]
        if not self.api.asked.acquire(timeout=60):
            self.end()
            sys.exit(f"{contender.name} has not asked for an invocation")
        self.start = (time.perf_counter() - begun) * 1000
        self.asked = True

    def invoke(self, number):
        """Invokes once: whether it was answered, and after how many milliseconds its first byte came."""
        if not self.asked and not self.api.asked.acquire(timeout=60):
            return False, None
        self.asked = False
        begun = time.perf_counter()
        self.api.events.put(number)
        try:
            kind, first, body = self.api.answers.get(timeout=60)
        except queue.Empty:
            return False, None
        is_right = kind == "answered" and b"Hello, hoge!" in body
        return is_right, (first - begun) * 1000 if first else None

    def _pids(self):
        for process in self.processes:
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    if os.getsid(int(pid)) == process.pid:
                        yield int(pid)
                except OSError:
                    pass

    def rss(self):
        """MiB that all processes have in memory."""
        pages = sum(int(open(f"/proc/{pid}/statm").read().split()[1]) for pid in self._pids())
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def cpu(self):
        """Milliseconds of CPU that all processes have used."""
        ticks = 0
        for pid in self._pids():
            fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
            ticks += sum(map(int, fields[11:15]))
        return ticks * 1000 / TICK

    def cpu_of_start(self):
        """The same by the scheduler's clocks, which are finer, of processes that live, with their threads that have ended."""
        # CLOCK_PROCESS_CPUTIME_ID of another process, as clock_getcpuclockid(3) makes it.
        return sum(time.clock_gettime(~pid << 3 | 2) for pid in self._pids()) * 1000

    def end(self):
        for process in self.processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        self.api.events.put(None)
        self.api.listener.close()


def lowest(figures):
    """The lowest decile: what the machine's other work has touched least."""
    return statistics.quantiles(figures, n=10, method="inclusive")[0] if len(figures) > 1 else math.nan


def spread(figures):
    """Median, quartiles, and lowest decile of figures."""
    low, median, high = statistics.quantiles(figures, n=4, method="inclusive")
    return {"median": median, "quartiles": [low, high], "lowest decile": lowest(figures)}


def save(path, arguments, marks, contenders):
    """Writes what was measured, and on what."""
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=os.path.dirname(os.path.abspath(__file__)))
    results = {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "commit": commit.stdout.strip(), "note": arguments.note,
        "machine": f"{os.cpu_count()} cores of {cpu}, Linux {platform.release()}", "load": os.getloadavg()[0],
        "starts": arguments.starts, "invocations": marks[-1], "contenders": [],
    }  # fmt: skip
    for one in contenders:
        zipped = os.path.join(one.folder, "function.zip")
        results["contenders"].append({
            "name": one.name, "failures": one.failures,
            "next, ms": spread(one.starts), "CPU until next, ms": spread(one.start_cpus), "first byte, ms": spread(one.firsts),
            "CPU per invocation, ms": one.cpu, "RSS after init, MiB": one.rss[0], "RSS at the end, MiB": one.rss[-1],
            "zip, bytes": os.path.getsize(zipped) if os.path.exists(zipped) else None,
        })  # fmt: skip
    with open(path, "w") as file:
        json.dump(results, file, indent=1)
        file.write("\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--starts", type=int, default=15, help="starts of each")
    parser.add_argument("--invocations", default="1000", help="after how many RSS is told: one number, or several that grow")
    parser.add_argument("--path", default="/", help="the path that is asked for")
    parser.add_argument("--log", default=os.devnull, help="where the runtimes write to")
    parser.add_argument("--save", help="the file of JSON to write")
    parser.add_argument("--note", default="", help="what to say of the run in it")
    parser.add_argument("contenders", nargs="+")
    arguments = parser.parse_args()
    EVENT["rawPath"] = EVENT["requestContext"]["http"]["path"] = arguments.path
    marks = [int(number) for number in arguments.invocations.split(",")]
    contenders = [Contender.parsed(text) for text in arguments.contenders]
    with open(arguments.log, "ab") as log:
        for _ in range(arguments.starts):
            for contender in contenders:
                started = Started(contender, log)
                contender.starts.append(started.start)
                contender.start_cpus.append(started.cpu_of_start())
                started.end()
        running = [(contender, Started(contender, log)) for contender in contenders]
        for contender, started in running:
            contender.rss.append(started.rss())
            contender.cpu = -started.cpu()
        for number in range(marks[-1]):
            for contender, started in running:
                is_right, first = started.invoke(number)
                contender.failures += not is_right
                if first is not None:
                    contender.firsts.append(first)
            if number + 1 in marks:
                for contender, started in running:
                    contender.rss.append(started.rss())
        for contender, started in running:
            contender.cpu = (contender.cpu + started.cpu()) / marks[-1]
            started.end()
    if arguments.save:
        save(arguments.save, arguments, marks, contenders)
    names = ["", "/next, ms", "lowest decile", "CPU until then, ms", "first byte, ms", "lowest decile", "CPU, ms", "RSS after init, MiB", *(f"after {mark}" for mark in marks), "failures"]
    print("| " + " | ".join(names) + " |\n|---|" + "--:|" * (len(names) - 1))
    for one in contenders:
        figures = [statistics.median(one.starts), lowest(one.starts), statistics.median(one.start_cpus), statistics.median(one.firsts or [math.nan]), lowest(one.firsts), one.cpu, *one.rss]
        print(f"| {one.name} | " + " | ".join(f"{figure:.2f}" for figure in figures) + f" | {one.failures} |")


main()
