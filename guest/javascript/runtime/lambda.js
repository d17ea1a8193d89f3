// The component's export for handlers of Lambda and for Firstbyte's own.

import "./globals.js";
import { highWaterMarkOf, isStreaming, ResponseStream } from "./awslambda.js";
import { HostResponse } from "./body.js";
import { callBuffered, sendBuffered } from "./buffered.js";
import { record } from "./console.js";
import { contextOf, disconnect } from "./context.js";
import { idle } from "./activity.js";
import { failureOf } from "./failure.js";
import { fatal, invocation } from "./fatal.js";
import { evaluateAtBuild, load } from "./module.js";
import { HandlerRequest, HandlerResponse, isNative, registeredHandler, sendReturned } from "./native.js";
import { require } from "firstbyte:modules";

function handlerOf(exports) {
  const found = exports.handler ?? exports.default?.handler ?? (isNative(exports.default) ? exports.default : undefined) ?? registeredHandler();
  if (typeof found === "function") return found;
  throw new TypeError("the module has no handler: export a function `handler`, or call `handler(…)` of the package firstbyte");
}

/** What a streaming handler is given besides its event, not yet connected to an invocation. */
function prepare(highWaterMark) {
  const responseStream = new ResponseStream(highWaterMark);
  const closed = new Promise((resolve) => responseStream.once("close", resolve));
  // A listener of the handler's own comes besides; `pipeline` tells its errors to the handler.
  responseStream.on("error", (error) => fatal(error));
  return { highWaterMark, responseStream, closed };
}

// Made in the build for the first invocation of each instance, which is mostly the only one.
let prepared;

evaluateAtBuild(__firstbyte_evaluate, require, (exports) => {
  const handler = handlerOf(exports);
  if (isStreaming(handler)) prepared = prepare(highWaterMarkOf(handler));
});

async function stream(handler, request, host) {
  const highWaterMark = highWaterMarkOf(handler);
  const { responseStream, closed } = prepared !== undefined && prepared.highWaterMark === highWaterMark ? prepared : prepare(highWaterMark);
  prepared = undefined;
  responseStream.connect(host);
  await handler(JSON.parse(request.event()), responseStream, contextOf(request));
  if (responseStream.writableFinished || responseStream.destroyed) return;
  await Promise.race([closed, idle()]);
  if (responseStream.writableFinished || responseStream.destroyed) return;
  record("WARN", "the handler has returned without responseStream.end(), and nothing is under way: its response ends here");
  responseStream.end();
  await closed;
}

async function answerNative(handler, request, host) {
  await sendReturned(host, await handler(new HandlerRequest(request), new HandlerResponse(host)));
}

async function answerBuffered(handler, request, host) {
  const isHttp = request.http() !== undefined;
  sendBuffered(host, await callBuffered(handler, JSON.parse(request.event()), contextOf(request)), isHttp);
}

function answer(handler) {
  if (isNative(handler)) return answerNative;
  return isStreaming(handler) ? stream : answerBuffered;
}

export const handler = {
  async handle(request, response) {
    try {
      const host = new HostResponse(response);
      const handler = handlerOf(load());
      await invocation(() => answer(handler)(handler, request, host));
    } catch (error) {
      throw failureOf(error);
    } finally {
      disconnect();
    }
  },
};
