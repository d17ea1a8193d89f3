"""A Starlette application. Its streaming responses are those of Starlette's own documentation, as they stand there."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

import firstbyte
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route


# https://www.starlette.io/responses/#streamingresponse
async def slow_numbers(minimum, maximum):
    yield "<html><body><ul>"
    for number in range(minimum, maximum + 1):
        yield "<li>%d</li>" % number
        await asyncio.sleep(0.5)
    yield "</ul></body></html>"


async def numbers(request: Request) -> Response:
    return StreamingResponse(slow_numbers(1, 10), media_type="text/html")


# What is not `async` streams, too.
def count(request: Request) -> Response:
    def lines() -> Iterator[str]:
        for number in range(3):
            yield f"{number}\n"
            time.sleep(1)

    return StreamingResponse(lines(), media_type="text/plain")


async def echo(request: Request) -> Response:
    return PlainTextResponse(await request.body(), headers={"x-query": request.query_params.get("q", "")})


async def form(request: Request) -> Response:
    response = JSONResponse({"name": request.path_params["name"], "cookie": request.cookies.get("seen")})
    response.set_cookie("seen", "yes")
    return response


async def background(request: Request) -> Response:
    async def work() -> None:
        await asyncio.sleep(1)
        print("worked")

    return PlainTextResponse("at once", background=BackgroundTask(work))


async def breaks(request: Request) -> Response:
    async def lines() -> AsyncIterator[str]:
        yield "begun\n"
        raise ValueError("broke")

    return StreamingResponse(lines())


async def fails(request: Request) -> Response:
    raise ValueError("a secret")


async def missing(request: Request) -> Response:
    raise HTTPException(404, "nothing here")


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
    yield {"table": "items"}


async def state(request: Request) -> Response:
    return PlainTextResponse(request.state.table)


routes = [
    Route("/numbers", numbers), Route("/count", count), Route("/echo", echo, methods=["POST"]), Route("/form/{name}", form),
    Route("/background", background), Route("/breaks", breaks), Route("/fails", fails), Route("/missing", missing),
    Route("/state", state),
]
app = Starlette(routes=routes, middleware=[Middleware(GZipMiddleware, minimum_size=500)], lifespan=lifespan)
handler = firstbyte.asgi(app)
