// The handlers that run side by side, each with what it is asked, and the two forms that a source is built in.

import { copyFileSync, mkdirSync, readdirSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { STREAMING } from "../streaming.js";

const OWN = fileURLToPath(new URL("../", import.meta.url));
const EXAMPLES = fileURLToPath(new URL("../../../guest/examples/javascript/", import.meta.url));

const asked = (names) => Object.fromEntries(names.map((name) => [name, { case: name }]));
const ARTICLE = { "a name": { name: "hoge" }, "another name": { name: "ü ", more: [1] }, "no name": {}, "a name that is no string": { name: 7 } };

// That this one passes is that `node:http2` is absent.
const CASES = Object.keys(STREAMING).filter((name) => name !== "node modules");

/** A handler, by its project and source, the variable KIND, and by name what it is asked. */
export const HANDLERS = {
  streaming: { project: OWN, source: "cases", asks: { ...asked(CASES), ...asked(["fetch", "fetch without waiting"]) } },
  buffered: { project: OWN, source: "cases", kind: "buffered", asks: asked(["a response", "base64", "a value", "a string", "nothing", "throws"]) },
  callback: { project: OWN, source: "cases", kind: "callback", asks: { "calls back": {}, "calls back with an error": { fails: true } } },
  direct: { project: EXAMPLES, source: "direct", asks: ARTICLE },
  url: { project: EXAMPLES, source: "url", asks: ARTICLE },
  api: { project: EXAMPLES, source: "api", asks: ARTICLE },
};

/** The machine code of a component that `firstbyte build` made: what its tests have kept, if it is of the same build. */
export function compiled({ project, source }, folder) {
  const wasm = path.join(project, "dist", `${source}.wasm`);
  const file = path.join(folder, `${source}.cwasm`);
  const kept = path.join(project, "node_modules/.cache/firstbyte/code");
  const found = (() => {
    try {
      return readdirSync(kept).find((name) => name.startsWith(`${source}-`) && name.endsWith(".cwasm") && statSync(path.join(kept, name)).mtimeMs > statSync(wasm).mtimeMs);
    } catch {
      return undefined;
    }
  })();
  if (found) copyFileSync(path.join(kept, found), file);
  else execFileSync(process.env.FIRSTBYTE || "firstbyte", ["compile", wasm, "-o", file], { stdio: "ignore" });
  return file;
}

// Firstbyte's own interface is nothing that Node.js has.
const FIRSTBYTE = "export const handler = (answer) => answer; export class HttpError extends Error {}";

/** The same source as Node.js takes it: the folder of a `handler.mjs`. */
export async function bundled({ project, source }, folder) {
  const { build } = createRequire(realpathSync(path.join(project, "node_modules/firstbyte/package.json")))("esbuild");
  const output = path.join(folder, source);
  mkdirSync(output, { recursive: true });
  const own = {
    name: "firstbyte",
    setup(setup) {
      setup.onResolve({ filter: /^firstbyte$/ }, () => ({ path: "firstbyte", namespace: "own" }));
      setup.onLoad({ filter: /.*/, namespace: "own" }, () => ({ contents: FIRSTBYTE }));
    },
  };
  await build({ entryPoints: [path.join(project, "src", `${source}.ts`)], bundle: true, platform: "node", target: "node22", format: "esm", outfile: path.join(output, "handler.mjs"), plugins: [own] });
  return output;
}
