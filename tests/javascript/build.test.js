// What cannot be built says why, and what to do.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

/** Builds a project of these files, and gives what is said of it. */
function build(t, files, manifest = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), "firstbyte-build-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(path.join(folder, "node_modules"));
  symlinkSync(path.resolve("../../guest/javascript"), path.join(folder, "node_modules/firstbyte"));
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "tried", type: "module", ...manifest }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  const { status, stderr } = spawnSync(process.env.FIRSTBYTE, ["build", folder], { encoding: "utf8" });
  assert.equal(status, 1, stderr);
  return stderr;
}

test("a module that a sandbox cannot have, with who imports it and what to do", (t) => {
  const said = build(t, {
    "handler.js": 'import { read } from "reader";\nexport const handler = awslambda.streamifyResponse(read);',
    "node_modules/reader/package.json": '{"name": "reader", "main": "index.js"}',
    "node_modules/reader/index.js": 'const fs = require("fs");\nconst { connect } = require("node:net");\nexports.read = () => fs.readFileSync(connect);',
  });
  assert.match(said, /node:fs is not to be had in a sandbox\n {2}imported by node_modules\/reader\/index\.js\n {2}which is imported by handler\.js\n {2}What to do: import the file/);
  assert.match(said, /node:net is not to be had in a sandbox\n/);
  assert.match(said, /"firstbyte": \{"absent": \["net"\]\}/);
});

test("a native addon", (t) => {
  const said = build(t, { "handler.js": 'import addon from "./addon.node";\nexport const handler = addon;', "addon.node": "" });
  assert.match(said, /the native addon \.\/addon\.node is not to be had in a sandbox\n {2}imported by handler\.js/);
});

test("a mistake in the source, with its line", (t) => {
  assert.match(build(t, { "handler.js": "export const handler = (;" }), /handler\.js:1:24/);
});

test("a top level that waits, with its line", (t) => {
  assert.match(build(t, { "handler.js": "await null;\nexport const handler = () => {};" }), /Top-level await[^]*handler\.js:1:0/);
});

test("a package that is not installed", (t) => {
  assert.match(build(t, { "handler.js": 'import "lost";\nexport const handler = 1;' }), /Could not resolve "lost"[^]*handler\.js:1:7/);
});

test("a project without a handler", (t) => {
  assert.match(build(t, { "other.js": "" }), /there is no src\/handler\.ts, handler\.js or index\.js: say where the handler is/);
  assert.match(build(t, { "other.js": "" }, { firstbyte: { handler: "lost.js" } }), /the handler is in lost\.js, which does not exist/);
});

test("a top level that throws, with its line", (t) => {
  assert.match(build(t, { "handler.js": 'export const handler = () => {};\n\nnull.x;\n' }), /the module could not be evaluated[^]*handler\.js:3/);
});

test("a module that exports no handler", (t) => {
  assert.match(build(t, { "handler.js": "export default { fetsch() {} };" }), /the module answers nothing: export a function `handler`/);
});
