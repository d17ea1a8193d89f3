"""Every form of a handler at Lambda's doors: the bytes, the times and the failures that the table of endings says.

The handlers are in `cases/app.py`, each under the name by which it is invoked here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from firstbyte.testing import DOORS, Answer, Firstbyte, Response

CASES = Path(__file__).parent / "cases"
ALLOWED = {"FIRSTBYTE_ALLOW_HTTP": "https://api.example.com"}
API = "https://api.example.com"
ERROR = '{"message":"Internal Server Error"}'
HTTP = ("url", "api")


@pytest.fixture
def call(firstbyte: Firstbyte):
    def call(name: str, via: str = "url", **more) -> Response:
        if via == "direct":
            return firstbyte.invoke(CASES, via=via, json={"case": name}, **more)
        path = f"/{name}" + more.pop("query", "")
        return firstbyte.invoke(CASES, via=via, path=path, **more)

    return call


def texts(response: Response) -> list[str]:
    assert response.failure is None, response.failure
    return [chunk.text for chunk in response.chunks]


def told(response: Response, level: str) -> list[str]:
    return [line.message for line in response.log if line.level == level]


# Generators, at each door.


@pytest.mark.parametrize("via", DOORS)
def test_a_generator_is_a_stream(call, via):
    response = call("two_lines", via)
    assert texts(response) == ["one\n", "two\n"]
    assert response.status == 200 and response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.chunks[0].at < 1.0 and 2.0 <= response.chunks[1].at < 3.0


@pytest.mark.parametrize("via", HTTP)
def test_a_head_comes_first(call, via):
    response = call("with_head", via)
    assert texts(response) == ["a,b\n"]
    assert response.status == 201 and response.headers["x-a"] == "1" and response.headers["content-type"] == "text/csv"
    assert response.headers.get_all("set-cookie") == ["a=1", "b=2; HttpOnly"]


@pytest.mark.parametrize("via", HTTP)
@pytest.mark.parametrize(("name", "status"), [("head_only", 204), ("redirect", 302), ("nothing", 200), ("returned_none", 200)])
def test_a_response_without_a_body(call, via, name, status):
    response = call(name, via)
    assert response.failure is None and response.body == b""
    assert response.status in (status, None) and (response.status or 200) == status


@pytest.mark.parametrize("via", DOORS)
def test_bytes_are_bytes(call, via):
    response = call("binary", via)
    assert response.body == bytes(range(256)) and response.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("via", DOORS)
def test_events_are_written_as_events(call, via):
    response = call("events", via)
    assert response.text == "id: 1\nevent: x\nretry: 10\ndata: a\ndata: b\n\n: still here\n\n"
    assert response.headers["content-type"] == "text/event-stream"


def test_what_is_returned_is_the_response(call):
    assert texts(call("returned_text")) == ["whole"]
    response = call("returned_json")
    assert response.json() == {"a": [1, None]} and response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("via", HTTP)
@pytest.mark.parametrize("body", [b"text", b"\xff\x00", b""])
def test_a_body_arrives_as_it_was_sent(call, via, body):
    assert call("echo", via, body=body).body == body


@pytest.mark.parametrize("via", HTTP)
def test_the_request_is_what_the_caller_sent(call, via):
    headers = [("X-Several", "1"), ("X-Several", "2")]
    facts = call("facts", via, method="PUT", query="?a=1&a=2&b=%C3%A4", headers=headers, cookies=["c=3", "d=4"]).json()
    assert facts["trigger"] == {"url": "function-url", "api": "api-gateway"}[via]
    assert (facts["method"], facts["path"]) == ("PUT", "/facts") and facts["query"] == {"a": "2", "b": "ä"}
    assert facts["header"].replace(" ", "") == "1,2" and facts["cookies"] == {"c": "3", "d": "4"}
    assert facts["is_http"] and facts["left"] and facts["arn"].startswith("arn:aws:lambda:")


def test_a_direct_invocation_is_no_http_request(call):
    facts = call("facts", "direct", context={"tenant_id": "a tenant", "trace_id": "Root=1"}).json()
    assert facts["trigger"] == "direct" and not facts["is_http"] and facts["cookies"] == {}
    assert facts["tenant"] == "a tenant" and facts["trace"] == "Root=1"


def test_large_pieces_and_many(call):
    assert len(call("large").body) == 9 * 1024 * 1024
    assert call("many").text == "".join(f"{number}\n" for number in range(1000))


# Failures, at each door.


@pytest.mark.parametrize("via", DOORS)
def test_an_exception_before_the_start_is_a_failure(call, via):
    response = call("fails_before", via)
    assert response.failure and response.failure.kind == "Function.ValueError" and response.failure.message == "a secret"
    stack = response.failure.stack
    assert stack[0] == "caused by: KeyError: there is no 'key'"
    assert any(frame.startswith("at app.py:") and frame.endswith(" in secret") for frame in stack)
    assert not any("firstbyte/" in frame for frame in stack)
    if via != "direct":
        assert (response.status, response.text) == (500, ERROR)


@pytest.mark.parametrize("via", DOORS)
@pytest.mark.parametrize("name", ["fails_after", "cleaned_up"])
def test_an_exception_after_the_start_is_told_to_lambda(call, via, name):
    response = call(name, via)
    assert response.body == b"begun\n" and response.status == 200
    assert response.failure and response.failure.kind == "Function.ValueError" and response.failure.message == "broke"
    assert name != "cleaned_up" or "cleaned up" in told(response, "INFO")


@pytest.mark.parametrize("via", DOORS)
def test_an_event_stream_ends_with_an_error(call, via):
    response = call("fails_as_events", via)
    assert response.text.startswith("data: begun\n\n") and "\nevent: error\n" in response.text
    assert response.failure and response.failure.kind == "Function.NoStock"


@pytest.mark.parametrize("via", HTTP)
def test_the_callers_mistake_is_told_to_the_caller(call, via):
    response = call("bad_request", via)
    assert (response.status, response.json(), response.failure) == (400, {"message": "give a name"}, None)
    assert told(response, "WARN") == ["Function.BadRequest: give a name"]


def test_the_callers_mistake_is_a_failure_of_a_direct_invocation(call):
    response = call("bad_request", "direct")
    assert response.failure and response.failure.kind == "Function.BadRequest"


@pytest.mark.parametrize("via", HTTP)
def test_a_status_of_the_handlers_own(call, via):
    response = call("unavailable", via)
    assert (response.status, response.text) == (503, ERROR)
    assert response.failure and response.failure.kind == "Function.Unavailable"


def test_a_body_that_is_not_json_is_a_400(call):
    response = call("not_json", body="{")
    assert response.status == 400 and "not JSON" in response.json()["message"]


@pytest.mark.parametrize(("name", "words"), [("bad_status", "200 to 599"), ("bad_header", "'a b'")])
def test_a_head_that_is_refused(call, name, words):
    response = call(name)
    assert response.failure and response.failure.kind == "Function.HeadError" and words in response.failure.message


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("late_head", "TypeError", "a Head comes first"),
        ("wrong_item", "TypeError", "and not int: 7"),
        ("recursion", "RecursionError", "recursion"),
        ("started_twice", "HeadError", "started already"),
        ("threads", "RuntimeError", "no threads for"),
        ("stuck", "RuntimeError", "wait forever"),
        ("grouped", "ExceptionGroup", "unhandled errors"),
        ("not_marshalled", "MarshalError", "JSON has no words"),
        ("fetch_invalid", "FetchError", "does not begin with https://"),
        ("by_urllib", "OSError", "firstbyte.fetch"),
        ("not_to_be_found", "ModuleNotFoundError", "`include` of [tool.firstbyte]"),
        ("asgi_fails", "ValueError", "within the application"),
        ("wsgi_fails", "ValueError", "within the application"),
    ],
)
def test_a_mistake_says_what_to_do(call, name, kind, words):
    response = call(name)
    assert response.failure and response.failure.kind == f"Function.{kind}" and words in response.failure.message


@pytest.mark.parametrize("via", DOORS)
def test_an_exit_is_not_a_success(call, via):
    response = call("exits", via)
    assert response.failure and response.failure.kind == "Runtime.Exit"


@pytest.mark.parametrize("via", DOORS)
def test_a_handler_that_computes_for_ever_meets_its_deadline(call, via):
    response = call("spins", via, timeout=1.0)
    assert response.body == b"begun\n"
    assert response.failure and response.failure.kind == "Runtime.DeadlineExceeded"


@pytest.mark.parametrize("via", DOORS)
def test_memory_has_a_limit(call, via):
    response = call("hoards", via, env={"FIRSTBYTE_MEMORY_MB": "64"})
    assert response.failure and response.failure.kind in ("Function.MemoryError", "Runtime.OutOfMemory")


# Asynchronous handlers.


@pytest.mark.parametrize("via", DOORS)
def test_an_async_generator_is_a_stream(call, via):
    response = call("slowly", via)
    assert texts(response) == ["0\n", "1\n", "2\n"]
    assert [int(chunk.at) for chunk in response.chunks] == [0, 1, 2]


def test_tasks_wait_together(call):
    assert call("gathered").json() == {"values": [3, 1, 2], "took": 3}


def test_timeouts_end_what_waits(call):
    response = call("timed_out")
    assert texts(response) == ["too late\n", "again\n"]
    assert [int(chunk.at) for chunk in response.chunks] == [1, 2]


def test_tasks_are_cancelled(call):
    assert call("cancelled").json() == {"said": ["cancelled"], "kind": "CancelledError"}


def test_each_task_has_a_context_of_its_own(call):
    assert call("contexts").json() == ["inner", "outer"]


def test_queues_pass_things_on_as_they_come(call):
    response = call("queued")
    assert texts(response) == ["0\n", "1\n", "2\n"] and [int(chunk.at) for chunk in response.chunks] == [1, 2, 3]


def test_a_stream_is_kept_alive(call):
    response = call("kept_alive")
    assert texts(response) == ["data: a\n\n", ": \n\n", ": \n\n", "data: b\n\n"]
    assert [int(chunk.at) for chunk in response.chunks] == [0, 10, 20, 25]


def test_generators_that_are_left_are_closed(call):
    assert "closed" in told(call("generator_closed"), "INFO")


@pytest.mark.parametrize("via", DOORS)
def test_an_async_failure_after_the_start(call, via):
    response = call("async_fails_after", via)
    assert response.body == b"begun\n" and response.failure and response.failure.kind == "Function.Broke"


# Explicit handlers.


@pytest.mark.parametrize("via", HTTP)
def test_a_handler_starts_its_response_itself(call, via):
    response = call("explicit", via)
    assert texts(response) == ["a", "b"] and response.status == 202 and response.headers["x-b"] == "2"


@pytest.mark.parametrize("via", DOORS)
def test_work_after_the_response_can_fail_without_it(call, via):
    response = call("goes_on", via)
    assert response.status == 200 and response.failure is None
    assert any("afterwards" in message for message in told(response, "ERROR"))


def test_an_async_handler_starts_its_response_itself(call):
    response = call("explicit_async")
    assert texts(response) == ["a", "b"] and int(response.chunks[1].at) == 1


def test_a_response_that_was_finished_takes_no_more(call):
    response = call("written_after_finish")
    assert response.failure is None and any("was finished" in message for message in told(response, "ERROR"))


# Handlers as AWS's own runtime has them.


@pytest.mark.parametrize("via", HTTP)
def test_a_proxy_answer_is_taken_apart(call, via):
    response = call("proxy", via)
    assert texts(response) == ["<p>"] and response.status == 201
    assert response.headers["x-c"] == "3" and response.headers["content-type"] == "text/html"
    assert response.headers.get_all("set-cookie") == ["c=3"]


@pytest.mark.parametrize("via", HTTP)
def test_a_proxy_answer_in_base64_is_bytes(call, via):
    assert call("proxy_base64", via).body == b"\x89PNG"


def test_a_header_with_several_values(call):
    assert call("proxy_multi", "api").headers.get_all("x") == ["2", "3"]


def test_a_value_at_each_door(call):
    response = call("plain_value", "direct")
    assert response.json() == {"answer": 42} and response.headers["content-type"] == "application/json"
    assert call("plain_value", "url").json() == {"answer": 42}
    response = call("plain_value", "api")
    assert response.status == 502 and response.failure and response.failure.kind == "Function.MalformedProxyResponse"


def test_a_direct_caller_gets_the_value_whole(call):
    assert call("proxy", "direct").json()["statusCode"] == 201


@pytest.mark.parametrize("via", DOORS)
def test_a_generator_with_event_and_context_is_a_stream(call, via):
    response = call("lambda_stream", via)
    assert texts(response) == ["a", "b"] and int(response.chunks[1].at) == 1


def test_the_context_is_complete(call):
    env = {"AWS_LAMBDA_FUNCTION_NAME": "greet", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256"}
    context = {"client_context": '{"custom":{"a":1}}', "cognito_identity": '{"cognitoIdentityId":"me"}'}
    said = call("lambda_context", env=env, context=context).json()
    assert said["name"] == "greet" and said["memory"] == "256" and said["left"]
    assert said["identity"] == "me" and said["custom"] == {"a": 1} and said["arn"].startswith("arn:")
    for odd in ("[]", "7", "{"):
        assert call("lambda_context", env=env, context={"client_context": odd, "cognito_identity": odd}).json()["custom"] is None


def test_an_async_function_with_event_and_context(call):
    response = call("lambda_async")
    assert texts(response) == ["later"] and int(response.chunks[0].at) == 1


# The log.


def test_what_is_printed_and_logged_keeps_its_level(call):
    response = call("logs")
    assert "printed" in told(response, "INFO") and "no end" in told(response, "INFO")
    assert "to standard error" in told(response, "ERROR")
    assert "3 left" in told(response, "INFO") and not told(response, "DEBUG")
    low = next(line for line in response.log if line.message == "low on stock")
    assert low.level == "WARN" and low.members["item"] == 7 and low.members["logger"] == "cases"
    failed = next(line for line in response.log if line.message == "failed")
    assert failed.level == "ERROR" and failed.members["errorType"] == "ZeroDivisionError"
    assert "app.py" in "".join(failed.members["stackTrace"])


def test_the_functions_level_decides(call):
    assert told(call("logs_at_debug", env={"AWS_LAMBDA_LOG_LEVEL": "DEBUG"}), "DEBUG") == ["told"]
    assert not call("logs_at_debug").log


def test_a_long_record_is_one_record(call):
    [line] = call("logs_much").log
    assert line.level == "WARN" and line.message.startswith("xxx")


# Instances.


def test_every_instance_draws_numbers_of_its_own(call):
    first, second = call("drawn").json(), call("drawn").json()
    assert all(first[name] != second[name] for name in ("random", "uuid", "urandom"))


def test_every_invocation_has_an_instance_of_its_own(call):
    assert [call("count").text, call("count").text] == ["1", "1"]


def test_an_instance_may_serve_several(call):
    env = {"FIRSTBYTE_REUSE": "3"}
    assert [call("count", env=env).text for _ in range(3)] == ["1", "2", "3"]
    assert [texts(call("slowly", env=env)) for _ in range(2)] == [["0\n", "1\n", "2\n"]] * 2


def test_the_environment_is_the_functions(call):
    assert [call("environment", env={"GREETING": "hi"}).text, call("environment").text] == ["hi", "none"]


def test_what_functions_import_is_in_the_component(call):
    assert call("not_included").text == "0"
    assert call("parses_a_date").text == "2026-11-27T00:00:00"


# Other servers.


def test_an_answer_is_passed_on_as_it_comes(call):
    asked = []

    def answer(request):
        asked.append(request)
        return Answer(headers={"content-type": "text/x"}, body=["a", 5.0, "b"], after=1.0)

    response = call("fetches", env=ALLOWED, upstream={API: answer})
    assert texts(response) == ["200 text/x\n", "a", "b"]
    assert [int(chunk.at) for chunk in response.chunks] == [1, 1, 6]
    assert (asked[0].method, asked[0].path, asked[0].headers["x-d"]) == ("GET", "/a?b=c", "4")


def test_json_is_posted(call):
    def answer(request):
        assert request.method == "POST" and request.headers["content-type"] == "application/json"
        return Answer.of_json({"got": request.json()})

    assert call("posts", env=ALLOWED, upstream={API: answer}).json() == {"got": {"a": 1}}


@pytest.mark.parametrize(("name", "sent"), [("uploads", b"x" * 300_000), ("uploads_async", b"piece" * 3)])
def test_a_body_is_sent_piece_by_piece(call, name, sent):
    def answer(request):
        return Answer(body=["the same" if request.body == sent else f"{len(request.body)} bytes"])

    assert call(name, env=ALLOWED, upstream={API: answer}).text == "the same"


def test_requests_wait_together(call):
    response = call("fetches_together", env=ALLOWED, upstream={API: lambda request: Answer(body=[3.0, request.path])})
    assert response.json() == ["/0", "/1", "/2"] and int(response.chunks[0].at) == 3


def test_events_are_read_however_they_are_cut(call):
    def answer(request):
        return Answer(body=["da", "ta: a\r", "\ndata: b\r\n\r", "\n", 2.0, ": ping\n\nevent: x\ndata: c\n\ndata: lost"])

    response = call("relays_events", env=ALLOWED, upstream={API: answer})
    assert texts(response) == ["data: a\ndata: b\n\n", "event: x\ndata: c\n\n"] and int(response.chunks[1].at) == 2


def test_what_is_not_allowed_is_refused(call):
    said = call("fetch_denied", env=ALLOWED).json()
    assert said["denied"] and "FIRSTBYTE_ALLOW_HTTP" in said["message"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [(Answer.refused(), "it was refused"), (Answer(body=["a", None]), "connection to https://api.example.com failed")],
)
def test_a_connection_that_fails(call, answer, words):
    response = call("fetch_fails", env=ALLOWED, upstream={API: lambda _: answer})
    assert response.failure and response.failure.kind == "Function.FetchError" and words in response.failure.message


@pytest.mark.parametrize(("name", "text"), [("fetch_left_early", "a, no more"), ("fetch_left_early_async", "a")])
def test_an_answer_and_a_request_may_be_left_in_the_middle(call, name, text):
    response = call(name, env=ALLOWED, upstream={API: lambda _: Answer(body=["a", 1.0, "b"])})
    assert response.failure is None, response.failure
    assert response.text == text


def test_a_server_that_is_too_slow_is_left(call):
    response = call("fetch_times_out", env=ALLOWED, upstream={API: lambda _: Answer(after=100.0)})
    assert texts(response) == ["too late"] and int(response.chunks[0].at) == 5


def test_a_server_that_refuses(call):
    response = call("fetch_refused_by_server", env=ALLOWED, upstream={API: lambda _: Answer(403, body=["no"])})
    assert response.failure and response.failure.message == "https://api.example.com answered with status 403: no"


# Adapters.


@pytest.mark.parametrize("via", HTTP)
def test_an_asgi_application_streams(call, via):
    response = call("by_asgi", via, body="sent")
    assert texts(response) == ["sent", "{'opened': True}"] and int(response.chunks[1].at) == 1
    assert response.status == 203 and response.headers["x-path"] == "/by_asgi"
    assert [line.message for line in response.log] == ["in the background", "shut down"]


@pytest.mark.parametrize("via", HTTP)
def test_a_wsgi_application_streams(call, via):
    response = call("by_wsgi", via, body="sent", query="?a=1")
    assert texts(response) == ["sent", "a=1"] and int(response.chunks[1].at) == 1
    assert response.status == 203 and response.headers["x-path"] == "/by_wsgi"
