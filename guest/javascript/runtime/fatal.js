// Errors that nobody catches: thrown by a timer, by a listener, by a stream without a listener for its errors. Node ends its
// process for them; here they end the invocation.

let current;

/** What comes of an invocation: of what `begin` promises, or the first error that nobody catches from now on. */
export function invocation(begin) {
  // One promise and one reaction: the engine notes a stack for each, which is a good part of a short invocation.
  return new Promise((resolve, reject) => {
    current = reject;
    begin().then(resolve, reject);
  });
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
