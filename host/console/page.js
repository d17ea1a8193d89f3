// The console's page: joins where events come from, what is known, and what is shown.

import { Board } from "./page/board.js";
import { byId, element, say, setData, setText } from "./page/dom.js";
import { DOORS, isHttp } from "./page/door.js";
import { clock, duration } from "./page/format.js";
import { atDoor, boto3, curl, javascript, requestOf } from "./page/request.js";
import { Sender } from "./page/sender.js";
import { Session } from "./page/session.js";
import { follow, play, read } from "./page/source.js";
import { start as startTheme } from "./page/theme.js";

let about = { function: "function", doors: {} };
let live = new Session();
/** What is shown: the live session, or a recording's. */
let shown = live;
let recording = null;
let playing = null;
/** How far this browser's clock is ahead of the emulator's, at most, in milliseconds. */
let ahead = 0;

const sender = new Sender();
const board = new Board({
  canSend: () => recording === null,
  repeat: (lane) => (recording ? undefined : sender.repeat(lane)),
  elsewhere: (lane) => (recording ? undefined : sender.elsewhere(lane)),
  edit: (lane) => sender.edit(lane),
  kill: (environment) => sender.kill(environment),
  copy,
});
startTheme(() => board.redraw());
board.show(live, liveNow, true);

function liveNow() {
  return Date.now() - ahead;
}

follow({
  onAbout(said) {
    about = said;
    setText(byId("function"), about.function);
    document.title = `${about.function} – Firstbyte console`;
    const example = `curl -N ${about.doors.function_url} -d '{"name": "hoge"}'`;
    setText(byId("empty"), `Nothing has been invoked yet. Send a request from here, or call a door:\n\n${example}`);
    sender.take(about.switches);
  },
  onRestart() {
    live = new Session();
    if (!recording) present(live, liveNow);
  },
  onEvent(event) {
    // An event cannot come before it happened.
    ahead = Math.min(ahead, Date.now() - event.at);
    live.ingest(event);
    if (shown === live) changed();
  },
  onState(state) {
    setData(byId("state"), "state", state);
    setText(byId("state"), state === "live" ? "live" : "not connected: is `firstbyte serve` running?");
  },
});

/** The session has something new. */
let due = false;
function changed() {
  board.wake();
  if (due) return;
  due = true;
  setTimeout(figures, 100);
}

function figures() {
  due = false;
  const { p50, p99, count } = shown.firstBytes();
  setText(byId("p50"), duration(p50));
  setText(byId("p99"), duration(p99));
  byId("figures").title = `over ${count} first bytes`;
  for (const door of DOORS) {
    const { p50, p99, count } = shown.firstBytes(door);
    setText(byId(`by-${door}`), count ? `${duration(p50)} / ${duration(p99)}` : "–");
  }
  setText(byId("running"), String(shown.running));
  for (const name of ["ended", "failed", "unseen"]) {
    setText(byId(name), String(shown.totals[name]));
    setData(byId(name), "some", shown.totals[name] ? "" : undefined);
  }
  if (shown.version === listed) return;
  listed = shown.version;
  lists();
}

let listed = -1;
/** Lists environments and what belongs to no invocation. What is the same stays: somebody may be about to press it. */
function lists() {
  const words = [...shown.environments.values()].map(({ number, pid, init, lane }) => {
    return [`${number}`, `pid ${pid}`, init === undefined ? "starting" : `init ${duration(init)}`, ...(lane ? ["at work"] : [])].join(" · ");
  });
  const environments = byId("environments");
  [...shown.environments.keys()].forEach((number, i) => {
    let line = environments.children[i];
    if (line?.dataset.number !== String(number)) {
      const kill = element("button", { type: "button", textContent: "kill", ariaLabel: `kill environment ${number}` });
      kill.addEventListener("click", () => sender.kill(number));
      line = element("li", { data: { number } }, element("span"), kill);
      environments.insertBefore(line, environments.children[i] ?? null);
    }
    setText(line.firstChild, words[i]);
  });
  while (environments.children.length > words.length) environments.lastChild.remove();
  setText(byId("notices-count"), shown.notices.length ? `(${shown.notices.length})` : "");
  const lines = shown.notices.map(({ at, text, tone }) => element("li", { textContent: `${clock(at)} ${text}`, data: { tone } }));
  byId("notice-lines").replaceChildren(...lines);
}

function present(session, now, moves = true) {
  shown = session;
  listed = -1;
  board.show(session, now, moves);
  figures();
}

// Recordings.

async function open(file) {
  try {
    recording = await read(file);
  } catch (error) {
    sender.tell(error.message, "bad");
    return;
  }
  const whole = recording.complete === false ? ", not complete" : "";
  const saved = new Date(recording.saved_ms).toLocaleString();
  setText(byId("recording-name"), `Recording ${file.name}: ${recording.handler}, saved ${saved}${whole}`);
  byId("recording").hidden = false;
  byId("side").inert = true;
  rest();
  say(`Recording ${file.name} is shown.`);
}

/** Shows the recording as it ended. */
function rest() {
  playing?.stop();
  playing = null;
  const session = new Session();
  for (const event of recording.events) session.ingest(event);
  present(session, () => session.lastAt, false);
}

function playBack(speed) {
  playing?.stop();
  const session = new Session();
  // `play` tells what happened at its first moment before it returns.
  playing = { now: () => recording.events[0]?.at ?? 0, stop() {} };
  present(session, () => playing?.now() ?? session.lastAt);
  playing = play(recording, speed, (event) => {
    session.ingest(event);
    changed();
  });
}

function backToLive() {
  playing?.stop();
  playing = null;
  recording = null;
  byId("recording").hidden = true;
  byId("side").inert = false;
  present(live, liveNow);
}

byId("file").addEventListener("change", ({ target }) => {
  if (target.files[0]) open(target.files[0]);
  target.value = "";
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", () => document.body.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  if (event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
});
byId("play").addEventListener("click", () => playBack(1));
byId("play-fast").addEventListener("click", () => playBack(10));
byId("live").addEventListener("click", backToLive);

// What is copied.

async function copy(lane, what) {
  const known = requestOf(lane);
  if (!known || lane.event === null) {
    sender.tell("The event of this invocation is not known here.", "bad");
    return;
  }
  const text = {
    curl: () => curl(known.request, about),
    // An SDK can hand the function the very event that a door made.
    boto3: () => boto3(isHttp(lane.door) ? lane.event : atDoor(known.request, "lambda").body, about),
    JavaScript: () => javascript(isHttp(lane.door) ? lane.event : atDoor(known.request, "lambda").body, about),
  }[what]();
  try {
    await navigator.clipboard.writeText(text);
    sender.tell(`Copied as ${what}.${known.left.length ? ` Redacted: ${known.left.join(", ")}.` : ""}`);
    say(`Copied as ${what}.`);
  } catch {
    byId("copy-text").value = text;
    byId("copy").showModal();
    byId("copy-text").select();
  }
}

byId("clock").addEventListener("change", ({ target }) => board.setOwn(target.value === "own"));
byId("help").addEventListener("click", () => byId("keys").showModal());
