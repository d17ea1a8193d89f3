"""The same as a server, which AWS's Web Adapter stands before: `uvicorn server:app`."""

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route


async def greet(request):
    name = (await request.json())["name"]

    async def pieces():
        yield f"Hello, {name}!\n"
        yield "This is streamed.\n"

    return StreamingResponse(pieces(), media_type="text/plain")


app = Starlette(routes=[Route("/", greet, methods=["POST"]), Route("/ready", lambda _: PlainTextResponse("ready"))])
