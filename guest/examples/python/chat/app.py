"""Passes a language model's answer on, token by token, as server-sent events.

A comment every 15 seconds keeps the stream alive, and a model that says nothing for 60 seconds is given up. `CHAT_BASE_URL` and
`CHAT_MODEL` say which model, `CHAT_API_KEY` is its key if it wants one, and `FIRSTBYTE_ALLOW_HTTP` has to name its server.
"""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator

import firstbyte
from firstbyte import Error, Head, sse

PATIENCE = 60.0
logger = logging.getLogger("chat")


@firstbyte.handler
async def chat(request: firstbyte.Request) -> AsyncIterator[Head | sse.Event | sse.Comment]:
    prompt = request.json().get("prompt")
    if not prompt:
        raise Error.bad_request("give a prompt")
    answer = await ask(prompt)
    yield Head(content_type=sse.CONTENT_TYPE, headers={"cache-control": "no-cache"})
    async for item in sse.keep_alive(tokens(answer), 15):
        yield item
    yield sse.Event("", event="done")


async def ask(prompt: str) -> firstbyte.fetch.AsyncAnswer:
    """Asks the model for a stream."""
    key = os.environ.get("CHAT_API_KEY")
    question = {"model": os.environ.get("CHAT_MODEL", "default"), "stream": True, "messages": [{"role": "user", "content": prompt}]}
    url = os.environ["CHAT_BASE_URL"].rstrip("/") + "/v1/chat/completions"
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        async with asyncio.timeout(PATIENCE):
            return await (await firstbyte.fetch_async(url, headers=headers, json=question)).raise_for_status()
    except (TimeoutError, firstbyte.FetchError) as error:
        logger.warning("the model did not answer", extra={"reason": str(error)})
        raise Error("ModelUnavailable", "the model did not answer", status=502) from error


async def tokens(answer: firstbyte.fetch.AsyncAnswer) -> AsyncIterator[sse.Event]:
    """What the model says, piece by piece."""
    events = sse.read_async(aiter(answer))
    while True:
        try:
            async with asyncio.timeout(PATIENCE):
                event = await anext(events)
        except StopAsyncIteration:
            raise Error("ModelBrokeOff", "the model's answer has no end") from None
        except TimeoutError:
            raise Error("ModelStalled", f"the model said nothing for {PATIENCE:.0f} seconds") from None
        if event.data == "[DONE]":
            return
        for choice in json.loads(event.data).get("choices", []):
            if text := choice.get("delta", {}).get("content"):
                yield sse.Event(text)
