import assert from "node:assert/strict";
import { test } from "node:test";
import { invoke } from "firstbyte/testing";

test("two lines, two seconds apart", async () => {
  const response = await invoke("dist/{{name}}.wasm", { via: "direct", json: { name: "hoge" } });
  const [first, second] = response.chunks;
  assert.equal(response.header("content-type"), "text/plain");
  assert.equal(first.text, "Hello, this is a streamed response!\n");
  assert.equal(second.text, "Hello, hoge! This is a delayed message.\n");
  assert.ok(second.at - first.at >= 2000, `${second.at - first.at} ms`);
  assert.equal(response.failure, undefined);
});
