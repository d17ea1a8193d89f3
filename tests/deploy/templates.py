"""What the templates grant and set up, after SAM and the CDK have spelled them out.

python templates.py --sam template.yaml --cdk cdk.out/….template.json
"""

import argparse
import json
import os

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samcli.yamlhelper import yaml_parse  # noqa: E402
from samtranslator.translator.transform import transform  # noqa: E402


def spelled_out(path, parameters):
    """The SAM template as CloudFormation gets to see it."""
    with open(path) as file:
        template = yaml_parse(file.read())
    for resource in template["Resources"].values():
        for code in ("CodeUri", "ContentUri"):
            if code in resource["Properties"]:
                resource["Properties"][code] = {"Bucket": "bucket", "Key": "key"}
    return transform(template, parameters, lambda *_: {})


def statements(value):
    """Every statement of every policy document in there."""
    if isinstance(value, dict):
        if "Statement" in value:
            found = value["Statement"]
            yield from found if isinstance(found, list) else [found]
        for inner in value.values():
            yield from statements(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from statements(inner)


def check_policies(name, template):
    count = 0
    for statement in statements(template["Resources"]):
        count += 1
        assert "NotAction" not in statement and "NotResource" not in statement, statement
        for part in ("Action", "Resource"):
            assert "*" not in json.dumps(statement.get(part, "")), f"{name}: {part} is too wide in {statement}"
    assert count >= 6, f"{name} has {count} statements only; is this the right template?"
    print(f"  {name}: {count} policy statements, none with a * in its action or resource")


def of_type(template, kind):
    return {name: resource["Properties"] for name, resource in template["Resources"].items() if resource["Type"] == kind}


def check_ways_in(name, template):
    urls = of_type(template, "AWS::Lambda::Url")
    assert urls and all(url["InvokeMode"] == "RESPONSE_STREAM" for url in urls.values()), urls
    text = json.dumps(template["Resources"])
    assert "response-streaming-invocations" in text and '"STREAM"' in text, f"{name}: the REST API does not stream"

    # Of each URL that may be public: AWS wants both since October 2025.
    everyone = [grant for grant in of_type(template, "AWS::Lambda::Permission").values() if grant["Principal"] == "*"]
    actions = sorted(grant["Action"] for grant in everyone)
    assert set(actions) == {"lambda:InvokeFunction", "lambda:InvokeFunctionUrl"}, f"{name}: everyone may {actions}"
    for grant in everyone:
        limited = grant.get("InvokedViaFunctionUrl") is True or grant.get("FunctionUrlAuthType") == "NONE"
        assert limited, f"{name}: {grant} is not limited to the Function URL"

    for function in of_type(template, "AWS::Lambda::Function").values():
        assert function["Runtime"] == "provided.al2023" and function["Architectures"] == ["arm64"], function
        assert function["LoggingConfig"]["LogFormat"] == "JSON" and function["TracingConfig"] == {"Mode": "Active"}, function
        assert len(function["Layers"]) == 1 and function["Timeout"] >= 30 and function["MemorySize"] == 128, function
    print(f"  {name}: {len(of_type(template, 'AWS::Lambda::Function'))} functions; URL and API stream; both URL permissions")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sam", required=True)
    parser.add_argument("--cdk", required=True)
    arguments = parser.parse_args()
    with open(arguments.cdk) as file:
        templates = {"SAM": spelled_out(arguments.sam, {"UrlAuth": "NONE", "ChatAuth": "AWS_IAM"}), "CDK": json.load(file)}
    for name, template in templates.items():
        check_policies(name, template)
        check_ways_in(name, template)


if __name__ == "__main__":
    main()
