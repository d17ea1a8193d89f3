// One file of everything that a component runs: the runtime, the modules of Node that are used, and the author's module.

import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, formatMessages } from "esbuild";
import { BuildFailure } from "./failure.js";
import { table } from "./lines.js";
import * as modules from "./modules.js";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const NATIVE = path.join(PACKAGE, "runtime/native.js");

const COMMON = {
  bundle: true,
  write: false,
  platform: "neutral",
  target: "es2022",
  mainFields: ["browser", "module", "main"],
  conditions: ["worker", "browser"],
  define: { "process.env.NODE_ENV": '"production"' },
  legalComments: "none",
  logLevel: "silent",
};

async function esbuild(options) {
  try {
    return await build({ ...COMMON, ...options });
  } catch (error) {
    if (!Array.isArray(error.errors)) throw error;
    const said = await formatMessages(error.errors, { kind: "error", color: process.stderr.isTTY });
    throw new BuildFailure(said.join("").trimEnd());
  }
}

/** The world that an entry file is for, by what it exports and imports. */
async function worldOf(entry, usesNative) {
  const { metafile } = await esbuild({ entryPoints: [entry], bundle: false, format: "esm", metafile: true, outdir: "out" });
  const { exports } = Object.values(metafile.outputs)[0];
  const isCommonJs = exports.length === 0 && /\bexports\b/.test(readFileSync(entry, "utf8"));
  return exports.includes("handler") || isCommonJs || usesNative ? "handler" : "fetch";
}

/** Bundles the author's module as the body of a function of `module`, `exports` and `require`. */
async function bundleModule(project, entry, absent) {
  const used = new Set();
  const lost = [];
  const nodeModules = {
    name: "node",
    setup(setup) {
      setup.onResolve({ filter: /^firstbyte$/ }, () => {
        used.add("firstbyte");
        return { path: "firstbyte", external: true };
      });
      setup.onResolve({ filter: /\.node$/ }, ({ path: name, importer }) => {
        lost.push({ name, importer, isAddon: true });
        return { path: name, external: true };
      });
      setup.onResolve({ filter: /^(?:node:)?[a-z_0-9]+(?:\/[a-z_0-9]+)*$/ }, ({ path: specifier, importer }) => {
        const name = modules.nameOf(specifier);
        if (name === undefined) return undefined;
        if (modules.provided(name) === undefined && !absent.includes(name)) lost.push({ name, importer });
        used.add(name);
        return { path: `node:${name}`, external: true };
      });
    },
  };
  const { outputFiles, metafile, warnings } = await esbuild({
    entryPoints: [entry],
    absWorkingDir: project,
    // Packages that say which of their files a browser takes instead (AWS's SDK) are asked for those only on this platform.
    platform: "browser",
    outfile: path.join(project, "dist", "handler.bundle.js"),
    format: "cjs",
    sourcemap: "external",
    metafile: true,
    jsx: "automatic",
    loader: { ".txt": "text", ".html": "text", ".css": "text", ".md": "text", ".sql": "text", ".wasm": "binary", ".bin": "binary" },
    plugins: [nodeModules],
  });
  if (lost.length > 0) throw new BuildFailure(lost.map((one) => tell(one, project, metafile, entry)).join("\n"));
  if (warnings.length > 0) {
    const said = await formatMessages(warnings, { kind: "warning", color: process.stderr.isTTY });
    process.stderr.write(said.join(""));
  }
  const find = (ending) => outputFiles.find((output) => output.path.endsWith(ending)).text;
  return { code: find(".js"), map: JSON.parse(find(".js.map")), used, inputs: Object.keys(metafile.inputs) };
}

