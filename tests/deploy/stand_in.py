#!/usr/bin/env python3
"""Stands in for `aws` and `sam`, by whichever name it is called: records the call, and answers as AWS would.

STAND_IN is a folder: `calls` is written, `outputs.json` holds the stack's outputs, `broken` names what fails, a line each, and
`functions/NAME` belongs to a function: `task` is its code, `environment` its variables, `log` what `firstbyte serve` prints of
it, and `processes` has a file for each process that runs it.
"""

import json
import os
import re
import signal
import sys
import zipfile
from pathlib import Path

HERE = Path(os.environ["STAND_IN"])


def option(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


def update_code():
    """Puts the zip in the place of the code."""
    function = HERE / "functions" / option("--function-name")
    for file in (function / "task").iterdir():
        file.unlink()
    with zipfile.ZipFile(option("--zip-file").removeprefix("fileb://")) as archive:
        archive.extractall(function / "task")
        for entry in archive.infolist():
            (function / "task" / entry.filename).chmod(entry.external_attr >> 16)
    restart(function)


def update_configuration():
    """Sets the function's variables, if any are given."""
    function = HERE / "functions" / option("--function-name")
    if variables := option("--environment"):
        assignments = re.fullmatch(r"Variables=\{(.*)\}", variables)[1]
        (function / "environment").write_text(assignments.replace(",", "\n") + "\n")
        restart(function)


def restart(function):
    """Ends the processes that run the function as it was."""
    for process in (function / "processes").iterdir():
        process.unlink()
        proc = Path("/proc", process.name, "cwd")
        # A process that is gone may have left its number to another one.
        if proc.exists() and proc.resolve() == function / "task":
            os.kill(int(process.name), signal.SIGKILL)


def reports():
    """What the emulator reported of invocations, as the JSON that Lambda logs."""
    for log in (HERE / "functions").glob("*/log"):
        for line in log.read_text().splitlines():
            if report := re.search(r"REPORT RequestId: (\S+)", line):
                found = dict(re.findall(r"\t([\w ]+): (\S+)", line))
                metrics = {"initDurationMs": float(found["Init Duration"])} if "Init Duration" in found else {}
                record = {"requestId": report[1], "metrics": metrics, "status": found.get("Status", "success")}
                record |= {"errorType": found["Error Type"]} if "Error Type" in found else {}
                yield {"message": json.dumps({"type": "platform.report", "record": record})}


def answer(command):
    """The document of an answer, or text."""
    outputs = json.loads((HERE / "outputs.json").read_text())
    match command:
        case "cloudformation describe-stacks" if option("--output") == "text":
            assert "OutputKey=='Url'" in option("--query")
            return f"{outputs['Url']}\t{outputs['ApiUrl']}"
        case "cloudformation describe-stacks":
            pairs = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
            return {"Stacks": [{"Outputs": pairs}]}
        case "lambda list-layer-versions":
            return "3\t4"
        case "lambda get-function-configuration":
            return {"Layers": [{"Arn": "arn:aws:lambda:eu-west-1:123456789012:layer:host:4"}], "State": "Active"}
        case "lambda publish-version":
            return {"Version": "1"}
        case "lambda update-function-code":
            update_code()
            return {"LastUpdateStatus": "InProgress"}
        case "lambda update-function-configuration":
            update_configuration()
            return {"LastUpdateStatus": "InProgress"}
        case "logs filter-log-events":
            return {"events": list(reports())}
        case "sam build":
            template = Path(option("--template")).read_text()
            assert "Method: any" in template, "the REST API must take HEAD"
            folder = Path(option("--build-dir"))
            folder.mkdir()
            (folder / "template.yaml").write_text(template)
    return ""


def main():
    program = Path(sys.argv[0]).name
    command = " ".join(sys.argv[1:3]) if program == "aws" else f"{program} {sys.argv[1]}"
    with open(HERE / "calls", "a") as file:
        file.write(json.dumps([program, *sys.argv[1:]]) + "\n")
    if command in (HERE / "broken").read_text().splitlines():
        sys.exit(f"{command} fails, as the test wants it to")
    said = answer(command)
    print(said if isinstance(said, str) else json.dumps(said))


if __name__ == "__main__":
    main()
