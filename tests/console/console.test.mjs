// The console's page in a real Chromium, fed by a real `firstbyte serve`: what is to be seen is compared with what the emulator says.
//
//   FIRSTBYTE=target/debug/firstbyte node --test tests/console/console.test.mjs
//
// FIRSTBYTE_PAGE=host/console takes the page's files from there in place of those in the program, so that a change is seen without
// a build. FIRSTBYTE_KEEP_SCREENSHOT=1 renews the pictures in host/console/screenshots.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { open } from "../upstream/browser/chromium.mjs";
import { lanes, lanesWhen } from "./lanes.mjs";
import { serve } from "./serve.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const GREETING = process.env.GREETING ?? join(ROOT, "guest/examples/greeting");
const ENDINGS = process.env.ENDINGS ?? join(ROOT, "tests/guests/endings");
const CHAT = process.env.CHAT ?? join(ROOT, "guest/examples/chat");
const FIRST = "Hello, this is a streamed response!\n";
const SECOND = "Hello, hoge! This is a delayed message.\n";
/** How far from the emulator's time a mark may be, in ms. */
const NEAR = 20;

const run = promisify(execFile);

/** Opens the console's page; what goes wrong in it fails the test. */
async function openPage(url, options = {}) {
  const { page, close } = await open({ viewport: { width: 1600, height: 900 }, colorScheme: "light", acceptDownloads: true, ...options });
  page.setDefaultTimeout(15_000);
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  const folder = process.env.FIRSTBYTE_PAGE;
  if (folder) {
    await page.route(/\/($|page)/, async (route) => {
      const { pathname } = new URL(route.request().url());
      const types = { css: "text/css", js: "text/javascript" };
      const headers = (await route.fetch({ url: `${url}/` })).headers();
      const body = await readFile(join(folder, pathname === "/" ? "page.html" : pathname));
      const type = types[pathname.split(".").at(-1)] ?? "text/html";
      await route.fulfill({ body, headers: { "content-security-policy": headers["content-security-policy"], "content-type": type } });
    });
  }
  await page.goto(url);
  await page.waitForSelector("#state[data-state=live]");
  return { page, errors, close };
}

/** Renews a picture, if somebody asks for it. */
async function picture(page, name, height) {
  if (!process.env.FIRSTBYTE_KEEP_SCREENSHOT) return;
  const size = page.viewportSize();
  await page.setViewportSize({ width: 1280, height });
  await lanesWhen(page, "a picture", (lanes) => lanes.every(({ drawn }) => drawn));
  await page.screenshot({ path: join(ROOT, "host/console/screenshots", `${name}.png`), animations: "disabled" });
  await page.setViewportSize(size);
}

/** What the emulator told of an invocation. */
function told(served, id) {
  const events = served.events.filter((event) => event.request_id === id);
  const start = events.find(({ kind }) => kind === "invocation_started");
  return { events, start, chunks: events.filter(({ kind }) => kind === "chunk") };
}

/** Asserts that the marks of a lane are where the emulator says that the chunks were. */
function assertMarks(lane, served) {
  const { chunks } = told(served, lane.id);
  assert.equal(lane.marks.length, chunks.length, `marks of ${JSON.stringify(lane)}`);
  chunks.forEach(({ after_ms: at }, i) => {
    assert.ok(Math.abs(lane.marks[i] - at) <= NEAR, `mark ${i} is at ${lane.marks[i]} ms, and the emulator says ${at} ms`);
  });
}

