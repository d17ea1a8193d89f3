// The same handlers as components and on Node.js with AWS's own runtime client, behind the same doors: status, headers, bytes, their order
// and pauses, and how it ended. Whatever differs is in differences.js with its reason. Where the client is not installed
// (`tests/clients/install.sh --node-runtime`, which compiles it), its answers are those of node.json, which a run with it and RECORD=1 writes.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { differenceOf, DIFFERENCES } from "./differences.js";
import { DOORS } from "./doors.js";
import { bundled, compiled, HANDLERS } from "./handlers.js";
import { hasNodeRuntime, serveComponent, serveModule } from "./served.js";

const RECORDED = new URL("node.json", import.meta.url);
const folder = mkdtempSync(path.join(tmpdir(), "beside-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What a handler calls. */
const upstream = http.createServer(async (request, response) => {
  const sent = [];
  for await (const chunk of request) sent.push(chunk);
  response.writeHead(202).write(`${request.method} ${request.url} ${request.headers["x-a"]} ${Buffer.concat(sent)} `);
  setTimeout(() => response.end("and more"), 1000);
});

let origin;
after(() => upstream.close());

/** What a served handler answers: by what it was asked and by door. */
async function answersOf(handler, serve) {
  const env = { FIRSTBYTE_ALLOW_HTTP: origin, ...(handler.kind && { KIND: handler.kind }) };
  const answers = {};
  let served;
  try {
    served = await serve({ env, timeout: 5 });
  } catch (error) {
    const [, end] = error.message.match(/the runtime could not start: (Runtime\.\w+)/) ?? [];
    if (!end) throw error;
    return Object.fromEntries(Object.keys(handler.asks).map((name) => [name, Object.fromEntries(Object.keys(DOORS).map((door) => [door, { end }]))]));
  }
  try {
    // Its start is not what is compared: the first case answers at once where an environment is there.
    const [first] = Object.values(handler.asks);
    for (let isLate = true, tries = 0; isLate && tries < 20; tries++) {
      isLate = (await DOORS.direct(served.ports, JSON.stringify(first))).parts[0]?.startsWith("after");
    }
    for (const [name, asks] of Object.entries(handler.asks)) {
      answers[name] = {};
      const body = JSON.stringify(name.startsWith("fetch") ? { ...asks, url: name === "fetch that is refused" ? "http://127.0.0.1:9" : `${origin}/a?b` } : asks);
      for (const [door, call] of Object.entries(DOORS)) answers[name][door] = await call(served.ports, body);
    }
  } finally {
    await served.close();
  }
  return answers;
}

const all = async (serveOf) => Object.fromEntries(await Promise.all(Object.entries(HANDLERS).map(async ([kind, handler]) => [kind, await answersOf(handler, await serveOf(handler))])));

let here;
let node;
before(async () => {
  await new Promise((done) => upstream.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${upstream.address().port}`;
  const files = new Map();
  const file = (handler) => files.get(handler.source) ?? files.set(handler.source, compiled(handler, folder)).get(handler.source);
  here = await all((handler) => (settings) => serveComponent(file(handler), settings));
  if (!hasNodeRuntime) {
    process.stderr.write("SKIPPED: aws-lambda-ric is not installed (tests/clients/install.sh --node-runtime): its answers are the recorded ones\n");
    node = JSON.parse(readFileSync(RECORDED));
    return;
  }
  node = await all(async (handler) => {
    const module = await bundled(handler, path.join(folder, "node"));
    return (settings) => serveModule(module, settings);
  });
  if (process.env.RECORD) writeFileSync(RECORDED, `${JSON.stringify(node, undefined, 1)}\n`);
});

const seen = new Set();
for (const [kind, { asks }] of Object.entries(HANDLERS)) {
  for (const name of Object.keys(asks)) {
    for (const door of Object.keys(DOORS)) {
      test(`${kind}, ${name}, ${door}`, () => {
        const [ours, theirs] = [here[kind][name][door], node[kind][name][door]];
        if (isDeepStrictEqual(ours, theirs)) return;
        const difference = differenceOf({ kind, name, door, ours, theirs });
        if (difference === undefined) assert.deepEqual(ours, theirs);
        seen.add(difference.id);
      });
    }
  }
}

test("every difference that is known is there, and the README tells of it", () => {
  const readme = readFileSync(new URL("../../../guest/javascript/README.md", import.meta.url), "utf8");
  const ids = DIFFERENCES.map(({ id }) => id);
  assert.deepEqual(ids.filter((id) => !seen.has(id)), []);
  assert.deepEqual(ids.filter((id) => !readme.includes(`\n| ${id} |`)), []);
});
