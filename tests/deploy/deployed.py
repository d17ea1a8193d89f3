"""Deploys what SAM has built to an AWS on this machine (aws.py), by the real SAM CLI, and sees that it arrived.

python deployed.py BUILT SAMCONFIG      types what deploy/README.md says of its own template, which `sam build` has built to BUILT
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from aws import Aws, yaml_parse

# What the documents say to answer `y`. Everything else that SAM asks proposes an answer, which Enter takes.
YES = re.compile(r"(Deploy this changeset\?|has no authentication\. Is this okay\?|Are you sure you want to delete .*) \[y/N\]: $")
PROPOSED = re.compile(r"\[[^][\n]*\]: $")


def answered(command, folder, environment):
    """Types a command in a folder, answers what it asks, and says what it said."""
    process = subprocess.Popen(
        command if isinstance(command, list) else ["bash", "-c", command], cwd=folder, env=environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    said, asked = "", 0
    while piece := os.read(process.stdout.fileno(), 65536):
        said += piece.decode(errors="replace")
        # A question may come in pieces, and is answered once.
        if len(said) > asked and PROPOSED.search(question := re.sub(r"\x1b\[[\d;]*m", "", said[asked:])):
            process.stdin.write(b"y\n" if YES.search(question) else b"\n")
            process.stdin.flush()
            asked = len(said)
    if (status := process.wait()) != 0:
        sys.exit(f"error: `{command}` failed with {status}:\n{said}")
    return said


def arrived(aws, built, without=()):
    """Sees that there is one stack, made, and that its code is what is in the folder to which SAM built, byte for byte."""
    [stack] = [stack for stack in aws.stacks.values() if not stack.name.startswith("aws-sam-cli-")]
    assert re.fullmatch("(CREATE|UPDATE)_COMPLETE", stack.status), f"the stack is {stack.status}"
    sources = yaml_parse((built / "template.yaml").read_text())["Resources"]
    code = {name for name, made in sources.items() if made["Type"] in ("AWS::Serverless::Function", "AWS::Serverless::LayerVersion")}
    found = {}
    for name, files in aws.code(stack).items():
        # A layer's version has a hash after its name, so that another content is another resource.
        source = name if name in sources else name[:-10]
        found[source] = {file: content for file, (_, content) in files.items()}
        assert all(mode & 0o111 for file, (mode, _) in files.items() if file == "bootstrap"), "the bootstrap cannot be executed"
    wanted = {name: {str(path.relative_to(built / name)): path.read_bytes() for path in (built / name).rglob("*")} for name in code - set(without)}
    assert wanted, f"{built} has neither a function nor a layer"
    for name in wanted.keys() | found.keys():
        assert found.get(name) == wanted.get(name), f"{name}: {sorted(found.get(name, []))} was uploaded, and {sorted(wanted.get(name, []))} built"
    return stack


def main(built, samconfig):
    with tempfile.TemporaryDirectory() as folder, Aws() as aws:
        work = Path(folder)
        shutil.copy(samconfig, work)
        shutil.copytree(built, work / ".aws-sam/build")
        environment = os.environ | aws.environment
        answered("sam deploy --guided", work, environment)
        # The chat is made if there is a key for it.
        stack = arrived(aws, work / ".aws-sam/build", without=["Chat"])
        outputs = stack.outputs()
        assert {"CallUrl", "CallApi", "CallDirect", "DirectFunction", "UrlFunction", "ApiFunction"} <= outputs.keys(), outputs
        # A handler that was built anew is an update of it.
        (work / ".aws-sam/build/UrlGreeting/greeting.cwasm").write_bytes(b"another one")
        answered("sam deploy", work, environment)
        assert arrived(aws, work / ".aws-sam/build", without=["Chat"]).status == "UPDATE_COMPLETE"
        answered("sam delete", work, environment)
        assert stack.name not in aws.stacks, "sam delete leaves the stack"
    print(f"  {len(stack.resources())} resources, with {len(outputs)} outputs")


if __name__ == "__main__":
    main(*sys.argv[1:])
