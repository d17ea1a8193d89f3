"""Deploys what SAM has built to an AWS on this machine (aws.py), by the real SAM CLI, and sees that it arrived.

python deployed.py BUILT SAMCONFIG      types what deploy/README.md says of its own template, which `sam build` has built to BUILT, and
                                        of the CDK, whose `cdk synth` has left cdk.out
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from aws import Aws, yaml_parse

ROOT = Path(__file__).resolve().parents[2]
AWS = re.compile(r"^(\w+=\$\()?aws ", re.MULTILINE)
# What the documents say to answer `y`. Everything else that SAM asks proposes an answer, which Enter takes.
YES = re.compile(r"(Deploy this changeset\?|has no authentication\. Is this okay\?|Are you sure you want to delete .*) \[y/N\]: $")
PROPOSED = re.compile(r"\[[^][\n]*\]: $")


def answered(command, folder, environment, answers={}):
    """Types a command in a folder, answers what it asks, and says what it said. `answers` has, by a question's beginning, what is
    answered to it instead."""
    process = subprocess.Popen(
        ["bash", "-euc", command], cwd=folder, env=environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    said, asked = "", 0
    while piece := os.read(process.stdout.fileno(), 65536):
        said += piece.decode(errors="replace")
        # A question may come in pieces, and is answered once.
        if len(said) > asked and PROPOSED.search(question := re.sub(r"\x1b\[[\d;]*m", "", said[asked:])):
            own = [answer for start, answer in answers.items() if question.splitlines()[-1].strip().startswith(start)]
            process.stdin.write(f"{own[0] if own else 'y' if YES.search(question) else ''}\n".encode())
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


def in_the_guide():
    """The blocks of deploy/README.md that AWS's own command line is in."""
    shown = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "deploy/README.md").read_text(), re.MULTILINE | re.DOTALL)
    return [text for text in shown if AWS.search(text)]


def canary(text, aws, function, environment):
    """Shifts a part of the calls to what was swapped, takes it back, and does it again for good."""
    publish, some, comment, all_of_them, none = text.splitlines()
    assert comment.startswith("#"), text
    before = dict(vars(alias := function.aliases["live"]))
    assert before == {"version": "1", "weights": {}} and function.code != function.versions[0], before
    answered(f"{publish}\n{some}", ROOT, environment)
    assert vars(alias) == {"version": "1", "weights": {"2": 0.1}}, alias
    answered(none, ROOT, environment)
    assert vars(alias) == before, alias
    answered(f"{publish}\n{some}\n{all_of_them}", ROOT, environment)
    assert vars(alias) == {"version": "2", "weights": {}}, alias


def by_cdk(folder):
    """What deploy/README.md says of the CDK, with what `cdk synth` has made of the app."""
    with Aws() as aws:
        # Who is not at a terminal cannot be asked whether roles may be made.
        environment = os.environ | aws.environment | {"CDK_APP": "cdk.out", "CDK_REQUIRE_APPROVAL": "never"}
        for command in ("npx cdk bootstrap", "npx cdk deploy"):
            answered(command, folder, environment)
        stack = aws.stacks["FirstbyteGreetings"]
        assert stack.status == "CREATE_COMPLETE", stack.status
        uploaded = [{file: content for file, (_, content) in files.items()} for files in aws.code(stack).values()]
        built = [{path.name: path.read_bytes() for path in asset.iterdir()} for asset in (folder / "cdk.out").glob("asset.*")]
        # What an earlier synthesis left there is not deployed.
        assert len(uploaded) == 4 and all(files in built for files in uploaded), aws.code(stack)
    print(f"  by the CDK: {len(stack.resources())} resources, with {len(stack.outputs())} outputs")


def main(built, samconfig):
    shifting, telemetry, secret = in_the_guide()
    with tempfile.TemporaryDirectory() as folder, Aws() as aws:
        work = Path(folder)
        shutil.copy(samconfig, work)
        shutil.copytree(built, work / ".aws-sam/build")
        environment = os.environ | aws.environment | {"KEY": "a-key"}
        answered("sam deploy --guided", work, environment)
        # The chat is made if there is a key for it.
        stack = arrived(aws, work / ".aws-sam/build", without=["Chat"])
        outputs = stack.outputs()
        assert {"CallUrl", "CallApi", "CallDirect", "DirectFunction", "UrlFunction", "ApiFunction"} <= outputs.keys(), outputs

        # As the guide has an alias in the template, for canaries; and a handler that was built anew.
        template = work / ".aws-sam/build/template.yaml"
        template.write_text(template.read_text().replace("      CodeUri: UrlGreeting\n", "      CodeUri: UrlGreeting\n      AutoPublishAlias: live\n"))
        (work / ".aws-sam/build/UrlGreeting/greeting.cwasm").write_bytes(b"another one")
        answered("sam deploy", work, environment)
        assert arrived(aws, work / ".aws-sam/build", without=["Chat"]).status == "UPDATE_COMPLETE"

        create, deploy = secret.splitlines()
        answered(create, work, environment)
        answered(deploy, work, environment, {"Parameter ChatSecret": "firstbyte/model-key"})
        stack = arrived(aws, work / ".aws-sam/build")
        assert aws.secrets == {stack.parameters["ChatSecret"]: "a-key"}

        function = aws.functions[outputs["UrlFunction"]]
        swap = f"make --no-print-directory -C deploy swap FUNCTION={function.name} HANDLER={ROOT / 'guest/examples/greeting'} DIST={work}"
        answered(swap, ROOT, environment)
        assert function.code == (work / function.name / "function.zip").read_bytes()
        canary(shifting, aws, function, environment | {"FUNCTION": function.name})

        answered(telemetry, ROOT, environment)
        assert aws.stacks["greeting-telemetry"].status == "CREATE_COMPLETE"
        answered("sam delete", work, environment)
        assert stack.name not in aws.stacks, "sam delete leaves the stack"
    print(f"  by SAM: {len(stack.resources())} resources, with {len(outputs)} outputs")


if __name__ == "__main__":
    main(*sys.argv[1:])
    by_cdk(ROOT / "deploy/cdk")
