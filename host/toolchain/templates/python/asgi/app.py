"""A Starlette application that streams. Nothing in it knows of Lambda but the last line."""

import asyncio
from collections.abc import AsyncIterator

import firstbyte
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route


async def hello(request: Request) -> JSONResponse:
    return JSONResponse({"hello": request.path_params["name"]})


async def count(request: Request) -> StreamingResponse:
    async def numbers() -> AsyncIterator[str]:
        for number in range(request.path_params["to"]):
            yield f"{number + 1}\n"
            await asyncio.sleep(1)

    return StreamingResponse(numbers(), media_type="text/plain")


app = Starlette(routes=[Route("/hello/{name}", hello), Route("/count/{to:int}", count)])
handler = firstbyte.asgi(app)
