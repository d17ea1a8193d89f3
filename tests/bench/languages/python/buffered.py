"""The same for AWS's own runtime client, which cannot stream."""

import json


def handler(event, context):
    name = json.loads(event["body"])["name"]
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": f"Hello, {name}!\nThis is streamed.\n"}
