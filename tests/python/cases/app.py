"""Handlers of every form, one for each case of the tests: the path names it, or `case` in a direct invocation's payload."""

import asyncio
import contextvars
import json
import logging
import os
import random
import sys
import time
import urllib.request
import uuid

import firstbyte
from firstbyte import Error, Head, sse
from firstbyte._component import _call
from firstbyte.handler import Form, Marked, form_of

CASES = {}
logger = logging.getLogger("cases")


def case(function):
    CASES[function.__name__] = Marked(function, form_of(function))
    return function


@firstbyte.handler
def choose(request, response):
    name = request.path.strip("/") if request.http else request.json()["case"]
    _call(CASES[name], request, response)


# Generators.

@case
def two_lines(request):
    yield "one\n"
    time.sleep(2)
    yield "two\n"


@case
def with_head(request):
    yield Head(status=201, headers={"X-A": "1"}, cookies=["a=1", "b=2; HttpOnly"], content_type="text/csv")
    yield "a,b\n"


@case
def head_only(request):
    yield Head(status=204)


@case
def redirect(request):
    yield Head(302, [("location", "/elsewhere")])


@case
def nothing(request):
    return
    yield


@case
def binary(request):
    yield bytes(range(256))


@case
def events(request):
    yield sse.Event("a\nb", event="x", id="1", retry=10)
    yield sse.Comment("still here")


@case
def returned_text(request):
    return "whole"


@case
def returned_json(request):
    return {"a": [1, None]}


@case
def returned_none(request):
    return None


@case
def echo(request):
    yield request.body


@case
def facts(request):
    http = request.http
    yield json.dumps({
        "trigger": request.trigger, "method": request.method, "path": request.path, "query": request.query,
        "header": request.headers.get("X-Several"), "all": request.headers.get_all("x-several"), "cookies": request.cookies,
        "is_http": http is not None, "id": request.request_id, "arn": request.function_arn, "tenant": request.tenant_id,
        "left": request.remaining_ms() > 0, "trace": request.trace_id,
    })


@case
def large(request):
    yield b"x" * (9 * 1024 * 1024)


@case
def many(request):
    for number in range(1000):
        yield f"{number}\n"


# Failures.

@case
def fails_before(request):
    secret()
    yield "never"


def secret():
    try:
        {}["key"]
    except KeyError as error:
        raise ValueError("a secret") from error


@case
def fails_after(request):
    yield "begun\n"
    raise ValueError("broke")


@case
def fails_as_events(request):
    yield sse.Event("begun")
    raise Error("NoStock", "sold out")


@case
def bad_request(request):
    raise Error.bad_request("give a name")


@case
def unavailable(request):
    raise Error("Unavailable", "the table is away", status=503)


@case
def not_json(request):
    request.json()


@case
def bad_status(request):
    yield Head(status=99)


@case
def bad_header(request):
    yield Head(headers={"a b": "c"})


@case
def late_head(request):
    yield "begun"
    yield Head(status=201)


@case
def wrong_item(request):
    yield 7


@case
def exits(request):
    sys.exit(3)


@case
def recursion(request):
    return recursion(request)


@case
def spins(request):
    yield "begun\n"
    while True:
        pass


@case
def cleaned_up(request):
    try:
        yield "begun\n"
        raise ValueError("broke")
    finally:
        print("cleaned up")


@case
def hoards(request):
    kept = []
    while True:
        kept.append(bytearray(1 << 20))


# Asynchronous.

@case
async def slowly(request):
    for number in range(3):
        yield f"{number}\n"
        await asyncio.sleep(1)


@case
async def gathered(request):
    async def wait(seconds):
        await asyncio.sleep(seconds)
        return seconds

    begun = time.monotonic()
    values = await asyncio.gather(wait(3), wait(1), wait(2))
    return {"values": values, "took": round(time.monotonic() - begun)}


@case
async def timed_out(request):
    try:
        async with asyncio.timeout(1):
            await asyncio.sleep(10)
    except TimeoutError:
        yield "too late\n"
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 1)
    except TimeoutError:
        yield "again\n"


@case
async def cancelled(request):
    said = []

    async def work():
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            said.append("cancelled")
            raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    results = await asyncio.gather(task, return_exceptions=True)
    return {"said": said, "kind": type(results[0]).__name__}


@case
async def grouped(request):
    async def fail():
        await asyncio.sleep(1)
        raise ValueError("one of them")

    async with asyncio.TaskGroup() as group:
        group.create_task(fail())
        group.create_task(asyncio.sleep(100))


variable = contextvars.ContextVar("variable", default="outer")


