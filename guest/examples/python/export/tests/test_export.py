"""The export, read as CSV."""

import csv
import io
from pathlib import Path

from firstbyte.testing import Firstbyte

APP = Path(__file__).parent.parent


def test_rows_are_csv(firstbyte: Firstbyte) -> None:
    response = firstbyte.invoke(APP, method="GET", path="/?rows=3")
    rows = list(csv.reader(io.StringIO(response.text, newline="")))
    assert rows[0] == ["number", "square", "words"] and rows[3] == ["2", "4", 'row "2", with a comma']
    assert response.headers["content-disposition"].startswith("attachment")


def test_memory_is_that_of_the_response_and_no_more(firstbyte: Firstbyte) -> None:
    # 16 MiB are Python's, 24 the copies that componentize-py keeps: the handler itself needs next to nothing.
    response = firstbyte.invoke(APP, method="GET", path="/?rows=500000", env={"FIRSTBYTE_MEMORY_MB": "48"}, paused=False)
    assert response.failure is None
    assert len(response.body) > 20 * 1024 * 1024 and response.text.count("\r\n") == 500_001
    assert len(response.chunks) > 300


def test_rows_is_a_number(firstbyte: Firstbyte) -> None:
    assert firstbyte.invoke(APP, method="GET", path="/?rows=many").status == 400
