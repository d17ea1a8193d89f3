"""The handler, on a paused clock."""

from firstbyte import sse
from firstbyte.testing import Firstbyte


def test_counts(firstbyte: Firstbyte) -> None:
    response = firstbyte.invoke(".", method="GET", path="/?count=3")
    assert response.headers["content-type"] == "text/event-stream"
    events = list(sse.read(chunk.bytes for chunk in response.chunks))
    assert events == [sse.Event(data, event="count") for data in "123"]
    assert response.chunks[-1].at >= 2.0


def test_refuses_what_is_not_a_number(firstbyte: Firstbyte) -> None:
    assert firstbyte.invoke(".", method="GET", path="/?count=many").status == 400
