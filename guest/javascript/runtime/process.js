// Node's `process`, as far as a sandbox has one.

import EventEmitter from "events";
import { getEnvironment } from "wasi:cli/environment@0.2.10";
import { fatal } from "./fatal.js";
import { touched } from "./module.js";
import { nextTick } from "./timers.js";

let environment;

// In the snapshot that the build makes there is no environment yet; what is read of it there is noted.
function variables() {
  if (touched.building) return {};
  environment ??= Object.fromEntries(getEnvironment());
  return environment;
}

const written = {};
const env = new Proxy(written, {
  get(_, name) {
    if (typeof name !== "string") return undefined;
    if (name in written) return written[name];
    touched.environment(name);
    return variables()[name];
  },
  has: (_, name) => name in written || (touched.environment(name), name in variables()),
  set: (_, name, value) => { written[name] = String(value); return true; },
  deleteProperty: (_, name) => { delete written[name]; if (environment) delete environment[name]; return true; },
  ownKeys: () => { touched.environment("*"); return [...new Set([...Object.keys(variables()), ...Object.keys(written)])]; },
  getOwnPropertyDescriptor(_, name) {
    const value = this.get(_, name);
    return value === undefined ? undefined : { value, writable: true, enumerable: true, configurable: true };
  },
});

/** Thrown to end an invocation by `process.exit`. */
export class Exit extends Error {
  constructor(code) {
    super(`process.exit(${code}) was called`);
    this.name = "ExitError";
  }
}

export const process = Object.assign(new EventEmitter(), {
  env,
  title: "firstbyte",
  argv: ["firstbyte"],
  argv0: "firstbyte",
  execArgv: [],
  pid: 1,
  ppid: 0,
  arch: "wasm32",
  platform: "linux",
  version: "v22.0.0",
  versions: { node: "22.0.0" },
  release: { name: "node" },
  exitCode: undefined,
  browser: false,
  nextTick,
  cwd: () => "/",
  uptime: () => performance.now() / 1000,
  hrtime: Object.assign((before) => {
    const now = performance.now();
    const time = [Math.floor(now / 1000), Math.floor((now % 1000) * 1e6)];
    if (!before) return time;
    const nanos = time[1] - before[1];
    return nanos < 0 ? [time[0] - before[0] - 1, nanos + 1e9] : [time[0] - before[0], nanos];
  }, { bigint: () => BigInt(Math.round(performance.now() * 1e6)) }),
  memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }),
  emitWarning: (warning) => globalThis.console.warn(String(warning)),
  exit(code = process.exitCode ?? 0) {
    const exit = new Exit(code);
    fatal(exit);
    throw exit;
  },
  umask: () => 0o22,
  stdout: { write: (text) => { globalThis.console.log(String(text).replace(/\n$/, "")); return true; }, isTTY: false },
  stderr: { write: (text) => { globalThis.console.error(String(text).replace(/\n$/, "")); return true; }, isTTY: false },
});

globalThis.process = process;
globalThis.global = globalThis;
