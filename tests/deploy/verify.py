"""Runs deploy/verify-on-aws.sh against stand-ins: `aws` and `sam` are stand_in.py, and the doors are the emulator's.

python verify.py --firstbyte FILE --task FOLDER
"""

import argparse
import os
import re
import signal
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from account import ARCH, NOWHERE, SCRIPT, Account, Function, Gate, Rie

# What the script removes.
DELETE_STACK = r"sam delete --stack-name firstbyte-verify-\d+ --region eu-west-1 --no-prompts --config-env verify"
DELETE_LAYER = r"aws lambda delete-layer-version --region eu-west-1 --layer-name firstbyte-verify-\d+-host --version-number "


def everything(firstbyte, task):
    """All questions, at doors that are the emulator's, of which one is not there at once."""
    aws = Account()
    with ExitStack() as running:
        direct, url, api = (running.enter_context(Function(aws, name, firstbyte, task)).urls for name in ("direct", "url", "api"))
        gate = Gate(int(url["Function URL"].rstrip("/").rsplit(":", 1)[1]), refusals=2)
        aws.outputs |= {"Url": f"http://127.0.0.1:{gate.port}/", "ApiUrl": f"{api['API Gateway']}/greeting"}
        aws.environment |= {"AWS_ENDPOINT_URL_LAMBDA": direct["Lambda API"], "FIRSTBYTE": firstbyte}
        said = aws.run("--wait", "10", status=0)
    check_answers(said)
    check_calls(aws)
    aws.remove()
    print(f"  {len(table(said))} answers from the emulator, after two 403s of a new URL")


def table(said):
    """What the table has for each question."""
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in said.splitlines() if line.startswith("| ")]
    return {row[0]: row[-1] for row in rows[1:]}


def check_answers(said):
    found = table(said)
    assert "COULD NOT" not in said and "not in the log" not in said and "Traceback" not in said, said
    for name, pattern in {
        "first answer after the deployment, Function URL": "before, 2 times: 403$",
        "greeting, direct": r"^76 bytes, the first after [01].*InvokeComplete without ErrorCode$",
        "greeting, Function URL": r"^200, .*76 bytes, the first after [01].*clean end$",
        "greeting, REST API": r"^200, .*76 bytes, the first after [01].*clean end$",
        "Init Duration, ms": r"^\d+\.\d+(, \d+\.\d+){2}$",
        "the layer after a swap": "^the same version$",
        "the handler fails (Function.Expected) half-way, direct": "^1000 bytes.* ErrorCode Function.Expected",
        "the handler panics (Runtime.Panic) half-way, direct": "ErrorCode Runtime.Panic",
        "the host's deadline (Runtime.DeadlineExceeded) half-way, direct": "ErrorCode Runtime.DeadlineExceeded",
        "the host's deadline (Runtime.DeadlineExceeded) half-way, REST API": "^200, .* 8 bytes, ",
        "the handler panics (Runtime.Panic): in the log": "^status error, errorType Runtime.Panic$",
        "200 without a body, Function URL": r"^http1.1: 200, ended after [01].*; http2: 200, ended after [01]",
        "204 without a body, REST API": r"^http1.1: 204, ended after [01].*; http2: 204, ended after [01]",
        "302 without a body, Function URL": r"^http1.1: 302, ended after [01]",
        "HEAD, Function URL": r"^http1.1: 400, ended after [01]",
        "HEAD, REST API": r"^http1.1: 400, ended after [01]",
        "200 MiB and a byte, direct": "^209715201 bytes",
        "220 MiB, direct": "^230686720 bytes",
        "SnapStart": "^version 1: Active",
        "Runtime.Probe in trailers, direct": "ErrorCode Runtime.Probe",
        "Runtime.Probe by /error, direct": "^77 bytes",
        "the runtime's process exits half-way: in the log": "^status error, errorType Runtime.ExitError$",
        "Lambda's timeout in mid-stream, Function URL, http1.1": r"^201, .*16 bytes, .*the end after [3-9]",
        "the REST API's timeout in mid-stream, http1.1": r"^201, .*16 bytes, .*the end after [3-9]",
        "trailers of 4096 bytes, direct": r"^16 bytes, .* ErrorCode Function.Probe\w*, ErrorDetails",
        "trailers of 4099 bytes, REST API": "^201, ",
        "headers kept, Function URL": r"\betag, .*\bvary\b",
        "headers spelled differently, Function URL": "X-Probe-Mixed-Case → x-probe-mixed-case",
        "headers dropped, Function URL": r"\bconnection, .*\bupgrade\b",
        "headers added, REST API": "x-amz-apigw-id",
        "a gzip body, REST API": "content-encoding: gzip, the body as it was sent, clean end$",
        "an array, Function URL": r"^\d+, x-many: ",
        "multiValueHeaders, REST API": "^200, x-many: 1 and 2$",
        "metadata of 4096 bytes, Function URL": "^200, ended after .* with 4044 bytes",
        "metadata of 16385 bytes, REST API": "^500, ",
        "requests as text, Function URL": "application/json",
        "requests as base64, Function URL": "image/png",
        "text/plain, but no UTF-8, Function URL": "^as ",
    }.items():
        assert re.search(pattern, found.get(name, "")), f"{name}: {found.get(name)!r} is not {pattern!r}:\n{said}"


