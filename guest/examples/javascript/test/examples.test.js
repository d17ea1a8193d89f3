// What the examples answer. `firstbyte build src/direct.ts`, and the same for the others, makes dist/direct.wasm and so on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { invoke } from "firstbyte/testing";

const LINES = ["Hello, this is a streamed response!\n", "Hello, hoge! This is a delayed message.\n"];

for (const via of ["direct", "url", "api"]) {
  test(`the greeting at the door ${via}`, async () => {
    const response = await invoke(`dist/${via}.wasm`, { via, json: { name: "hoge" } });
    assert.deepEqual(response.chunks.map(({ text }) => text), LINES, JSON.stringify(response.failure));
    const waited = response.chunks[1].at - response.chunks[0].at;
    assert.ok(waited >= 2000 && waited < 3000, `${waited} ms`);
    assert.equal(response.header("content-type"), via === "direct" ? "application/octet-stream" : "text/plain");
    if (via !== "direct") assert.deepEqual([response.status, response.header("access-control-allow-origin")], [200, "*"]);
  });
}

test("a mistake of the caller's", async () => {
  const direct = await invoke("dist/direct.wasm", { json: {} });
  assert.equal(direct.failure.errorType, "Function.ValiError");
  const url = await invoke("dist/url.wasm", { via: "url", json: {} });
  assert.deepEqual([url.status, url.json()], [400, { message: "Invalid input" }]);
});

test("a Hono application, at every door that has paths", async () => {
  for (const via of ["url", "api"]) {
    const ask = (path, options) => invoke("dist/hono.wasm", { via, method: "GET", path, ...options });
    assert.equal((await ask("/")).text(), "Hello, Hono!");
    const hello = await ask("/hello/hoge");
    assert.deepEqual([hello.json(), hello.header("x-powered-by")], [{ hello: "hoge" }, "Hono"]);
    const lines = await ask("/lines");
    assert.deepEqual(lines.chunks.map(({ text }) => text), ["first\n", "second\n"]);
    assert.ok(lines.chunks[1].at - lines.chunks[0].at >= 1000);
    assert.equal((await ask("/events")).text(), [1, 2, 3].map((tick) => `event: tick\ndata: ${tick}\n\n`).join(""));
    assert.deepEqual((await ask("/echo", { method: "POST", json: { a: 1 } })).json(), { a: 1 });
    assert.equal((await ask("/nowhere")).status, 404);
  }
});