@case
async def contexts(request):
    async def inner():
        variable.set("inner")
        await asyncio.sleep(0)
        return variable.get()

    return [await asyncio.create_task(inner()), variable.get()]


@case
async def queued(request):
    queue = asyncio.Queue()

    async def produce():
        for number in range(3):
            await asyncio.sleep(1)
            await queue.put(number)
        await queue.put(None)

    producer = asyncio.create_task(produce())
    while (item := await queue.get()) is not None:
        yield f"{item}\n"
    await producer


@case
async def kept_alive(request):
    async def slow():
        yield sse.Event("a")
        await asyncio.sleep(25)
        yield sse.Event("b")

    async for item in sse.keep_alive(slow(), 10):
        yield item


@case
async def threads(request):
    await asyncio.to_thread(len, "x")


@case
async def stuck(request):
    await asyncio.get_running_loop().create_future()


@case
async def generator_closed(request):
    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            print("closed")

    async for number in numbers():
        yield f"{number}\n"
        break


@case
async def async_fails_after(request):
    yield "begun\n"
    await asyncio.sleep(1)
    raise Error("Broke", "in the middle")


# Explicit.

@case
def explicit(request, response):
    with response.start(202, {"x-b": "2"}, content_type="text/plain") as body:
        body.write("a")
        body.write(b"b")


@case
def goes_on(request, response):
    response.start().finish()
    time.sleep(1)
    raise ValueError("afterwards")


@case
def started_twice(request, response):
    response.start().write("a")
    response.start()


@case
async def explicit_async(request, response):
    body = response.start(content_type="text/plain")
    await body.send("a")
    await asyncio.sleep(1)
    await body.send("b")


@case
def written_after_finish(request, response):
    body = response.start()
    body.finish()
    body.write("x")


# As AWS's own runtime.

@case
def proxy(event, context):
    return {"statusCode": 201, "headers": {"X-C": "3", "content-type": "text/html"}, "cookies": ["c=3"], "body": "<p>"}


@case
def proxy_base64(event, context):
    return {"statusCode": 200, "headers": {"content-type": "image/png"}, "isBase64Encoded": True, "body": "iVBORw=="}


@case
def proxy_multi(event, context):
    return {"statusCode": 200, "headers": {"x": "1"}, "multiValueHeaders": {"x": ["2", "3"]}, "body": "m"}


@case
def plain_value(event, context):
    return {"answer": 42}


@case
def lambda_stream(event, context):
    yield Head(content_type="text/plain")
    yield "a"
    time.sleep(1)
    yield "b"


@case
def lambda_context(event, context):
    return {
        "statusCode": 200,
        "body": json.dumps({
            "id": context.aws_request_id, "arn": context.invoked_function_arn, "name": context.function_name,
            "memory": context.memory_limit_in_mb, "left": context.get_remaining_time_in_millis() > 0,
            "identity": context.identity.cognito_identity_id, "custom": context.client_context and context.client_context.custom,
        }),
    }


@case
def not_marshalled(event, context):
    return {"a": object()}


@case
async def lambda_async(event, context):
    await asyncio.sleep(1)
    return {"statusCode": 200, "body": "later"}


# The log.

@case
def logs(request):
    print("printed")
    print("to standard error", file=sys.stderr)
    logger.debug("left out")
    logger.info("%d left", 3)
    logger.warning("low on stock", extra={"item": 7})
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("failed")
    print("no end", end="")


@case
def logs_at_debug(request):
    logger.debug("told")


@case
def logs_much(request):
    logger.warning("x" * 100_000)


# Instances.

@case
def drawn(request):
    return {"random": random.random(), "uuid": str(uuid.uuid4()), "urandom": os.urandom(8).hex()}


counted = 0


@case
def count(request):
    global counted
    counted += 1
    return str(counted)


@case
def environment(request):
    return os.environ.get("GREETING", "none")


@case
def not_included(request):
    import colorsys

    return str(colorsys.rgb_to_hsv(0, 0, 0)[2])


@case
def not_to_be_found(request):
    __import__("wave")


@case
def parses_a_date(request):
    from datetime import datetime

    return datetime.strptime("2026-11-27", "%Y-%m-%d").isoformat()


# Other servers.

@case
def fetches(request):
    with firstbyte.fetch("https://api.example.com/a?b=c", headers={"x-d": "4"}) as answer:
        yield f"{answer.status} {answer.headers['content-type']}\n"
        for chunk in answer:
            yield chunk


@case
def posts(request):
    return firstbyte.fetch("https://api.example.com/items", json={"a": 1}).raise_for_status().json()


@case
def uploads(request):
    return firstbyte.fetch("https://api.example.com/", body=(b"x" * 100_000 for _ in range(3)), method="PUT").text()


