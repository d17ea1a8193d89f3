// Draws one invocation on a canvas, and tells what is at a point of it. What is drawn is what `items` lists for a keyboard.
//
// A lane has three rows and one more per upstream call: above the base line the chunks, as bars that are the higher the more bytes
// they have; on it the waits, with their lengths; below it the lines of the log.

import { stateOf } from "./ending.js";
import { bytesOf, count, duration, shortened, shown, size } from "./format.js";

export const HEIGHT = 64;
export const CALL_HEIGHT = 28;
/** In the row of a call, the bar below its words. */
const CALL_BAR = { top: 15, height: 10 };
/** How many upstream calls are drawn. */
const CALLS = 8;
/** Space at both sides, in pixels. */
export const PAD = 10;
const TOP = 12;
const BASE = 46;
const LOG = 56;
/** A wait is drawn with its length from this many milliseconds and pixels on. */
const WAIT_MS = 100;
const WAIT_PX = 52;
/** How near to a mark a pointer has to be, in pixels. */
const NEAR = 6;

export function heightOf(lane) {
  return HEIGHT + Math.min(lane.calls.size, CALLS + 1) * CALL_HEIGHT;
}

/** From a time of the lane to a pixel, and back. `view` is `{from, to, width}`, in milliseconds since the lane's start. */
export function scale(view) {
  const perMs = Math.max(1, view.width - 2 * PAD) / (view.to - view.from);
  return { x: (t) => PAD + (t - view.from) * perMs, t: (x) => view.from + (x - PAD) / perMs };
}

/** The height of a bar: twelve pixels for a byte, thirty-two for a megabyte. */
function barOf(bytes) {
  return 12 + 20 * Math.min(1, Math.log10(Math.max(1, bytes)) / 6);
}

export function draw(context, lane, view, theme, cursor) {
  const { width, height, now } = view;
  const { x } = scale(view);
  const state = stateOf(lane);
  const color = theme[lane.door] ?? theme.text;
  const end = lane.running ? Math.max(now, lane.lastT) : lane.lastT;
  const responseEnd = lane.responseEnded?.t ?? (lane.running ? end : lane.ended.t);
  const pen = penOf(context, theme);

  context.clearRect(0, 0, width, height);
  context.save();
  context.beginPath();
  context.rect(0, 0, width, height);
  context.clip();

  if (lane.init) {
    pen.hatch(x(lane.init.from), x(lane.init.to), BASE - 14, 14, theme.faint);
    pen.within(x(lane.init.from), x(0), BASE - 22, `cold start ${duration(lane.init.to - lane.init.from)}`, theme.soft);
  }
  // The time in which the function may work, and in it the time of the response.
  pen.line(x(0), x(end), BASE, lane.responseEnded ? theme.faint : color, 2);
  pen.line(x(0), x(responseEnd), BASE, color, 2);
  pen.tick(x(0), BASE - 6, BASE + 6, color);

  const first = lane.firstByte;
  const waited = first ?? responseEnd;
  pen.box(x(0), x(waited), BASE - 10, 10, theme.wait);
  if (first !== undefined) pen.within(x(0), x(first), BASE - 13, duration(first), theme.text);
  else if (lane.running) pen.within(x(0), x(waited), BASE - 13, `waiting ${duration(waited)}`, theme.soft);

  // Where words at the top may begin.
  let free = -Infinity;
  if (lane.head) {
    pen.tick(x(lane.head.t), 4, BASE, theme.soft);
    const color = lane.head.status >= 500 ? theme.bad : lane.head.status >= 400 ? theme.unseen : theme.soft;
    free = pen.label(x(lane.head.t) + 3, 10, String(lane.head.status), color) + 6;
  }
  drawWaits(pen, lane, x, responseEnd, theme);
  drawBars(pen, lane.pieces, x, width, color, theme);
  for (const { t, level } of lane.logs) if (level !== "PLATFORM") pen.diamond(x(t), LOG, toneOf(level, theme));
  if (lane.clientLeft !== undefined) free = pen.flag(x(lane.clientLeft), "client left", theme.bad, width, free);
  if (lane.responseEnded || lane.ended) drawEnd(pen, x(responseEnd), state, lane, theme, width, free);
  if (!lane.running && lane.ended.t > responseEnd) pen.tick(x(lane.ended.t), BASE - 5, BASE + 5, theme.soft);
  if (lane.running) pen.edge(x(end), theme.live, height);
  drawCalls(pen, lane, x, end, view, theme);
  if (cursor) pen.cursor(x(cursor.t), cursor.y ?? 0, height, theme.text);
  // Before and after what is shown.
  if (x(end) < 0) pen.label(2, BASE - 4, "◂ earlier", theme.soft);
  if (x(0) > width) pen.labelEnd(width - 2, BASE - 4, "later ▸", theme.soft);
  context.restore();
}

