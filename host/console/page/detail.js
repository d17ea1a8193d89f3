// What a lane says when it is opened: the three endings side by side, what can be done with it, its chunks, upstream calls, log
// and event in words.

import { element, setData, setText } from "./dom.js";
import { clientSaw, clientsSee, handlerReturned, lambdaCounts } from "./ending.js";
import { clock, count, duration, indented, shown, size } from "./format.js";
import { bytesOfMark } from "./timeline.js";

/** How many chunks and calls are listed. */
const ROWS = 500;

export class Detail {
  constructor(lane, board) {
    this.lane = lane;
    this.does = board.does;
    this.boxes = [
      this.box("What the handler did", handlerReturned),
      this.box("What Lambda counts", lambdaCounts),
      this.box("What its client sees", clientSaw),
    ];
    this.clients = element("ul");
    this.boxes[2].node.append(this.clients);
    this.chunks = table(["", "at", "after", "bytes", "what"]);
    this.log = table(["at", "level", "line"]);
    this.calls = table(["", "asked", "answered", "first byte", "end", "bytes", "what"]);
    this.parts = {
      chunks: part("Chunks", this.chunks.node, true),
      calls: part("Upstream calls", this.calls.node, true),
      log: part("Log", this.log.node, true),
      head: part("Head of the response", element("pre")),
      event: part("Event that the function was handed", element("pre")),
    };
    this.node = element("div", { className: "detail" });
    this.node.append(
      this.actions(),
      element("div", { className: "boxes" }, ...this.boxes.map(({ node }) => node)),
      ...Object.values(this.parts).map(({ node }) => node),
    );
    this.update();
  }

  box(title, tell) {
    const words = element("p");
    const node = element("section", {}, element("h2", { textContent: title }), words);
    return { node, words, tell };
  }

  actions() {
    const { lane, does } = this;
    const button = (text, action) => {
      const made = element("button", { type: "button", textContent: text });
      made.addEventListener("click", () => action(lane));
      return made;
    };
    const gap = () => element("span", { className: "gap" });
    const parts = [];
    if (does.canSend()) {
      parts.push(button("Repeat this one", does.repeat), button("Same at the other doors", does.elsewhere));
      parts.push(button("Edit", does.edit), gap());
    }
    parts.push(...["curl", "boto3", "JavaScript"].map((what) => button(`Copy as ${what}`, (lane) => does.copy(lane, what))));
    if (does.canSend()) {
      const href = `/recording?request_id=${encodeURIComponent(lane.id)}`;
      const save = element("a", { className: "button", textContent: "Save", href });
      save.setAttribute("download", "");
      this.kill = button("Kill its environment", () => does.kill(lane.environment));
      parts.push(save, gap(), this.kill);
    }
    return element("div", { className: "actions" }, ...parts);
  }

  update() {
    const { lane, parts } = this;
    for (const { node, words, tell } of this.boxes) {
      const { tone, text } = tell(lane);
      setText(words, text);
      setData(node, "tone", tone);
    }
    if (this.kill) this.kill.hidden = !lane.running;
    this.updateClients();
    parts.chunks.show(lane.pieces.count > 0, `Chunks: ${count(lane.pieces.count, "chunk")}, ${size(lane.pieces.bytes)}`);
    parts.calls.show(lane.calls.size > 0, `Upstream calls: ${lane.calls.size + lane.callsDropped}`);
    parts.log.show(lane.logs.length > 0, `Log: ${count(lane.logs.length + lane.linesDropped, "line")}`);
    this.chunks.fill(lane.pieces.marks, ROWS, (mark, i) => {
      const previous = i ? lane.pieces.marks[i - 1].until : 0;
      const text = mark.data.length ? shown(bytesOfMark(mark), 400) : "(the page kept no more bytes of this body)";
      return [mark.count > 1 ? `×${mark.count}` : i + 1, duration(mark.t), `+${duration(mark.t - previous)}`, size(mark.bytes), text];
    }, lane.pieces.merged);
    this.log.fill(lane.logs, ROWS, ({ t, level, line }) => [duration(t), level, line], lane.linesDropped);
    // Few, and each changes until its end.
    this.calls.fill([...lane.calls.values()], ROWS, (call) => [
      call.number,
      duration(call.t),
      call.answered === undefined ? "–" : `+${duration(call.answered - call.t)}`,
      call.pieces.first === undefined ? "–" : `+${duration(call.pieces.first - call.t)}`,
      call.ended === undefined ? "–" : `+${duration(call.ended - call.t)}`,
      size(call.pieces.bytes),
      `${call.method} ${call.url} ${call.status ?? ""}${call.error ? `\n${call.error}` : ""}`,
    ], lane.version);
    const head = lane.head ? [`status ${lane.head.status}`, ...lane.head.headers.map(([name, value]) => `${name}: ${value}`)] : [];
    parts.head.show(lane.head !== undefined);
    setText(parts.head.body, head.join("\n"));
    const why = lane.eventIsTooLong ? "(longer than this page keeps)" : "(not known here)";
    if (!parts.event.body.textContent) setText(parts.event.body, lane.event === null ? why : indented(lane.event));
    parts.event.title(`Event that the function was handed at ${clock(lane.startedAt)}`);
  }

  updateClients() {
    const sees = clientsSee(this.lane);
    if (this.seen === JSON.stringify(sees)) return;
    this.seen = JSON.stringify(sees);
    this.clients.replaceChildren(...sees.map(({ name, own, tone, text }) => {
      const line = element("li", {}, element("b", { textContent: `${name}${own ? " (this one)" : ""}: ` }));
      line.append(element("i", { textContent: text, data: { tone } }));
      if (own) line.dataset.own = "";
      return line;
    }));
  }
}

/** Something that can be folded away. */
function part(title, body, open = false) {
  const summary = element("summary", { textContent: title });
  const scroll = element("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: title }, body);
  const node = element("details", { open }, summary, scroll);
  const retitle = (text) => setText(summary, text);
  const show = (visible, text) => {
    node.hidden = !visible;
    if (text) retitle(text);
  };
  return { node, body, show, title: retitle };
}

/** A table that grows. */
function table(names) {
  const head = element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col", textContent: name }))));
  const body = element("tbody");
  let kept;
  /** Adds what is new in a list; begins anew when `state` is another one, which says that what was listed has changed. */
  const fill = (list, limit, cells, state) => {
    if (state !== kept) body.replaceChildren();
    kept = state;
    for (let i = body.rows.length; i < Math.min(list.length, limit); i += 1) {
      body.append(element("tr", {}, ...cells(list[i], i).map((text) => element("td", { textContent: text }))));
    }
    if (list.length > limit && body.rows.length === limit) {
      const textContent = `${list.length - limit} more: "Save" has those that are kept`;
      body.append(element("tr", {}, element("td", { colSpan: names.length, textContent })));
    }
  };
  return { node: element("table", {}, head, body), fill };
}
