// The three doors of the emulator, and what a caller sees there: status, headers, bytes in their order with the pauses between them,
// and how the response ended. What differs from one call to the next (ids, dates, how the network cuts bytes) is left out.

import http from "node:http";
import http2 from "node:http2";

const OF_THE_CONNECTION = /^(?:connection|content-length|date|keep-alive|transfer-encoding|x-amzn-requestid|x-amzn-trace-id|x-amz-apigw-id|:status)$/;

/** Whole seconds: less is the machine's. */
const seconds = (ms) => Math.floor((ms + 100) / 1000);
const late = (after, text) => (after > 0 ? `after ${after} s: ${text}` : text);

/** Bytes as text: long ones by their length and end, documents of errors without their stacks. */
function shown(bytes) {
  if (bytes.length > 2000) return `${bytes.length} bytes, …${bytes.subarray(-20)}`;
  const text = bytes.toString("latin1");
  const error = text.startsWith('{"error') && errorOf(text);
  return error ? `error ${error}` : text;
}

/** The type and the message of a document that tells of an error, without what is different each time. */
function errorOf(document) {
  try {
    const { errorType, errorMessage } = JSON.parse(document);
    return `${errorType}: ${errorMessage.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "<id>").slice(0, 160)}`;
  } catch {
    return undefined;
  }
}

/** Collects a body: its bytes, and after how many whole seconds without any they went on. */
class Collected {
  #parts = [];
  #last;

  constructor() {
    this.#last = performance.now();
  }

  add(bytes) {
    const now = performance.now();
    const after = seconds(now - this.#last);
    this.#last = now;
    if (this.#parts.length === 0 || after > 0) this.#parts.push({ after, bytes: [] });
    this.#parts.at(-1).bytes.push(bytes);
  }

  get parts() {
    return this.#parts.map(({ after, bytes }) => late(after, shown(Buffer.concat(bytes))));
  }

  /** How it ended, and how long after the last bytes. */
  ended(how) {
    return late(seconds(performance.now() - this.#last), how);
  }
}

const headersOf = (pairs) => pairs.map(([name, value]) => [name.toLowerCase(), value]).filter(([name]) => !OF_THE_CONNECTION.test(name)).sort().map(([name, value]) => `${name}: ${value}`);

const pairsOf = (raw) => Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index], raw[2 * index + 1]]);

/** The messages of an event stream that are whole in `bytes`, and the bytes after them. */
function messages(bytes) {
  const found = [];
  while (bytes.length >= 12 && bytes.length >= bytes.readUInt32BE(0)) {
    const total = bytes.readUInt32BE(0);
    const end = 12 + bytes.readUInt32BE(4);
    const headers = {};
    for (let at = 12; at < end;) {
      const name = bytes.toString("utf8", at + 1, at + 1 + bytes[at]);
      at += 1 + bytes[at] + 1; // All of Lambda's values are strings.
      const length = bytes.readUInt16BE(at);
      headers[name] = bytes.toString("utf8", at + 2, at + 2 + length);
      at += 2 + length;
    }
    found.push({ headers, payload: bytes.subarray(end, total - 4) });
    bytes = bytes.subarray(total);
  }
  return [found, bytes];
}

/** What `InvokeComplete` says. */
const completion = ({ ErrorCode, ErrorDetails }) => (ErrorCode ? `failed with ${ErrorCode}, ${errorOf(ErrorDetails ?? "") ?? "without details"}` : "success");

const http1 = (url, headers, body, onData) =>
  new Promise((resolve, reject) => {
    const collected = new Collected();
    const request = http.request(url, { method: "POST", headers, agent: false }, (response) => {
      response.on("data", onData?.(collected) ?? ((bytes) => collected.add(bytes)));
      const settle = (end) => () => resolve({ status: response.statusCode, headers: headersOf(pairsOf(response.rawHeaders)), parts: collected.parts, end: collected.ended(end) });
      response.on("end", settle("whole"));
      response.on("error", settle("broken off"));
    });
    request.on("error", reject);
    request.end(body);
  });

async function direct(ports, body) {
  let rest = Buffer.alloc(0);
  let end = "no InvokeComplete";
  const onData = (collected) => (bytes) => {
    const [found, left] = messages(Buffer.concat([rest, bytes]));
    rest = left;
    for (const { headers, payload } of found) {
      if (headers[":event-type"] === "PayloadChunk") collected.add(payload);
      else end = collected.ended(headers[":event-type"] === "InvokeComplete" ? completion(JSON.parse(payload)) : JSON.stringify(headers));
    }
  };
  const url = `${ports.lambda}/2021-11-15/functions/${ports.name}/response-streaming-invocations`;
  const answer = await http1(url, { "content-type": "application/json" }, body, onData);
  const type = answer.headers.find((line) => line.startsWith("x-amzn-remapped-content-type: "));
  return { status: answer.status, headers: type ? [type.slice("x-amzn-remapped-".length)] : [], parts: answer.parts, end };
}

const url = (ports, body) => http1(ports.url, { "content-type": "application/json" }, body);

const api = (ports, body) =>
  new Promise((resolve, reject) => {
    const session = http2.connect(new URL(ports.api).origin);
    session.on("error", reject);
    const collected = new Collected();
    const stream = session.request({ ":method": "POST", ":path": new URL(ports.api).pathname, "content-type": "application/json" });
    let head;
    let end = "broken off";
    stream.on("response", (_headers, _flags, raw) => (head = pairsOf(raw)));
    stream.on("data", (bytes) => collected.add(bytes));
    stream.on("end", () => (end = "whole"));
    stream.on("error", () => (end = "broken off"));
    stream.on("close", () => {
      session.close();
      if (head === undefined) return reject(new Error("API Gateway's stream was closed before a head"));
      const status = Number(head.find(([name]) => name === ":status")[1]);
      resolve({ status, headers: headersOf(head), parts: collected.parts, end: collected.ended(end) });
    });
    stream.end(body);
  });

export const DOORS = { direct, url, api };
