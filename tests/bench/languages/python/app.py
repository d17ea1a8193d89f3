"""What is measured: a greeting without a pause."""

import firstbyte


@firstbyte.handler
def greet(request):
    name = request.json()["name"]
    yield f"Hello, {name}!\n"
    yield "This is streamed.\n"
