"""The chat with a model that the test plays, on a paused clock."""

import json
from pathlib import Path

from firstbyte import sse
from firstbyte.testing import Answer, Firstbyte, Response, UpstreamRequest

APP = Path(__file__).parent.parent
MODEL = "https://model.example.com"
ENV = {"CHAT_BASE_URL": MODEL, "CHAT_MODEL": "tiny", "CHAT_API_KEY": "key", "FIRSTBYTE_ALLOW_HTTP": MODEL}


def token(text: str) -> str:
    return f"data: {json.dumps({'choices': [{'delta': {'content': text}}]})}\n\n"


def ask(firstbyte: Firstbyte, answer: Answer) -> tuple[Response, list[UpstreamRequest]]:
    asked: list[UpstreamRequest] = []

    def model(request: UpstreamRequest) -> Answer:
        asked.append(request)
        return answer

    return firstbyte.invoke(APP, json={"prompt": "Say hello"}, env=ENV, upstream={MODEL: model}, timeout=300), asked


def test_tokens_are_passed_on_as_they_come(firstbyte: Firstbyte) -> None:
    response, [asked] = ask(firstbyte, Answer(body=[token("Hel"), 2.0, token("lo"), "data: [DONE]\n\n"]))
    assert response.failure is None
    assert [event.data for event in sse.read(chunk.bytes for chunk in response.chunks)] == ["Hel", "lo", ""]
    assert [int(chunk.at) for chunk in response.chunks] == [0, 2, 2]
    assert asked.path == "/v1/chat/completions" and asked.headers["authorization"] == "Bearer key"
    assert asked.json()["messages"] == [{"role": "user", "content": "Say hello"}] and asked.json()["stream"]


def test_a_model_that_thinks_keeps_the_stream_alive(firstbyte: Firstbyte) -> None:
    response, _ = ask(firstbyte, Answer(body=[token("a"), 40.0, token("b"), "data: [DONE]\n\n"]))
    assert [chunk.text for chunk in response.chunks][1:3] == [": \n\n", ": \n\n"]
    assert [int(chunk.at) for chunk in response.chunks] == [0, 15, 30, 40, 40]


def test_a_model_that_stalls_is_given_up(firstbyte: Firstbyte) -> None:
    response, _ = ask(firstbyte, Answer(body=[token("a"), 1000.0]))
    assert response.failure and response.failure.kind == "Function.ModelStalled"
    assert "event: error" in response.text


def test_a_model_that_breaks_off_is_a_failure(firstbyte: Firstbyte) -> None:
    response, _ = ask(firstbyte, Answer(body=[token("a")]))
    assert response.failure and response.failure.kind == "Function.ModelBrokeOff"


def test_a_model_that_is_not_there_is_a_502(firstbyte: Firstbyte) -> None:
    for answer in (Answer.refused(), Answer(after=1000.0), Answer(500, body=["no"])):
        response, _ = ask(firstbyte, answer)
        assert response.status == 502
        assert any(line.level == "WARN" and line.message == "the model did not answer" for line in response.log)


def test_a_prompt_is_wanted(firstbyte: Firstbyte) -> None:
    assert firstbyte.invoke(APP, json={}, env=ENV).status == 400
