// The engine makes a standard class, with all of its methods, when it is first needed. Here all of them are needed while the component is
// built, so that no instance makes them again. What the bindings of imports and exports are made of has a realm, and classes, of its own.

import { getEnvironment } from "wasi:cli/environment@0.2.10";

const BindingsFunction = getEnvironment.constructor;

// Asynchronous functions, generators and stacks have classes without a name.
const UNNAMED = "(async () => {})(); (function* () {})(); (async function* () {})(); new Error().stack; return globalThis;";

for (const global of [Function(UNNAMED)(), BindingsFunction(UNNAMED)()]) {
  for (const name of Object.getOwnPropertyNames(global)) void global[name];
}
