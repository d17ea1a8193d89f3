"""Starlette's own streaming responses at the two HTTP doors, and what its test client says of the same application."""

import sys
from pathlib import Path

import pytest
from firstbyte.testing import Firstbyte, Via

APP = Path(__file__).parent.parent
HTTP = pytest.mark.parametrize("via", ["url", "api"])
PAGE = "<html><body><ul>" + "".join(f"<li>{number}</li>" for number in range(1, 11)) + "</ul></body></html>"


@HTTP
def test_the_documentations_example_streams(firstbyte: Firstbyte, via: Via) -> None:
    response = firstbyte.invoke(APP, via=via, method="GET", path="/numbers")
    assert response.failure is None and response.status == 200
    assert response.text == PAGE and response.headers["content-type"] == "text/html; charset=utf-8"
    assert len(response.chunks) == 12
    assert [round(chunk.at, 1) for chunk in response.chunks[1:11]] == pytest.approx([0.5 * n for n in range(10)], abs=0.3)


@HTTP
def test_what_is_not_async_streams(firstbyte: Firstbyte, via: Via) -> None:
    response = firstbyte.invoke(APP, via=via, method="GET", path="/count")
    assert [(int(chunk.at), chunk.text) for chunk in response.chunks] == [(0, "0\n"), (1, "1\n"), (2, "2\n")]


@HTTP
def test_requests_arrive_as_they_were_sent(firstbyte: Firstbyte, via: Via) -> None:
    response = firstbyte.invoke(APP, via=via, path="/echo?q=%C3%A4+b", body="täxt")
    assert response.text == "täxt" and response.headers["x-query"] == "ä b"
    response = firstbyte.invoke(APP, via=via, method="GET", path="/form/J%C3%B6rg", cookies=["seen=no"])
    assert response.json() == {"name": "Jörg", "cookie": "no"}
    assert response.headers["set-cookie"].startswith("seen=yes;")


@HTTP
def test_failures_are_the_applications(firstbyte: Firstbyte, via: Via) -> None:
    assert firstbyte.invoke(APP, via=via, method="GET", path="/missing").status == 404
    assert firstbyte.invoke(APP, via=via, method="GET", path="/nowhere").status == 404
    assert firstbyte.invoke(APP, via=via, method="DELETE", path="/numbers").status == 405
    response = firstbyte.invoke(APP, via=via, method="GET", path="/fails")
    assert (response.status, response.text) == (500, "Internal Server Error")
    assert any("a secret" in line.message for line in response.log if line.level == "ERROR")


@HTTP
def test_a_stream_that_breaks_is_told_to_lambda(firstbyte: Firstbyte, via: Via) -> None:
    response = firstbyte.invoke(APP, via=via, method="GET", path="/breaks")
    assert response.text == "begun\n" and response.failure and response.failure.kind == "Function.ValueError"


def test_background_work_keeps_nobody_waiting(firstbyte: Firstbyte) -> None:
    response = firstbyte.invoke(APP, method="GET", path="/background")
    assert response.text == "at once" and response.chunks[0].at < 1
    assert [line.message for line in response.log] == ["worked"]


def test_middleware_and_lifespan_work(firstbyte: Firstbyte) -> None:
    response = firstbyte.invoke(APP, method="GET", path="/numbers", headers={"accept-encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip" and len(response.chunks) > 5
    assert firstbyte.invoke(APP, method="GET", path="/state").text == "items"


def test_the_test_client_says_the_same(firstbyte: Firstbyte) -> None:
    testclient = pytest.importorskip("starlette.testclient")
    sys.path.insert(0, str(APP))
    try:
        app = __import__("app").app
    finally:
        sys.path.remove(str(APP))
        sys.modules.pop("app", None)
    with testclient.TestClient(app) as client:
        for path in ("/numbers", "/count", "/missing", "/state"):
            theirs, ours = client.get(path, headers={"accept-encoding": "identity"}), firstbyte.invoke(APP, method="GET", path=path)
            assert (theirs.status_code, theirs.text) == (ours.status, ours.text)
            assert theirs.headers["content-type"] == ours.headers["content-type"]
