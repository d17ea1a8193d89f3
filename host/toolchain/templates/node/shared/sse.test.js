import assert from "node:assert/strict";
import { test } from "node:test";
import { invoke } from "firstbyte/testing";

for (const via of ["direct", "url", "api"]) {
  test(`events, one each second, via ${via}`, async () => {
    const response = await invoke("dist/{{name}}.wasm", { via, json: { count: 2 } });
    assert.equal(response.header("content-type"), "text/event-stream");
    assert.deepEqual(response.chunks.map((chunk) => chunk.text), [
      'event: tick\ndata: {"tick":1}\n\n',
      'event: tick\ndata: {"tick":2}\n\n',
    ]);
    assert.ok(response.chunks[1].at - response.chunks[0].at >= 1000);
  });
}

test("a count of the wrong type is the caller's mistake", async () => {
  const response = await invoke("dist/{{name}}.wasm", { via: "url", json: { count: "many" } });
  assert.equal(response.status, 400);
  assert.deepEqual(response.json(), { message: "count is a whole number of at least 1" });
});
