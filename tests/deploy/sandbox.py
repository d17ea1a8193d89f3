"""A function's environment as Lambda lays it out: /var/task, /opt, Lambda's environment variables, and nothing else.

Knows how a packaged function is started. Does not know what is asked of it.
"""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

# What a function of the template with JSON logs gets from Lambda on provided.al2023. The emulator fills in the rest of the
# values; credentials are those of nobody.
LAMBDA = {
    "_HANDLER": None,
    "AWS_LAMBDA_RUNTIME_API": None,
    "AWS_LAMBDA_FUNCTION_NAME": None,
    "AWS_LAMBDA_FUNCTION_VERSION": None,
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": None,
    "AWS_LAMBDA_LOG_GROUP_NAME": None,
    "AWS_LAMBDA_LOG_STREAM_NAME": None,
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_FORMAT": "JSON",
    "AWS_LAMBDA_LOG_LEVEL": "INFO",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nobody",
    "AWS_SESSION_TOKEN": "nobody",
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
    "_AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129",
    "_AWS_XRAY_DAEMON_PORT": "2000",
    "LAMBDA_TASK_ROOT": "/var/task",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
    "LANG": "en_US.UTF-8",
    "TZ": ":UTC",
    "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
}


class Sandbox:
    """A packaged function behind the emulator's three doors."""

    def __init__(self, firstbyte, task, opt, handler, emulator_of_cpu=None, memory_mb=128):
        self.root = Path(tempfile.mkdtemp(prefix="firstbyte-sandbox-"))
        for folder in ("tmp", "proc", "dev", "var/runtime"):
            (self.root / folder).mkdir(parents=True)
        shutil.copytree(task, self.root / "var/task")
        shutil.copytree(opt, self.root / "opt")
        # In the order in which Lambda looks.
        places = ("var/task/bootstrap", "opt/bootstrap")
        bootstrap = next("/" + place for place in places if os.access(self.root / place, os.X_OK))
        cpu = list(emulator_of_cpu or [])
        if cpu:
            shutil.copy(cpu[0], self.root / "qemu")
            cpu[0] = "/qemu"
        # An emulator of a CPU keeps books on all addresses of its program, which no Lambda has to hold.
        self.group = control_group(1024 if cpu else memory_mb)
        self.process = subprocess.Popen(
            [firstbyte, "serve", handler, *("--lambda-port 0 --url-port 0 --api-port 0 --timeout 30".split()),
             "--memory", str(memory_mb), "--", self._launcher([*cpu, bootstrap])],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={"PATH": os.environ["PATH"]},
        )
        self.log = []
        self.urls = {}
        for line in self.process.stdout:
            self.log.append(line)
            if found := re.match(r"(Lambda API|Function URL|API Gateway) +(http\S+)", line):
                self.urls[found[1]] = found[2]
            if line.startswith("Ctrl-C"):
                break
        if len(self.urls) != 3:
            raise SystemExit("the emulator did not start:\n" + "".join(self.log))
        # Nobody may block it by not reading.
        self.drain = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=open(self.root / "log", "w"))

    def _launcher(self, program):
        """What the emulator starts in the place of the bootstrap; it becomes the bootstrap, in the same process."""
        variables = " ".join(
            f'{name}="${name}"' if value is None else f"{name}='{value}'" for name, value in LAMBDA.items()
        )
        join_group = f'echo $$ > "{self.group}/cgroup.procs"' if self.group else ":"
        unshare, env, chroot = (shutil.which(name) for name in ("unshare", "env", "chroot"))
        path = self.root / "function"
        path.write_text(
            f"#!/bin/sh\n{join_group} || exit\nexec {unshare} --map-root-user --mount sh -c '\n"
            f'  mount --rbind /proc "{self.root}/proc" && mount --rbind /dev "{self.root}/dev" || exit\n'
            f'  exec "$@"\' sh {env} -i {variables} {chroot} "{self.root}" {" ".join(program)}\n'
        )
        path.chmod(0o755)
        return str(path)

    def runtime(self):
        """The bootstrap's process."""
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, parent, group, *_ = status.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            # The first process of a group is the emulator's guard, and one that has ended has nothing to tell.
            if int(parent) == self.process.pid and state != "Z" and group != status.parent.name:
                return status.parent
        raise SystemExit("the runtime is not running:\n" + (self.root / "log").read_text())

    def environment(self):
        """What the bootstrap finds in its environment."""
        assignments = (self.runtime() / "environ").read_text().rstrip("\0").split("\0")
        return dict(assignment.split("=", 1) for assignment in assignments)

    def peak_mb(self):
        """The most memory that the bootstrap's process has had."""
        return int(re.search(r"VmHWM:\s+(\d+) kB", (self.runtime() / "status").read_text())[1]) / 1024

    def wait_for_reports(self, number):
        """Waits until so many invocations have been reported: whoever stops before ends what the runtime does after a response."""
        late = time.monotonic() + 30
        while (log := (self.root / "log").read_text()).count("REPORT RequestId") < number:
            assert time.monotonic() < late, log
            time.sleep(0.01)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.drain.wait(10)
        log = (self.root / "log").read_text()
        shutil.rmtree(self.root)
        if self.group:
            while (self.group / "cgroup.procs").read_text():
                time.sleep(0.01)
            self.group.rmdir()
        return log

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.root.exists():
            self.stop()


def control_group(memory_mb):
    """A group of processes that may have so much memory, where this machine lets us make one; the kernel kills what wants more."""
    hierarchies = {"/sys/fs/cgroup/memory": "memory.limit_in_bytes", "/sys/fs/cgroup": "memory.max"}
    for folder, limit in hierarchies.items():
        if not Path(folder, "cgroup.procs").is_file():
            continue
        group = Path(folder, f"firstbyte-{os.getpid()}")
        try:
            group.mkdir()
            (group / limit).write_text(str(memory_mb * 1024 * 1024))
        except OSError:
            if group.is_dir():
                group.rmdir()
            continue
        return group
    return None
