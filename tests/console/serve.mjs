// `firstbyte serve` for a test, and the events that its console tells.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const firstbyte = process.env.FIRSTBYTE ?? "firstbyte";

/** Starts `serve` with free ports. Returns `{console, doors, events, until, stop}`: `events` grows with what the console tells. */
export async function serve(handler, ...options) {
  const free = ["lambda", "url", "api", "console"].map((door) => `--${door}-port`).filter((port) => !options.includes(port));
  const ports = free.flatMap((port) => [port, "0"]);
  const child = spawn(firstbyte, ["serve", handler, ...ports, ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit").catch(() => {});
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      const found = /^Console\s+(http:\S+)/.exec(line);
      if (found) resolve(found[1]);
    });
    child.on("error", reject);
    ended.then(() => reject(new Error("serve ended before it told where its console is")));
  });
  const base = url.replace(/\/$/, "");
  const { doors } = await (await fetch(`${base}/about`)).json();
  const events = [];
  const waiting = new Set();
  const stopped = new AbortController();
  follow(`${base}/events?since=0`, stopped.signal, (event) => {
    events.push(event);
    for (const look of waiting) look();
  });
  /** The first event of which this is true, now or later. */
  const until = (what, condition) => new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`there was no ${what}: ${JSON.stringify(events.slice(-20), null, 1)}`)), 20_000);
    const look = () => {
      const found = events.find(condition);
      if (!found) return;
      clearTimeout(late);
      waiting.delete(look);
      resolve(found);
    };
    waiting.add(look);
    look();
  });
  const stop = async () => {
    stopped.abort();
    child.kill("SIGINT");
    await ended;
  };
  return { console: base, doors, events, until, stop };
}

async function follow(url, signal, tell) {
  try {
    const response = await fetch(url, { signal });
    let rest = "";
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      for (const line of lines) if (line.startsWith("data: ")) tell(JSON.parse(line.slice(6)));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
