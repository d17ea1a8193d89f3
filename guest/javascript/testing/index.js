// Tests of a handler: runs a component by `firstbyte test-host` and gives what it answered, chunk by chunk. No AWS, no network, no
// ports. The clock is paused: waiting takes no time, and chunks say when they would have come.

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { eventOf } from "./event.js";

/** Changes with the messages, as `PROTOCOL` in guest/testing does. */
const PROTOCOL = 1;

const seconds = (ms) => ({ secs: Math.floor(ms / 1000), nanos: Math.round((ms % 1000) * 1e6) });
const milliseconds = ({ secs, nanos }) => secs * 1000 + nanos / 1e6;
const base64 = (chunk) => Buffer.from(chunk).toString("base64");

/** What a handler answered. */
class Response {
  #recording;

  constructor(recording) {
    this.#recording = recording;
    const { end } = recording;
    this.failure = end === "Clean" ? undefined : (end?.Failed ?? { errorType: "Runtime.Unsettled", errorMessage: "the response was not ended", stackTrace: [] });
    this.chunks = recording.chunks.map(({ at, bytes }) => {
      const buffer = Buffer.from(bytes, "base64");
      return { at: milliseconds(at), bytes: buffer, text: buffer.toString() };
    });
    this.log = recording.log.map(({ level, message, members }) => ({ level, message, ...members }));
  }

  get status() {
    return this.#recording.opening?.status;
  }

  get headers() {
    return this.#recording.opening?.headers ?? [];
  }

  header(name) {
    return this.headers.findLast(([known]) => known === name.toLowerCase())?.[1];
  }

  bytes() {
    return Buffer.concat(this.chunks.map(({ bytes }) => bytes));
  }

  text() {
    return this.bytes().toString();
  }

  json() {
    return JSON.parse(this.text());
  }
}

/** What another server answers, as the host takes it. */
function answerOf(given) {
  if (given === undefined || given === null) return null;
  const { status = 200, headers = {}, body = [], after = 0, refused = false } = given;
  const pieces = typeof body === "string" || ArrayBuffer.isView(body) ? [body] : body;
  return {
    delay: seconds(after),
    head: refused ? null : { status, headers: Object.entries(headers).map(([name, value]) => [name, String(value)]) },
    steps: pieces.map((piece) => {
      if (typeof piece === "number") return { Pause: seconds(piece) };
      return piece === null ? "BreakOff" : { Chunk: base64(piece) };
    }),
  };
}

/** A handler that is loaded. Its invocations come one after the other. */
export class Handler {
  #process;
  #lines;
  #upstreams;
  #turn = Promise.resolve();

  constructor(process, lines, upstreams) {
    [this.#process, this.#lines, this.#upstreams] = [process, lines, upstreams];
  }

  /** Loads a component. */
  static async load(wasm, { env = {}, upstreams = {} } = {}) {
    const program = process.env.FIRSTBYTE || "firstbyte";
    const child = spawn(program, ["test-host"], { stdio: ["pipe", "pipe", "inherit"] });
    const failed = new Promise((_, reject) => {
      child.on("error", (error) => reject(new Error(`cannot run ${program}, which runs the handler: ${error.message}; install Firstbyte's command line, or name it in the variable FIRSTBYTE`)));
    });
    failed.catch(() => {});
    child.stdin.on("error", () => {});
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const handler = new Handler(child, lines, upstreams);
    const ready = await Promise.race([handler.#receive(), failed]);
    if (ready.Ready?.protocol !== PROTOCOL) throw new Error(`${program} is version ${ready.Ready?.version}, which this version of the npm package firstbyte does not know: install the same version of both`);
    const cache = path.resolve("node_modules/.cache/firstbyte/code");
    mkdirSync(cache, { recursive: true });
    handler.#send({ Load: { wasm: path.resolve(wasm), environment: Object.entries(env), cache } });
    const { Loaded } = await handler.#receive();
    if (Loaded.Err !== undefined) throw new Error(`${wasm}: ${Loaded.Err}`);
    handler.#keepAlive(false);
    return handler;
  }

  /** Invokes it. */
  invoke(options = {}) {
    const response = this.#turn.then(() => this.#invoke(options));
    this.#turn = response.catch(() => {});
    return response;
  }

  async #invoke(options) {
    const { timeout = 60_000, paused = true, tenantId = null, traceId = null, clientContext, identity } = options;
    const said = (value) => (value === undefined ? null : JSON.stringify(value));
    const context = { trace_id: traceId, tenant_id: tenantId, client_context: said(clientContext), cognito_identity: said(identity) };
    this.#keepAlive(true);
    try {
      this.#send({ Invoke: { event: base64(eventOf(options)), context, timeout: seconds(timeout), is_paused: paused } });
      for (;;) {
        const message = await this.#receive();
        if (message.Settled) return new Response(message.Settled);
        this.#send({ Answer: await this.#answer(message.Ask) });
      }
    } finally {
      this.#keepAlive(false);
    }
  }

  async #answer({ method, origin, path, headers, body }) {
    const upstream = this.#upstreams[origin];
    if (upstream === undefined) return null;
    const request = { method, origin, path, headers: Object.fromEntries(headers), body: Buffer.from(body, "base64") };
    return answerOf(typeof upstream === "function" ? await upstream(request) : upstream);
  }

  /** Whether Node waits for the process. */
  #keepAlive(should) {
    const how = should ? "ref" : "unref";
    this.#process[how]();
    this.#process.stdin[how]();
    this.#process.stdout[how]();
  }

  #send(message) {
    this.#process.stdin.write(`${JSON.stringify(message)}\n`);
  }

  async #receive() {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error("`firstbyte test-host` has ended, and its standard error may say why");
    return JSON.parse(value);
  }

  /** Ends it. Whoever does not, has it end with the test's own process. */
  close() {
    this.#process.kill();
  }
}

const loaded = new Map();

/** Invokes a component, which is loaded once in a process. */
export async function invoke(wasm, options = {}) {
  const { env, upstreams, ...invocation } = options;
  if (upstreams !== undefined) {
    const handler = await Handler.load(wasm, { env, upstreams });
    try {
      return await handler.invoke(invocation);
    } finally {
      handler.close();
    }
  }
  const key = JSON.stringify([path.resolve(wasm), env]);
  if (!loaded.has(key)) loaded.set(key, Handler.load(wasm, { env }));
  return (await loaded.get(key)).invoke(invocation);
}
