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
    cache = request.config.cache
    host = Firstbyte(Path(cache.mkdir("firstbyte")) if cache else None)
    yield host
    host.close()
