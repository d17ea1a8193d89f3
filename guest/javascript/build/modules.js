// Node's modules: which the runtime has, and what to do about the others.

import { isBuiltin } from "node:module";

const RUNTIME = new URL("../runtime/", import.meta.url);
const file = (name) => new URL(name, RUNTIME).pathname;

/** By name, the file whose default export stands for the module. Absent ones of npm are resolved by name. */
const PROVIDED = {
  assert: "assert/",
  "assert/strict": "assert/",
  async_hooks: file("node/async_hooks.js"),
  buffer: file("node/buffer.js"),
  console: file("node/console.js"),
  crypto: file("node/crypto.js"),
  diagnostics_channel: file("node/diagnostics_channel.js"),
  events: file("node/events.js"),
  os: file("node/os.js"),
  path: "path-browserify",
  "path/posix": "path-browserify",
  perf_hooks: file("node/perf_hooks.js"),
  process: file("node/process.js"),
  punycode: "punycode/",
  querystring: "querystring-es3",
  stream: file("node/stream.js"),
  "stream/promises": file("node/stream-promises.js"),
  "stream/web": file("node/stream-web.js"),
  string_decoder: "string_decoder/",
  timers: file("node/timers.js"),
  "timers/promises": file("node/timers-promises.js"),
  url: file("node/url.js"),
  util: file("node/util.js"),
  zlib: "browserify-zlib",
};

const REMEDIES = {
  fs: "import the file, and it becomes part of the handler: `import text from \"./file.txt\"`",
  http: "use fetch",
  https: "use fetch",
  http2: "use fetch",
  net: "use fetch; raw connections are not given to a handler",
  tls: "use fetch",
  dgram: "use fetch",
  dns: "use fetch, which looks names up itself",
  child_process: "do that work elsewhere, and ask for it by fetch",
  worker_threads: "do the work in the handler itself: Lambda runs invocations side by side",
  cluster: "remove it: Lambda runs invocations side by side",
  module: "import statically: all code is bundled when the handler is built",
  vm: "call a function instead",
};

/** The plain name of one of Node's modules, or undefined: `node:fs/promises` is `fs/promises`. */
export function nameOf(specifier) {
  if (!isBuiltin(specifier)) return undefined;
  return specifier.replace(/^node:/, "");
}

/** What stands for a module of Node's; undefined if a sandbox cannot have it. */
export const provided = (name) => PROVIDED[name];

/** What an author can do who uses a module that there is not. */
export function remedy(name) {
  return REMEDIES[name] ?? REMEDIES[name.split("/")[0]] ?? "do without it";
}