def check_calls(aws):
    (deployment,) = aws.calls("^sam deploy")
    stack = re.search(r"--stack-name (\S+)", deployment)[1]
    assert f"--s3-prefix {stack}" in deployment and "UrlAuth=NONE" in deployment, deployment
    # Nothing that a user's samconfig.toml says takes part.
    assert all("--config-env verify" in call for call in aws.calls("^sam ")), aws.calls("^sam ")
    assert len(aws.calls(DELETE_STACK)) == 1 and len(aws.calls(DELETE_LAYER)) == 2
    assert len(aws.calls("^aws lambda update-function-code")) == 6, "one swap and one raw runtime for each function"
    assert aws.calls("update-function-configuration --function-name api --timeout 60")


def cleanup():
    """Whatever fails, everything else is removed, and what is left is named together with the command that removes it."""
    both = [DELETE_STACK, DELETE_LAYER + "3", DELETE_LAYER + "4"]
    for broken, status, called, left in [
        ([], 0, both, []),
        (["sam build"], 1, [], []),
        (["sam deploy"], 1, both, []),
        (["cloudformation describe-stacks"], 1, both, []),
        (["lambda publish-version"], 1, both, []),
        (["sam delete"], 1, both, [DELETE_STACK, NOWHERE]),
        (["lambda delete-layer-version"], 1, both, both[1:]),
        (["lambda list-layer-versions"], 1, both[:1], ["aws lambda list-layer-versions"]),
        (["sam deploy", "sam delete", "lambda delete-layer-version"], 1, both, both),
    ]:
        aws = Account(broken)
        said = aws.run("--only", "snapstart", status=status)
        for call in both:
            assert len(aws.calls(call)) == (call in called), f"{broken}: {call} was called otherwise:\n{said}"
        _, _, told = said.partition("NOT removed")
        assert bool(told) == bool(left) and "Traceback" not in said, f"{broken}:\n{said}"
        for pattern in left:
            assert re.search(pattern, told), f"{broken}: {pattern} is not told:\n{said}"
        aws.remove()
    print("  removal: whatever fails, the rest goes, and what is left is named")


def keep():
    """With --keep nothing is removed, and what stays is said before and after."""
    for broken, status in [([], 0), (["lambda publish-version"], 1), (["cloudformation describe-stacks"], 1)]:
        aws = Account(broken)
        said = aws.run("--keep", "--only", "snapstart", status=status)
        assert not aws.calls("^sam delete") and not aws.calls("delete-layer-version"), said
        warning, _, kept = said.partition("KEPT")
        assert "test code stays behind public URLs until you remove it" in warning.splitlines()[0], said
        exposure = "public URLs that ask nobody for credentials"
        addresses = [] if "cloudformation describe-stacks" in broken else [NOWHERE]
        for pattern in (exposure, *addresses, DELETE_STACK, DELETE_LAYER + "3", DELETE_LAYER + "4"):
            assert re.search(pattern, kept), f"{pattern} is not told:\n{said}"
        aws.remove()
    print("  --keep: says that test code stays behind public URLs, and how to remove it")


