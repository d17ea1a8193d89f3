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

function run(require) {
  const module = { exports: {} };
  evaluate(module, module.exports, require);
  return module.exports;
}

/** Notes calls of a function while a module is evaluated. */
function noting(owner, name) {
  const original = owner[name];
  owner[name] = function (...args) {
    touched.environment(name);
    return Reflect.apply(original, this, args);
  };
  return () => { owner[name] = original; };
}

/** Evaluates the module in the build, with what it may require. */
export function evaluateAtBuild(code, require, prepare = () => {}) {
  evaluate = code;
  const RealDate = Date;
  // The engine has no time origin before the first invocation.
  const now = performance.now;
  performance.now = () => (touched.environment("performance"), 0);
  const restore = [() => { performance.now = now; }, noting(RealDate, "now"), noting(Math, "random"), noting(crypto, "getRandomValues"), noting(crypto, "randomUUID")];
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
    if (touched.names.size > 0) {
      exports = run(touched.require);
      touched.prepare(exports);
    }
  }
  return exports;
}