describe("the greeting", () => {
  let served;
  let opened;
  let page;

  before(async () => {
    served = await serve(GREETING);
    opened = await openPage(served.console);
    page = opened.page;
  });
  after(async () => {
    await opened?.close();
    await served?.stop();
  });
  beforeEach(() => assert.deepEqual(opened.errors, []));

  test("is small, and asks nobody but its own server", async () => {
    const sizes = await page.evaluate(() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
      .filter(({ name }) => /\/(page.*)?$/.test(new URL(name).pathname))
      .map(({ name, decodedBodySize }) => [name, decodedBodySize]));
    assert.ok(sizes.length > 5, JSON.stringify(sizes));
    const whole = sizes.reduce((sum, [, size]) => sum + size, 0);
    assert.ok(whole > 0 && whole < 150_000, `${whole} bytes`);
    const { headers } = await fetch(served.console);
    const policy = headers.get("content-security-policy");
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:/);
  });

  test("shows three lanes while they stream, with two marks each, two seconds apart", async () => {
    await page.getByRole("radio", { name: "all three" }).check();
    await page.fill("#payload", '{"name": "hoge"}');
    await page.click("#go");
    const during = await lanesWhen(page, "three lanes with a mark each", (lanes) => lanes.length === 3 && lanes.every(({ marks }) => marks.length === 1));
    assert.deepEqual(during.map(({ state }) => state), ["running", "running", "running"]);
    assert.deepEqual(new Set(during.map(({ door }) => door)), new Set(["lambda", "function_url", "api_gateway"]));
    for (const lane of during) assertMarks(lane, served);

    await served.until("three ends", () => served.events.filter(({ kind }) => kind === "invocation_ended").length === 3);
    for (const { at } of served.events.filter(({ kind }) => kind === "invocation_ended")) assert.ok(at > during[0].at, "it was under way");
    const ended = await lanesWhen(page, "three ends", (lanes) => lanes.length === 3 && lanes.every(({ state }) => state === "good"));
    for (const lane of ended) {
      assertMarks(lane, served);
      assert.equal(lane.marks.length, 2);
      const apart = lane.marks[1] - lane.marks[0];
      assert.ok(apart > 2000 - NEAR, `${apart} ms apart`);
      assert.deepEqual(lane.ends, ["✓ ok", "✓ success", "✓ complete"]);
      const { chunks } = told(served, lane.id);
      assert.ok(lane.first.startsWith(chunks[0].after_ms < 9.95 ? chunks[0].after_ms.toFixed(1) : chunks[0].after_ms.toFixed(0)), lane.first);
      assert.equal(lane.torn, false);
    }
    await picture(page, "lanes", 420);
  });

  test("is on one clock: lanes stand as far apart as they began", async () => {
    const seen = await lanes(page);
    const starts = seen.map(({ id }) => told(served, id).start.at);
    const from = await page.$$eval(".lane canvas", (all) => all.map((canvas) => Number(canvas.dataset.from)));
    for (const i of [1, 2]) {
      const apart = from[0] - from[i];
      assert.ok(Math.abs(apart - (starts[i] - starts[0])) <= 1, `${apart} ms, and the emulator says ${starts[i] - starts[0]} ms`);
    }
    await page.getByRole("radio", { name: "from each start" }).check();
    await page.waitForFunction(() => new Set([...document.querySelectorAll(".lane canvas")].map((canvas) => canvas.dataset.from)).size === 1);
    for (const lane of await lanes(page)) assertMarks(lane, served);
    await page.getByRole("radio", { name: "one clock" }).check();
  });

  test("is read by keyboard, and said to those who listen", async () => {
    await page.locator(".lane .open").first().focus();
    const [lane] = await lanes(page);
    const { chunks } = told(served, lane.id);
    assert.match(lane.words, /^(Lambda API|Function URL|API Gateway), .*first byte after .*, 2 chunks, handler: ok, Lambda: success, client: complete$/);
    const said = [];
    for (let i = 0; i < 8 && !said.some((text) => text.includes(SECOND.trim())); i += 1) {
      await page.keyboard.press("ArrowRight");
      said.push(await page.textContent("#said"));
    }
    assert.ok(said.some((text) => text.includes("chunk 1") && text.includes(FIRST.trim())), JSON.stringify(said));
    assert.ok(said.some((text) => text.includes("chunk 2") && text.includes(`${chunks[1].bytes} B`)), JSON.stringify(said));
    assert.ok(await page.isVisible("#tip"));
    await page.keyboard.press("Escape");
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.evaluate(() => document.activeElement.closest(".lane") === document.querySelectorAll(".lane")[1]), true);
    await page.keyboard.press("Enter");
    assert.deepEqual(await page.$$eval(".detail tbody", ([chunks]) => [...chunks.rows].map((row) => row.cells[4].textContent)), [FIRST, SECOND]);
    await page.keyboard.press("Enter");
    assert.equal(await page.locator(".detail").count(), 0);
  });

  test("shows a chunk's bytes where the pointer is", async () => {
    const [lane] = await lanes(page);
    const canvas = page.locator(".lane canvas").first();
    const x = await canvas.evaluate((canvas, t) => 10 + ((t - canvas.dataset.from) / (canvas.dataset.to - canvas.dataset.from)) * (canvas.clientWidth - 20), lane.marks[1]);
    await canvas.hover({ position: { x, y: 36 } });
    await page.waitForSelector("#tip:not([hidden])");
    assert.match(await page.textContent("#tip"), /chunk 2.*This is a delayed message/s);
  });

  test("repeats an invocation, and sends the same to the other doors", async () => {
    const [lane] = (await lanes(page)).filter(({ door }) => door === "function_url");
    const lineOf = (id) => page.locator(`.lane[data-id="${id}"]`);
    await lineOf(lane.id).locator(".open").click();
    await lineOf(lane.id).getByText("Repeat this one").click();
    await served.until("fourth invocation", () => served.events.filter(({ kind }) => kind === "invocation_started").length === 4);
    await lineOf(lane.id).getByText("Same at the other doors").click();
    await served.until("sixth invocation", () => served.events.filter(({ kind }) => kind === "invocation_started").length === 6);
    const ended = (lanes) => lanes.length === 6 && lanes.every(({ state }) => state === "good");
    const six = await lanesWhen(page, "six lanes that ended well", ended);
    for (const { id } of six) assert.deepEqual(told(served, id).chunks.map(({ data }) => atob(data)), [FIRST, SECOND]);
    const starts = served.events.filter(({ kind }) => kind === "invocation_started");
    assert.equal(starts[3].door, "function_url");
    assert.deepEqual(new Set(starts.slice(4).map(({ door }) => door)), new Set(["lambda", "api_gateway"]));
    assert.equal(await page.locator("#history li").count(), 3);
    await lineOf(lane.id).locator(".open").click();
  });

  test("copies commands that do what was done", async () => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    for (const door of ["function_url", "api_gateway"]) {
      await page.locator(`.lane.${door} .open`).first().click();
      await page.locator(`.lane.${door} .actions`).getByText("Copy as curl").click();
      await page.waitForFunction(() => document.getElementById("sent").textContent.startsWith("Copied as curl"));
      const command = await page.evaluate(() => navigator.clipboard.readText());
      const { stdout } = await run("bash", ["-c", command]);
      assert.equal(stdout, FIRST + SECOND, command);
      await page.locator(`.lane.${door} .open`).first().click();
    }
    await page.locator(".lane.lambda .open").first().click();
    await page.locator(".lane.lambda .actions").getByText("Copy as JavaScript").click();
    await page.waitForFunction(() => document.getElementById("sent").textContent.startsWith("Copied as JavaScript"));
    const script = await page.evaluate(() => navigator.clipboard.readText());
    const { stdout } = await run("node", ["--input-type=module", "-e", script], { cwd: join(ROOT, "tests/clients/js") });
    assert.ok(stdout.startsWith(FIRST + SECOND), stdout);
    await page.locator(".lane.lambda .actions").getByText("Copy as boto3").click();
    await page.waitForFunction(() => document.getElementById("sent").textContent.startsWith("Copied as boto3"));
    const python = await page.evaluate(() => navigator.clipboard.readText());
    const said = await run(process.env.PYTHON ?? join(ROOT, ".venv/bin/python"), ["-c", python]);
    assert.ok(said.stdout.startsWith(FIRST + SECOND), said.stdout);
  });

  test("saves a session, and shows it again", async () => {
    const [lane] = await lanes(page);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")]);
    const file = await download.path();
    const recording = JSON.parse(await readFile(file, "utf8"));
    assert.equal(recording.firstbyte_recording, 1);
    await page.setInputFiles("#file", file);
    await page.waitForSelector("#recording:not([hidden])");
    const isSeen = ({ id, marks }) => id === lane.id && marks.length === lane.marks.length;
    const seen = (await lanesWhen(page, "the lane of the file", (lanes) => lanes.some(isSeen))).find(isSeen);
    assertMarks(seen, served);
    assert.deepEqual(seen.ends, lane.ends);

    // Played, it begins with nothing, and ends with all of it.
    await page.click("#play-fast");
    assert.ok((await lanes(page)).length < 2);
    const starts = recording.events.filter(({ kind }) => kind === "invocation_started").length;
    await lanesWhen(page, "all lanes of the file", (lanes) => lanes.length === starts && lanes.every(({ state }) => state === "good"));

    await page.click("#live");
    await page.waitForSelector("#recording", { state: "hidden" });
    await lanesWhen(page, "the live lanes", (lanes) => lanes.length === starts);

    await page.setInputFiles("#file", { name: "notes.json", mimeType: "application/json", buffer: Buffer.from('{"events": []}') });
    await page.waitForFunction(() => document.getElementById("sent").textContent.includes("notes.json is not a recording"));
  });

  test("follows the next server at the same place, and begins anew", async () => {
    await served.stop();
    await page.waitForSelector("#state[data-state=lost]");
    served = await serve(GREETING, "--console-port", new URL(served.console).port);
    await page.waitForSelector("#state[data-state=live]");
    await lanesWhen(page, "no lanes", (lanes) => lanes.length === 0);
    await page.click("#go");
    await lanesWhen(page, "new lanes", (lanes) => lanes.length === 3);
    // A browser says itself what it cannot reach.
    opened.errors.length = 0;
  });
});

