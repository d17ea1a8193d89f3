"""Invokes a function with InvokeWithResponseStream and prints each chunk when it arrives, then how it ended and its log.

python invoke.py [--endpoint-url URL] [--region REGION] FUNCTION [PAYLOAD]
"""

import argparse
import base64
import codecs
import json
import os
import sys
import time

import boto3
from botocore.config import Config

parser = argparse.ArgumentParser(description="Invokes a function and prints its response as it arrives")
parser.add_argument("--endpoint-url")
parser.add_argument("--region", default=os.environ.get("AWS_REGION", "us-east-1"))
parser.add_argument("function")
parser.add_argument("payload", nargs="?", default="{}")
arguments = parser.parse_args()

# The emulator takes any credentials.
local = {"aws_access_key_id": "local", "aws_secret_access_key": "local"} if arguments.endpoint_url else {}
client = boto3.client(
    "lambda",
    region_name=arguments.region,
    endpoint_url=arguments.endpoint_url,
    # A stream may pause for as long as the function may run. A retry would invoke it again.
    config=Config(read_timeout=900, retries={"total_max_attempts": 1}),
    **local,
)

begun = time.monotonic()


def tell(text):
    print(f"{time.monotonic() - begun:8.3f} s  {text}", flush=True)


response = client.invoke_with_response_stream(FunctionName=arguments.function, Payload=arguments.payload, LogType="Tail")

# A character may lie in two chunks: one decoder for all of them.
decoder = codecs.getincrementaldecoder("utf-8")("replace")
complete = None
for event in response["EventStream"]:
    if "PayloadChunk" in event:
        tell(json.dumps(decoder.decode(event["PayloadChunk"]["Payload"]), ensure_ascii=False))
    elif "InvokeComplete" in event:
        complete = event["InvokeComplete"]

if complete is None:
    tell("the response broke off")
elif complete.get("ErrorCode"):
    tell(f"InvokeComplete: {complete['ErrorCode']} {complete.get('ErrorDetails', '')}")
else:
    tell("InvokeComplete")
if complete and complete.get("LogResult"):
    print("\n" + base64.b64decode(complete["LogResult"]).decode(errors="replace").rstrip())
sys.exit(0 if complete is not None and not complete.get("ErrorCode") else 1)
