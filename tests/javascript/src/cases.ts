// Handlers of every kind in one component: the variable KIND says which kind it is, and the event's `case` what it does. The module
// reads KIND at its top level, so that every test here also tests that a module is evaluated again where it must be.

import { AsyncLocalStorage } from "node:async_hooks";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import crypto, { createHash, createHmac, randomBytes, randomUUID, timingSafeEqual, pbkdf2Sync, webcrypto } from "node:crypto";
import { EventEmitter, once, on } from "node:events";
import http2 from "node:http2";
import os from "node:os";
import path from "node:path";
import querystring from "node:querystring";
import { PassThrough, Readable, Transform, Writable, pipeline as pipelineOf, finished as finishedOf } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { StringDecoder } from "node:string_decoder";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import util, { inspect, promisify } from "node:util";
import { createGunzip, gunzipSync, gzipSync } from "node:zlib";
import { handler as native, HttpError } from "firstbyte";

type Stream = awslambda.ResponseStream;
type Case = (stream: Stream, event: any, context: awslambda.Context) => unknown;

const KIND = process.env.KIND;
const WRITTEN_AT_BUILD = process.env.NOT_SET ?? "nothing";
const identity = randomUUID();
const born = Date.now();
let count = 0;

class TeapotError extends Error {
  override name = "TeapotError";
}

const text = (stream: Stream) => {
  stream.setContentType("text/plain");
  return stream;
};
const say = (stream: Stream, value: unknown) => {
  text(stream).write(typeof value === "string" ? value : JSON.stringify(value));
  stream.end();
};