@case
async def fetches_together(request):
    async def one(number):
        answer = await firstbyte.fetch_async(f"https://api.example.com/{number}")
        return await answer.text()

    return await asyncio.gather(*map(one, range(3)))


@case
async def uploads_async(request):
    async def pieces():
        for _ in range(3):
            await asyncio.sleep(1)
            yield b"piece"

    answer = await firstbyte.fetch_async("https://api.example.com/", body=pieces())
    return await answer.text()


@case
async def relays_events(request):
    answer = await firstbyte.fetch_async("https://api.example.com/stream")
    async for event in sse.read_async(aiter(answer)):
        yield event


@case
def fetch_left_early(request):
    def pieces():
        yield b"begun"
        raise ValueError("no more")

    first = next(iter(firstbyte.fetch("https://api.example.com/")))
    try:
        firstbyte.fetch("https://api.example.com/", body=pieces())
    except ValueError as error:
        return f"{first.decode()}, {error}"


@case
async def fetch_left_early_async(request):
    async for piece in await firstbyte.fetch_async("https://api.example.com/"):
        return piece


@case
def fetch_denied(request):
    try:
        firstbyte.fetch("https://elsewhere.example.com/")
    except firstbyte.FetchError as error:
        return {"denied": error.is_denied, "message": str(error)}


@case
def fetch_fails(request):
    firstbyte.fetch("https://api.example.com/").read()


@case
async def fetch_times_out(request):
    try:
        async with asyncio.timeout(5):
            await firstbyte.fetch_async("https://api.example.com/")
    except TimeoutError:
        return "too late"


@case
def fetch_invalid(request):
    firstbyte.fetch("api.example.com")


@case
def fetch_refused_by_server(request):
    firstbyte.fetch("https://api.example.com/").raise_for_status()


@case
def aws(request):
    """An order from DynamoDB, and what a model on Bedrock writes about it, as it writes."""
    region = os.environ["AWS_REGION"]
    headers = {"x-amz-target": "DynamoDB_20120810.GetItem", "content-type": "application/x-amz-json-1.0"}
    question = {"TableName": "orders", "Key": {"order": {"S": "7"}}}
    found = firstbyte.fetch(f"https://dynamodb.{region}.amazonaws.com/", headers=headers, json=question).raise_for_status().json()
    yield f"{found['Item']['total']['N']}\n"
    prompt = {"messages": [{"role": "user", "content": [{"text": "Give thanks."}]}]}
    url = f"https://bedrock-runtime.{region}.amazonaws.com/model/some.model-v1%3A0/converse-stream"
    for message in firstbyte.eventstream.read(firstbyte.fetch(url, json=prompt).raise_for_status()):
        if message.event == "contentBlockDelta":
            yield message.json()["delta"]["text"]


@case
def keys(request):
    """Whatever a handler can find that looks like the function's role."""
    return [name for name in os.environ if "KEY" in name or "TOKEN" in name or "CREDENTIAL" in name]


@case
def by_urllib(request):
    return urllib.request.urlopen("https://api.example.com/").read()


# Adapters, without frameworks.

async def asgi_app(scope, receive, send):
    if scope["type"] == "lifespan":
        assert (await receive())["type"] == "lifespan.startup"
        scope["state"]["opened"] = True
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        print("shut down")
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = (await receive())["body"]
    headers = [(b"content-type", b"text/plain"), (b"x-path", scope["path"].encode())]
    await send({"type": "http.response.start", "status": 203, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await asyncio.sleep(1)
    await send({"type": "http.response.body", "body": str(scope["state"]).encode()})
    assert (await receive())["type"] == "http.disconnect"
    print("in the background")


CASES["by_asgi"] = Marked(firstbyte.asgi(asgi_app), Form.EXPLICIT)


async def asgi_fails(scope, receive, send):
    raise ValueError("within the application")


CASES["asgi_fails"] = Marked(firstbyte.asgi(asgi_fails), Form.EXPLICIT)


def wsgi_app(environ, start_response):
    start_response("203 Something", [("content-type", "text/plain"), ("x-path", environ["PATH_INFO"])])
    yield environ["wsgi.input"].read()
    time.sleep(1)
    yield environ["QUERY_STRING"].encode()


CASES["by_wsgi"] = Marked(firstbyte.wsgi(wsgi_app), Form.EXPLICIT)


def wsgi_fails(environ, start_response):
    start_response("200 OK", [])
    yield b"begun"
    raise ValueError("within the application")


CASES["wsgi_fails"] = Marked(firstbyte.wsgi(wsgi_fails), Form.EXPLICIT)
