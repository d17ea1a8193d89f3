// Builds a handler: `node main.js PROJECT [ENTRY]`. `firstbyte build` runs it, and reads from standard output what was built:
// {"component": "…", "inputs": ["…"]}. What is wrong goes to standard error.

import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { originsOf } from "../runtime/stack.js";
import { bundle } from "./bundle.js";
import { BuildFailure } from "./failure.js";
import { writeInterface } from "./interface.js";
import { checkTypes } from "./types.js";

const OWN = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

const ENTRIES = ["src/handler", "handler", "src/index", "index"].flatMap((stem) => ["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs"].map((ending) => `${stem}.${ending}`));

/** The file that a project's handler is in. */
function entryOf(project, manifest) {
  const given = manifest.firstbyte?.handler;
  if (given !== undefined) {
    const file = path.join(project, given);
    if (!existsSync(file)) throw new BuildFailure(`package.json says that the handler is in ${given}, which does not exist`);
    return file;
  }
  const found = ENTRIES.map((name) => path.join(project, name)).find((file) => existsSync(file));
  if (found === undefined) throw new BuildFailure('there is no src/handler.ts, handler.js or index.js: say where the handler is by "firstbyte": {"handler": "…"} in package.json');
  return found;
}

async function componentize({ source, lines, world }, component) {
  const { componentize } = await import("@bytecodealliance/componentize-js");
  const folder = mkdtempSync(path.join(tmpdir(), "firstbyte-"));
  try {
    const wit = path.join(folder, "wit");
    await writeInterface(wit);
    const file = path.join(folder, "handler.bundle.js");
    await writeFile(file, source);
    const disableFeatures = world === "handler" ? ["fetch-event"] : [];
    const made = await componentize({ sourcePath: file, witPath: wit, worldName: world, disableFeatures });
    await mkdir(path.dirname(component), { recursive: true });
    const beside = `${component}.new`;
    await writeFile(beside, made.component);
    await rename(beside, component);
  } catch (error) {
    throw new BuildFailure(`the module could not be evaluated:\n${told(error.message, lines)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the engine says, with the author's own files and lines. */
function told(message, lines) {
  const origins = originsOf(lines);
  return message.replace(/\S*handler\.bundle\.js:(\d+):\d+/g, (whole, at) => origins[Number(at) - lines.first] ?? whole);
}

async function main(project, given) {
  const manifest = JSON.parse(readFileSync(path.join(project, "package.json"), "utf8"));
  const entry = given ?? entryOf(project, manifest);
  const name = given ? path.basename(given).replace(/\.[^.]+$/, "") : String(manifest.name ?? path.basename(project)).replace(/^@.*\//, "");
  const component = path.join(project, "dist", `${name}.wasm`);
  const types = checkTypes(project, entry);
  const [bundled] = await Promise.all([bundle(project, entry, manifest.firstbyte), types]);
  const { source, world, inputs } = bundled;
  const result = { component, inputs: [...inputs, path.join(project, "package.json"), ...["tsconfig.json"].map((file) => path.join(project, file)).filter(existsSync)] };

  // The same source is the same component.
  const key = createHash("sha256").update(JSON.stringify([OWN.version, OWN.dependencies, world])).update(source).digest("hex");
  const cache = path.join(project, "node_modules/.cache/firstbyte");
  const note = path.join(cache, `${createHash("sha256").update(component).digest("hex").slice(0, 16)}.json`);
  const known = () => {
    try {
      const { key: before, size } = JSON.parse(readFileSync(note, "utf8"));
      return before === key && statSync(component).size === size;
    } catch {
      return false;
    }
  };
  if (!known()) {
    await componentize(bundled, component);
    await mkdir(cache, { recursive: true });
    await writeFile(note, JSON.stringify({ key, size: statSync(component).size }));
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

try {
  const [project, entry] = process.argv.slice(2).map((argument) => path.resolve(argument));
  await main(project, entry);
} catch (error) {
  process.stderr.write(`${error instanceof BuildFailure ? error.message : error.stack}\n`);
  process.exit(1);
}