const streaming: Record<string, Case> = {
  "a string": (stream) => say(stream, "hello"),
  "several writes": (stream) => { text(stream); for (const part of ["a", "b", "c"]) stream.write(part); stream.end(); },
  "end with a chunk": (stream) => { text(stream).end("last"); },
  "end with an object": (stream) => { stream.end({ a: 1 } as any); },
  "a buffer": (stream) => { stream.write(Buffer.from([0, 1, 254, 255])); stream.end(); },
  "a typed array": (stream) => { stream.write(new Uint8Array([7, 8, 9])); stream.end(); },
  "an object": (stream) => { stream.write({ a: [1, "b", null] }); stream.end(); },
  "a number": (stream) => { stream.write(42); stream.end(); },
  "an encoding": (stream) => { stream.write("aGVsbG8=", "base64"); stream.end(); },
  "an empty string": (stream) => { stream.write(""); stream.write("x"); stream.end(); },
  "null": (stream) => { stream.write(null); stream.end(); },
  "nothing but end": (stream) => { stream.end(); },
  "the default type": (stream) => { stream.write("x"); stream.end(); },
  "a type too late": (stream) => { stream.write("x"); stream.setContentType("text/html"); },
  "a megabyte": (stream) => { stream.write(Buffer.alloc(1 << 20, "m")); stream.end(); },
  "twenty megabytes": (stream) => { stream.write(Buffer.alloc(20 << 20, "m")); stream.end(); },
  "many small": (stream) => { for (let n = 0; n < 5000; n++) stream.write(`${n}\n`); stream.end(); },
  "a prelude": (stream) => {
    const http = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { "Content-Type": "text/html", "X-One": "1" }, cookies: ["a=1; Path=/", "b=2"] });
    http.write("<p>"); http.end();
  },
  "a prelude of lists": (stream) => {
    const http = awslambda.HttpResponseStream.from(stream, { headers: { "x-many": ["1", "2"] }, multiValueHeaders: { "x-more": ["3", "4"] } });
    http.end("x");
  },
  "a prelude without a body": (stream) => { awslambda.HttpResponseStream.from(stream, { statusCode: 204 }).end(); },
  "a redirect": (stream) => { awslambda.HttpResponseStream.from(stream, { statusCode: 302, headers: { Location: "/there" } }).end(); },
  "an invalid status": (stream) => { awslambda.HttpResponseStream.from(stream, { statusCode: 99 }).write("x"); },
  "an invalid header": (stream) => { awslambda.HttpResponseStream.from(stream, { headers: { "x y": "1" } }).write("x"); },
  "two pauses": async (stream) => { text(stream); for (const n of [1, 2, 3]) { stream.write(`${n}`); await sleep(1000); } stream.end(); },
  "a timer": (stream) => { setTimeout(() => say(stream, "later"), 500); },
  "an interval": (stream) => { let n = 0; text(stream); const timer = setInterval(() => { stream.write(`${++n}`); if (n === 3) { clearInterval(timer); stream.end(); } }, 100); },
  "a timer that is cleared": async (stream) => { const timer = setTimeout(() => stream.write("no"), 10); clearTimeout(timer); await sleep(50); say(stream, "yes"); },
  "unref": (stream) => { setTimeout(() => {}, 3_600_000).unref(); say(stream, "done"); },
  "immediate and nextTick": async (stream) => {
    const order: string[] = [];
    const immediate = new Promise<void>((done) => setImmediate(() => { order.push("immediate"); done(); }));
    process.nextTick(() => order.push("tick"));
    await immediate;
    say(stream, order.join());
  },
  "back-pressure": async (stream) => {
    let drained = 0;
    for (let n = 0; n < 4; n++) if (!stream.write(Buffer.alloc(100_000, "x"))) { await once(stream as any, "drain"); drained++; }
    stream.end(` ${drained}`);
  },
  "pipeline of promises": async (stream) => { await pipeline(Readable.from(["a", "b", "c"]), text(stream)); },
  "pipeline with a transform": async (stream) => {
    const upper = new Transform({ transform(chunk, _encoding, callback) { callback(null, chunk.toString().toUpperCase()); } });
    await pipeline(Readable.from(["a", "b"]), upper, text(stream));
  },
  "pipeline of a generator": async (stream) => { await pipeline(async function* () { yield "one "; await sleep(10); yield "two"; }, text(stream)); },
  "pipeline with a callback": (stream) => new Promise<void>((resolve, reject) => { pipelineOf(Readable.from(["a", "b"]), text(stream), (error) => (error ? reject(error) : resolve())); }),
  "pipeline that fails": async (stream) => { await pipeline(async function* () { yield "begun"; throw new TeapotError("in the source"); }, text(stream)); },
  "pipe without waiting": (stream) => { Readable.from(["a", "b", "c"]).pipe(text(stream)); },
  "a web stream": async (stream) => {
    const web = new ReadableStream({ start(controller) { controller.enqueue(new TextEncoder().encode("web")); controller.close(); } });
    for await (const chunk of web) stream.write(chunk);
    stream.end();
  },
  "finished": async (stream) => { const done = finished(stream); say(stream, "x"); await done; },
  "finish is told": async (stream) => { const done = once(stream as any, "finish"); say(stream, "x"); await done; console.log("it was finished"); },
  "finished with a callback": (stream) => new Promise<void>((resolve) => { finishedOf(stream, () => resolve()); say(stream, "x"); }),
  "cork": (stream) => { const it = text(stream) as any; it.cork(); it.write("a"); it.write("b"); it.uncork(); it.end(); },
  "write callbacks": async (stream) => { await new Promise<void>((done) => { stream.write("a", () => done()); }); stream.end("b"); },
  "write after end": (stream) => { stream.end("x"); stream.write("y"); },
  "no end": async (stream) => { text(stream).write("begun"); },
  "no end and no write": async () => {},
  "throws": () => { throw new TeapotError("before"); },
  "rejects": async () => { await sleep(1); throw new TypeError("later"); },
  "throws after a write": async (stream) => { text(stream).write("begun"); throw new TeapotError("after"); },
  "throws after a prelude": async (stream) => { awslambda.HttpResponseStream.from(stream, { statusCode: 200 }); throw new TeapotError("after the prelude"); },
  "throws a string": () => { throw "words"; },
  "throws an object": () => { throw { code: 7 }; },
  "throws with a cause": () => { throw new Error("outer", { cause: new TypeError("inner") }); },
  "throws in a timer": async () => { setTimeout(() => { throw new TeapotError("in a timer"); }, 10); await sleep(60_000); },
  "an error event": async () => { const emitter = new EventEmitter(); process.nextTick(() => emitter.emit("error", new TeapotError("event"))); await sleep(60_000); },
  "destroyed": async (stream) => { text(stream).write("begun"); stream.destroy(new TeapotError("destroyed")); await sleep(1); },
  "exit": () => { process.exit(3); },
  "never": async () => { await new Promise(() => {}); },
  "too late": async (stream) => { text(stream).write("begun"); await sleep(3_600_000); },
  "work after end": async (stream) => { say(stream, "x"); await sleep(1000); console.log("worked on"); },
  "throws after end": async (stream) => { say(stream, "x"); await sleep(1); throw new TeapotError("too late to tell"); },
  "context": (stream, _event, context) => {
    const { getRemainingTimeInMillis, ...said } = context;
    say(stream, { ...said, remaining: getRemainingTimeInMillis() });
  },
  "context is writable": (stream, _event, context) => { context.callbackWaitsForEmptyEventLoop = false; say(stream, String(context.callbackWaitsForEmptyEventLoop)); },
  "context in other hands": (stream, _event, context) => {
    const [derived, wrapped] = [Object.create(context), new Proxy(context, {})];
    const said = { name: derived.functionName, id: wrapped.awsRequestId, copied: { ...wrapped }.functionVersion, keys: Object.keys(context).length };
    derived.functionVersion = "derived";
    (context as { functionName: string }).functionName = "other";
    console.log(context);
    Object.freeze(context);
    say(stream, { ...said, set: derived.functionName, own: [derived.functionVersion, context.functionVersion], frozen: context.invokedFunctionArn });
  },
  "event": (stream, event) => say(stream, event),
  "levels": (stream) => {
    console.trace("t"); console.debug("d"); console.log("l %s %d", "x", 7, { a: 1 }); console.info("i"); console.warn("w"); console.error("e", new TeapotError("logged"));
    console.log(JSON.stringify({ level: "WARN", message: "own", item: 7 }));
    console.log("two\nlines");
    say(stream, "x");
  },
  "a fresh instance": (stream) => say(stream, String(++count)),
  "randomness": (stream) => say(stream, { identity, math: Math.random(), uuid: randomUUID(), bytes: randomBytes(8).toString("hex") }),
  "time": (stream) => say(stream, { born, now: Date.now(), date: new Date().getTime() }),
  "environment": (stream) => say(stream, { KIND, WRITTEN_AT_BUILD, mode: process.env.NODE_ENV, has: "KIND" in process.env, keys: Object.keys(process.env).filter((key) => key === "KIND") }),
  "node modules": async (stream) => {
    assert.equal(createHash("sha256").update("abc").digest("hex"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert.equal(createHash("md5").update("abc").digest("base64"), "kAFQmDzST7DWlj99KOF/cg==");
    assert.equal(createHmac("sha256", "key").update("abc").digest("hex"), "9c196e32dc0175f86f4b1cb89289d6619de6bee699e4c378e68309ed97a1a6ab");
    assert.equal(pbkdf2Sync("password", "salt", 1, 20, "sha1").toString("hex"), "0c60c80f961f0e71f3a9b524af6012062fe037a6");
    assert.ok(timingSafeEqual(Buffer.from("a"), Buffer.from("a")));
    assert.equal(Buffer.from(await webcrypto.subtle.digest("SHA-1", Buffer.from("abc"))).toString("hex"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert.match(crypto.randomUUID(), /^[0-9a-f-]{36}$/);
    assert.deepEqual(querystring.parse("a=1&b=2&a=3"), { a: ["1", "3"], b: "2" });
    assert.equal(path.join("/a", "../b", "c.txt"), "/b/c.txt");
    assert.equal(fileURLToPath("file:///a%20b"), "/a b");
    assert.equal(new StringDecoder("utf8").write(Buffer.from([0xe2, 0x82])), "");
    assert.equal(os.EOL, "\n");
    assert.equal(util.format("%s=%j", "a", { b: 1 }), 'a={"b":1}');
    assert.equal(inspect({ a: [1, { b: new Map([["c", 2n]]) }] }), "{ a: [ 1, { b: [Map] } ] }");
    assert.equal(await promisify((callback: (error: null, value: string) => void) => callback(null, "promised"))(), "promised");
    assert.ok(util.isDeepStrictEqual({ a: [1] }, { a: [1] }) && !util.isDeepStrictEqual({ a: 1 }, { a: "1" }));
    assert.throws(() => assert.deepEqual({ a: 1 }, { a: 2 }), /deep/);
    assert.equal(gunzipSync(gzipSync("zipped")).toString(), "zipped");
    assert.throws(() => http2.connect, /node:http2 is not to be had in a sandbox/);
    const storage = new AsyncLocalStorage<string>();
    assert.equal(await storage.run("stored", async () => { await sleep(5); return storage.getStore(); }), "stored");
    assert.equal(storage.getStore(), undefined);
    const emitter = new EventEmitter();
    process.nextTick(() => emitter.emit("it", 1));
    for await (const [value] of on(emitter, "it")) { assert.equal(value, 1); break; }
    const unzipped: Buffer[] = [];
    await pipeline(Readable.from([gzipSync("streamed")]), createGunzip(), new Writable({ write(chunk, _encoding, callback) { unzipped.push(chunk); callback(); } }));
    assert.equal(Buffer.concat(unzipped).toString(), "streamed");
    const through = new PassThrough();
    through.end("passed");
    for await (const chunk of through) assert.equal(chunk.toString(), "passed");
    assert.equal(structuredClone({ a: 1 }).a, 1);
    assert.equal(Buffer.from("héllo").toString("base64url"), "aMOpbGxv");
    say(stream, "all of them");
  },
  "fetch": async (stream, event) => {
    const response = await fetch(event.url, { method: "POST", body: "asked", headers: { "x-a": "1" } });
    awslambda.HttpResponseStream.from(stream, { statusCode: response.status });
    for await (const chunk of response.body!) stream.write(chunk);
    stream.end();
  },
  "fetch without waiting": (stream, event) => { fetch(event.url).then((response) => response.text()).then((said) => say(stream, said)); },
  "fetch that is refused": async (stream, event) => {
    try { await fetch(event.url); say(stream, "?"); } catch (error) { say(stream, `refused: ${error instanceof Error}`); }
  },
};

const buffered: Record<string, (event: any, context: awslambda.Context) => unknown> = {
  "a response": async () => ({ statusCode: 201, headers: { "content-type": "text/plain", "x-one": "1" }, cookies: ["a=1"], body: "whole" }),
  "base64": async () => ({ statusCode: 200, headers: { "content-type": "image/png" }, isBase64Encoded: true, body: "AAEC" }),
  "a value": async (event) => ({ hello: event.name ?? "you" }),
  "a string": async () => "words",
  "nothing": async () => undefined,
  "throws": async () => { throw new TeapotError("buffered"); },
};

const natives = native(async (request, response) => {
  const { case: named, ...rest } = request.json<any>();
  switch (named) {
    case "json": return response.json({ got: rest, door: request.door, method: request.http?.method });
    case "text": return response.text("words", { status: 202, headers: { "x-one": "1" } });
    case "sse": {
      const body = response.sse();
      body.sse({ event: "tick", id: "1", data: { n: 1 } });
      body.sse({ data: "two\nlines" });
      return;
    }
    case "pieces": return (async function* () { yield "a"; await sleep(1000); yield "b"; })();
    case "web": return new Response("web", { status: 203, headers: { "x-one": "1" } });
    case "pipe": return await response.start({ headers: { "content-type": "text/plain" } }).pipe(new Blob(["piped"]).stream());
    case "mistake": throw new HttpError(422, "not like this");
    case "twice": { response.start(); response.start(); return; }
    case "work after end": { const body = response.start(); body.write("x"); body.end(); await sleep(1); console.log("worked on"); return; }
    case "http": return response.json({
      path: request.http?.path, query: Object.fromEntries(request.http!.query), cookies: request.http?.cookies, header: request.http?.headers.get("X-One"),
    });
    default: throw new Error(`no case ${named}`);
  }
});

const called = (event: any) => (event.body ? JSON.parse(event.body) : event);

const kinds: Record<string, unknown> = {
  buffered: (event: any, context: awslambda.Context) => buffered[called(event).case]!(called(event), context),
  callback: (event: any, _context: awslambda.Context, callback: (error: unknown, value?: unknown) => void) => {
    setTimeout(() => (called(event).fails ? callback(new TeapotError("called back")) : callback(null, { statusCode: 200, body: "called back" })), 10);
  },
  native: natives,
};

export const handler =
  kinds[KIND ?? "streaming"] ??
  awslambda.streamifyResponse(async (event, stream, context) => {
    const said = called(event);
    await streaming[said.case]!(stream, said, context);
  });
