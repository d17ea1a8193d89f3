// What handlers of every kind answer, and how they fail. See src/cases.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Handler, invoke } from "firstbyte/testing";
import { STREAMING } from "../streaming.js";

const WASM = "dist/cases.wasm";

const call = (name, options = {}) => invoke(WASM, { via: "direct", ...options, json: { case: name, ...options.json } });

const SLACK = 250;

for (const [name, expected] of Object.entries(STREAMING)) {
  test(`streaming: ${name}`, async () => {
    const response = await call(name, expected.options);
    const shown = JSON.stringify({ failure: response.failure, log: response.log });
    const type = expected.failure && `${expected.failure.startsWith("Runtime.") ? "" : "Function."}${expected.failure}`;
    assert.equal(response.failure?.errorType, type, shown);
    if (expected.message instanceof RegExp) assert.match(response.failure.errorMessage, expected.message);
    else if (expected.message) assert.equal(response.failure.errorMessage, expected.message);
    if (expected.text !== undefined) assert.equal(response.text(), expected.text, shown);
    if (expected.bytes) assert.deepEqual([...response.bytes()], expected.bytes);
    if (expected.length) assert.equal(response.bytes().length, expected.length);
    if (expected.ends) assert.ok(response.text().endsWith(expected.ends), response.text().slice(-8));
    if (expected.type) assert.equal(response.header("content-type"), expected.type);
    if (expected.status) assert.equal(response.status, expected.status);
    for (const [header, value] of Object.entries(expected.headers ?? {})) assert.equal(response.header(header), value, header);
    for (const [header, values] of Object.entries(expected.lists ?? {})) {
      assert.deepEqual(response.headers.filter(([known]) => known === header).map(([, value]) => value), values, header);
    }
    if (expected.cookies) assert.deepEqual(response.headers.filter(([known]) => known === "set-cookie").map(([, value]) => value), expected.cookies);
    if (expected.chunks) assert.deepEqual(response.chunks.map((chunk) => chunk.text), expected.chunks);
    for (const [index, at] of (expected.at ?? []).entries()) {
      const came = response.chunks[index].at;
      assert.ok(came >= at && came < at + SLACK + 1000, `chunk ${index} came at ${came} ms, and not at ${at}`);
    }
    if (expected.frame) assert.match(response.failure.stackTrace.find((frame) => frame.includes("cases.ts")), expected.frame);
    if (expected.cause) assert.ok(response.failure.stackTrace.includes(expected.cause), shown);
    if (expected.log) assert.ok(response.log.some(({ message }) => message === expected.log), shown);
    if (expected.logged) assert.ok(response.log.some(({ message }) => expected.logged.test(message)), shown);
  });
}

test("an HTTP caller gets the head and the body, and nothing internal of a failure", async () => {
  for (const via of ["url", "api"]) {
    const response = await call("a prelude", { via });
    assert.deepEqual([response.status, response.text(), response.header("x-one")], [201, "<p>", "1"], via);
    const failed = await call("throws", { via });
    assert.deepEqual([failed.status, failed.json()], [500, { message: "Internal Server Error" }], via);
    assert.equal(failed.failure.errorType, "Function.TeapotError");
  }
});

