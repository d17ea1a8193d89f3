import EventEmitter from "events";

// Node's `on`: an asynchronous iterator over a name's events.
EventEmitter.on ??= (emitter, name, { signal } = {}) => {
  const events = [];
  let wake = () => {};
  let failure;
  const listener = (...args) => { events.push(args); wake(); };
  const fail = (error) => { failure = { error }; wake(); };
  emitter.on(name, listener);
  emitter.on("error", fail);
  signal?.addEventListener("abort", () => fail(signal.reason));
  return (async function* () {
    try {
      for (;;) {
        while (events.length > 0) yield events.shift();
        if (failure) throw failure.error;
        await new Promise((resolve) => { wake = resolve; });
      }
    } finally {
      emitter.off(name, listener);
      emitter.off("error", fail);
    }
  })();
};
EventEmitter.setMaxListeners ??= () => {};
EventEmitter.getEventListeners ??= (emitter, name) => emitter.listeners(name);
EventEmitter.errorMonitor ??= Symbol("events.errorMonitor");

export default EventEmitter;
