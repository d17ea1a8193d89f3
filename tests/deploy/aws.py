"""An AWS on the loopback for commands that deploy: CloudFormation, S3, STS, and what Lambda and others are asked beside them.

Knows what AWS decides before it makes anything: whether a template can be made, with what consent, whether an update changes anything,
and whether the code is where the template says. Does not run a function, know IAM, or check a signature: what a template's
resources do is seen on AWS alone.
"""

import io
import json
import re
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from samcli.yamlhelper import yaml_parse

from buckets import Buckets
from functions import Functions
from stack import ACCOUNT, REGION, Refused, Stack, translated


class Aws:
    """It listens while it is entered. `environment` is what a command needs to take it for AWS."""

    def __init__(self):
        self.stacks, self.buckets, self.functions, self.secrets = {}, Buckets(), Functions(), {}
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Asked", (Asked,), {"aws": self}))
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        self.environment = {
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nobody", "AWS_EC2_METADATA_DISABLED": "true",
            # SAM looks every five seconds whether a stack is made.
            "SAM_CLI_POLL_DELAY": "0.1",
        }

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def code(self, stack):
        """What the functions and layers of a stack are made of: by their names, the files of their zips with mode and bytes."""
        found = {}
        for name, place in stack.code().items():
            with zipfile.ZipFile(io.BytesIO(self.buckets.object(*place))) as archive:
                found[name] = {info.filename: (info.external_attr >> 16, archive.read(info)) for info in archive.infolist()}
        return found

    # CloudFormation and STS: an action with its parameters, and what it answers.

    def get_caller_identity(self, _):
        return {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/nobody", "UserId": "nobody"}

    def assume_role(self, asked):
        if not any(asked["RoleArn"].endswith(f":role/{name}") for stack in self.made() for name in stack.calls("AWS::IAM::Role", "RoleName")):
            raise Refused("AccessDenied", f"not authorized to perform sts:AssumeRole on resource: {asked['RoleArn']}", 403)
        keys = {"AccessKeyId": "nobody", "SecretAccessKey": "nobody", "SessionToken": "nobody", "Expiration": "2099-01-01T00:00:00Z"}
        return {"Credentials": keys, "AssumedRoleUser": {"Arn": asked["RoleArn"], "AssumedRoleId": "nobody"}}

    def made(self):
        return [stack for stack in self.stacks.values() if stack.template]

    def stack(self, asked):
        for stack in self.stacks.values():
            if asked["StackName"] in (stack.name, stack.id):
                return stack
        raise Refused("ValidationError", f"Stack with id {asked['StackName']} does not exist")

    def describe_stacks(self, asked):
        stack = self.stack(asked)
        outputs = stack.outputs() if stack.status.endswith("COMPLETE") else {}
        return {"Stacks": [{
            "StackName": stack.name, "StackId": stack.id, "StackStatus": stack.status, "CreationTime": stack.created,
            "EnableTerminationProtection": False, "Tags": stack.tags,
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
            "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
        }]}

    def describe_stack_events(self, asked):
        return {"StackEvents": self.stack(asked).events}

    def get_template_summary(self, asked):
        template = self.stack(asked).template if "StackName" in asked else yaml_parse(self.source(asked))
        return {"Parameters": [{"ParameterKey": name} for name in template.get("Parameters", {})]}

    def get_template(self, asked):
        stack = self.stack(asked)
        return {"TemplateBody": stack.source if asked.get("TemplateStage") != "Processed" else json.dumps(stack.template)}

    def source(self, asked):
        if "TemplateBody" in asked:
            return asked["TemplateBody"]
        if not asked["TemplateURL"].startswith(self.endpoint):
            raise Refused("ValidationError", "TemplateURL must reference a valid S3 object to which you have access")
        bucket, _, key = unquote(urlsplit(asked["TemplateURL"]).path).removeprefix("/").partition("/")
        return self.buckets.object(bucket, key).decode()

    def create_change_set(self, asked):
        name, update = asked["StackName"], asked["ChangeSetType"] == "UPDATE"
        if update:
            stack = self.stack(asked)
        else:
            if name in self.stacks and self.stacks[name].status != "REVIEW_IN_PROGRESS":
                raise Refused("AlreadyExistsException", f"Stack [{name}] already exists and cannot be created again with the changeset")
            stack = self.stacks.setdefault(name, Stack(name))
            stack.becomes("REVIEW_IN_PROGRESS")
        source = self.source(asked)
        template = yaml_parse(source)
        given = {one["ParameterKey"]: one.get("ParameterValue", stack.parameters.get(one["ParameterKey"])) for one in asked.get("Parameters", [])}
        declared = template.get("Parameters", {})
        if unknown := given.keys() - declared:
            raise Refused("ValidationError", f"Parameters: {sorted(unknown)} do not exist in the template")
        parameters = {key: str(given.get(key, about.get("Default"))) for key, about in declared.items() if key in given or "Default" in about}
        if missing := declared.keys() - parameters:
            raise Refused("ValidationError", f"Parameters: {sorted(missing)} must have values")
        planned = Stack(name, source=source, template=translated(template, parameters), parameters=parameters, tags=asked.get("Tags", []))
        change = {"planned": planned, "id": f"{stack.id.replace(':stack/', ':changeSet/')}/{asked['ChangeSetName']}"}
        stack.changes[asked["ChangeSetName"]] = change
        capabilities = set(asked.get("Capabilities", []))
        if any(made["Type"] == "AWS::IAM::Role" for made in planned.resources().values()) and not capabilities & {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}:
            raise Refused("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]")
        if update and (planned.template, planned.parameters, planned.tags) == (stack.template, stack.parameters, stack.tags):
            change["failed"] = "The submitted information didn't contain changes. Submit different information to create a change set."
        return {"Id": change["id"], "StackId": stack.id}

    def change(self, asked):
        stacks = [self.stack(asked)] if "StackName" in asked else self.stacks.values()
        for stack in stacks:
            for name, change in stack.changes.items():
                if asked["ChangeSetName"] in (name, change["id"]):
                    return stack, name, change
        raise Refused("ChangeSetNotFound", f"ChangeSet [{asked['ChangeSetName']}] does not exist", 404)

    def describe_change_set(self, asked):
        stack, name, change = self.change(asked)
        before, after = (stack.resources() if stack.template else {}), change["planned"].resources()
        actions = {resource: "Add" if resource not in before else "Remove" if resource not in after else "Modify" for resource in before | after}
        changes = [
            {"Type": "Resource", "ResourceChange": {"Action": action, "LogicalResourceId": resource, "ResourceType": (before | after)[resource]["Type"]}}
            for resource, action in actions.items() if before.get(resource) != after.get(resource)
        ]
        answer = {"ChangeSetName": name, "ChangeSetId": change["id"], "StackName": stack.name, "StackId": stack.id}
        if "failed" in change:
            return answer | {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE", "StatusReason": change["failed"]}
        return answer | {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "Changes": changes}

    def execute_change_set(self, asked):
        stack, name, change = self.change(asked)
        if "failed" in change:
            raise Refused("InvalidChangeSetStatus", f"ChangeSet [{name}] cannot be executed in its current status of [FAILED]")
        planned, verb = change["planned"], "UPDATE" if stack.template else "CREATE"
        code = {resource: self.buckets.object(*place) for resource, place in planned.code().items()}
        for bucket in planned.calls("AWS::S3::Bucket", "BucketName"):
            self.buckets.setdefault(bucket, {})
        # A function comes before its versions, and these before what points to them.
        kinds = ["AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias"]
        lambdas = [(kinds.index(made["Type"]), resource) for resource, made in planned.resources().items() if made["Type"] in kinds]
        for _, resource in sorted(lambdas):
            self.functions.made(planned, resource, planned.template["Resources"][resource]["Properties"], code.get(resource))
        stack.becomes(f"{verb}_IN_PROGRESS")
        stack.source, stack.template, stack.parameters, stack.tags = planned.source, planned.template, planned.parameters, planned.tags
        stack.changes.clear()
        for resource, made in stack.resources().items():
            stack.becomes(f"{verb}_COMPLETE", resource, made["Type"])
        stack.becomes(f"{verb}_COMPLETE")
        return {}

    def delete_stack(self, asked):
        stack = self.stack(asked)
        del self.stacks[stack.name]
        return {}

    def get_parameter(self, asked):
        for stack in self.made():
            for name, about in stack.calls("AWS::SSM::Parameter", "Name").items():
                if name == asked["Name"]:
                    return {"Parameter": {"Name": name, "Type": about["Type"], "Value": stack.value(about["Value"])}}
        raise Refused("ParameterNotFound", asked["Name"])

    def create_secret(self, asked):
        if asked["Name"] in self.secrets:
            raise Refused("ResourceExistsException", f"The operation failed because the secret {asked['Name']} already exists.")
        self.secrets[asked["Name"]] = asked["SecretString"]
        return {"Name": asked["Name"], "ARN": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{asked['Name']}"}


ACTIONS = {
    name: name[0].lower() + re.sub("([A-Z])", lambda at: "_" + at[1].lower(), name[1:])
    for name in (
        "GetCallerIdentity", "AssumeRole", "GetParameter", "CreateSecret", "DescribeStacks", "DescribeStackEvents", "GetTemplateSummary", "GetTemplate", "CreateChangeSet",
        "DescribeChangeSet", "ExecuteChangeSet", "DeleteStack",
    )
}


class Asked(BaseHTTPRequestHandler):
    """A request, by the protocol of one of the services: S3's, JSON of Lambda's paths, or what is posted to the root, which is JSON for
    Secrets Manager and Systems Manager, and a form for the others."""

    aws: Aws
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        root, lambdas = self.command == "POST" and url.path == "/", url.path.startswith("/2015-03-31/")
        target = self.headers.get("X-Amz-Target", "")
        in_json = lambdas or target != ""
        try:
            if "aws-chunked" in self.headers.get("Content-Encoding", "") or "Transfer-Encoding" in self.headers:
                raise Refused("NotImplemented", "this stand-in takes bodies whole", 501)
            status, headers = 200, {}
            with self.aws.lock:
                if target:
                    said = json.dumps(self.acts(target.partition(".")[2], json.loads(body))).encode()
                elif lambdas:
                    said = json.dumps(self.aws.functions.answer(self.command, unquote(url.path), body)).encode()
                elif root:
                    form = parameters(body.decode())
                    action = form.get("Action")
                    said = f"<{action}Response><{action}Result>{xml(self.acts(action, form))}</{action}Result></{action}Response>".encode()
                else:
                    # `x-id` repeats which action it is.
                    query = {name: value for name, value in parse_qsl(url.query, keep_blank_values=True) if name != "x-id"}
                    headers, said = self.aws.buckets.answer(self.command, unquote(url.path), query, body)
                    status = 204 if self.command == "DELETE" else 200
        except Refused as why:
            status, headers = why.status, {"X-Amzn-ErrorType": why.code}
            error = f"<Code>{why.code}</Code><Message>{escape(why.message)}</Message>"
            if in_json:
                said = json.dumps({"__type": why.code, "message": why.message})
            elif root:
                said = f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
            else:
                said = f"<Error>{error}</Error>"
            said = said.encode()
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(said))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

    def acts(self, action, asked):
        if action not in ACTIONS:
            raise Refused("InvalidAction", f"this stand-in does not know the action {action}")
        return getattr(self.aws, ACTIONS[action])(asked)


def parameters(form):
    """A form's fields, with its lists: `Tags.member.1.Key=…` is a field of the first one of `Tags`."""
    asked = {}
    for path, value in parse_qsl(form, keep_blank_values=True):
        name, *inner = re.split(r"\.member\.\d+\.?", path)
        if not inner:
            asked[name] = value
        elif inner == [""]:
            asked.setdefault(name, []).append(value)
        else:
            number = int(re.search(r"\.member\.(\d+)", path)[1])
            members = asked.setdefault(name, [])
            members += [{} for _ in range(number - len(members))]
            members[number - 1][inner[0]] = value
    return asked


def xml(value):
    match value:
        case dict():
            return "".join(f"<{name}>{xml(inner)}</{name}>" for name, inner in value.items())
        case list():
            return "".join(f"<member>{xml(inner)}</member>" for inner in value)
        case bool():
            return str(value).lower()
    return escape(str(value))
