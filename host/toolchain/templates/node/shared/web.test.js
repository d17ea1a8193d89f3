import assert from "node:assert/strict";
import { test } from "node:test";
import { invoke } from "firstbyte/testing";

test("a greeting, in two pieces", async () => {
  const response = await invoke("dist/{{name}}.wasm", { via: "url", method: "GET", path: "/hello/hoge" });
  assert.equal(response.status, 200);
  assert.equal(response.text(), "Hello, this is a streamed response!\nHello, hoge!\n");
  assert.ok(response.chunks[1].at - response.chunks[0].at >= 1000);
});

test("what is not there", async () => {
  const response = await invoke("dist/{{name}}.wasm", { via: "api", method: "GET", path: "/" });
  assert.equal(response.status, 404);
});