describe("endings", () => {
  let served;
  let opened;
  let page;
  let known = 0;

  before(async () => {
    served = await serve(ENDINGS, "--timeout", "20");
    opened = await openPage(served.console);
    page = opened.page;
    await page.locator("#failures summary").click();
  });
  after(async () => {
    await opened?.close();
    await served?.stop();
  });

  /** Sends a payload from the page, and returns its lane when it has ended. */
  async function sent(payload, failures = {}, door = "Function URL") {
    await page.getByRole("radio", { name: door }).check();
    for (const [field, value] of Object.entries(failures)) await page.fill(`#${field}`, value);
    await page.fill("#payload", JSON.stringify(payload));
    await page.click("#go");
    const lane = await ended();
    for (const field of Object.keys(failures)) await page.fill(`#${field}`, "");
    return lane;
  }

  /** The lane that began after those that were known, when it has ended. */
  async function ended() {
    known += 1;
    const nth = () => served.events.filter(({ kind }) => kind === "invocation_started")[known - 1];
    await served.until("invocation", () => nth());
    const id = nth().request_id;
    await served.until("end", (event) => event.kind === "invocation_ended" && event.request_id === id);
    const all = await lanesWhen(page, "the lane that ended", (lanes) => lanes.some((lane) => lane.id === id && lane.drawn && !lane.ends.includes("…")));
    return all.find((lane) => lane.id === id);
  }

  test("a stream that breaks is seen as broken, although its client was not told", async () => {
    const response = await fetch(served.doors.function_url, { method: "POST", body: '{"ending": "err-after", "bytes": 60}' });
    assert.equal(response.status, 200);
    assert.equal((await response.text()).length, 60, "the client takes it for the whole");
    const lane = await ended();
    assert.equal(lane.state, "unseen");
    assert.equal(lane.torn, true, "there is a torn edge");
    assert.deepEqual(lane.ends, ["✕ Expected", "✕ error", "? looks complete"]);
    await page.waitForFunction(() => document.getElementById("unseen").textContent === "1");
    assertMarks(lane, served);

    const line = page.locator(`.lane[data-id="${lane.id}"]`);
    await line.locator(".open").click();
    const boxes = await line.locator(".boxes section").evaluateAll((all) => all.map((box) => [box.dataset.tone, box.textContent]));
    assert.deepEqual(boxes.map(([tone]) => tone), ["bad", "bad", "unseen"]);
    assert.match(boxes[0][1], /It returned a failure, Function\.Expected: this was to be expected/);
    assert.match(boxes[1][1], /An error, Function\.Expected, which raises the metric Errors/);
    assert.match(boxes[2][1], /looks complete.*Lambda API: 60 B, then InvokeComplete with Function\.Expected.*API Gateway: 60 B, and a clean end/);
    await picture(page, "endings", 520);
    await line.locator(".open").click();
  });

  test("each ending is told as it is, at each door", async () => {
    const DOORS = { lambda: "Lambda API", function_url: "Function URL", api_gateway: "API Gateway" };
    // What the handler did, what Lambda counts, and what its client sees: an SDK, and either client of HTTP.
    const table = [
      [{ ending: "ok" }, ["✓ ok", "✓ success", "✓ complete"], ["✓ ok", "✓ success", "✓ complete"]],
      [{ ending: "head-only", status: 204 }, ["✓ ok", "✓ success", "✓ complete"], ["✓ ok", "✓ success", "✓ complete"]],
      [{ ending: "finish-then-work" }, ["✕ Expected", "✓ success", "✓ complete"], ["✕ Expected", "✓ success", "✓ complete"]],
      [{ ending: "err-before", status: 404 }, ["✕ Expected", "✕ error", "✕ error"], ["! Expected", "✓ success", "! 404"]],
      [{ ending: "err-before" }, ["✕ Expected", "✕ error", "✕ error"], ["✕ Expected", "✕ error", "✕ 500"]],
      [{ ending: "err-after" }, ["✕ Expected", "✕ error", "✕ told"], ["✕ Expected", "✕ error", "? looks complete"]],
      [{ ending: "panic-before" }, ["✕ Panic", "✕ error", "✕ error"], ["✕ Panic", "✕ error", "✕ 500"]],
      [{ ending: "panic-after" }, ["✕ Panic", "✕ error", "✕ told"], ["✕ Panic", "✕ error", "? looks complete"]],
      [{ ending: "sse", then: "fail" }, ["✕ Expected", "✕ error", "✕ told"], ["✕ Expected", "✕ error", "? looks complete"]],
    ];
    for (const [payload, direct, http] of table) {
      for (const [door, name] of Object.entries(DOORS)) {
        const lane = await sent(payload, {}, name);
        assert.deepEqual(lane.ends, door === "lambda" ? direct : http, `${JSON.stringify(payload)} at ${name}`);
      }
    }
  });

  test("an SDK that asks for a whole response is not told of a stream that breaks", async () => {
    const { function: name } = await (await fetch(`${served.console}/about`)).json();
    const url = `${served.doors.lambda.replace(/\/$/, "")}/2015-03-31/functions/${name}/invocations`;
    const response = await fetch(url, { method: "POST", body: '{"ending": "err-after", "bytes": 60}' });
    assert.equal(response.headers.get("x-amz-function-error"), null);
    assert.equal((await response.text()).length, 60);
    const lane = await ended();
    assert.equal(lane.state, "unseen");
    assert.deepEqual(lane.ends, ["✕ Expected", "✕ error", "? looks complete"]);
  });

  test("a caller's mistake is no failure of the function's", async () => {
    assert.equal((await sent({ ending: "err-before", status: 404 })).state, "mistake");
  });

  test("the client is cut off after so many bytes, and the function goes on", async () => {
    const lane = await sent({ ending: "tokens", count: 10, ms: 100 }, { cut: "20" });
    const { events } = told(served, lane.id);
    assert.ok(events.some(({ kind }) => kind === "client_left"), "the door sees that the client left");
    assert.match(lane.ends[2], /left|cut/);
    assert.equal(lane.ends[1], "✓ success");
    const saw = await served.until("client's end", ({ kind, what }) => kind === "client_saw" && what === "cut");
    assert.ok(saw.bytes >= 20 && saw.bytes < 100, JSON.stringify(saw));
  });

  test("the client reads slowly, and the function is held back", async () => {
    const bytes = 8_000_000;
    const lane = await sent({ ending: "flood", bytes }, { slow: "4000" });
    const { events } = told(served, lane.id);
    const { duration_ms: took } = events.find(({ kind }) => kind === "invocation_ended");
    // Some of it is in buffers on the way when the function has ended.
    assert.ok(took > 300, `${took} ms`);
    assert.equal(lane.state, "good");
  });

  test("Lambda's bandwidth holds a response back", async () => {
    const bytes = 12_000_000;
    const durationOf = (lane) => told(served, lane.id).events.find(({ kind }) => kind === "invocation_ended").duration_ms;
    const free = durationOf(await sent({ ending: "flood", bytes }));
    await page.check("#bandwidth");
    await page.waitForFunction(async () => (await (await fetch("/about")).json()).switches.bandwidth);
    const lane = await sent({ ending: "flood", bytes });
    const isHeld = told(served, lane.id).chunks.some(({ throttled_ms: held }) => held > 0);
    const least = ((bytes - 6 * 2 ** 20) / (2 * 2 ** 20)) * 1000;
    assert.ok(durationOf(lane) > least * 0.9, `${durationOf(lane)} ms`);
    // A machine that is slower than Lambda's bandwidth by itself is not held back.
    assert.ok(isHeld || free > least * 0.7, `${durationOf(lane)} ms, and ${free} ms without`);
    assert.equal(lane.throttled, isHeld, "it is to be seen");
    await page.uncheck("#bandwidth");
    await page.waitForFunction(async () => !(await (await fetch("/about")).json()).switches.bandwidth);
  });

  test("a timeout of so many seconds ends the next invocation", async () => {
    const before = await page.inputValue("#timeout");
    assert.equal(before, "20");
    await page.fill("#timeout", "1");
    await page.locator("#timeout").dispatchEvent("change");
    await page.waitForFunction(async () => (await (await fetch("/about")).json()).switches.timeout_ms === 1000);
    const lane = await sent({ ending: "wait", seconds: 30, started: true });
    // The host ends a handler before Lambda does, so that its caller can be told.
    assert.match(lane.ends[0], /DeadlineExceeded|no return/);
    assert.match(lane.ends[1], /error|timeout/);
    assert.equal(lane.state, "unseen");
    await page.fill("#timeout", "20");
    await page.locator("#timeout").dispatchEvent("change");
    await page.waitForFunction(async () => (await (await fetch("/about")).json()).switches.timeout_ms === 20000);
  });

  test("an environment is killed", async () => {
    await page.fill("#payload", '{"ending": "wait", "seconds": 3600, "started": true}');
    await page.click("#go");
    const runs = ({ state, marks }) => state === "running" && marks.length === 1;
    const running = (await lanesWhen(page, "a lane that runs", (lanes) => lanes.some(runs))).find(runs);
    const line = page.locator(`.lane[data-id="${running.id}"]`);
    await line.locator(".open").click();
    await line.getByText("Kill its environment").click();
    const lane = await ended();
    assert.equal(lane.id, running.id);
    assert.match(lane.ends[1], /error/);
    assert.equal(lane.torn, true);
    await served.until("exit", ({ kind }) => kind === "environment_exited");
    await page.waitForFunction(() => document.getElementById("notice-lines").textContent.includes("is gone (signal: 9 (SIGKILL))"));
  });

  test("nothing went wrong in the page", () => assert.deepEqual(opened.errors, []));
});

