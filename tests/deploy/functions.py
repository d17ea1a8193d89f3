"""Lambda's functions: their code, the versions that are published of it, and the aliases that point to versions.

Knows what changes the code and who is called by which name. Does not run any of it.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field

from stack import ACCOUNT, REGION, Refused


@dataclass
class Alias:
    version: str
    # Which part of the calls other versions get.
    weights: dict = field(default_factory=dict)


@dataclass
class Function:
    """`versions` has the zip of each version that was published: the first one is version 1."""

    name: str
    code: bytes
    versions: list = field(default_factory=list)
    aliases: dict = field(default_factory=dict)

    def publish(self):
        """Code that is published already is the version that it is."""
        if self.versions[-1:] != [self.code]:
            self.versions.append(self.code)
        return str(len(self.versions))

    def known(self, version):
        if not (version.isdigit() and 1 <= int(version) <= len(self.versions)):
            raise Refused("ResourceNotFoundException", f"Function not found: {self.name}:{version}", 404)
        return version

    def about(self, version="$LATEST"):
        code = self.code if version == "$LATEST" else self.versions[int(version) - 1]
        return {
            "FunctionName": self.name, "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}", "Version": version,
            "CodeSha256": base64.b64encode(hashlib.sha256(code).digest()).decode(), "CodeSize": len(code),
            "State": "Active", "LastUpdateStatus": "Successful",
        }


class Functions(dict):
    """By their names."""

    def made(self, stack, resource, properties, code):
        """What a stack's resource makes of them; `code` is the zip that a function's properties name."""
        name = stack.value({"Ref": resource})
        match stack.template["Resources"][resource]["Type"]:
            case "AWS::Lambda::Function" if name in self:
                self[name].code = code
            case "AWS::Lambda::Function":
                self[name] = Function(name, code)
            case "AWS::Lambda::Version":
                self[stack.value(properties["FunctionName"])].publish()
            case "AWS::Lambda::Alias":
                function = self[stack.value(properties["FunctionName"])]
                function.aliases[properties["Name"]] = Alias(str(len(function.versions)))

    def answer(self, method, path, body):
        """Lambda's answer to a request, as JSON."""
        if not (asked := re.fullmatch(r"/2015-03-31/functions/([^/]+)(/.*)?", path)):
            raise Refused("NotImplemented", f"this stand-in does not know {method} {path}", 501)
        if (function := self.get(asked[1])) is None:
            raise Refused("ResourceNotFoundException", f"Function not found: {asked[1]}", 404)
        given = json.loads(body or "{}")
        match method, (asked[2] or "").split("/")[1:]:
            case "GET", []:
                return {"Configuration": function.about()}
            case "PUT", ["code"]:
                function.code = base64.b64decode(given["ZipFile"])
                return function.about()
            case "POST", ["versions"]:
                return function.about(function.publish())
            case "PUT", ["aliases", name]:
                if (alias := function.aliases.get(name)) is None:
                    raise Refused("ResourceNotFoundException", f"Cannot find alias arn: {name}", 404)
                alias.version = function.known(given.get("FunctionVersion", alias.version))
                weights = given.get("RoutingConfig", {}).get("AdditionalVersionWeights", alias.weights)
                alias.weights = {function.known(version): weight for version, weight in weights.items()}
                return {"Name": name, "FunctionVersion": alias.version, "RoutingConfig": {"AdditionalVersionWeights": alias.weights}}
        raise Refused("NotImplemented", f"this stand-in does not know {method} {path}", 501)
