"""The greeting at each door. On a paused clock two seconds take no time, and are counted."""

from pathlib import Path

import pytest
from firstbyte.testing import DOORS, Firstbyte, Via

APP = Path(__file__).parent.parent


@pytest.mark.parametrize("via", DOORS)
def test_greets(firstbyte: Firstbyte, via: Via) -> None:
    response = firstbyte.invoke(APP, via=via, json={"name": "hoge"})
    assert response.failure is None
    first, second = response.chunks
    assert first.text == "Hello, this is a streamed response!\n"
    assert second.text == "Hello, hoge! This is a delayed message.\n"
    assert second.at - first.at >= 2.0


def test_asks_for_a_name(firstbyte: Firstbyte) -> None:
    response = firstbyte.invoke(APP, json={})
    assert (response.status, response.json()) == (400, {"message": "give a name"})
