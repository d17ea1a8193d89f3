// Errors that nobody catches: thrown by a timer, by a listener, by a stream without a listener for its errors. Node ends its
// process for them; here they end the invocation.

let current;

/** A promise that is rejected by the first error that nobody catches, from now on. */
export function fatality() {
  let reject;
  const promise = new Promise((_, no) => { reject = no; });
  promise.catch(() => {});
  current = reject;
  return promise;
}

/** Ends the invocation with this error. */
export function fatal(error) {
  const process = globalThis.process;
  if (process?.listenerCount?.("uncaughtException") > 0) {
    process.emit("uncaughtException", error, "uncaughtException");
    return;
  }
  current?.(error);
}

/** Calls what nobody waits for. */
export function guarded(callback, args = []) {
  try {
    callback(...args);
  } catch (error) {
    fatal(error);
  }
}
