// Where events come from: the console's own stream, or a file.

const AGAIN = 1000;

/**
 * Follows `/events` from the beginning of what is kept. After a break it goes on from where it was, and from the beginning if the
 * command line was started anew meanwhile. `onAbout` is told what `/about` says after each connection, `onRestart` that another
 * process answers, `onEvent` each event once, `onState` one of `live` and `lost`.
 */
export function follow({ onAbout, onRestart, onEvent, onState }) {
  let last = 0;
  let process;
  const connect = async () => {
    try {
      const response = await fetch("/about");
      if (!response.ok) throw new Error(response.statusText);
      const about = await response.json();
      if (process !== undefined && process !== about.started_ms) {
        last = 0;
        onRestart();
      }
      process = about.started_ms;
      onAbout(about);
    } catch {
      onState("lost");
      setTimeout(connect, AGAIN);
      return;
    }
    const source = new EventSource(`/events?since=${last}`);
    source.onopen = () => onState("live");
    source.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      if (event.seq !== undefined) {
        if (event.seq <= last) return;
        last = event.seq;
      }
      onEvent(event);
    };
    source.onerror = () => {
      source.close();
      onState("lost");
      setTimeout(connect, AGAIN);
    };
  };
  connect();
}

/** Reads a recording: `{handler, saved_ms, complete, events}`, or throws an error that says what is wrong. */
export async function read(file) {
  let recording;
  try {
    recording = JSON.parse(await file.text());
  } catch {
    throw new Error(`${file.name} is not JSON. A recording is a file that "Save session" wrote.`);
  }
  if (recording?.firstbyte_recording === undefined || !Array.isArray(recording.events)) {
    throw new Error(`${file.name} is not a recording: it has no "firstbyte_recording". "Save session" writes one.`);
  }
  if (recording.firstbyte_recording !== 1) {
    throw new Error(`${file.name} has the format ${recording.firstbyte_recording}, and this version reads format 1.`);
  }
  return recording;
}

/**
 * Tells the events of a recording at their times, `speed` times as fast. Returns `{now, stop}`: `now()` is the moment of the
 * recording that is being told.
 */
export function play(recording, speed, onEvent) {
  const events = recording.events;
  const from = events[0]?.at ?? 0;
  const begun = performance.now();
  let next = 0;
  let frame;
  const now = () => from + (performance.now() - begun) * speed;
  const step = () => {
    while (next < events.length && events[next].at <= now()) onEvent(events[next++]);
    if (next < events.length) frame = requestAnimationFrame(step);
  };
  step();
  return { now: () => Math.min(now(), Math.max(from, events.at(-1)?.at ?? 0)), stop: () => cancelAnimationFrame(frame) };
}
