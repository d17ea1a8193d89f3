"""The fixture `firstbyte` for pytest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .testing import Firstbyte


@pytest.fixture(scope="session")
def firstbyte(request: pytest.FixtureRequest) -> Iterator[Firstbyte]:
    """Invokes handlers in the command line: `firstbyte.invoke("app.wasm", via="url", json={…})`.

    Machine code is kept in pytest's cache, so that only the first run compiles it.
    """
    # Without pytest's cache it is kept as long as the tests run.
    cache = getattr(request.config, "cache", None)
    host = Firstbyte(Path(cache.mkdir("firstbyte")) if cache else None)
    yield host
    host.close()
