// One invocation, as the events tell of it. Times are milliseconds since its start. Nothing here draws.
//
// What a lane keeps is bounded: a stream of a million chunks is merged into fewer marks, and bytes beyond a limit are counted only.

/** How many marks a lane has before neighbours are merged, and each of its upstream calls. */
const MARKS = 2000;
const CALL_MARKS = 200;
/** How many characters of base64 a lane keeps, of its response and its upstream calls. */
const KEPT = 512 * 1024;
/** How many lines of log a lane keeps. */
const LINES = 500;
/** How many upstream calls a lane has. */
const CALLS = 50;
/** How many characters of the event a lane keeps. */
const EVENT = 256 * 1024;

/** Pieces of a body and when they came. */
export class Pieces {
  /** `store` is `{left}`, the characters of base64 that may still be kept; `limit` is the number of marks. */
  constructor(store, limit) {
    this.store = store;
    this.limit = limit;
    /** `{t, until, bytes, count, data, throttled}`: `count` pieces from `t` to `until`; `data` has base64 of each that was kept. */
    this.marks = [];
    this.bytes = 0;
    this.count = 0;
    /** How many pieces stand in one mark at least. */
    this.merged = 1;
  }

  add(t, bytes, data, throttled = 0) {
    this.bytes += bytes;
    this.count += 1;
    const keep = data && data.length <= this.store.left;
    if (keep) this.store.left -= data.length;
    const last = this.marks.at(-1);
    if (last && last.count < this.merged) {
      join(last, { until: t, bytes, count: 1, data: keep ? [data] : [], throttled });
    } else {
      this.marks.push({ t, until: t, bytes, count: 1, data: keep ? [data] : [], throttled });
      if (this.marks.length > this.limit) this.merge();
    }
  }

  merge() {
    const merged = [];
    for (let i = 0; i < this.marks.length; i += 2) {
      const mark = this.marks[i];
      if (this.marks[i + 1]) join(mark, this.marks[i + 1]);
      merged.push(mark);
    }
    this.marks = merged;
    this.merged *= 2;
  }

  get first() {
    return this.marks[0]?.t;
  }

  get last() {
    return this.marks.at(-1)?.until;
  }
}

function join(mark, next) {
  mark.until = next.until;
  mark.bytes += next.bytes;
  mark.count += next.count;
  mark.data.push(...next.data);
  mark.throttled += next.throttled;
}

/** A request of the handler's to another server. */
class Call {
  constructor(number, t, event, store) {
    this.number = number;
    this.t = t;
    this.method = event.method ?? "";
    this.url = event.url ?? "";
    this.headers = event.headers ?? [];
    this.sent = new Pieces(store, CALL_MARKS);
    this.pieces = new Pieces(store, CALL_MARKS);
    this.answered = undefined;
    this.status = undefined;
    this.ended = undefined;
    this.error = undefined;
  }

  get host() {
    try {
      return new URL(this.url).host;
    } catch {
      return this.url;
    }
  }
}

/** How many bytes base64 stands for. */
function sizeOf(base64) {
  if (!base64) return 0;
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return (base64.length * 3) / 4 - padding;
}

export class Lane {
  /** `event` is the first that is known of the invocation; mostly `invocation_started`. */
  constructor(event) {
    this.id = event.request_id;
    this.environment = event.environment;
    /** Its process, if its start is still known. */
    this.pid = undefined;
    const isStart = event.kind === "invocation_started";
    this.startedAt = isStart ? event.at : event.at - (event.after_ms ?? 0);
    this.door = event.door;
    this.method = event.method;
    this.path = event.path;
    this.cold = event.cold === true;
    this.deadline = event.deadline_ms;
    this.event = event.event === undefined || event.event.length > EVENT ? null : event.event;
    this.eventIsTooLong = (event.event?.length ?? 0) > EVENT;
    /** How long before the start its environment began to start, and was ready; only of one that was started for this. */
    this.init = undefined;
    this.store = { left: KEPT };
    this.pieces = new Pieces(this.store, MARKS);
    this.responded = undefined;
    this.head = undefined;
    this.responseEnded = undefined;
    this.ended = undefined;
    this.clientLeft = undefined;
    /** What the console's own client saw, if it sent the request. */
    this.client = undefined;
    this.logs = [];
    this.linesDropped = 0;
    /** What Lambda's doors say of it: `{t, shown, what}`. */
    this.notes = [];
    this.calls = new Map();
    this.callsDropped = 0;
    /** Rises with each change. */
    this.version = 0;
  }