test("the context says what Lambda says", async () => {
  const env = { AWS_LAMBDA_FUNCTION_NAME: "named", AWS_LAMBDA_FUNCTION_VERSION: "7", AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256" };
  const response = await call("context", { env, tenantId: "t1", clientContext: { custom: { a: "1" } }, identity: { cognitoIdentityId: "i", cognitoIdentityPoolId: "p" } });
  const { remaining, ...said } = response.json();
  assert.deepEqual(said, {
    callbackWaitsForEmptyEventLoop: true, functionName: "named", functionVersion: "7", memoryLimitInMB: "256",
    invokedFunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:test", awsRequestId: "00000000-0000-4000-8000-000000000000",
    tenantId: "t1", clientContext: { custom: { a: "1" } }, identity: { cognitoIdentityId: "i", cognitoIdentityPoolId: "p" },
  });
  assert.ok(remaining > 50_000 && remaining <= 60_000, String(remaining));
});

test("a context may be wrapped, copied and written to", async () => {
  const env = { AWS_LAMBDA_FUNCTION_NAME: "named", AWS_LAMBDA_FUNCTION_VERSION: "7" };
  const id = "00000000-0000-4000-8000-000000000000";
  const arn = "arn:aws:lambda:us-east-1:123456789012:function:test";
  const response = await call("context in other hands", { env });
  assert.deepEqual(response.json(), { name: "named", id, copied: "7", keys: 12, set: "other", own: ["derived", "7"], frozen: arn });
  assert.match(response.log[0].message, /awsRequestId: '00000000-/);
});

test("the event is the caller's", async () => {
  assert.deepEqual((await call("event", { json: { a: [1, "ü"] } })).json(), { case: "event", a: [1, "ü"] });
});

test("log lines have their levels and members", async () => {
  const { log } = await call("levels", { env: { AWS_LAMBDA_LOG_LEVEL: "TRACE" } });
  const [trace, debug, line, info, warn, error, own, two] = log;
  assert.deepEqual([trace, debug, line, info, warn, error, own, two].map(({ level }) => level), ["TRACE", "DEBUG", "INFO", "INFO", "WARN", "ERROR", "WARN", "INFO"]);
  assert.equal(line.message, "l x 7 { a: 1 }");
  assert.deepEqual([error.errorType, error.errorMessage], ["TeapotError", "logged"]);
  assert.match(error.stackTrace[0], /^at .*src\/cases\.ts:\d+/);
  assert.deepEqual(own, { level: "WARN", message: "own", item: 7 });
  assert.equal(two.message, "two\nlines");
});

test("an invocation has an instance of its own", async () => {
  assert.deepEqual([(await call("a fresh instance")).text(), (await call("a fresh instance")).text()], ["1", "1"]);
});

test("what is random differs, and the time is the invocation's, though the module was evaluated when it was built", async () => {
  const [one, two] = [(await call("randomness")).json(), (await call("randomness")).json()];
  for (const kind of ["identity", "math", "uuid", "bytes"]) assert.notEqual(one[kind], two[kind], kind);
  const begun = Date.now() - 60_000;
  const time = (await call("time")).json();
  assert.ok(time.born > begun && time.now >= time.born && time.date >= time.now, JSON.stringify(time));
});

test("the environment is the function's", async () => {
  const response = await call("environment", { env: { KIND: "streaming", NOT_SET: "set" } });
  assert.deepEqual(response.json(), { KIND: "streaming", WRITTEN_AT_BUILD: "set", mode: "production", has: true, keys: ["KIND"] });
});

test("fetch, and bodies that come in pieces", async () => {
  const upstreams = {
    "http://upstream.example": ({ method, path, headers, body }) =>
      path === "/wait" ? { body: ["waited ", 1000, "for"] } : { status: 202, body: [`${method} ${path} ${headers["x-a"]} ${body} `, 1000, "and more"] },
  };
  const handler = await Handler.load(WASM, { env: { FIRSTBYTE_ALLOW_HTTP: "http://upstream.example" }, upstreams });
  const response = await handler.invoke({ json: { case: "fetch", url: "http://upstream.example/a?b" } });
  assert.deepEqual([response.status, response.text()], [202, "POST /a?b 1 asked and more"], JSON.stringify(response.failure));
  // The pause is the upstream's, and begins before the handler has read what precedes it.
  const waited = response.chunks.at(-1).at - response.chunks[0].at;
  assert.ok(waited >= 500, `${waited} ms`);
  const left = await handler.invoke({ json: { case: "fetch without waiting", url: "http://upstream.example/wait" } });
  assert.equal(left.text(), "waited for", JSON.stringify(left.log));
  handler.close();
});

test("buffered handlers", async () => {
  const env = { KIND: "buffered" };
  const whole = await call("a response", { env, via: "url" });
  assert.deepEqual([whole.status, whole.text(), whole.header("x-one"), whole.header("set-cookie")], [201, "whole", "1", "a=1"]);
  assert.deepEqual([...(await call("base64", { env, via: "api" })).bytes()], [0, 1, 2]);
  const value = await call("a value", { env, json: { name: "hoge" } });
  assert.deepEqual([value.json(), value.header("content-type")], [{ hello: "hoge" }, "application/json"]);
  assert.deepEqual((await call("a value", { env, via: "url" })).json(), { hello: "you" });
  assert.equal((await call("a string", { env })).text(), '"words"');
  assert.equal((await call("a string", { env, via: "url" })).text(), "words");
  assert.equal((await call("nothing", { env })).text(), "null");
  assert.equal((await call("throws", { env })).failure.errorType, "Function.TeapotError");
});

test("handlers with a callback", async () => {
  const env = { KIND: "callback" };
  assert.equal((await call("", { env, via: "url" })).text(), "called back");
  assert.equal((await call("", { env, json: { fails: true } })).failure.errorMessage, "called back");
});

test("Firstbyte's own interface, at every door", async () => {
  const env = { KIND: "native" };
  for (const [via, door, method] of [["direct", "direct"], ["url", "function-url", "POST"], ["api", "api-gateway", "POST"]]) {
    const got = (await call("json", { env, via, json: { a: 1 } })).json();
    assert.deepEqual(got, { got: { a: 1 }, door, ...(method && { method }) });
  }
  const text = await call("text", { env, via: "url" });
  assert.deepEqual([text.status, text.text(), text.header("x-one"), text.header("content-type")], [202, "words", "1", "text/plain; charset=utf-8"]);
  const sse = await call("sse", { env });
  assert.deepEqual(sse.chunks.map((chunk) => chunk.text), ['event: tick\nid: 1\ndata: {"n":1}\n\n', "data: two\ndata: lines\n\n"]);
  const pieces = await call("pieces", { env });
  assert.ok(pieces.text() === "ab" && pieces.chunks[1].at - pieces.chunks[0].at >= 1000);
  const web = await call("web", { env, via: "api" });
  assert.deepEqual([web.status, web.text(), web.header("x-one")], [203, "web", "1"]);
  assert.equal((await call("pipe", { env })).text(), "piped");
  const http = await call("http", { env, via: "url", path: "/a%20b?c=d", headers: { "X-One": "1" }, cookies: ["k=v"] });
  assert.deepEqual(http.json(), { path: "/a%20b", query: { c: "d" }, cookies: { k: "v" }, header: "1" });
  const after = await call("work after end", { env });
  assert.ok(after.text() === "x" && after.log.some(({ message }) => message === "worked on"));
});

test("a caller's mistake has its status, and is told", async () => {
  const env = { KIND: "native" };
  const mistake = await call("mistake", { env, via: "url" });
  assert.deepEqual([mistake.status, mistake.json(), mistake.failure], [422, { message: "not like this" }, undefined]);
  const nonsense = await invoke(WASM, { env, via: "api", body: "{" });
  assert.equal(nonsense.status, 400);
  assert.match(nonsense.json().message, /^the request is not JSON: /);
  const twice = await call("twice", { env });
  assert.match(twice.failure.errorMessage, /started already/);
});