/** What is told of a module that a sandbox cannot have: its name, who imports it, and what to do. */
function tell({ name, importer, isAddon }, project, metafile, entry) {
  const at = path.relative(project, importer);
  const chain = [at];
  const importerOf = (file) => Object.entries(metafile.inputs).find(([, input]) => input.imports.some((one) => one.path === file))?.[0];
  const first = path.relative(project, entry);
  for (let file = at; file !== first && chain.length < 8;) {
    file = importerOf(file);
    if (file === undefined || chain.includes(file)) break;
    chain.push(file);
  }
  const by = chain.map((file, index) => `  ${index === 0 ? "imported" : "which is imported"} by ${file}`).join("\n");
  const what = isAddon ? `the native addon ${name}` : `node:${name}`;
  const remedy = isAddon ? "use a package that is written in JavaScript or WebAssembly" : modules.remedy(name);
  const without = isAddon ? "" : `\n  If the handler never comes to use it: "firstbyte": {"absent": ["${name}"]} in package.json`;
  return `${what} is not to be had in a sandbox\n${by}\n  What to do: ${remedy}.${without}`;
}

/** The runtime, with the modules that are used. */
async function bundleRuntime(world, used, absent) {
  const named = [...used].sort().map((name, index) => ({ name, variable: `m${index}` }));
  const provided = named.filter(({ name }) => name === "firstbyte" || modules.provided(name) !== undefined);
  const missing = named.filter((one) => !provided.includes(one));
  const source = [
    ...provided.map(({ name, variable }) =>
      name === "firstbyte" ? `import * as ${variable} from ${JSON.stringify(NATIVE)};` : `import ${variable} from ${JSON.stringify(modules.provided(name))};`,
    ),
    "const absent = (name) => new Proxy({}, { get(_, key) { if (typeof key === 'symbol' || key === '__esModule' || key === 'default') return undefined; throw new Error(`node:${name} is not to be had in a sandbox`); } });",
    "const modules = {",
    ...provided.map(({ name, variable }) => `  ${JSON.stringify(name === "firstbyte" ? name : `node:${name}`)}: ${variable},`),
    ...missing.map(({ name }) => `  ${JSON.stringify(`node:${name}`)}: absent(${JSON.stringify(name)}),`),
    "};",
    "export const require = (name) => { if (name in modules) return modules[name]; throw new Error(`Cannot find module '${name}'`); };",
  ].join("\n");
  const virtual = {
    name: "modules",
    setup(setup) {
      setup.onResolve({ filter: /^firstbyte:modules$/ }, () => ({ path: "modules", namespace: "firstbyte" }));
      setup.onResolve({ filter: /^(firstbyte:lambda|wasi:)/ }, ({ path: name }) => ({ path: name, external: true }));
      // What packages of npm ask of each other. They are CommonJS, and take CommonJS.
      setup.onResolve({ filter: /^process\/?$/ }, () => ({ path: path.join(PACKAGE, "runtime/process.cjs") }));
      setup.onResolve({ filter: /^abort-controller$/ }, () => ({ path: path.join(PACKAGE, "runtime/abort.cjs") }));
      setup.onResolve({ filter: /^stream$/ }, ({ resolveDir }) => setup.resolve("readable-stream", { resolveDir, kind: "require-call" }));
      setup.onLoad({ filter: /.*/, namespace: "firstbyte" }, () => ({ contents: source, resolveDir: PACKAGE }));
    },
  };
  const { outputFiles } = await esbuild({
    entryPoints: [path.join(PACKAGE, "runtime", world === "handler" ? "lambda.js" : "fetch.js")],
    absWorkingDir: PACKAGE,
    format: "esm",
    define: { ...COMMON.define, global: "globalThis" },
    plugins: [virtual],
  });
  return outputFiles[0].text;
}

/** Bundles a handler: the source to be made a component of, where its lines come from, its world, and the author's files in it. */
export async function bundle(project, entry, { absent = [] } = {}) {
  const { code, map, used, inputs } = await bundleModule(project, entry, absent);
  const world = await worldOf(entry, used.has("firstbyte"));
  const runtime = await bundleRuntime(world, used, absent);
  const before = `${runtime}\nfunction __firstbyte_evaluate(module, exports, require) {\n`;
  const first = before.split("\n").length;
  const lines = table(map, project, first);
  const authors = inputs.filter((file) => !file.includes("node_modules/")).map((file) => path.resolve(project, file));
  const tail = `function __firstbyte_lines() { return ${JSON.stringify(lines)}; }\n`;
  return { source: `${before}${code}\n}\n${tail}`, lines, world, inputs: authors };
}
