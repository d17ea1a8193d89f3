// One lane on the page: what it says in words and figures, its canvas, and what a pointer finds on it.

import { byId, element, setData, setText } from "./dom.js";
import { doorName } from "./door.js";
import { clientSaw, handlerReturned, lambdaCounts, stateOf } from "./ending.js";
import { count, duration, shortened, size } from "./format.js";
import { draw, heightOf, itemAt, items } from "./timeline.js";
import { theme } from "./theme.js";
import { Detail } from "./detail.js";

const SIGNS = { good: "✓", bad: "✕", mistake: "!", unseen: "?", live: "…" };

export class Row {
  /** `board` tells views and does what a user asks. */
  constructor(lane, board) {
    this.lane = lane;
    this.board = board;
    this.open = element("button", { className: "open", type: "button", tabIndex: -1, ariaExpanded: "false" });
    this.doorName = element("span", { className: "door-name" });
    this.title = element("b");
    this.facts = element("span", { className: "facts" });
    this.open.append(this.doorName, this.title, this.facts);
    this.firstFigure = element("b");
    this.firstUnit = element("i");
    this.first = element("div", { className: "first", title: "time to first byte" }, this.firstFigure, this.firstUnit);
    this.canvas = element("canvas", { className: "time", ariaHidden: "true", width: 0 });
    this.canvas.style.height = `${heightOf(lane)}px`;
    this.ends = ["handler", "Lambda", "client"].map((name) => {
      const value = element("dd");
      return { value, box: element("div", {}, element("dt", { textContent: name }), value) };
    });
    const ends = element("dl", { className: "ends" }, ...this.ends.map(({ box }) => box));
    this.line = element("div", { className: "row1" }, this.open, this.first, this.canvas, ends);
    this.node = element("li", { className: "lane", data: { id: lane.id } }, this.line);
    this.detail = null;
    this.cursor = null;
    this.visible = false;
    this.dirty = true;
    /** Whether its words are behind: those of a row that is not to be seen follow now and then. */
    this.stale = false;
    this.width = 0;
    this.open.addEventListener("click", () => this.toggle());
    this.open.addEventListener("focus", () => board.focused(this));
    this.node.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerleave", () => board.tip.hide());
    this.words();
  }

  /** Brings the words up to date. */
  words() {
    const { lane } = this;
    setData(this.node, "state", stateOf(lane));
    this.node.className = `lane ${lane.door ?? ""}`;
    setText(this.doorName, doorName(lane.door));
    setText(this.title, shortened(lane.title, 120));
    const facts = [lane.cold ? "cold" : "warm", `env ${lane.environment ?? "?"}`];
    if (lane.pieces.count) facts.unshift(`${size(lane.pieces.bytes)} in ${lane.pieces.count}`);
    if (lane.head) facts.unshift(String(lane.head.status));
    setText(this.facts, facts.join(" · "));
    this.facts.title = lane.pid === undefined ? "" : `process ${lane.pid}`;
    const endings = [handlerReturned(lane), lambdaCounts(lane), clientSaw(lane)];
    endings.forEach(({ tone, short, text }, i) => {
      const { value, box } = this.ends[i];
      setText(value, tone === "live" ? short : `${SIGNS[tone]} ${short}`);
      setData(value, "tone", tone);
      box.title = text;
    });
    const first = lane.firstByte === undefined ? "no byte yet" : `first byte after ${duration(lane.firstByte)}`;
    const ended = endings.map(({ short }, i) => `${["handler", "Lambda", "client"][i]}: ${short === "…" ? "under way" : short}`);
    const said = [doorName(lane.door), lane.title, ...facts, first, count(lane.pieces.count, "chunk"), ...ended];
    this.open.ariaLabel = said.join(", ");
    if (this.detail) this.detail.update();
    this.figure();
    this.stale = false;
    this.dirty = true;
  }

  /** The time to first byte, or how long it is waited for. */
  figure() {
    const { lane } = this;
    const waiting = lane.firstByte === undefined;
    const ms = waiting ? (lane.running ? this.board.now() - lane.startedAt : NaN) : lane.firstByte;
    const [figure, ...unit] = duration(Math.max(0, ms)).split(" ");
    setText(this.firstFigure, Number.isNaN(ms) ? "–" : figure);
    setText(this.firstUnit, Number.isNaN(ms) ? "" : unit.join(" "));
    setData(this.first, "waiting", waiting ? "" : undefined);
  }

