"""DynamoDB and Bedrock, played by the test: the host signs what the handler asks, and the test computes each signature once more, after
AWS's "Create a signed AWS API request"; and AWS's event streams, as Bedrock answers."""

import binascii
import hashlib
import hmac
import json
import re
import struct
from pathlib import Path

import pytest
from firstbyte.eventstream import Parser, StreamError, read
from firstbyte.testing import Answer, Firstbyte, UpstreamRequest

CASES = Path(__file__).parent / "cases"
REGION = "eu-central-1"
DYNAMODB, BEDROCK = (f"https://{name}.{REGION}.amazonaws.com" for name in ("dynamodb", "bedrock-runtime"))
KEY, SECRET, SESSION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a session"
ENV = {
    "AWS_REGION": REGION, "FIRSTBYTE_SIGN_AWS": "dynamodb,bedrock", "FIRSTBYTE_ALLOW_HTTP": f"{DYNAMODB},{BEDROCK}",
    "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": SESSION,
}  # fmt: skip


def signature(request: UpstreamRequest, service: str, secret: str = SECRET) -> str:
    """The signature that the request must have. Paths are encoded twice, as everywhere but by S3; there is no query here."""
    names = re.search(r"SignedHeaders=([^,]+)", request.headers["authorization"])[1]
    path = request.path.replace("%", "%25")
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names.split(";"))
    canonical = "\n".join([request.method, path, "", headers, names, hashlib.sha256(request.body).hexdigest()])
    at = request.headers["x-amz-date"]
    scope = f"{at[:8]}/{REGION}/{service}/aws4_request"
    told = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={names}, Signature={hmac.digest(key, told.encode(), 'sha256').hex()}"


def message(payload: object, **headers: str) -> bytes:
    fields = b"".join(
        bytes([len(name) + 1]) + b":" + name.replace("_", "-").encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    body = json.dumps(payload).encode()
    start = struct.pack(">II", 16 + len(fields) + len(body), len(fields))
    whole = start + struct.pack(">I", binascii.crc32(start)) + fields + body
    return whole + struct.pack(">I", binascii.crc32(whole))


def event(kind: str, payload: object) -> bytes:
    return message(payload, message_type="event", event_type=kind, content_type="application/json")


def said(text: str) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}})


WORDS = [event("messageStart", {"role": "assistant"}), said("Thank "), 1.0, said("you!"), event("messageStop", {"stopReason": "end_turn"})]


def ask(firstbyte: Firstbyte, words=WORDS):
    asked: list[UpstreamRequest] = []

    def dynamodb(request: UpstreamRequest) -> Answer:
        asked.append(request)
        return Answer.of_json({"Item": {"order": {"S": "7"}, "total": {"N": "12.5"}}})

    def bedrock(request: UpstreamRequest) -> Answer:
        asked.append(request)
        return Answer(headers={"content-type": "application/vnd.amazon.eventstream"}, body=words)

    upstream = {DYNAMODB: dynamodb, BEDROCK: bedrock}
    return firstbyte.invoke(CASES, path="/aws", env=ENV, upstream=upstream), asked


def test_dynamodb_and_bedrock_are_asked_without_a_key_and_the_host_signs(firstbyte: Firstbyte):
    response, [get, converse] = ask(firstbyte)
    assert response.failure is None, response.failure
    assert [chunk.text for chunk in response.chunks] == ["12.5\n", "Thank ", "you!"]
    assert response.chunks[2].at - response.chunks[1].at >= 0.999  # The difference of two floats.
    assert (get.headers["x-amz-target"], get.json()["Key"]) == ("DynamoDB_20120810.GetItem", {"order": {"S": "7"}})
    assert converse.path == "/model/some.model-v1%3A0/converse-stream"
    for request, service in [(get, "dynamodb"), (converse, "bedrock")]:
        assert request.headers["x-amz-security-token"] == SESSION
        assert {"host", "x-amz-date", "x-amz-security-token"} <= set(re.findall(r"[a-z0-9-]+", request.headers["authorization"].partition("SignedHeaders=")[2]))
        assert request.headers["authorization"] == signature(request, service)
        assert request.headers["authorization"] != signature(request, service, "another")


def test_a_handler_finds_no_key(firstbyte: Firstbyte):
    assert firstbyte.invoke(CASES, path="/keys", env=ENV).json() == []


def test_a_model_that_breaks_off_or_refuses_amid_its_answer_is_a_failure(firstbyte: Firstbyte):
    throttled = message({"message": "slow down"}, message_type="exception", exception_type="throttlingException")
    for words, kind, text in [
        ([said("Thank "), throttled], "Function.StreamError", "throttlingException: slow down"),
        ([said("Thank "), said("you")[:-9]], "Function.ValueError", "an event stream ends within a message"),
    ]:
        response, _ = ask(firstbyte, words)
        assert response.text == "12.5\nThank "
        assert response.failure and (response.failure.kind, response.failure.message) == (kind, text)


def test_event_streams_are_read_however_they_are_cut():
    whole = b"".join(piece for piece in WORDS if isinstance(piece, bytes))
    for size in (1, 7, 64, len(whole)):
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert [found.event for found in read(pieces)] == ["messageStart", "contentBlockDelta", "contentBlockDelta", "messageStop"]
    [_, first, *_] = read([whole])
    assert first.json() == {"contentBlockIndex": 0, "delta": {"text": "Thank "}} and first.headers[":content-type"] == "application/json"


def test_headers_of_all_types_are_passed_over():
    values = b"".join([b"\x01a\x00", b"\x01b\x01", b"\x01c\x02x", b"\x01d\x03xx", b"\x01e\x04xxxx", b"\x01f\x05xxxxxxxx", b"\x01g\x06\x00\x01x",
                       b"\x01h\x08xxxxxxxx", b"\x01i\x09xxxxxxxxxxxxxxxx", b"\x01j\x07\x00\x02ok"])  # fmt: skip
    start = struct.pack(">II", 16 + len(values), len(values))
    whole = start + struct.pack(">I", binascii.crc32(start)) + values
    [found] = Parser().feed(whole + struct.pack(">I", binascii.crc32(whole)))
    assert found.headers == {"j": "ok"}


@pytest.mark.parametrize("at", [0, 9, 20, -1])
def test_what_is_damaged_is_not_read(at):
    damaged = bytearray(said("x"))
    damaged[at] ^= 1
    with pytest.raises(ValueError):
        list(read([bytes(damaged)]))


def test_an_error_ends_a_stream():
    with pytest.raises(StreamError, match="InternalError: at a loss"):
        list(read([message({}, message_type="error", error_code="InternalError", error_message="at a loss")]))
