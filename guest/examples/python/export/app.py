"""Exports rows as CSV: as many as `?rows=` says, and the first of them at once.

The handler keeps 64 KiB of them. componentize-py 0.25 keeps a copy of whatever was written until the invocation ends, so the
function's memory has to have room for the response.
"""

import csv
import io
from collections.abc import Iterator

import firstbyte
from firstbyte import Head

PIECE = 64 * 1024


@firstbyte.handler
def export(request: firstbyte.Request) -> Iterator[Head | str]:
    asked = request.query.get("rows", "1000")
    if not asked.isdigit():
        raise firstbyte.Error.bad_request("rows is a number")
    yield Head(content_type="text/csv; charset=utf-8", headers={"content-disposition": 'attachment; filename="rows.csv"'})
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["number", "square", "words"])
    for number in range(int(asked)):
        # Small writes cost more than large ones, and the first should not wait for the others.
        if number == 0 or text.tell() > PIECE:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
        writer.writerow([number, number * number, f'row "{number}", with a comma'])
    yield text.getvalue()
