// How an invocation ended, told three times, because the three differ: what the handler returned, what Lambda counts, and what
// each kind of client sees. The last one follows the table of endings in DESIGN.md.
//
// Each is `{tone, short, text}`. The tones are `live`, `good`, `bad`, `mistake`, which is the caller's (a status from 400 to 499), and
// `unseen`, a failure that a client takes for a success.

import { DOORS, doorName, isHttp } from "./door.js";
import { duration, size } from "./format.js";

const LIVE = { tone: "live", short: "…", text: "The invocation is under way." };

/** A failure that the runtime told of in its log, in either log format, although Lambda counts a success. */
function loggedFailure(lane) {
  for (const { line, level } of lane.logs) {
    if (level !== "WARN" && level !== "ERROR") continue;
    const found = /\t(?:WARN|ERROR)\t((?:Function|Runtime)\.\w+): ([^|]*)/.exec(line);
    if (found) return { type: found[1], message: found[2].trim() };
    const type = /"errorType":\s*"((?:Function|Runtime)\.\w+)"/.exec(line);
    if (type) {
      const message = /"(?:errorMessage|message)":\s*"((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? "";
      return { type: type[1], message };
    }
  }
  return null;
}

function failureOf(lane) {
  const outcome = lane.ended?.outcome ?? lane.responseEnded?.outcome;
  if (outcome?.is === "error") return { type: outcome.error_type, message: outcome.message };
  return outcome?.is === "success" ? loggedFailure(lane) : null;
}

/** What the handler did. */
export function handlerReturned(lane) {
  const outcome = lane.ended?.outcome ?? lane.responseEnded?.outcome;
  if (!outcome) return LIVE;
  if (outcome.is === "timeout") {
    return { tone: "bad", short: "no return", text: "It did not return before Lambda's timeout." };
  }
  const failure = failureOf(lane);
  if (!failure) return { tone: "good", short: "ok", text: "It returned without a failure." };
  const { type, message } = failure;
  if (type.startsWith("Function.")) {
    return { tone: isMistake(lane) ? "mistake" : "bad", short: type.slice("Function.".length), text: `It returned a failure, ${type}: ${message}` };
  }
  return { tone: "bad", short: type.replace("Runtime.", ""), text: `It did not return: ${type}: ${message}` };
}

/** Whether the caller was told that the mistake is its own. */
function isMistake(lane) {
  return lane.head?.status >= 400 && lane.head.status < 500 && (lane.ended ?? lane.responseEnded)?.outcome.is === "success";
}

/** What Lambda counts. */
export function lambdaCounts(lane) {
  if (!lane.ended) return LIVE;
  const { outcome, duration_ms: ms, init_ms: init, max_memory_mb: memory } = lane.ended;
  const figures = [`${duration(ms)} of duration`];
  if (init !== undefined) figures.push(`${duration(init)} of init`);
  if (memory !== undefined) figures.push(`${memory} MB at most`);
  const words = figures.join(", ");
  if (outcome.is === "success") return { tone: "good", short: "success", text: `A success. ${words}.` };
  if (outcome.is === "timeout") return { tone: "bad", short: "timeout", text: `A timeout, which raises the metric Errors. ${words}.` };
  return { tone: "bad", short: "error", text: `An error, ${outcome.error_type}, which raises the metric Errors. ${words}.` };
}

/** Whether the body had begun before things went wrong. An error's document is no body. */
function hadStarted(lane) {
  const refused = (lane.head?.status ?? 200) >= 400;
  return lane.responded?.streamed !== false && lane.pieces.count > 0 && !refused;
}

