// What Node has as globals and the engine has not. Imported before everything that may use them.

import "./standard.js";
import "./timers.js";
import "./console.js";
import { Buffer } from "./buffer.js";
import { process } from "./process.js";
import { track } from "./activity.js";
import { atFirstInvocation } from "./module.js";

globalThis.Buffer = Buffer;
globalThis.process = process;

// Requests and bodies under way are counted, see activity.js. `fetch` is the engine's again after the build, hence at the first
// invocation.
atFirstInvocation(() => {
  const { fetch } = globalThis;
  globalThis.fetch = (...args) => track(fetch(...args));
});

function tracked(prototype, names) {
  for (const name of names) {
    const original = prototype[name];
    if (typeof original !== "function") continue;
    prototype[name] = function (...args) {
      return track(Reflect.apply(original, this, args));
    };
  }
}
tracked(ReadableStreamDefaultReader.prototype, ["read"]);
const bodies = ["arrayBuffer", "blob", "formData", "json", "text", "bytes"];
tracked(Response.prototype, bodies);
tracked(Request.prototype, bodies);

// `for await (const piece of stream)`.
ReadableStream.prototype.values ??= async function* (options) {
  const reader = this.getReader();
  let isDone = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        isDone = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!isDone && !options?.preventCancel) await reader.cancel().catch(() => {});
    reader.releaseLock();
  }
};
ReadableStream.prototype[Symbol.asyncIterator] ??= ReadableStream.prototype.values;

ReadableStream.from ??= (iterable) => {
  const iterator = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(await value);
    },
    async cancel(reason) {
      await iterator.return?.(reason);
    },
  }, { highWaterMark: 0 });
};

globalThis.TextEncoderStream ??= class TextEncoderStream extends TransformStream {
  constructor() {
    const encoder = new TextEncoder();
    super({ transform: (text, controller) => controller.enqueue(encoder.encode(text)) });
  }
};

globalThis.TextDecoderStream ??= class TextDecoderStream extends TransformStream {
  constructor(label, options) {
    const decoder = new TextDecoder(label, options);
    const pass = (text, controller) => { if (text !== "") controller.enqueue(text); };
    super({
      transform: (bytes, controller) => pass(decoder.decode(bytes, { stream: true }), controller),
      flush: (controller) => pass(decoder.decode(), controller),
    });
  }
};
