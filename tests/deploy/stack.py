"""A CloudFormation stack: what a template comes to.

Knows the transform of SAM's resources (by the translator that AWS runs), parameters, conditions and outputs. Does not know how a stack is
made, or by whom.
"""

import hashlib
import logging
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

# It warns of every feature that is not turned on.
logging.getLogger("samtranslator").setLevel(logging.CRITICAL)
ACCOUNT, REGION = "123456789012", "us-east-1"
PSEUDO = {
    "AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com", "AWS::NoValue": None,
}


class Refused(Exception):
    """What AWS answers instead: the name of the error, a sentence, and a status of HTTP."""

    def __init__(self, code, message, status=400):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


@dataclass
class Stack:
    name: str
    status: str = "REVIEW_IN_PROGRESS"
    source: str = ""
    template: dict = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)
    tags: list = field(default_factory=list)
    changes: dict = field(default_factory=dict)
    events: list = field(default_factory=list)

    def __post_init__(self):
        self.created = now()
        self.id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{self.name}/{hashlib.md5(self.created.encode()).hexdigest()}"

    def becomes(self, status, resource=None, kind="AWS::CloudFormation::Stack"):
        physical = self.id if resource is None else physical_name(self.name, resource)
        self.status = status if resource is None else self.status
        event = {"StackId": self.id, "StackName": self.name, "EventId": str(len(self.events)), "Timestamp": now()}
        event |= {"LogicalResourceId": resource or self.name, "PhysicalResourceId": physical, "ResourceType": kind, "ResourceStatus": status}
        self.events.insert(0, event)

    def resources(self):
        """The template's resources whose condition holds."""
        return {name: made for name, made in self.template["Resources"].items() if self.holds(made.get("Condition"))}

    def outputs(self):
        shown = {name: output for name, output in self.template.get("Outputs", {}).items() if self.holds(output.get("Condition"))}
        return {name: str(self.value(output["Value"])) for name, output in shown.items()}

    def holds(self, condition):
        return condition is None or self.value(self.template["Conditions"][condition])

    def value(self, node):
        """What a template's expression comes to. Names that AWS would make up are made up."""
        if not (isinstance(node, dict) and len(node) == 1):
            return node
        [(function, given)] = node.items()
        match function:
            case "Ref":
                return self.named(given)
            case "Fn::GetAtt":
                return self.named(given if isinstance(given, str) else ".".join(given))
            case "Fn::Sub":
                text, names = (given, {}) if isinstance(given, str) else given
                return re.sub(r"\$\{([^!}]+)\}", lambda at: str(self.value(names[at[1]]) if at[1] in names else self.named(at[1])), text)
            case "Fn::Join":
                return given[0].join(str(self.value(part)) for part in given[1])
            case "Fn::If":
                return self.value(given[1] if self.holds(given[0]) else given[2])
            case "Fn::Equals":
                return self.value(given[0]) == self.value(given[1])
            case "Fn::Not":
                return not self.value(given[0])
            case "Fn::And":
                return all(self.value(part) for part in given)
            case "Fn::Or":
                return any(self.value(part) for part in given)
            case "Condition":
                return self.holds(given)
            case _ if function.startswith("Fn::"):
                raise Refused("ValidationError", f"this stand-in does not know {function}")
        return node

    def code(self):
        """Where the code of functions and the content of layers lies, in S3: by their names, a bucket and a key."""
        found = {}
        for name, made in self.resources().items():
            if (part := {"AWS::Lambda::Function": "Code", "AWS::Lambda::LayerVersion": "Content"}.get(made["Type"])) is not None:
                place = made["Properties"][part]
                found[name] = (self.value(place["S3Bucket"]), self.value(place["S3Key"]))
        return found

    def calls(self, kind, name):
        """The resources of a kind, with the names that AWS knows them by: the property `name`, or one that AWS makes up."""
        made = {resource: about.get("Properties", {}) for resource, about in self.resources().items() if about["Type"] == kind}
        return {self.value(about[name]) if name in about else physical_name(self.name, resource): about for resource, about in made.items()}

    def named(self, name):
        known = PSEUDO | {"AWS::StackName": self.name, "AWS::StackId": self.id} | self.parameters
        if name in known:
            return known[name]
        resource, _, attribute = name.partition(".")
        if resource not in self.template["Resources"]:
            raise Refused("ValidationError", f"Template format error: Unresolved resource dependencies [{resource}]")
        made = physical_name(self.name, resource)
        return f"https://{made}.lambda-url.{REGION}.on.aws/" if attribute == "FunctionUrl" else f"{made}.{attribute}" if attribute else made


def now():
    return datetime.now(timezone.utc).isoformat()


def physical_name(stack, resource):
    return f"{stack}-{resource}-0".lower()


def translated(template, parameters):
    """The template as CloudFormation has it after its transform."""
    if template.get("Transform") != "AWS::Serverless-2016-10-31":
        return template
    translator = Translator(None, Parser(), boto_session=boto3.Session(region_name=REGION))
    try:
        return translator.translate(template, parameters, get_managed_policy_map=dict)
    except Exception as error:
        causes = " ".join(str(cause) for cause in getattr(error, "causes", []))
        raise Refused("ValidationError", f"Transform AWS::Serverless-2016-10-31 failed with: {error} {causes}") from error
    finally:
        # Nobody wants them, and it complains when it is dropped with them.
        translator.metrics.publish()