/** What a client of a door sees of an ending like this one, by the table. */
function byTheTable(lane, door) {
  const outcome = lane.ended?.outcome ?? lane.responseEnded?.outcome;
  const failure = failureOf(lane);
  const bytes = size(lane.pieces.bytes);
  const started = hadStarted(lane);
  const status = lane.head?.status ?? 200;
  const good = (text) => ({ tone: "good", short: "complete", text });
  const bad = (short, text) => ({ tone: "bad", short, text });
  const unseen = (text) => ({ tone: "unseen", short: "looks complete", text });
  if (outcome.is === "timeout") {
    if (!started) return isHttp(door) ? bad("error", "an error of Lambda's") : bad("error", "an error document: the timeout");
    if (door === "lambda") return unseen(`${bytes}, and InvokeComplete says nothing of the timeout`);
    return door === "function_url" ? unseen(`${bytes}, and a clean end`) : bad("cut", `${bytes}, and a connection that is cut`);
  }
  if (outcome.is === "error" && started) {
    if (!isHttp(door)) return bad("told", `${bytes}, then InvokeComplete with ${outcome.error_type}`);
    const told = /event-stream/.test(contentType(lane) ?? "") ? ", at most an `event: error` among them" : "";
    return unseen(`${bytes}${told}, and a clean end`);
  }
  if (failure && !started) {
    if (!isHttp(door)) return bad("error", `an error document: ${failure.type}`);
    if (isHttp(lane.door) && lane.head) {
      if (status < 400) return unseen(`status ${status}, and the error as its body`);
      return { tone: isMistake(lane) ? "mistake" : "bad", short: String(status), text: `status ${status}` };
    }
    return bad("status", "the handler's status if it names one from 400 on, otherwise 500");
  }
  const after = failure ? "; what failed came after the response" : "";
  return good(isHttp(door) && isHttp(lane.door) ? `status ${status}, ${bytes}, complete${after}` : `${bytes}, complete${after}`);
}

function contentType(lane) {
  return lane.head?.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? lane.responded?.contentType;
}

/** What this invocation's own client saw: as the doors and the console's client tell, and otherwise by the table. */
export function clientSaw(lane) {
  if (lane.clientLeft !== undefined) {
    return { tone: "bad", short: "left", text: `It left after ${duration(lane.clientLeft)}; the function was not stopped by that.` };
  }
  if (!lane.responseEnded && !lane.ended) return LIVE;
  const expected = byTheTable(lane, lane.door);
  const words = lane.notes.map((note) => note.what);
  if (lane.client) words.push(`the console was the client: ${lane.client.what}${lane.client.detail ? `, ${lane.client.detail}` : ""}`);
  const shownFailure = lane.notes.some((note) => note.shown);
  const seen = { ...expected };
  // An SDK that asks for the whole response is not told of what failed after its start.
  if (lane.door === "lambda" && expected.short === "told" && lane.notes.some((note) => !note.shown)) {
    seen.tone = "unseen";
    seen.short = "looks complete";
  }
  if (lane.client && lane.client.what !== "complete") {
    seen.tone = "bad";
    seen.short = lane.client.what;
  } else if (shownFailure && seen.tone !== "bad" && seen.tone !== "mistake") {
    seen.tone = "bad";
    seen.short = "a failure";
  }
  seen.text = words.length ? words.map(sentence).join(" ") : sentence(expected.text);
  return seen;
}

function sentence(text) {
  const end = /[.!?…]$/.test(text) ? "" : ".";
  return `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}${end}`;
}

/** What clients of all doors see of this ending: `{door, own, tone, text}`. Empty while it is under way. */
export function clientsSee(lane) {
  if (!lane.responseEnded && !lane.ended) return [];
  return DOORS.map((door) => ({ door, name: doorName(door), own: door === lane.door, ...byTheTable(lane, door) }));
}

/** Whether it failed, and its client takes it for a success. */
export function isUnseen(lane) {
  return lane.clientLeft === undefined && clientSaw(lane).tone === "unseen";
}

/** The state of a lane in one word: `running`, or a tone. */
export function stateOf(lane) {
  if (lane.running && !lane.responseEnded) return "running";
  if (isUnseen(lane)) return "unseen";
  const counts = (lane.ended ?? lane.responseEnded).outcome.is;
  if (counts !== "success") return "bad";
  if (lane.running) return "running";
  const tones = [handlerReturned(lane).tone, clientSaw(lane).tone];
  return tones.includes("bad") ? "bad" : tones.includes("mistake") ? "mistake" : "good";
}