/** The silences between two marks, and the one that lasts. */
function drawWaits(pen, lane, x, responseEnd, theme) {
  const { marks } = lane.pieces;
  for (let i = 0; i < marks.length; i += 1) {
    const from = marks[i].until;
    const to = marks[i + 1]?.t ?? responseEnd;
    if (to - from < WAIT_MS || x(to) - x(from) < WAIT_PX) continue;
    pen.span(x(from) + 3, x(to) - 3, BASE - 12, duration(to - from), theme.soft);
  }
}

function drawBars(pen, pieces, x, width, color, theme) {
  const { marks } = pieces;
  // Thinner where many are near each other.
  const apart = marks.length > 1 ? (x(pieces.last) - x(pieces.first)) / (marks.length - 1) : width;
  const thick = Math.max(1, Math.min(3, Math.round(apart / 2)));
  let column = -Infinity;
  let bytes = 0;
  const flush = () => {
    if (bytes > 0) pen.bar(column, BASE - 1, barOf(bytes), color, thick);
  };
  for (const mark of marks) {
    if (mark.throttled) pen.box(x(mark.t - mark.throttled), x(mark.t), TOP, BASE - TOP, theme.throttled);
    const at = Math.round(x(mark.t));
    if (at < -4 || at > width + 4) continue;
    // One that merges many is drawn as wide as the time it covers.
    if (mark.count > 1) pen.box(at, x(mark.until), BASE - barOf(mark.bytes), barOf(mark.bytes), color);
    if (at >= column + thick) {
      flush();
      column = at;
      bytes = 0;
    }
    bytes += mark.bytes;
  }
  flush();
}

function drawEnd(pen, at, state, lane, theme, width, free) {
  const timeout = (lane.ended ?? lane.responseEnded).outcome.is === "timeout";
  if (state !== "bad" && state !== "unseen") {
    // Beside a bar that is there, too.
    pen.stop(at + (lane.pieces.count ? 5 : 0), TOP + 6, BASE, state === "mistake" ? theme.unseen : theme.good);
    return;
  }
  at += lane.pieces.count ? 5 : 0;
  pen.broken(at, TOP - 6, BASE + 4, theme.bad);
  const words = timeout ? "timeout" : state === "unseen" ? "broken" : "failed";
  pen.flag(at, state === "unseen" ? `${words}, its client was not told` : words, theme.bad, width, free);
}

function drawCalls(pen, lane, x, end, view, theme) {
  let row = HEIGHT;
  for (const call of [...lane.calls.values()].slice(0, CALLS)) {
    const until = call.ended ?? (lane.running ? end : lane.lastT);
    const bad = call.error || call.status >= 400;
    const [top, bottom] = [row + CALL_BAR.top, row + CALL_BAR.top + CALL_BAR.height];
    pen.box(x(call.t), Math.max(x(until), x(call.t) + 2), top, CALL_BAR.height, theme.call);
    if (call.answered !== undefined) pen.tick(x(call.answered), top - 1, bottom + 1, theme.soft);
    for (const mark of call.pieces.marks) pen.bar(Math.round(x(mark.t)), bottom, CALL_BAR.height, theme.callMark);
    if (call.error) pen.broken(x(until) + 4, top - 2, bottom + 2, theme.bad);
    const words = `${call.method} ${call.host}${call.status ? ` ${call.status}` : ""}${call.error ? `, ${call.error}` : ""}`;
    pen.inView(x(call.t), top - 4, shortened(words, 80), bad ? theme.bad : theme.soft, view.width);
    row += CALL_HEIGHT;
  }
  const more = lane.calls.size - CALLS + lane.callsDropped;
  if (more > 0) pen.label(PAD, row + CALL_HEIGHT / 2 + 4, `and ${count(more, "more call")}`, theme.soft);
}

function toneOf(level, theme) {
  if (level === "ERROR" || level === "FATAL") return theme.bad;
  if (level === "WARN") return theme.unseen;
  return theme.soft;
}