describe("a handler that asks another server", () => {
  /** A model that says some words, is silent for a while, says some more, and breaks off. */
  let model;
  let served;
  let opened;
  let page;

  before(async () => {
    model = createServer(async (request, response) => {
      const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      await wait(300);
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const [i, content] of ["Streaming", " is", " what", " you", " see"].entries()) {
        await wait(i === 3 ? 700 : 60);
        response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
      }
      await wait(100);
      response.destroy();
    });
    model.listen(0, "127.0.0.1");
    await once(model, "listening");
    const url = `http://127.0.0.1:${model.address().port}`;
    Object.assign(process.env, { CHAT_BASE_URL: url, FIRSTBYTE_ALLOW_HTTP: url });
    served = await serve(CHAT, "-e", "CHAT_BASE_URL", "-e", "FIRSTBYTE_ALLOW_HTTP");
    opened = await openPage(served.console);
    page = opened.page;
  });
  after(async () => {
    await opened?.close();
    await served?.stop();
    model?.close();
  });

  test("shows what it asks, and what comes back, below its own stream", async () => {
    await page.fill("#payload", '{"messages": [{"role": "user", "content": "How does streaming feel?"}]}');
    await page.click("#go");
    await served.until("upstream end", ({ kind }) => kind === "upstream_ended");
    const [lane] = await lanesWhen(page, "a lane that ended", (lanes) => lanes.length === 1 && lanes[0].drawn && !lanes[0].ends.includes("…"));
    assert.equal(lane.upstream, true);
    await picture(page, "upstream", 330);
    await page.locator(".lane .open").click();
    const cells = await page.locator(".detail details", { hasText: "Upstream calls" }).locator("td").allTextContents();
    const asked = served.events.find(({ kind }) => kind === "upstream_asked");
    const answered = served.events.find(({ kind }) => kind === "upstream_answered");
    const waited = answered.at - asked.at;
    assert.ok(waited >= 290, `${waited} ms`);
    assert.equal(cells[2], `+${waited.toFixed(0)} ms`);
    assert.ok(cells[6].startsWith(`POST ${asked.url} 200`), cells[6]);
    assert.deepEqual(opened.errors, []);
  });
});

