// Sends requests and failures through the console's process, and keeps what was sent.

import { byId, element, setData, setText } from "./dom.js";
import { DOORS, doorName, isHttp } from "./door.js";
import { clock, shortened } from "./format.js";
import { atDoor, requestOf } from "./request.js";

/** How many requests are remembered. */
const HISTORY = 50;
const KEY = "firstbyte-history";

async function post(path, body) {
  const response = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(messageOf(text) ?? `${response.status} ${response.statusText}`);
}

/** Whether requests of this method have no body. */
function isBare(method) {
  return /^(GET|HEAD)$/i.test(method);
}

/** What a refusal says: `{"message": …}`. */
function messageOf(text) {
  try {
    return JSON.parse(text).message;
  } catch {
    return undefined;
  }
}

export class Sender {
  constructor() {
    this.form = byId("send");
    this.history = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.form.requestSubmit();
    });
    this.form.addEventListener("change", () => this.look());
    byId("bandwidth").addEventListener("change", ({ target }) => this.set({ bandwidth: target.checked }));
    byId("timeout").addEventListener("change", ({ target }) => {
      if (target.reportValidity()) this.set({ timeout_ms: target.value === "" ? null : Number(target.value) * 1000 });
    });
    this.look();
    this.list();
  }

  /** The switches as the emulator has them. Those that this page sees first are how the function was started. */
  take(switches) {
    byId("bandwidth").checked = switches.bandwidth;
    byId("timeout").value = String(switches.timeout_ms / 1000);
    this.first ??= { bandwidth: byId("bandwidth").checked, timeout: byId("timeout").value };
    this.look();
  }

  get door() {
    return this.form.elements.door.value;
  }

  /** Shows what goes with the door that is chosen, and which failures are. */
  look() {
    this.form.dataset.door = this.door;
    this.form.dataset.bare = String(this.door !== "lambda" && isBare(byId("method").value));
    setText(byId("body-name"), this.door === "lambda" ? "Payload" : "Body");
    const set = [];
    if (byId("cut").value) set.push(`cut after ${byId("cut").value} B`);
    if (byId("slow").value) set.push(`${byId("slow").value} KB/s`);
    if (byId("bandwidth").checked) set.push("bandwidth");
    const timeout = byId("timeout").value;
    if (this.first && timeout !== this.first.timeout) set.push(timeout ? `timeout ${timeout} s` : "timeout as started");
    setText(byId("failures-set"), set.join(", "));
  }

  /** The request that the form describes, for one door. */
  read(door) {
    const payload = byId("payload").value;
    const body = isHttp(door) && isBare(byId("method").value) ? "" : payload;
    if (!isHttp(door)) return { door, method: "POST", path: "/", headers: [], body };
    const headers = byId("headers").value.split("\n").filter((line) => line.trim()).map((line) => {
      const colon = line.indexOf(":");
      if (colon < 1) throw new Error(`a header is "Name: value", and not ${JSON.stringify(line)}`);
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    });
    return { door, method: byId("method").value, path: byId("path").value, headers, body };
  }

  /** Puts a request into the form. */
  write(request) {
    this.form.elements.door.value = request.door;
    byId("method").value = request.method;
    byId("path").value = request.path;
    byId("headers").value = request.headers.map(([name, value]) => `${name}: ${value}`).join("\n");
    byId("payload").value = request.body ?? "";
    this.look();
    byId("payload").focus();
  }

  get failures() {
    const number = (id) => (byId(id).value === "" ? undefined : Number(byId(id).value));
    return { cut_after_bytes: number("cut"), read_kbps: number("slow") };
  }

  submit() {
    try {
      const doors = this.door === "all" ? DOORS : [this.door];
      this.send(doors.map((door) => ({ ...this.read(door), ...this.failures })));
    } catch (error) {
      this.tell(error.message, "bad");
    }
  }

  /** Sends requests at once. */
  async send(requests) {
    this.remember(requests);
    const sent = await Promise.allSettled(requests.map((request) => post("/send", request)));
    const failed = sent.find(({ status }) => status === "rejected");
    if (failed) this.tell(`not sent: ${failed.reason.message}`, "bad");
    else this.tell(`sent at ${clock(Date.now())}`);
  }

  repeat(lane) {
    this.again(lane, (request) => [request]);
  }

  elsewhere(lane) {
    this.again(lane, (request) => DOORS.filter((door) => door !== lane.door).map((door) => atDoor(request, door)));
  }

  edit(lane) {
    this.again(lane, (request) => {
      if (request.data !== undefined) this.tell("The body is not text: the form cannot show it.", "bad");
      else this.write(request);
      return [];
    });
  }

  again(lane, requests) {
    const known = requestOf(lane);
    if (!known) {
      this.tell("The event of this invocation is not known here: it cannot be sent again.", "bad");
      return;
    }
    const made = requests(known.request);
    if (made.length) this.send(made.map((request) => ({ ...request, ...this.failures })));
    if (known.left.length) this.tell(`Sent without ${known.left.join(", ")}, which the console redacts.`, "bad");
  }

  async set(switches) {
    this.look();
    try {
      await post("/switches", switches);
    } catch (error) {
      this.tell(`not set: ${error.message}`, "bad");
    }
  }

  async kill(environment) {
    try {
      await post("/kill", { environment });
    } catch (error) {
      this.tell(`not killed: ${error.message}`, "bad");
    }
  }

  tell(text, tone) {
    setText(byId("sent"), text);
    setData(byId("sent"), "tone", tone);
  }

  remember(requests) {
    this.history.unshift({ at: Date.now(), requests });
    this.history.length = Math.min(this.history.length, HISTORY);
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.history));
    } catch {
      // What is too long for the browser's store is remembered until the page is left.
    }
    this.list();
  }

  list() {
    byId("history").replaceChildren(...this.history.map((entry) => {
      const { requests } = entry;
      const [request] = requests;
      const name = requests.length > 1 ? "all three".slice(0, requests.length === 3 ? 9 : 0) || "other doors" : doorName(request.door);
      const call = isHttp(request.door) ? `${request.method} ${request.path} ` : "";
      const words = `${clock(entry.at).slice(0, 8)} ${name} ${call}${shortened(request.body ?? "", 60)}`;
      const what = element("button", { className: `what ${request.door}`, type: "button", textContent: words, title: "into the form" });
      what.addEventListener("click", () => this.write(request));
      const again = element("button", { type: "button", textContent: "↻", ariaLabel: `send again: ${words}`, title: "send again" });
      again.addEventListener("click", () => this.send(requests));
      return element("li", {}, what, again);
    }));
  }
}