  /** Draws it, if it is to be seen. */
  draw() {
    if (!this.visible || this.width === 0) return;
    this.dirty = false;
    const height = heightOf(this.lane);
    const ratio = devicePixelRatio;
    const [width, tall] = [Math.round(this.width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== tall) {
      this.canvas.width = width;
      this.canvas.height = tall;
      this.canvas.style.height = `${height}px`;
    }
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.view = this.board.viewOf(this, height);
    this.canvas.dataset.from = String(this.view.from);
    this.canvas.dataset.to = String(this.view.to);
    draw(context, this.lane, this.view, theme, this.cursor);
  }

  /** Whether it is to be seen. The pixels of one that is not are given back. */
  show(visible) {
    this.visible = visible;
    this.dirty = visible;
    if (visible && this.stale) this.words();
    if (!visible) this.canvas.width = 0;
  }

  point(event) {
    if (!this.view || event.buttons) return;
    const bounds = this.canvas.getBoundingClientRect();
    const item = itemAt(this.lane, this.view, event.clientX - bounds.left, event.clientY - bounds.top);
    if (item) this.board.tip.show(item, event.clientX, event.clientY);
    else this.board.tip.hide();
  }

  key(event) {
    if (event.target !== this.open || event.ctrlKey || event.metaKey || event.altKey) return;
    const does = {
      ArrowDown: () => this.board.move(this, 1),
      ArrowUp: () => this.board.move(this, -1),
      ArrowRight: () => (event.shiftKey ? this.board.pan(this, 0.2) : this.step(1)),
      ArrowLeft: () => (event.shiftKey ? this.board.pan(this, -0.2) : this.step(-1)),
      Escape: () => this.step(0),
      r: () => this.board.repeat(this.lane),
      d: () => this.board.elsewhere(this.lane),
      "+": () => this.board.zoom(this, 0.5),
      "=": () => this.board.zoom(this, 0.5),
      "-": () => this.board.zoom(this, 2),
      0: () => this.board.zoom(this, 0),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  }

  /** To the mark before or after, or away from all. */
  step(by) {
    const all = items(this.lane);
    if (by === 0 || all.length === 0) {
      this.cursor = null;
      this.board.tip.hide();
    } else {
      const at = this.cursor ? Math.min(all.length - 1, Math.max(0, this.index + by)) : by > 0 ? 0 : all.length - 1;
      this.index = at;
      this.cursor = all[at];
      const bounds = this.canvas.getBoundingClientRect();
      const [x, y] = [this.board.xOf(this, this.cursor.t), Math.min(heightOf(this.lane), this.cursor.y)];
      this.board.tip.show(this.cursor, bounds.left + x, bounds.top + y);
      this.board.tip.say();
    }
    this.dirty = true;
    this.board.wake();
  }

  toggle() {
    if (this.detail) {
      this.detail.node.remove();
      this.detail = null;
    } else {
      this.detail = new Detail(this.lane, this.board);
      this.node.append(this.detail.node);
    }
    this.open.ariaExpanded = String(this.detail !== null);
  }
}

/** What is shown beside a mark. */
export class Tip {
  constructor() {
    this.node = byId("tip");
    this.what = element("div");
    this.text = element("pre");
    this.node.append(this.what, this.text);
  }

  show(item, x, y) {
    setText(this.what, `${duration(item.t)}  ${item.what()}`);
    setText(this.text, item.text());
    this.text.hidden = this.text.textContent === "";
    this.node.hidden = false;
    const { width, height } = this.node.getBoundingClientRect();
    const left = Math.max(4, Math.min(x + 12, innerWidth - width - 8));
    const top = y + 18 + height > innerHeight ? Math.max(4, y - height - 12) : y + 18;
    this.node.style.transform = `translate(${left}px, ${top}px)`;
  }

  hide() {
    this.node.hidden = true;
  }

  /** Says what is shown, to those who listen. */
  say() {
    setText(byId("said"), `${this.what.textContent}. ${shortened(this.text.textContent, 300)}`);
  }
}