describe("recordings", () => {
  let served;
  let opened;
  let page;

  before(async () => {
    served = await serve(GREETING);
    opened = await openPage(served.console, { colorScheme: "dark" });
    page = opened.page;
  });
  after(async () => {
    await opened?.close();
    await served?.stop();
  });

  const load = async (events) => {
    const recording = { firstbyte_recording: 1, handler: "made.wasm", saved_ms: Date.now(), complete: true, events };
    await page.setInputFiles("#file", { name: "made.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(recording)) });
    await page.waitForSelector("#recording:not([hidden])");
  };

  test("upstream calls are lanes below the handler's", async () => {
    const at = Date.now() - 60_000;
    const event = (after, kind, more = {}) => ({ at: at + after, kind, environment: 1, request_id: "made", ...more });
    await load([
      event(0, "invocation_started", { door: "function_url", method: "POST", path: "/chat", cold: false, event: "{}" }),
      event(5, "upstream_asked", { call: 1, method: "POST", url: "https://api.example.com/v1/chat?model=a", headers: [] }),
      event(300, "upstream_answered", { call: 1, status: 200, headers: [] }),
      event(400, "upstream_chunk", { call: 1, data: btoa("data: token") }),
      event(401, "chunk", { bytes: 5, after_ms: 401, data: btoa("token") }),
      event(900, "upstream_ended", { call: 1, error: "the connection broke" }),
      event(901, "log", { stream: "stdout", line: "2026-01-01T00:00:00.000Z\tmade\tERROR\tFunction.Upstream: it broke | at src/lib.rs" }),
      event(902, "response_ended", { outcome: { is: "error", error_type: "Function.Upstream", message: "it broke" }, after_ms: 902 }),
      event(903, "invocation_ended", { outcome: { is: "error", error_type: "Function.Upstream", message: "it broke" }, duration_ms: 903, bytes: 5 }),
    ]);
    const [lane] = await lanesWhen(page, "a lane", (lanes) => lanes.length === 1 && lanes[0].marks.length === 1);
    assert.ok(Math.abs(lane.marks[0] - 401) <= NEAR);
    assert.equal(lane.upstream, true, "a bar of its own");
    assert.equal(lane.state, "unseen");
    await page.locator(".lane .open").click();
    const calls = page.locator(".detail details", { hasText: "Upstream calls" });
    assert.match(await calls.textContent(), /POST https:\/\/api\.example\.com\/v1\/chat\?model=a 200\s*the connection broke/);
    assert.match(await calls.textContent(), /\+295 ms\+395 ms\+895 ms/);
    assert.match(await page.locator(".detail details", { hasText: "Log" }).first().textContent(), /it broke/);
  });

  test("invocations between two silences are a burst, and the newest is at the top", async () => {
    const at = Date.now() - 60_000;
    const lane = (id, from) => [
      { at: at + from, kind: "invocation_started", request_id: id, environment: 1, door: "lambda", cold: false, event: "{}" },
      { at: at + from + 100, kind: "chunk", request_id: id, environment: 1, bytes: 1, after_ms: 100, data: "YQ==" },
      { at: at + from + 200, kind: "invocation_ended", request_id: id, outcome: { is: "success" }, duration_ms: 200, bytes: 1 },
    ];
    await load([...lane("first", 0), ...lane("second", 500), ...lane("third", 20_000)]);
    const seen = await lanesWhen(page, "three lanes", (lanes) => lanes.length === 3 && lanes.every(({ marks }) => marks.length === 1));
    assert.deepEqual(seen.map(({ id }) => id), ["third", "first", "second"]);
    assert.match(await page.locator(".burst h2").first().textContent(), /19\.3 s later/);
    for (const { marks } of seen) assert.ok(Math.abs(marks[0] - 100) <= NEAR, `${marks}`);
  });

  test("what is kept and drawn is bounded", async () => {
    const at = Date.now() - 60_000;
    const events = [];
    for (let i = 0; i < 250; i += 1) {
      const event = (after, kind, more = {}) => ({ at: at + i + after, kind, environment: i, request_id: `made-${i}`, ...more });
      events.push(event(0, "invocation_started", { door: "lambda", cold: false, event: "{}" }));
      const chunks = i === 249 ? 10_000 : 10;
      for (let n = 1; n <= chunks; n += 1) events.push(event(n, "chunk", { bytes: 3, after_ms: n, data: btoa("abc") }));
      events.push(event(chunks, "response_ended", { outcome: { is: "success" }, after_ms: chunks }));
      events.push(event(chunks, "invocation_ended", { outcome: { is: "success" }, duration_ms: chunks, bytes: 3 * chunks }));
    }
    await load(events);
    const all = await lanesWhen(page, "200 lanes", (lanes) => lanes.length === 200);
    assert.match(await page.textContent("#dropped"), /^50 older invocations not kept here/);
    // Rows that are not to be seen hold no pixels.
    const painted = await page.$$eval(".lane canvas", (all) => all.filter((canvas) => canvas.width > 0).length);
    assert.ok(painted > 5 && painted < 60, `${painted} canvases`);
    assert.match(all.at(-1).words, /30 kB in 10000, .*10000 chunks/);
    await page.locator(".lane .open").last().click();
    const rows = await page.locator(".detail tbody").first().locator("tr").count();
    assert.equal(rows, 501, "500 rows, and how many more there are");
  });

  test("nothing went wrong in the page", () => assert.deepEqual(opened.errors, []));
});
