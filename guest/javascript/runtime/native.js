// Firstbyte's own interface for handlers: one function of a request and a response, for all three doors.

import { pairs } from "./body.js";
import { HttpError } from "./failure.js";

export { HttpError };

const NATIVE = Symbol.for("firstbyte.handler");

let registered;

/** Makes a function this module's handler. */
export function handler(answer) {
  if (typeof answer !== "function") throw new TypeError("handler() takes a function of a request and a response");
  answer[NATIVE] = true;
  registered = answer;
  return answer;
}

export const isNative = (value) => value?.[NATIVE] === true;
export const registeredHandler = () => registered;

const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

const bytesOf = (chunk) => {
  if (typeof chunk === "string") return encoder.encode(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new TypeError(`a piece of a body is a string or bytes, and this is ${chunk === null ? "null" : typeof chunk}`);
};

const parsed = (text) => (text === undefined ? undefined : JSON.parse(text));

/** What the caller sent. */
export class HandlerRequest {
  #request;
  #http;

  constructor(request) {
    this.#request = request;
  }

  /** The HTTP request behind the invocation; undefined if there is none. */
  get http() {
    if (this.#http === undefined) {
      const http = this.#request.http();
      this.#http = http === undefined ? null : {
        method: http.method,
        path: http.path,
        query: new URLSearchParams(http.query),
        headers: new Headers(http.headers),
        cookies: Object.fromEntries(http.cookies.map((cookie) => {
          const at = cookie.indexOf("=");
          return at < 0 ? [cookie, ""] : [cookie.slice(0, at), cookie.slice(at + 1)];
        })),
      };
    }
    return this.#http ?? undefined;
  }

  bytes() {
    return this.#request.payload();
  }

  text() {
    try {
      return decoder.decode(this.bytes());
    } catch {
      throw new HttpError(400, "the request is not UTF-8");
    }
  }

  json() {
    const text = this.text();
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new HttpError(400, text === "" ? "the request is empty, and JSON was expected" : `the request is not JSON: ${error.message}`);
    }
  }

  /** The event as Lambda delivered it. */
  get event() {
    return JSON.parse(this.#request.event());
  }

  get door() {
    const { tag, val } = this.#request.trigger();
    return tag === "other" ? val : tag;
  }

  get requestId() { return this.#request.requestId(); }
  get functionArn() { return this.#request.functionArn(); }
  get remainingMs() { return Number(this.#request.remainingMs()); }
  get traceId() { return this.#request.traceId(); }
  get tenantId() { return this.#request.tenantId(); }
  get clientContext() { return parsed(this.#request.clientContext()); }
  get cognitoIdentity() { return parsed(this.#request.cognitoIdentity()); }
}

/** A response that was started. */
export class ResponseBody {
  #host;

  constructor(host) {
    this.#host = host;
  }

  /** Sends a string or bytes. They are on their way when this returns. */
  write(chunk) {
    this.#host.write(bytesOf(chunk));
  }

  /** Sends what an iterable or a stream brings, as it comes. */
  async pipe(source) {
    for await (const chunk of source) this.write(chunk);
  }

  /** Sends a server-sent event. */
  sse({ event, id, retry, data }) {
    const line = (text) => String(text).replace(/[\r\n]/g, " ");
    const fields = [];
    if (event !== undefined) fields.push(`event: ${line(event)}`);
    if (id !== undefined) fields.push(`id: ${line(id)}`);
    if (retry !== undefined) fields.push(`retry: ${Number(retry)}`);
    const text = typeof data === "string" ? data : JSON.stringify(data);
    for (const part of (text ?? "").split(/\r\n|\r|\n/)) fields.push(`data: ${part}`);
    this.write(`${fields.join("\n")}\n\n`);
  }

  /** Ends the response, for a handler that goes on working. */
  end() {
    this.#host.end();
  }
}

/** The right to respond, once. */
export class HandlerResponse {
  #host;

  constructor(host) {
    this.#host = host;
  }

  get isStarted() { return this.#host.isStarted; }

  /** Sends the head at once and gives the body to write. */
  start({ status = 200, headers = {}, cookies = [] } = {}) {
    this.#host.start(status, [...pairs(headers), ...cookies.map((cookie) => ["set-cookie", String(cookie)])]);
    return new ResponseBody(this.#host);
  }

  /** Starts a response of server-sent events. */
  sse({ status, headers = {}, cookies } = {}) {
    return this.start({ status, cookies, headers: [["content-type", "text/event-stream"], ["cache-control", "no-store"], ...pairs(headers)] });
  }

  json(value, { status, headers = {}, cookies } = {}) {
    this.#whole("application/json", JSON.stringify(value), { status, headers, cookies });
  }

  text(text, { status, headers = {}, cookies } = {}) {
    this.#whole("text/plain; charset=utf-8", text, { status, headers, cookies });
  }

  html(text, { status, headers = {}, cookies } = {}) {
    this.#whole("text/html; charset=utf-8", text, { status, headers, cookies });
  }

  #whole(type, text, { status, headers, cookies }) {
    const given = pairs(headers);
    const typed = given.some(([name]) => name.toLowerCase() === "content-type") ? given : [["content-type", type], ...given];
    const body = this.start({ status, headers: typed, cookies });
    if (text !== "") body.write(text);
  }
}

/** Sends what a handler returned. */
export async function sendReturned(host, returned) {
  if (returned === undefined || host.isStarted) return;
  if (returned instanceof globalThis.Response) {
    const cookies = returned.headers.getSetCookie?.() ?? [];
    const headers = [...returned.headers].filter(([name]) => name !== "set-cookie");
    host.start(returned.status, [...headers, ...cookies.map((cookie) => ["set-cookie", cookie])]);
    if (returned.body) await new ResponseBody(host).pipe(returned.body);
    return;
  }
  const isPieces = typeof returned === "object" && (Symbol.asyncIterator in returned || (Symbol.iterator in returned && !Array.isArray(returned) && !ArrayBuffer.isView(returned)));
  const response = new HandlerResponse(host);
  if (typeof returned === "string") return response.text(returned);
  if (isPieces) return await response.start().pipe(returned);
  if (ArrayBuffer.isView(returned)) return response.start().write(returned);
  response.json(returned);
}
