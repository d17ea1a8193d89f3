// Values as text, much as Node's `util.inspect` and `util.format` write them.

import { stackOf } from "./stack.js";

const isName = (key) => typeof key === "string" && /^[A-Za-z_$][\w$]*$/.test(key);
const quoted = (text) => (text.includes("'") && !text.includes('"') ? `"${text}"` : `'${text.replaceAll("'", "\\'").replaceAll("\n", "\\n")}'`);

export const custom = Symbol.for("nodejs.util.inspect.custom");

export function inspect(value, options = {}) {
  const depth = options.depth === null ? Infinity : (options.depth ?? 2);
  return show(value, depth, [], options);
}

function show(value, depth, above, options) {
  switch (typeof value) {
    case "string": return quoted(value);
    case "bigint": return `${value}n`;
    case "symbol": return value.toString();
    case "number": return Object.is(value, -0) ? "-0" : String(value);
    case "function": {
      const kind = /^class\b/.test(Function.prototype.toString.call(value)) ? "class" : "Function";
      return value.name ? (kind === "class" ? `[class ${value.name}]` : `[Function: ${value.name}]`) : `[${kind} (anonymous)]`;
    }
    case "object": break;
    default: return String(value);
  }
  if (value === null) return "null";
  if (above.includes(value)) return "[Circular *1]";
  if (typeof value[custom] === "function") {
    const shown = value[custom](depth, options, inspect);
    if (shown !== value) return typeof shown === "string" ? shown : show(shown, depth, above, options);
  }
  if (value instanceof Error) return error(value, depth, above, options);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (value instanceof Promise) return "Promise {}";
  const name = nameOf(value);
  if (depth < 0) return Array.isArray(value) ? "[Array]" : `[${name || "Object"}]`;
  const below = (inner) => show(inner, depth - 1, [...above, value], options);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    if (name === "Buffer") return `<Buffer${[...value.subarray(0, 50)].map((byte) => ` ${byte.toString(16).padStart(2, "0")}`).join("")}${value.length > 50 ? ` ... ${value.length - 50} more bytes` : ""}>`;
    return `${name}(${value.length}) ${list([...value.subarray(0, 100)].map(String), "[", "]")}`;
  }
  if (value instanceof ArrayBuffer) return `ArrayBuffer { byteLength: ${value.byteLength} }`;
  if (Array.isArray(value)) {
    const shown = value.slice(0, 100).map(below);
    if (value.length > 100) shown.push(`... ${value.length - 100} more items`);
    return list(shown, "[", "]");
  }
  if (value instanceof Map) return `Map(${value.size}) ${list([...value].map(([key, inner]) => `${below(key)} => ${below(inner)}`), "{", "}")}`;
  if (value instanceof Set) return `Set(${value.size}) ${list([...value].map(below), "{", "}")}`;
  if (value instanceof Number || value instanceof String || value instanceof Boolean) return `[${name}: ${below(value.valueOf())}]`;
  if (value instanceof URL) return value.href;
  const prefix = name === "Object" ? "" : name === "" ? "[Object: null prototype] " : `${name} `;
  return prefix + list(members(value, below), "{", "}");
}

const nameOf = (value) => {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null ? "" : (prototype.constructor?.name ?? "Object");
};

function members(value, below, hidden = []) {
  const keys = [...Object.keys(value), ...Object.getOwnPropertySymbols(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key))];
  return keys.filter((key) => !hidden.includes(key)).map((key) => {
    const { get, set, value: inner } = Object.getOwnPropertyDescriptor(value, key);
    const shown = get ? (set ? "[Getter/Setter]" : "[Getter]") : set ? "[Setter]" : below(inner);
    return `${typeof key === "symbol" ? `[${String(key)}]` : isName(key) ? key : quoted(key)}: ${shown}`;
  });
}

function list(shown, open, close) {
  if (shown.length === 0) return open + close;
  const line = `${open} ${shown.join(", ")} ${close}`;
  if (line.length <= 76 && !line.includes("\n")) return line;
  return `${open}\n${shown.map((part) => `  ${part.replaceAll("\n", "\n  ")}`).join(",\n")}\n${close}`;
}

function error(value, depth, above, options) {
  const said = [`${value.name}: ${value.message}`, ...stackOf(value)].join("\n    ");
  const below = (inner) => show(inner, depth - 1, [...above, value], options);
  const extra = depth < 0 ? [] : members(value, below, ["stack", "message", "name", "fileName", "lineNumber", "columnNumber"]);
  if (depth >= 0 && value.cause !== undefined && !Object.keys(value).includes("cause")) extra.push(`[cause]: ${below(value.cause)}`);
  return extra.length === 0 ? said : `${said} ${list(extra, "{", "}")}`;
}

export function format(...args) {
  if (typeof args[0] !== "string") return args.map((arg) => (typeof arg === "string" ? arg : inspect(arg))).join(" ");
  let at = 1;
  const text = args[0].replace(/%[sdifjoOc%]/g, (mark) => {
    if (mark === "%%") return args.length === 1 ? mark : "%";
    if (at >= args.length) return mark;
    const arg = args[at++];
    switch (mark) {
      case "%s": return typeof arg === "object" && arg !== null ? inspect(arg, { depth: 0 }) : typeof arg === "bigint" ? `${arg}n` : String(arg);
      case "%d": return typeof arg === "bigint" ? `${arg}n` : typeof arg === "symbol" ? "NaN" : String(Number(arg));
      case "%i": return typeof arg === "bigint" ? `${arg}n` : String(parseInt(arg, 10));
      case "%f": return String(parseFloat(arg));
      case "%j": try { return JSON.stringify(arg); } catch { return "[Circular]"; }
      case "%c": return "";
      default: return inspect(arg, { depth: 4 });
    }
  });
  return [text, ...args.slice(at).map((arg) => (typeof arg === "string" ? arg : inspect(arg)))].join(" ");
}
