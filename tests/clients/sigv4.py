"""Signs requests again as AWS's Python SDK does, and tells which of them carry the same signature.

Usage: sigv4.py FILE ACCESS_KEY_ID SECRET_ACCESS_KEY SESSION_TOKEN

FILE has one JSON object a line, as a server has seen it: method, url, headers (lower case), body (base64). Service and region
are taken from the signature's own scope, the time from `x-amz-date`. Answers with one JSON object a line: the `scope`, whether
the request is `signed`, and what was wrong otherwise.
"""

import base64
import hashlib
import json
import sys

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def check(seen, credentials):
    headers = seen["headers"]
    body = base64.b64decode(seen["body"])
    authorization = headers.get("authorization", "")
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != "AWS4-HMAC-SHA256":
        return {"signed": False, "why": f"the authorization is {algorithm or 'missing'}"}
    fields = dict(part.strip().split("=", 1) for part in rest.split(","))
    key, _, scope = fields["Credential"].partition("/")
    date, region, service, _ = scope.split("/")
    told = {"scope": scope, "signed": False}
    names = fields["SignedHeaders"].split(";")
    if key != credentials.access_key or headers.get("x-amz-security-token") != credentials.token:
        return {**told, "why": "other credentials"}
    for name in ["host", "x-amz-date", "x-amz-security-token"]:
        if name not in names:
            return {**told, "why": f"{name} is not covered"}
    # An S3 request says its body's hash, which the SDK would take as it is.
    said = headers.get("x-amz-content-sha256")
    if service == "s3" and said != hashlib.sha256(body).hexdigest():
        return {**told, "why": f"x-amz-content-sha256 is {said}"}

    request = AWSRequest(seen["method"], seen["url"], {name: headers[name] for name in names}, body)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials, service, region)
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    if signature != fields["Signature"]:
        return {**told, "why": f"the SDK signs this: {canonical}"}
    return {**told, "signed": True}


def main(file, *keys):
    for line in open(file, encoding="utf-8"):
        print(json.dumps(check(json.loads(line), Credentials(*keys))))


main(*sys.argv[1:])
