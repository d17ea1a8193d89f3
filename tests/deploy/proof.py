"""Proves that what was packaged is what runs: streams the greeting through all three doors of a Lambda-like environment.

python proof.py --firstbyte FILE --task FOLDER --opt FOLDER [--handler NAME] [--cpu "qemu-… -cpu …"] [--swap FOLDER]
"""

import argparse
import hashlib
import os
import subprocess
import time

import boto3
from botocore.config import Config

from sandbox import LAMBDA, Sandbox

PAYLOAD = '{"name":"hoge"}'
FIRST = b"Hello, this is a streamed response!\n"
SECOND = b"Hello, hoge! This is a delayed message.\n"


def direct(sandbox):
    client = boto3.client(
        "lambda", region_name="us-east-1", endpoint_url=sandbox.urls["Lambda API"], aws_access_key_id="local",
        aws_secret_access_key="local", config=Config(retries={"total_max_attempts": 1}),
    )
    response = client.invoke_with_response_stream(FunctionName="function", Payload=PAYLOAD)
    complete = None
    for event in response["EventStream"]:
        if "PayloadChunk" in event:
            yield event["PayloadChunk"]["Payload"]
        else:
            complete = event["InvokeComplete"]
    assert complete is not None and "ErrorCode" not in complete, complete


def curl(url, *options):
    program = subprocess.Popen(["curl", "-sSNf", url, "-d", PAYLOAD, *options], stdout=subprocess.PIPE)
    while chunk := os.read(program.stdout.fileno(), 65536):
        yield chunk
    assert program.wait() == 0, f"curl ended with {program.returncode}"


def check_stream(name, chunks):
    begun = time.monotonic()
    text, times = b"", []
    for chunk in chunks:
        text += chunk
        times.append(time.monotonic() - begun)
    assert text == FIRST + SECOND, text
    assert times[-1] - times[0] > 1.5, f"{name}: the chunks came together, after {times} s"
    print(f"  {name:7} first bytes after {times[0]:.3f} s, the last {times[-1] - times[0]:.3f} s later")


def check_doors(sandbox):
    check_stream("direct", direct(sandbox))
    check_stream("url", curl(sandbox.urls["Function URL"]))
    check_stream("api", curl(sandbox.urls["API Gateway"], "--http2-prior-knowledge"))


def check_environment(sandbox):
    found, expected = set(sandbox.environment()), set(LAMBDA)
    assert found == expected, f"the environment has {found - expected} too many and lacks {expected - found}"
    print(f"  environment: Lambda's {len(found)} variables and no others")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--firstbyte", required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--opt", required=True)
    parser.add_argument("--handler", default="greeting")
    parser.add_argument("--cpu", default="", help="run everything on this CPU, emulated")
    parser.add_argument("--swap", help="a chat to put in the greeting's place, under the same bootstrap")
    arguments = parser.parse_args()
    cpu = arguments.cpu.split()

    with Sandbox(arguments.firstbyte, arguments.task, arguments.opt, arguments.handler, cpu) as sandbox:
        check_doors(sandbox)
        check_environment(sandbox)
        peak = sandbox.peak_mb()
        limit = "in a control group of 128 MB" if sandbox.group else "no control group here"
        print(f"  peak memory: {peak:.1f} MB ({'the CPU’s emulator included' if cpu else limit})")
        assert cpu or peak < 64, "a greeting needs more than half of the smallest function"
        sandbox.wait_for_reports(3)
        log = sandbox.stop()
        assert "WARN" not in log and "error" not in log.lower(), log

    if arguments.swap:
        before = digest(arguments.opt)
        with Sandbox(arguments.firstbyte, arguments.swap, arguments.opt, "chat", cpu) as sandbox:
            page = subprocess.check_output(["curl", "-sSf", sandbox.urls["Function URL"]], text=True)
            assert "<html" in page.lower(), page[:200]
        assert digest(arguments.opt) == before
        print("  swapped: the chat's page, from the same layer")


def digest(opt):
    with open(f"{opt}/bootstrap", "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
