"""A Flask application. Its streams are those of Flask's own documentation, as they stand there."""

import time
from collections.abc import Iterator

import firstbyte
from flask import Flask, abort, jsonify, request, stream_template_string, stream_with_context

app = Flask(__name__)


def iter_all_rows() -> Iterator[list[str]]:
    for number in range(3):
        yield [str(number), "ä"]
        time.sleep(1)


# https://flask.palletsprojects.com/en/stable/patterns/streaming/#basic-usage
@app.route('/large.csv')
def generate_large_csv():
    def generate():
        for row in iter_all_rows():
            yield f"{','.join(row)}\n"
    return generate(), {"Content-Type": "text/csv"}


# https://flask.palletsprojects.com/en/stable/patterns/streaming/#streaming-with-context
@app.route('/stream')
def streamed_response():
    @stream_with_context
    def generate():
        yield '<p>Hello '
        yield request.args['name']
        yield '!</p>'
    return generate()


# https://flask.palletsprojects.com/en/stable/patterns/streaming/#streaming-from-templates
@app.get("/timeline")
def timeline():
    return stream_template_string("{% for number in numbers %}{{ number }};{% endfor %}", numbers=range(3))


@app.post("/echo")
def echo():
    return jsonify(json=request.get_json(), agent=request.headers.get("X-Agent"), cookie=request.cookies.get("seen"))


@app.get("/items/<int:number>")
def item(number: int):
    if number > 9:
        abort(404)
    response = jsonify(number=number)
    response.set_cookie("seen", str(number))
    return response


@app.get("/breaks")
def breaks():
    def generate():
        yield "begun\n"
        raise ValueError("broke")
    return generate()


@app.get("/fails")
def fails():
    raise ValueError("a secret")


handler = firstbyte.wsgi(app)
