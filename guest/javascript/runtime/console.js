// The console: each call is one record of the function's log, with its level. See `world function` in wit/firstbyte.wit.

import { format, inspect } from "./inspect.js";
import { stackOf } from "./stack.js";

const print = globalThis.console.log.bind(globalThis.console);

/** Writes a record. A text that is a JSON object is the record itself, as loggers for Lambda write it. */
export function record(level, message, members = {}) {
  if (message.startsWith("{")) {
    try {
      const own = JSON.parse(message);
      return print(JSON.stringify({ level, ...own }));
    } catch {
      // It only looks like one.
    }
  }
  print(JSON.stringify({ level, message, ...members }));
}

function log(level, args) {
  const error = args.find((arg) => arg instanceof Error);
  const members = error && { errorType: error.name, errorMessage: error.message, stackTrace: stackOf(error) };
  record(level, indent + format(...args), members);
}

let indent = "";
const counts = new Map();
const timers = new Map();
const since = (label) => `${label}: ${(performance.now() - timers.get(label)).toFixed(3)}ms`;

export const console = {
  trace: (...args) => log("TRACE", [...args, `\n${stackOf(new Error()).join("\n")}`]),
  debug: (...args) => log("DEBUG", args),
  log: (...args) => log("INFO", args),
  info: (...args) => log("INFO", args),
  warn: (...args) => log("WARN", args),
  error: (...args) => log("ERROR", args),
  dir: (value, options) => log("INFO", [inspect(value, options)]),
  table: (value) => log("INFO", [inspect(value)]),
  assert: (holds, ...args) => { if (!holds) log("ERROR", ["Assertion failed", ...args]); },
  group: (...args) => { if (args.length > 0) log("INFO", args); indent += "  "; },
  groupEnd: () => { indent = indent.slice(2); },
  count: (label = "default") => { counts.set(label, (counts.get(label) ?? 0) + 1); log("INFO", [`${label}: ${counts.get(label)}`]); },
  countReset: (label = "default") => { counts.delete(label); },
  time: (label = "default") => { timers.set(label, performance.now()); },
  timeLog: (label = "default", ...args) => log("INFO", [since(label), ...args]),
  timeEnd: (label = "default") => { log("INFO", [since(label)]); timers.delete(label); },
};
console.groupCollapsed = console.group;
console.dirxml = console.log;

globalThis.console = console;
