// What is known of a session: its lanes in bursts, its environments, its first bytes. Fed with events, live or from a recording.
// Nothing here draws, and everything here is bounded.

import { Lane } from "./lane.js";
import { DOORS } from "./door.js";
import { isUnseen } from "./ending.js";

/** How many invocations are kept. */
const LANES = 200;
/** How many first bytes the figures are taken from, per door. */
const SAMPLES = 5000;
/** How many lines that belong to no invocation are kept. */
const NOTICES = 100;
/** A silence of this length between two invocations, in milliseconds, begins another burst, with a clock of its own. */
const SILENCE = 1500;
/** An environment that was ready so long before an invocation was started for it. */
const FOR_IT = 100;

export class Session {
  constructor() {
    /** By request id, the oldest first. */
    this.lanes = new Map();
    /** The oldest first: `{at, lanes}`. */
    this.bursts = [];
    this.environments = new Map();
    this.notices = [];
    this.samples = Object.fromEntries(DOORS.map((door) => [door, []]));
    this.totals = { ended: 0, failed: 0, unseen: 0 };
    this.dropped = 0;
    this.missed = 0;
    this.lastAt = 0;
    /** Lanes that changed since somebody looked. */
    this.changed = new Set();
    /** Rises with each change of what is not a lane's. */
    this.version = 0;
  }

  ingest(event) {
    if (typeof event?.kind !== "string" || typeof event.at !== "number") return;
    this.lastAt = Math.max(this.lastAt, event.at);
    const ofEnvironment = event.kind.startsWith("environment_") || event.kind === "init_failed";
    if (event.request_id && !ofEnvironment) this.ofInvocation(event);
    else this.ofSession(event);
  }

  ofInvocation(event) {
    let lane = this.lanes.get(event.request_id);
    if (!lane) {
      // What comes late of an invocation that was dropped draws nothing. One whose start is not kept any more is shown from its
      // response on.
      if (!/^(invocation_started|response_started|response_head|chunk)$/.test(event.kind)) return;
      lane = this.begin(event);
    }
    const hadByte = lane.firstByte !== undefined;
    lane.take(event);
    this.changed.add(lane);
    if (!hadByte && lane.firstByte !== undefined) this.sample(lane);
    if (event.kind === "invocation_ended") this.end(lane);
  }

  begin(event) {
    const lane = new Lane(event);
    const environment = this.environments.get(lane.environment);
    if (lane.cold && environment?.readyAt > lane.startedAt - FOR_IT) {
      lane.init = { from: environment.startedAt - lane.startedAt, to: environment.readyAt - lane.startedAt };
    }
    if (environment) {
      environment.lane = lane;
      lane.pid = environment.pid;
    }
    this.lanes.set(lane.id, lane);
    const burst = this.bursts.at(-1);
    if (burst && this.isBusy(burst, lane.startedAt + (lane.init?.from ?? 0))) {
      burst.lanes.push(lane);
    } else {
      this.bursts.push({ at: lane.startedAt, lanes: [lane] });
    }
    this.version += 1;
    if (this.lanes.size > LANES) this.drop();
    return lane;
  }

  isBusy(burst, at) {
    return burst.lanes.some((lane) => lane.running || lane.startedAt + lane.lastT > at - SILENCE);
  }

  /** Drops the oldest lane that has ended, or the oldest. */
  drop() {
    const lanes = [...this.lanes.values()];
    const lane = lanes.find((lane) => !lane.running) ?? lanes[0];
    this.lanes.delete(lane.id);
    this.changed.delete(lane);
    for (const burst of this.bursts) burst.lanes = burst.lanes.filter((other) => other !== lane);
    this.bursts = this.bursts.filter((burst) => burst.lanes.length);
    this.dropped += 1;
  }

  sample(lane) {
    const samples = this.samples[lane.door];
    if (!samples) return;
    samples.push(lane.firstByte);
    if (samples.length > SAMPLES) samples.shift();
    this.version += 1;
  }

  end(lane) {
    const environment = this.environments.get(lane.environment);
    if (environment?.lane === lane) environment.lane = undefined;
    this.totals.ended += 1;
    if (lane.ended.outcome.is !== "success") this.totals.failed += 1;
    if (isUnseen(lane)) this.totals.unseen += 1;
    this.version += 1;
  }

  ofSession(event) {
    this.version += 1;
    const environment = this.environments.get(event.environment);
    switch (event.kind) {
      case "environment_started":
        this.environments.set(event.environment, { number: event.environment, pid: event.pid, startedAt: event.at });
        return;
      case "environment_ready":
        if (environment) Object.assign(environment, { readyAt: event.at, init: event.init_ms });
        return;
      case "environment_exited":
        this.environments.delete(event.environment);
        this.notice(event, `environment ${event.environment} is gone (${event.status})`, "warn");
        return;
      case "init_failed":
        this.notice(event, `the runtime could not start: ${event.error_type}: ${event.message}`, "error");
        return;
      case "refused":
        this.notice(event, `a request was refused with ${event.status}: ${event.why}`, "warn");
        return;
      case "runtime_refused":
        this.notice(event, `the Runtime API refused a request of the runtime's: ${event.why}`, "warn");
        return;
      case "missed":
        this.missed += event.events;
        this.notice(event, `${event.events} events are not kept any more: lanes may lack some`, "warn");
        return;
      case "client_saw":
        // With no request id it never reached the function.
        this.notice(event, `request ${event.send}: ${event.what}${event.detail ? `, ${event.detail}` : ""}`, "warn");
        return;
      case "log":
      case "platform":
        this.notice(event, event.line, "line");
    }
  }

  notice(event, text, tone) {
    this.notices.push({ at: event.at, text, tone });
    if (this.notices.length > NOTICES) this.notices.shift();
  }

  /** The figures over the session, of one door or all: `{count, p50, p99}`. */
  firstBytes(door) {
    const all = door ? this.samples[door] : DOORS.flatMap((door) => this.samples[door]);
    const sorted = Float64Array.from(all).sort();
    return { count: sorted.length, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
  }

  get running() {
    let running = 0;
    for (const lane of this.lanes.values()) if (lane.running) running += 1;
    return running;
  }
}

/** The smallest value that at least this share of them does not exceed. */
function quantile(sorted, share) {
  return sorted.length ? sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] : undefined;
}