/** The shapes. */
function penOf(context, theme) {
  context.font = theme.font;
  context.textBaseline = "alphabetic";
  const text = (x, y, words, color, align) => {
    context.textAlign = align;
    context.fillStyle = color;
    context.fillText(words, x, y);
  };
  const fill = (x, y, width, height, color) => {
    context.fillStyle = color;
    context.fillRect(x, y, width, height);
  };
  const stroke = (color, width, ...points) => {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  };
  const pen = {
    line: (from, to, y, color, width) => fill(from, y, Math.max(1, to - from), width, color),
    tick: (x, from, to, color) => fill(Math.round(x), from, 1, to - from, color),
    box: (from, to, y, height, color) => fill(from, y, Math.max(1, to - from), height, color),
    bar: (x, base, height, color, thick = 2) => fill(x - Math.floor(thick / 2), base - height, thick, height, color),
    /** Returns where it ends. */
    label(x, y, words, color) {
      text(x, y, words, color, "left");
      return x + context.measureText(words).width;
    },
    labelEnd: (x, y, words, color) => text(x, y, words, color, "right"),
    /** In the middle, if there is room. */
    within(from, to, y, words, color) {
      if (to - from > context.measureText(words).width + 4) text((from + to) / 2, y, words, color, "center");
    },
    /** From a moment on, moved into view. */
    inView(x, y, words, color, width) {
      text(Math.max(2, Math.min(x, width - context.measureText(words).width - 2)), y, words, color, "left");
    },
    /** A length, between arrows. */
    span(from, to, y, words, color) {
      const half = context.measureText(words).width / 2 + 4;
      const middle = (from + to) / 2;
      stroke(color, 1, [from, y + 0.5], [middle - half, y + 0.5]);
      stroke(color, 1, [middle + half, y + 0.5], [to, y + 0.5]);
      stroke(color, 1, [from + 3, y - 2.5], [from, y + 0.5], [from + 3, y + 3.5]);
      stroke(color, 1, [to - 3, y - 2.5], [to, y + 0.5], [to - 3, y + 3.5]);
      text(middle, y + 4, words, color, "center");
    },
    hatch(from, to, y, height, color) {
      context.save();
      context.beginPath();
      context.rect(from, y, Math.max(1, to - from), height);
      context.clip();
      for (let x = Math.max(from, -height) - height; x < Math.min(to, 8000); x += 5) stroke(color, 1, [x, y + height], [x + height, y]);
      context.restore();
    },
    diamond(x, y, color) {
      context.fillStyle = color;
      context.beginPath();
      context.moveTo(x, y - 4);
      context.lineTo(x + 4, y);
      context.lineTo(x, y + 4);
      context.lineTo(x - 4, y);
      context.fill();
    },
    stop(x, from, to, color) {
      fill(x - 1, from, 2, to - from, color);
      fill(x - 4, from, 8, 2, color);
    },
    /** A torn edge. */
    broken(x, from, to, color) {
      const step = (to - from) / 6;
      const points = [];
      for (let i = 0; i <= 6; i += 1) points.push([x + (i % 2 ? 3 : -3), from + i * step]);
      stroke(color, 2, ...points);
    },
    /** Words at a moment, after it if there is room, and not before `free`. Returns where they end. */
    flag(x, words, color, width, free) {
      const room = context.measureText(words).width;
      const from = x + 17 + room < width || free > x - room - 7 ? Math.max(x + 7, free) : x - 7 - room;
      text(from, 10, words, color, "left");
      return from + room + 6;
    },
    edge(x, color, height) {
      context.globalAlpha = 0.7;
      fill(x, 2, 1, height - 4, color);
      context.globalAlpha = 1;
    },
    cursor(x, y, height, color) {
      context.setLineDash([2, 2]);
      stroke(color, 1, [Math.round(x) + 0.5, y], [Math.round(x) + 0.5, height]);
      context.setLineDash([]);
    },
  };
  return pen;
}

