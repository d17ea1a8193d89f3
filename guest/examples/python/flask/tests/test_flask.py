"""Flask's own streams at the two HTTP doors, and what its test client says of the same application."""

import sys
from pathlib import Path

import pytest
from firstbyte.testing import Firstbyte, Via

APP = Path(__file__).parent.parent
HTTP = pytest.mark.parametrize("via", ["url", "api"])


@HTTP
def test_the_documentations_csv_streams(firstbyte: Firstbyte, via: Via) -> None:
    response = firstbyte.invoke(APP, via=via, method="GET", path="/large.csv")
    assert response.failure is None and response.headers["content-type"] == "text/csv"
    assert [(int(chunk.at), chunk.text) for chunk in response.chunks] == [(0, "0,ä\n"), (1, "1,ä\n"), (2, "2,ä\n")]


@HTTP
def test_a_stream_has_its_request(firstbyte: Firstbyte, via: Via) -> None:
    response = firstbyte.invoke(APP, via=via, method="GET", path="/stream?name=J%C3%B6rg")
    assert [chunk.text for chunk in response.chunks] == ["<p>Hello ", "Jörg", "!</p>"]


@HTTP
def test_templates_stream(firstbyte: Firstbyte, via: Via) -> None:
    assert firstbyte.invoke(APP, via=via, method="GET", path="/timeline").text == "0;1;2;"


@HTTP
def test_requests_arrive_as_they_were_sent(firstbyte: Firstbyte, via: Via) -> None:
    response = firstbyte.invoke(APP, via=via, path="/echo", json={"a": "ä"}, headers={"X-Agent": "me"}, cookies=["seen=1"])
    assert response.json() == {"json": {"a": "ä"}, "agent": "me", "cookie": "1"}
    response = firstbyte.invoke(APP, via=via, method="GET", path="/items/7")
    assert response.json() == {"number": 7} and response.headers["set-cookie"].startswith("seen=7;")


@HTTP
def test_failures_are_the_applications(firstbyte: Firstbyte, via: Via) -> None:
    assert firstbyte.invoke(APP, via=via, method="GET", path="/items/10").status == 404
    response = firstbyte.invoke(APP, via=via, method="GET", path="/fails")
    assert response.status == 500 and "secret" not in response.text
    assert any("ValueError: a secret" in str(line.members) + line.message for line in response.log if line.level == "ERROR")


@HTTP
def test_a_stream_that_breaks_is_told_to_lambda(firstbyte: Firstbyte, via: Via) -> None:
    response = firstbyte.invoke(APP, via=via, method="GET", path="/breaks")
    assert response.text == "begun\n" and response.failure and response.failure.kind == "Function.ValueError"


def test_the_test_client_says_the_same(firstbyte: Firstbyte) -> None:
    pytest.importorskip("flask")
    sys.path.insert(0, str(APP))
    try:
        app = __import__("app").app
    finally:
        sys.path.remove(str(APP))
        sys.modules.pop("app", None)
    client = app.test_client()
    for path in ("/large.csv", "/stream?name=x", "/timeline", "/items/10"):
        theirs, ours = client.get(path), firstbyte.invoke(APP, method="GET", path=path)
        assert (theirs.status_code, theirs.text, theirs.headers["content-type"]) == (
            ours.status, ours.text, ours.headers["content-type"])
