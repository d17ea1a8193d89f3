// The global `awslambda` of Lambda's Node runtimes.

import stream from "readable-stream";
import { pairs } from "./body.js";

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");

/** The stream that a streaming handler writes its response to. */
export class ResponseStream extends stream.Writable {
  #host;
  #head = { status: 200, headers: [["content-type", "application/octet-stream"]] };

  constructor(highWaterMark) {
    super({ highWaterMark: highWaterMark ?? 64 * 1024 });
  }

  /** Gives the stream the response that it writes to, before anybody uses it. */
  connect(host) {
    this.#host = host;
  }

  setContentType(type) {
    if (this.#host.isStarted) throw new Error("Cannot set content-type, too late.");
    this.#head = { ...this.#head, headers: [["content-type", String(type)]] };
  }

  /** Sets status, headers and cookies. They leave with the first bytes, or with the end. */
  setPrelude(prelude) {
    if (this.#host.isStarted) throw new Error("Cannot set the status and headers, too late.");
    const { statusCode = 200, headers, multiValueHeaders, cookies = [] } = prelude ?? {};
    const said = [...pairs(headers), ...pairs(multiValueHeaders), ...cookies.map((cookie) => ["set-cookie", String(cookie)])];
    this.#head = { status: Number(statusCode), headers: said };
  }

  /** Strings and bytes as they are, everything else as JSON. */
  write(chunk, encoding, callback) {
    const isBytes = typeof chunk === "string" || chunk instanceof Uint8Array;
    const isNothing = chunk === null || chunk === undefined;
    return super.write(isBytes || isNothing ? chunk : JSON.stringify(chunk), encoding, callback);
  }

  end(chunk, encoding, callback) {
    if (typeof chunk === "function" || chunk === null || chunk === undefined) return super.end(chunk, encoding, callback);
    const isBytes = typeof chunk === "string" || chunk instanceof Uint8Array;
    return super.end(isBytes ? chunk : JSON.stringify(chunk), encoding, callback);
  }

  #start() {
    if (!this.#host.isStarted) this.#host.start(this.#head.status, this.#head.headers);
  }

  _write(chunk, _encoding, callback) {
    try {
      this.#start();
      this.#host.write(chunk);
    } catch (error) {
      return callback(error);
    }
    callback();
  }

  _final(callback) {
    try {
      this.#start();
      this.#host.end();
    } catch (error) {
      return callback(error);
    }
    callback();
  }
}

export const awslambda = {
  streamifyResponse(handler, options) {
    handler[STREAMING] = "response";
    if (options?.highWaterMark !== undefined) handler[HIGH_WATER_MARK] = parseInt(options.highWaterMark, 10);
    return handler;
  },
  HttpResponseStream: class HttpResponseStream {
    static from(stream, prelude) {
      stream.setPrelude(prelude);
      return stream;
    }
  },
};

export const isStreaming = (handler) => handler[STREAMING] === "response";
export const highWaterMarkOf = (handler) => handler[HIGH_WATER_MARK];

globalThis.awslambda = awslambda;
