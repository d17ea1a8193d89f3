import { clearTimeout, setTimeout as start } from "../timers.js";

const setTimeout = (delay, value, { signal } = {}) => new Promise((resolve, reject) => {
  const aborted = () => Object.assign(new Error("The operation was aborted", { cause: signal.reason }), { name: "AbortError", code: "ABORT_ERR" });
  if (signal?.aborted) return reject(aborted());
  const timer = start(() => {
    signal?.removeEventListener("abort", abort);
    resolve(value);
  }, delay);
  const abort = () => {
    clearTimeout(timer);
    reject(aborted());
  };
  signal?.addEventListener("abort", abort, { once: true });
});

export default {
  setTimeout,
  setImmediate: (value, options) => setTimeout(0, value, options),
  async *setInterval(delay, value, options) {
    for (;;) yield await setTimeout(delay, value, options);
  },
  scheduler: { wait: (delay, options) => setTimeout(delay, undefined, options), yield: () => setTimeout(0) },
};