  take(event) {
    this.version += 1;
    const t = event.after_ms ?? event.at - this.startedAt;
    switch (event.kind) {
      case "response_started":
        this.responded = { t, contentType: event.content_type, streamed: event.streamed };
        break;
      case "response_head":
        this.head = { t, status: event.status, headers: event.headers ?? [] };
        break;
      case "chunk":
        this.pieces.add(t, event.bytes ?? sizeOf(event.data), event.data, event.throttled_ms ?? 0);
        break;
      case "response_ended":
        this.responseEnded = { t, outcome: event.outcome };
        break;
      case "invocation_ended":
        this.ended = { ...event, t: event.duration_ms ?? t };
        break;
      case "client_left":
        this.clientLeft = t;
        break;
      case "client_saw":
        this.client = { ...event, t };
        break;
      case "log":
        this.line({ t, line: event.line, level: levelOf(event), stream: event.stream });
        break;
      case "platform":
        this.line({ t, line: event.line, level: "PLATFORM", stream: "platform" });
        break;
      case "not_shown":
      case "failure_shown":
        this.notes.push({ t, shown: event.kind === "failure_shown", what: event.what });
        break;
      default:
        if (event.kind?.startsWith("upstream_")) this.upstream(t, event);
    }
  }

  line(line) {
    this.logs.push(line);
    if (this.logs.length > LINES) {
      this.logs.shift();
      this.linesDropped += 1;
    }
  }

  upstream(t, event) {
    let call = this.calls.get(event.call);
    if (!call) {
      if (this.calls.size >= CALLS) {
        if (event.kind === "upstream_asked") this.callsDropped += 1;
        return;
      }
      call = new Call(event.call, t, event, this.store);
      this.calls.set(event.call, call);
    }
    switch (event.kind) {
      case "upstream_sent":
        call.sent.add(t, sizeOf(event.data), event.data);
        break;
      case "upstream_answered":
        call.answered = t;
        call.status = event.status;
        break;
      case "upstream_chunk":
        call.pieces.add(t, sizeOf(event.data), event.data);
        break;
      case "upstream_ended":
        call.ended = t;
        call.error = event.error;
        break;
    }
  }

  get running() {
    return this.ended === undefined;
  }

  /** The time to its first byte; undefined until it has one. */
  get firstByte() {
    return this.pieces.first;
  }

  /** The last moment that anything is known of. */
  get lastT() {
    if (this.ended) return Math.max(this.ended.t, this.responseEnded?.t ?? 0);
    const calls = [...this.calls.values()].map((call) => call.ended ?? call.pieces.last ?? call.answered ?? call.t);
    return Math.max(0, this.responseEnded?.t ?? 0, this.pieces.last ?? 0, this.head?.t ?? 0, this.logs.at(-1)?.t ?? 0, ...calls);
  }

  /** What stands for the request in one line. */
  get title() {
    if (this.method) return `${this.method} ${this.path || "/"}`;
    return this.door === "lambda" ? "invoke" : "request";
  }
}

/** The level of a line of the runtime's, in either of Lambda's two log formats. */
function levelOf({ line, stream }) {
  const text = /^\S+\t[^\t]*\t(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\t/.exec(line);
  if (text) return text[1];
  const json = /"level":\s*"(\w+)"/.exec(line);
  if (line.startsWith("{") && json) return json[1].toUpperCase();
  return stream === "stderr" ? "STDERR" : "INFO";
}
