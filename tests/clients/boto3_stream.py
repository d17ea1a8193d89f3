"""AWS's Python SDK as a client of the Lambda API: one line of JSON for each thing that arrives, with its time.

Usage: boto3_stream.py ENDPOINT FUNCTION PAYLOAD [stream|invoke]
"""

import json
import sys
import time

import boto3
from botocore.config import Config


def main(endpoint, function, payload, how="stream"):
    client = boto3.client(
        "lambda",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )
    begun = time.monotonic()

    def tell(**what):
        print(json.dumps({"at": time.monotonic() - begun, **what}), flush=True)

    arguments = {"FunctionName": function, "Payload": payload, "LogType": "Tail"}
    try:
        if how == "invoke":
            response = client.invoke(**arguments)
            tell(status=response["StatusCode"], error=response.get("FunctionError"))
            tell(chunk=response["Payload"].read().decode())
            return
        response = client.invoke_with_response_stream(**arguments)
        tell(status=response["StatusCode"], version=response["ExecutedVersion"])
        for event in response["EventStream"]:
            if "PayloadChunk" in event:
                tell(chunk=event["PayloadChunk"]["Payload"].decode())
            else:
                tell(complete=event["InvokeComplete"])
    except client.exceptions.ClientError as error:
        tell(error=error.response["Error"]["Code"], message=str(error))


main(*sys.argv[1:])
