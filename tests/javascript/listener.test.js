// A module that listens for `fetch`. `firstbyte build src/listener.js` makes dist/listener.wasm.

import assert from "node:assert/strict";
import { test } from "node:test";
import { invoke } from "firstbyte/testing";

const ask = (path, options) => invoke("dist/listener.wasm", { via: "url", method: "GET", path, ...options });

for (const via of ["direct", "url", "api"]) {
  test(`a listener for fetch answers at the door ${via}`, async () => {
    // A direct invocation is a POST to the path that a setting names.
    const env = { FIRSTBYTE_DIRECT_REQUEST: "PUT /echo" };
    const echo = await ask("/echo", { via, env, method: "PUT", json: { a: 1 }, headers: { "x-said": "hello" } });
    assert.deepEqual(echo.json(), { method: "PUT", body: { a: 1 }, said: via === "direct" ? null : "hello" }, JSON.stringify([echo.failure, echo.log]));
    assert.equal(echo.status, 201);
  });
}

test("it streams", async () => {
  const { chunks, header, status } = await ask("/lines");
  assert.deepEqual(chunks.map(({ text }) => text), ["first\n", "second\n"]);
  assert.ok(chunks[1].at - chunks[0].at >= 900);
  assert.equal(status, 200);
});

test("what it throws is a 500 that says nothing internal, and is in the log", async () => {
  for (const [path, message] of [["/at-once", "at once"], ["/fails", "in a listener"]]) {
    const response = await ask(path);
    assert.equal(response.status, 500, `${path}: ${JSON.stringify([response.failure, response.log])}`);
    assert.ok(!response.text().includes(message));
    assert.ok(response.log.some((line) => JSON.stringify(line).includes(message)), JSON.stringify(response.log));
  }
  assert.equal((await ask("/nowhere")).status, 404);
});
