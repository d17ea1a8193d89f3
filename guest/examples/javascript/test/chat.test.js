// The chat with a model that the test plays, on a paused clock.

import assert from "node:assert/strict";
import { test } from "node:test";
import { invoke } from "firstbyte/testing";

const MODEL = "https://model.example.com";
const env = { CHAT_BASE_URL: MODEL, CHAT_MODEL: "tiny", CHAT_API_KEY: "key", FIRSTBYTE_ALLOW_HTTP: MODEL };
const token = (content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
const DONE = "data: [DONE]\n\n";

const ask = async (answer, options) => {
  const asked = [];
  const model = (request) => {
    asked.push(request);
    return answer;
  };
  const json = { messages: [{ role: "user", content: "Say hello" }] };
  const response = await invoke("dist/chat.wasm", { via: "url", env, upstreams: { [MODEL]: model }, timeout: 300_000, json, ...options });
  return { response, asked };
};
const ended = (message) => `event: error\ndata: {"message":"${message}"}\n\n`;

test("tokens are passed on as they come", async () => {
  const { response, asked } = await ask({ body: [token("Hel"), 2000, token("lo"), DONE] });
  assert.equal(response.header("content-type"), "text/event-stream");
  assert.equal(response.text(), 'data: {"token":"Hel"}\n\ndata: {"token":"lo"}\n\nevent: done\ndata: {"tokens":2}\n\n', JSON.stringify(response.failure));
  assert.ok(Math.round(response.chunks[1].at - response.chunks[0].at) >= 1500);
  const [{ path, headers, body }] = asked;
  assert.deepEqual([path, headers.authorization], ["/v1/chat/completions", "Bearer key"]);
  assert.deepEqual(JSON.parse(body), { model: "tiny", stream: true, messages: [{ role: "user", content: "Say hello" }] });
});

test("an event that comes in two pieces is one token", async () => {
  const [first, second] = [token("hé").slice(0, 30), token("hé").slice(30)];
  const { response } = await ask({ body: [first, 100, second, DONE] });
  assert.match(response.text(), /^data: \{"token":"hé"\}\n\nevent: done/);
});

test("a model that thinks keeps the stream alive", async () => {
  const { response } = await ask({ body: [token("a"), 40_000, token("b"), DONE] });
  assert.deepEqual(response.chunks.map(({ text }) => text).slice(1, 3), [": ping\n\n", ": ping\n\n"]);
});

test("a model that stalls, breaks off, fails or is not there is told of", async () => {
  for (const [answer, end] of [
    [{ body: [token("a"), 100_000] }, ended("the model said nothing for 60 seconds")],
    [{ body: [token("a")] }, ended("the model's answer has no end")],
    [{ status: 500 }, ended("the model answered 500")],
    [{ refused: true }, /^event: error\n/m],
  ]) {
    const { response } = await ask(answer);
    if (end instanceof RegExp) assert.match(response.text(), end);
    else assert.ok(response.text().endsWith(end), response.text());
    assert.ok(response.log.some(({ level, errorMessage }) => level === "ERROR" && errorMessage), JSON.stringify(response.log));
  }
});

test("the page, and what is not a question", async () => {
  const page = await ask({}, { method: "GET", json: undefined });
  assert.match(page.response.text(), /<form/);
  assert.equal((await ask({}, { json: { messages: [] } })).response.status, 400);
  assert.equal((await ask({}, { method: "PUT" })).response.status, 405);
});
