// The host's side of a response: unstarted, started, ended. Nothing of Node or of the web is known here.

import { Body, Response } from "firstbyte:lambda/invocation@0.2.0";

/** What one call of the host takes is limited (8 MiB). */
const PIECE = 4 * 1024 * 1024;

const WORDS = {
  closed: "nobody reads the response any more",
  "too-large": "the response would exceed the size that is allowed",
};

/** A write that was refused. */
export class WriteError extends Error {
  constructor(reason) {
    super(WORDS[reason?.tag] ?? reason?.val ?? "the write was refused");
    this.name = "WriteError";
    this.code = reason?.tag === "closed" ? "ERR_STREAM_PREMATURE_CLOSE" : "ERR_WRITE_REFUSED";
  }
}

/** A head that was refused. Nothing has been sent. */
export class HeadError extends Error {
  constructor(reason) {
    const words = {
      "invalid-status": `${reason?.val} is not a status from 200 to 599`,
      "invalid-header": `the header ${reason?.val} has characters that no header may have`,
      "too-large": "status, headers and cookies do not fit 16 KiB",
    };
    super(words[reason?.tag] ?? "the head was refused");
    this.name = "HeadError";
  }
}

export class HostResponse {
  #response;
  #body;
  #isEnded = false;

  constructor(response) {
    this.#response = response;
  }

  get isStarted() {
    return this.#response === undefined;
  }

  get isEnded() {
    return this.#isEnded;
  }

  /** Sends the head: a status, and headers as pairs. */
  start(status, headers) {
    const response = this.#response;
    if (response === undefined) throw new Error("the response was started already");
    this.#response = undefined;
    try {
      this.#body = Response.start(response, { status, headers });
    } catch (error) {
      throw new HeadError(error?.payload);
    }
  }

  /** Sends bytes. They are on their way when this returns. */
  write(bytes) {
    if (this.#isEnded) throw new Error("write after the response's end");
    try {
      for (let at = 0; at < bytes.length; at += PIECE) {
        const piece = bytes.subarray(at, at + PIECE);
        this.#body.write(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
      }
    } catch (error) {
      throw error && "payload" in error ? new WriteError(error.payload) : error;
    }
  }

  /** Ends the response, before the handler returns. */
  end() {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const body = this.#body;
    this.#body = undefined;
    try {
      Body.finish(body);
    } catch (error) {
      throw error && "payload" in error ? new WriteError(error.payload) : error;
    }
  }
}

/** Headers as pairs: a value may be a list. */
export function pairs(headers = {}) {
  const isIterable = typeof headers?.[Symbol.iterator] === "function";
  const entries = isIterable ? [...headers] : Object.entries(headers ?? {});
  return entries.flatMap(([name, value]) => {
    if (value === undefined || value === null) return [];
    return (Array.isArray(value) ? value : [value]).map((one) => [String(name), String(one)]);
  });
}
