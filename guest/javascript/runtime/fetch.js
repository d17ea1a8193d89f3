// The component's export for handlers of the web: `export default { fetch }` and `addEventListener("fetch", …)`.

import "./globals.js";
import { failureOf } from "./failure.js";
import { record } from "./console.js";
import { evaluateAtBuild, load } from "./module.js";
import { process } from "./process.js";
import { require } from "firstbyte:modules";

const listen = globalThis.addEventListener.bind(globalThis);
let listener;
globalThis.addEventListener = (type, callback, options) => {
  if (type === "fetch") listener = callback;
  else listen(type, callback, options);
};

function fetchOf(exports) {
  const exported = exports.default?.default ?? exports.default ?? exports;
  if (typeof exported?.fetch === "function") return (request, event) => exported.fetch(request, process.env, context(event));
  if (typeof listener === "function") return undefined;
  throw new TypeError("the module answers nothing: export a function `handler`, a default with a function `fetch`, or add a listener for `fetch`");
}

const context = (event) => ({ waitUntil: (promise) => event.waitUntil(promise), passThroughOnException() {}, props: {} });

evaluateAtBuild(__firstbyte_evaluate, require, fetchOf);

const failed = (error) => {
  const { kind, message, stack } = failureOf(error);
  record("ERROR", `${kind}: ${message}`, { errorType: kind, errorMessage: message, stackTrace: stack });
  return new Response(JSON.stringify({ message: "Internal Server Error" }), { status: 500, headers: { "content-type": "application/json" } });
};

listen("fetch", (event) => {
  try {
    const answer = fetchOf(load());
    if (answer === undefined) return listener(event);
    event.respondWith(Promise.resolve(answer(event.request, event)).catch(failed));
  } catch (error) {
    event.respondWith(failed(error));
  }
});
