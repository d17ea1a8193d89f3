"""The clients of deploy/clients against the emulator: each shows both chunks when they come, the end, and the log's tail.

python clients.py --firstbyte FILE --task FOLDER --opt FOLDER --rust FILE
"""

import argparse
import re
import subprocess
import sys

from sandbox import Sandbox


def check(name, command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{name} ended with {done.returncode}: {done.stdout}{done.stderr}"
    lines = re.findall(r"^ *([\d.]+) s  (.*)$", done.stdout, re.MULTILINE)
    (first, hello), (second, delayed), (_, end) = lines
    assert hello == '"Hello, this is a streamed response!\\n"', lines
    assert delayed == '"Hello, hoge! This is a delayed message.\\n"' and float(second) - float(first) > 1.5, lines
    assert end == "InvokeComplete", lines
    assert "REPORT RequestId" in done.stdout, f"{name} shows no log: {done.stdout}"
    print(f"  {name}: chunks after {first} and {second} s, InvokeComplete, the log's tail")


def main():
    parser = argparse.ArgumentParser()
    for option in ("--firstbyte", "--task", "--opt", "--rust"):
        parser.add_argument(option, required=True)
    arguments = parser.parse_args()
    with Sandbox(arguments.firstbyte, arguments.task, arguments.opt, "greeting") as sandbox:
        call = ["--endpoint-url", sandbox.urls["Lambda API"].rstrip("/"), "function", '{"name":"hoge"}']
        check("JavaScript", ["node", "deploy/clients/javascript/invoke.mjs", *call])
        check("Python", [sys.executable, "deploy/clients/python/invoke.py", *call])
        check("Rust", [arguments.rust, *call])


if __name__ == "__main__":
    main()