def interrupted():
    """Ctrl-C and a request to terminate end the questions, and the stack goes."""
    for number, status in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
        aws = Account()
        script = aws.start("--only", "greeting,snapstart")
        said = ""
        while "is not there yet" not in said:
            line = script.stdout.readline()
            assert line, said
            said += line
        os.killpg(script.pid, number)
        rest, _ = script.communicate(timeout=300)
        said += rest
        aws.check_end(script, said, status)
        assert len(aws.calls(DELETE_STACK)) == 1 and len(aws.calls(DELETE_LAYER)) == 2, said
        assert "| Question" in said and "Traceback" not in said, said
        aws.remove()
    print("  Ctrl-C: prints what was found, and removes everything")


def unreachable():
    """A door that never answers is waited for within bounds, and said so; the others are still asked."""
    aws = Account()
    said = aws.run("--wait", "1", "--only", "greeting,snapstart", status=1)
    for door in ("direct", "Function URL", "REST API"):
        assert f"{door} is not there yet, and is tried again for 1 s" in said, said
        found = table(said)[f"first answer after the deployment, {door}"]
        assert found.startswith("COULD NOT BE ASKED: not there within 1 s: "), found
    assert table(said)["SnapStart"].startswith("version 1: Active"), said
    assert len(aws.calls(DELETE_STACK)) == 1 and len(aws.calls(DELETE_LAYER)) == 2, said
    aws.remove()
    print("  a URL that never answers is given up, and the rest is asked")


def usage():
    """What cannot be meant is refused before anything is deployed, and the guide has the same topics as the help."""
    aws = Account()
    topics = re.findall(r"^  ([a-z-]+) {2,}", aws.run("--help", status=0).partition("Topics:")[2], re.MULTILINE)
    guide = (SCRIPT.parent / "README.md").read_text().partition("| Topic |")[2]
    assert topics and topics == re.findall(r"^\| `([a-z-]+)` \|", guide, re.MULTILINE), f"the guide lacks some of {topics}"
    aws.remove()
    for arguments, told in [
        (["--only", "heads"], "'heads' is no topic; there are greeting, "),
        (["--only"], "--only needs a value"),
        (["--wait", "long"], "invalid float value: 'long'"),
        (["--kep"], "usage: "),
    ]:
        aws = Account()
        said = aws.run(*arguments, status=2)
        assert told in said and not aws.calls(""), said
        aws.remove()
    print("  options: refused before anything is deployed")


def sections():
    """Trailers of 4096 bytes pass AWS's own Runtime API server, and those of 4097 do not: so the sizes are exact."""
    with tempfile.TemporaryDirectory() as folder:
        make = ["make", "--no-print-directory", "-C", "deploy", "raw-runtime", f"DIST={folder}", f"ARCH={ARCH}"]
        subprocess.run(make, check=True, capture_output=True)
        for size, passes in [(4000, True), (4095, True), (4096, True), (4097, False), (4099, False)]:
            with Rie(f"{folder}/bootstrap") as rie:
                said = rie.invoke({"x-probe": f"ending=trailers section={size}"})
                assert ("chunk 1" in said) == passes, f"{size} bytes of trailers: {said}"
    print("  trailers: 4096 bytes pass AWS's emulator, 4097 do not")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--firstbyte", required=True)
    parser.add_argument("--task", required=True)
    arguments = parser.parse_args()
    firstbyte = str(Path(arguments.firstbyte).resolve())
    with ThreadPoolExecutor() as pool:
        tests = [pool.submit(everything, firstbyte, arguments.task)]
        tests += [pool.submit(test) for test in (sections, cleanup, keep, interrupted, unreachable, usage)]
        for test in tests:
            test.result()


if __name__ == "__main__":
    main()
