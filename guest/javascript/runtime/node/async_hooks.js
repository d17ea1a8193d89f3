// `AsyncLocalStorage`. An instance has one invocation at a time, so that a store holds until what it was given to has settled.
// The engine does not tell whose continuation runs: two of them that overlap within one invocation see the later one's store.

class AsyncLocalStorage {
  #store;

  static bind(callback) { return callback; }
  static snapshot() { return (callback, ...args) => callback(...args); }

  getStore() {
    return this.#store;
  }

  enterWith(store) {
    this.#store = store;
  }

  disable() {
    this.#store = undefined;
  }

  run(store, callback, ...args) {
    const before = this.#store;
    const restore = () => { this.#store = before; };
    this.#store = store;
    let result;
    try {
      result = callback(...args);
    } catch (error) {
      restore();
      throw error;
    }
    if (typeof result?.then === "function") result.then(restore, restore);
    else restore();
    return result;
  }

  exit(callback, ...args) {
    return this.run(undefined, callback, ...args);
  }
}

class AsyncResource {
  constructor(type) { this.type = type; }
  static bind(callback) { return callback; }
  bind(callback) { return callback; }
  runInAsyncScope(callback, self, ...args) { return Reflect.apply(callback, self, args); }
  emitDestroy() { return this; }
  asyncId() { return 1; }
  triggerAsyncId() { return 0; }
}

export default { AsyncLocalStorage, AsyncResource, executionAsyncId: () => 1, triggerAsyncId: () => 0, createHook: () => ({ enable() { return this; }, disable() { return this; } }) };
