// Timers as Node has them: objects with `ref` and `unref`, and callbacks whose errors end the invocation. (In the engine, an
// error of a callback is a trap.)

import { begin } from "./activity.js";
import { guarded } from "./fatal.js";

const engine = {
  setTimeout: globalThis.setTimeout.bind(globalThis),
  clearTimeout: globalThis.clearTimeout.bind(globalThis),
};

const alive = new Map();

class Timeout {
  #callback;
  #args;
  #delay;
  #repeats;
  #id;
  #end;
  #counts = true;

  constructor(callback, delay, args, repeats) {
    if (typeof callback !== "function") {
      const error = new TypeError('The "callback" argument must be of type function.');
      throw Object.assign(error, { code: "ERR_INVALID_ARG_TYPE" });
    }
    this.#callback = callback;
    this.#args = args;
    // What is not between 1 and 2^31-1 is 1, as in Node.
    this.#delay = delay >= 1 && delay <= 2147483647 ? Math.trunc(delay) : 1;
    this.#repeats = repeats;
    this.#start();
  }

  #start() {
    this.#id = engine.setTimeout(() => this.#fire(), this.#delay);
    if (this.#counts) this.#end = begin();
    alive.set(this.#id, this);
  }

  #fire() {
    alive.delete(this.#id);
    this.#id = undefined;
    const end = this.#end;
    guarded(this.#callback, this.#args);
    if (this.#repeats && this.#id === undefined && !this.closed) this.#start();
    end?.();
  }

  close() {
    this.closed = true;
    if (this.#id !== undefined) {
      engine.clearTimeout(this.#id);
      alive.delete(this.#id);
      this.#id = undefined;
    }
    this.#end?.();
    return this;
  }

  refresh() {
    this.close();
    this.closed = false;
    this.#start();
    return this;
  }

  ref() {
    if (!this.#counts && this.#id !== undefined) this.#end = begin();
    this.#counts = true;
    return this;
  }

  unref() {
    this.#counts = false;
    this.#end?.();
    return this;
  }

  hasRef() {
    return this.#counts;
  }

  [Symbol.toPrimitive]() {
    return this.#id;
  }

  [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
    this.close();
  }
}

const clear = (timer) => {
  const known = timer instanceof Timeout ? timer : alive.get(Number(timer));
  known?.close();
};

export const setTimeout = (callback, delay, ...args) => new Timeout(callback, delay, args, false);
export const setInterval = (callback, delay, ...args) => new Timeout(callback, delay, args, true);
export const setImmediate = (callback, ...args) => new Timeout(callback, 0, args, false);
export const clearTimeout = clear;
export const clearInterval = clear;
export const clearImmediate = clear;

Object.assign(globalThis, { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate });

const queue = globalThis.queueMicrotask.bind(globalThis);
globalThis.queueMicrotask = (callback) => queue(() => guarded(callback));

/** Node's `process.nextTick`. */
export const nextTick = (callback, ...args) => queue(() => guarded(callback, args));
