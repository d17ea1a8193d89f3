// What the handler still waits for: timers, requests, bodies that are being read. When nothing is left, nothing will ever happen
// again, which the engine itself does not tell.

let count = 0;
let waiting = [];

/** Something is under way until the returned function is called. */
export function begin() {
  count += 1;
  let over = false;
  return () => {
    if (over) return;
    over = true;
    count -= 1;
    if (count === 0) check();
  };
}

/** Counts a promise until it settles. */
export function track(promise) {
  const end = begin();
  promise.then(end, end);
  return promise;
}

/** Resolves when nothing is under way and all that could run has run. */
export function idle() {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (count === 0) check();
  });
}

// What is under way is looked at again after the microtasks of whoever ended last, which may begin something.
const ROUNDS = 64;

function check(round = 0) {
  if (count > 0 || waiting.length === 0) return;
  if (round < ROUNDS) return queueMicrotask(() => check(round + 1));
  const all = waiting;
  waiting = [];
  for (const resolve of all) resolve();
}
