"""The stack that is asked: its doors, what code is behind them, and its log.

Everything but the calls themselves goes through the AWS CLI, as people would type it.
"""

import json
import subprocess
import time
import zipfile
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Thread

from doors import Direct, Http

# How long a change may take to be seen at the doors, and lines to be found in the log.
PATIENCE = 60


class Refused(Exception):
    """A command that failed."""


def run(*command):
    """Runs a command in deploy/, and gives what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise Refused(f"{' '.join(map(str, command[:4]))}…: {said[-400:]}")
    return done.stdout


def aws(*arguments):
    """Runs the AWS CLI, and gives the document that it prints, if it does."""
    said = run("aws", *arguments, "--output", "json")
    return json.loads(said) if said.strip() else {}


def greets(door):
    response = door.send({"name": "hoge"})
    return response, b"streamed response" in response.body


def ends(door):
    response = door.send({"ending": "tokens", "count": 1})
    return response, response.body == b"token 0\n"


def is_raw(door):
    response = door.tell(ending="clean")
    return response, response.body == b"chunk 0\nchunk 1\n"


class Stack:
    """The deployed stack. `wait` is how many seconds its doors may take to their first answer."""

    def __init__(self, name, work, report, wait):
        self.work = Path(work)
        self.report = report
        self.wait = wait
        stack = aws("cloudformation", "describe-stacks", "--stack-name", name)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        self.direct = Direct(outputs["DirectFunction"])
        self.url = Http("Function URL", outputs["Url"])
        self.api = Http("REST API", outputs["ApiUrl"])
        self.doors = [self.direct, self.url, self.api]
        self.http = [self.url, self.api]
        names = (outputs[key] for key in ("DirectFunction", "UrlFunction", "ApiFunction"))
        self.functions = dict(zip(self.doors, names))
        self.log_group = outputs["LogGroup"]
        self.code = None
        self.timeouts = {}

    def use(self, code):
        """Has all doors lead to `greeting`, which was deployed, to the guest `endings`, or to the `raw` runtime."""
        if code == self.code:
            return
        if self.code is None:
            self._await(greets, self.wait, "deployment")
            self.code = "greeting"
        if code == "endings":
            for function in self.functions.values():
                # As README.md says to do it.
                run("make", "--no-print-directory", "swap", f"FUNCTION={function}", "HANDLER=../tests/guests/endings",
                    "NAME=greeting", f"DIST={self.work}/swap")
            self._await(ends, PATIENCE, "swap")
        elif code == "raw":
            run("make", "--no-print-directory", "raw-runtime", f"DIST={self.work}")
            archive = self.work / "raw.zip"
            pack(self.work / "bootstrap", archive)
            for function in self.functions.values():
                aws("lambda", "update-function-code", "--function-name", function, "--zip-file", f"fileb://{archive}")
                settle(function)
            self._await(is_raw, PATIENCE, "change to the raw runtime")
        self.code = code

    def _await(self, check, patience, change):
        """Calls all doors until the code that they should lead to answers, because a change takes its time to get there."""
        arrivals = together([partial(arrive, door, check, patience) for door in self.doors])
        for door, arrival in zip(self.doors, arrivals):
            what = f"first answer after the {change}, {door.name}"
            if not arrival.is_there:
                self.report.failure(what, f"not there within {patience:.0f} s: {arrival}")
            elif arrival.refusals or change == "deployment":
                self.report.row(what, "not documented", arrival)

    def set_timeout(self, door, seconds):
        """The function's timeout."""
        if self.timeouts.get(door) != seconds:
            self.configure(door, "--timeout", str(seconds))
            self.timeouts[door] = seconds

    def configure(self, door, *settings):
        aws("lambda", "update-function-configuration", "--function-name", self.functions[door], *settings)
        settle(self.functions[door])

    def reports(self, is_enough):
        """The records of all `platform.report` lines in the log, when there are enough of them or enough time has passed."""
        begun = time.monotonic()
        while True:
            found = aws("logs", "filter-log-events", "--log-group-name", self.log_group,
                        "--filter-pattern", '{ $.type = "platform.report" }')
            records = [json.loads(event["message"])["record"] for event in found["events"]]
            if is_enough(records) or time.monotonic() - begun > PATIENCE:
                return records
            time.sleep(5)


class Arrival:
    """How long a door took to lead to other code, and what it said until then."""

    def __init__(self):
        self.refusals = []
        self.seconds = 0.0
        self.is_there = False

    def __str__(self):
        before = f"; before, {len(self.refusals)} times: {', '.join(sorted(set(self.refusals)))}" if self.refusals else ""
        return f"after {self.seconds:.0f} s{before}"


def arrive(door, check, patience):
    """Calls a door until the check is content, for `patience` seconds at most."""
    arrival, begun = Arrival(), time.monotonic()
    while True:
        response, arrival.is_there = check(door)
        arrival.seconds = time.monotonic() - begun
        if arrival.is_there or arrival.seconds > patience:
            return arrival
        arrival.refusals.append(str(response.status) if response.status else response.end)
        print(f"   {door.name} is not there yet, and is tried again for {patience:.0f} s: {response}", flush=True)
        time.sleep(min(3, patience / 10))


def pack(bootstrap, archive):
    """Makes a zip of a bootstrap that may be executed."""
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o100755 << 16
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(entry, bootstrap.read_bytes())


def settle(function):
    """Waits until a change to the function is in force."""
    aws("lambda", "wait", "function-updated-v2", "--function-name", function)


def together(calls):
    """Makes calls at the same time, because some of them hang until a timeout. Their results, in order."""

    def fulfil(future, call):
        try:
            future.set_result(call())
        except Exception as error:  # raised where the result is wanted
            future.set_exception(error)

    futures = [Future() for _ in calls]
    # Not an executor's threads, for which Ctrl-C would wait.
    threads = [Thread(target=fulfil, args=pair, daemon=True) for pair in zip(futures, calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        # A wait without an end may miss the signal of Ctrl-C, if that comes just before.
        while thread.is_alive():
            thread.join(0.2)
    return [future.result() for future in futures]
