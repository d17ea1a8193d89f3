// The author's module: evaluated when the component is built, so that an invocation finds it done. What differs from one
// invocation to the next, it cannot have seen then: its environment, the time, randomness. If it has asked for such at its top
// level, it is evaluated again when the first invocation of an instance comes.

/** What a module has asked for while it was evaluated in the build. */
export const touched = {
  building: true,
  noting: false,
  names: new Set(),
  environment(name) {
    if (touched.noting) touched.names.add(String(name));
  },
};

let exports;
let evaluate;
const first = [];

/** Has something done when the first invocation of an instance comes, before the module may be evaluated again. */
export function atFirstInvocation(action) {
  first.push(action);
}

function run(require) {
  const module = { exports: {} };
  evaluate(module, module.exports, require);
  return module.exports;
}

/** Puts another function in a function's place, and notes its calls. Gives what undoes it. */
function replace(owner, name, other) {
  const original = owner[name];
  owner[name] = function (...args) {
    // Somebody may have kept it, and calls it in an invocation.
    if (!touched.noting) return Reflect.apply(original, this, args);
    touched.environment(name);
    return other(...args);
  };
  return () => { owner[name] = original; };
}

/** Evaluates the module in the build, with what it may require. */
export function evaluateAtBuild(code, require, prepare = () => {}) {
  evaluate = code;
  const RealDate = Date;
  const now = RealDate.now;
  // In the build, the engine has no time origin, and no randomness: asking for them would be a trap.
  const restore = [
    replace(performance, "now", () => 0),
    replace(RealDate, "now", () => now()),
    replace(Math, "random", () => 0.5),
    replace(crypto, "getRandomValues", (array) => array),
    replace(crypto, "randomUUID", () => "00000000-0000-4000-8000-000000000000"),
  ];
  globalThis.Date = new Proxy(RealDate, {
    construct(target, args, as) {
      if (args.length === 0) touched.environment("Date");
      return Reflect.construct(target, args, as);
    },
  });
  touched.noting = true;
  try {
    exports = run(require);
    prepare(exports);
  } finally {
    touched.noting = false;
    globalThis.Date = RealDate;
    for (const undo of restore) undo();
    touched.require = require;
    touched.prepare = prepare;
  }
}

/** The module's exports, for an invocation. */
export function load() {
  if (touched.building) {
    touched.building = false;
    for (const action of first) action();
    if (touched.names.size > 0) {
      exports = run(touched.require);
      touched.prepare(exports);
    }
  }
  return exports;
}
