"""The application at the two HTTP doors."""

import pytest
from firstbyte.testing import Firstbyte, Via


@pytest.mark.parametrize("via", ["url", "api"])
def test_streams(firstbyte: Firstbyte, via: Via) -> None:
    response = firstbyte.invoke(".", via=via, method="GET", path="/count/3")
    assert [chunk.text for chunk in response.chunks] == ["1\n", "2\n", "3\n"]
    assert response.chunks[2].at >= 2.0


def test_says_hello(firstbyte: Firstbyte) -> None:
    assert firstbyte.invoke(".", method="GET", path="/hello/hoge").json() == {"hello": "hoge"}