/** All that has a moment in a lane, by time: `{t, y, what, text}`; `text` is made when it is asked for. */
export function items(lane) {
  const found = [];
  if (lane.head) {
    const text = () => lane.head.headers.map(([name, value]) => `${name}: ${value}`).join("\n");
    found.push({ t: lane.head.t, y: 8, what: () => `head, status ${lane.head.status}`, text });
  }
  lane.pieces.marks.forEach((mark, i) => {
    const previous = i ? lane.pieces.marks[i - 1].until : 0;
    const many = mark.count > 1 ? count(mark.count, "chunk") : lane.pieces.merged > 1 ? "chunk" : `chunk ${i + 1}`;
    const throttled = mark.throttled ? `, held back by Lambda's bandwidth for ${duration(mark.throttled)}` : "";
    const after = i ? "the one before" : "the start";
    const what = () => `${many}, ${size(mark.bytes)}, ${duration(mark.t - previous)} after ${after}${throttled}`;
    found.push({ t: mark.t, y: BASE - 12, what, text: () => textOfMark(mark) });
  });
  for (const { t, line, level } of lane.logs) found.push({ t, y: LOG, what: () => `log, ${level}`, text: () => shortened(line, 1200) });
  for (const { t, what } of lane.notes) found.push({ t, y: 8, what: () => "what its client is shown", text: () => what });
  if (lane.clientLeft !== undefined) found.push({ t: lane.clientLeft, y: 8, what: () => "the client left", text: () => "" });
  [...lane.calls.values()].slice(0, CALLS).forEach((call, i) => {
    const y = HEIGHT + i * CALL_HEIGHT + CALL_BAR.top;
    const name = `${call.method} ${call.host}`;
    found.push({ t: call.t, y, what: () => `upstream call ${call.number}, ${name}`, text: () => call.url });
    if (call.answered !== undefined) {
      const what = () => `upstream call ${call.number}, ${name}: status ${call.status} after ${duration(call.answered - call.t)}`;
      found.push({ t: call.answered, y, what, text: () => call.url });
    }
    for (const mark of call.pieces.marks) {
      const what = () => `upstream call ${call.number}, ${name}: ${size(mark.bytes)} after ${duration(mark.t - call.t)}`;
      found.push({ t: mark.t, y, what, text: () => textOfMark(mark) });
    }
    if (call.ended !== undefined) {
      const how = call.error ? `failed: ${call.error}` : "end";
      const what = () => `upstream call ${call.number}, ${name}: ${how} after ${duration(call.ended - call.t)}`;
      found.push({ t: call.ended, y, what, text: () => "" });
    }
  });
  const ended = lane.responseEnded;
  if (ended) {
    const { outcome } = ended;
    const how = outcome.is === "error" ? `${outcome.error_type}: ${outcome.message}` : outcome.is;
    found.push({ t: ended.t, y: TOP, what: () => `the response's end, ${how}`, text: () => "" });
  }
  return found.sort((a, b) => a.t - b.t);
}

/** The bytes of a mark, as far as they were kept. */
export function bytesOfMark(mark) {
  const parts = mark.data.map(bytesOf);
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function textOfMark(mark) {
  return mark.data.length ? shown(bytesOfMark(mark), 600) : "(the page kept no more bytes of this body)";
}

/** What is nearest to a point, if anything is near. */
export function itemAt(lane, view, x, y) {
  const { x: at } = scale(view);
  let nearest = null;
  let least = Infinity;
  for (const item of items(lane)) {
    const far = Math.abs(at(item.t) - x);
    const otherRow = (y >= HEIGHT || item.y >= HEIGHT) && Math.abs(item.y - y) > CALL_HEIGHT / 2;
    // Above and below the line, the one in the pointer's height comes first.
    const weight = far + Math.abs(item.y - y) / 10;
    if (otherRow || far > NEAR || weight >= least) continue;
    nearest = item;
    least = weight;
  }
  return nearest;
}

const STEPS = [1, 2, 5];

/** Draws the clock of a burst. */
export function drawAxis(context, view, theme) {
  const { width, height, from, to } = view;
  const { x } = scale(view);
  context.clearRect(0, 0, width, height);
  context.font = theme.font;
  context.fillStyle = theme.soft;
  context.textAlign = "left";
  const least = ((to - from) / Math.max(1, width)) * 72;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = (STEPS.find((step) => step * power >= least) ?? 10) * power;
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
    context.fillRect(Math.round(x(t)), height - 6, 1, 6);
    const ms = Number(t.toFixed(3));
    const words = ms === 0 ? "0" : Math.abs(ms) >= 1000 ? `${Number((ms / 1000).toFixed(6))} s` : `${ms} ms`;
    if (x(t) + 46 < width) context.fillText(words, Math.round(x(t)) + 3, height - 3);
  }
}

const ENDS = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

/** The next round length of time, so that a clock moves rarely while a stream goes on. */
export function roundedUp(ms) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, ms)));
  return (ENDS.find((end) => end * power >= ms) ?? 10) * power;
}
