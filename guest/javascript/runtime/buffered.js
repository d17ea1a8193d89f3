// Handlers that return their response whole: `async (event, context) => …` and `(event, context, callback) => …`.

import { Buffer } from "./buffer.js";
import { pairs } from "./body.js";

/** Calls such a handler, and gives what it returned or handed to its callback. */
export function callBuffered(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, value) => (error === null || error === undefined ? resolve(value) : reject(error));
    const returned = handler(event, context, callback);
    if (typeof returned?.then === "function") returned.then(resolve, reject);
    else if (handler.length < 3) resolve(returned);
  });
}

/** Sends a value as Lambda does: at the HTTP doors as its payload formats interpret it, to a direct caller as JSON. */
export function sendBuffered(host, value, isHttp) {
  const json = JSON.stringify(value === undefined ? null : value);
  if (!isHttp) return send(host, 200, [["content-type", "application/json"]], Buffer.from(json));
  if (value === null || typeof value !== "object" || value.statusCode === undefined) {
    const body = typeof value === "string" ? value : json;
    return send(host, 200, [["content-type", "application/json"]], Buffer.from(body));
  }
  const { statusCode, headers, multiValueHeaders, cookies = [], body, isBase64Encoded } = value;
  const named = new Map(pairs(headers).map(([name, one]) => [name.toLowerCase(), [[name, one]]]));
  for (const [name, one] of Object.entries(multiValueHeaders ?? {})) named.set(name.toLowerCase(), pairs({ [name]: one }));
  if (!named.has("content-type")) named.set("content-type", [["content-type", "application/json"]]);
  const all = [...[...named.values()].flat(), ...cookies.map((cookie) => ["set-cookie", String(cookie)])];
  const text = body === undefined || body === null ? "" : typeof body === "string" ? body : JSON.stringify(body);
  send(host, Number(statusCode), all, Buffer.from(text, isBase64Encoded ? "base64" : "utf8"));
}

function send(host, status, headers, bytes) {
  host.start(status, headers);
  if (bytes.length > 0) host.write(bytes);
  host.end();
}
