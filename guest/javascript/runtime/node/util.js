import util from "util";
import { custom, format, inspect } from "../inspect.js";
import { process } from "../process.js";

inspect.custom = custom;
inspect.defaultOptions = { depth: 2 };

const isDeepStrictEqual = (a, b) => {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Date) return Object.is(a.getTime(), b.getTime());
  if (a instanceof RegExp) return String(a) === String(b);
  if (a instanceof Map) return a.size === b.size && [...a].every(([key, value]) => b.has(key) && isDeepStrictEqual(value, b.get(key)));
  if (a instanceof Set) return a.size === b.size && [...a].every((value) => b.has(value) || [...b].some((other) => isDeepStrictEqual(value, other)));
  const [ours, theirs] = [Reflect.ownKeys(a), Reflect.ownKeys(b)];
  return ours.length === theirs.length && ours.every((key) => Object.hasOwn(b, key) && isDeepStrictEqual(a[key], b[key]));
};

const deprecate = (fn, message) => {
  let isTold = false;
  return function (...args) {
    if (!isTold) process.emitWarning(message);
    isTold = true;
    return Reflect.apply(fn, this, args);
  };
};

export default {
  ...util,
  format,
  inspect,
  isDeepStrictEqual,
  deprecate,
  TextEncoder,
  TextDecoder,
  stripVTControlCharacters: (text) => text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, ""),
  debuglog: () => Object.assign(() => {}, { enabled: false }),
  toUSVString: (text) => text.toWellFormed(),
  styleText: (_format, text) => text,
};
