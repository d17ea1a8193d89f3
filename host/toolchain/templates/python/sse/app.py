"""Counts in server-sent events: one each second, as many as `?count=` says."""

import asyncio
from collections.abc import AsyncIterator

import firstbyte
from firstbyte import Head, sse


@firstbyte.handler
async def count(request: firstbyte.Request) -> AsyncIterator[Head | sse.Event]:
    asked = request.query.get("count", "5")
    if not asked.isdigit() or not 1 <= int(asked) <= 100:
        raise firstbyte.Error.bad_request("count is a number from 1 to 100")
    yield Head(content_type=sse.CONTENT_TYPE, headers={"cache-control": "no-cache"})
    for number in range(1, int(asked) + 1):
        if number > 1:
            await asyncio.sleep(1)
        yield sse.Event(str(number), event="count")
