// The lanes of a session on the page, in bursts: invocations between two silences, each burst with one clock. The newest burst is
// at the top; in a burst the first invocation is.
//
// Only what is to be seen is drawn, and only when it changed or goes on; a page that nobody looks at draws nothing.

import { byId, element, say, setText } from "./dom.js";
import { doorName } from "./door.js";
import { clientSaw, stateOf } from "./ending.js";
import { clock, count, duration } from "./format.js";
import { Row, Tip } from "./row.js";
import { PAD, drawAxis, roundedUp, scale } from "./timeline.js";
import { theme } from "./theme.js";

/** The least time between two frames, in milliseconds. */
const FRAME = 30;
/** The least time between two refreshes of figures that wait. */
const FIGURES = 100;
/** The least time between two refreshes of the words of rows that are not to be seen. */
const UNSEEN = 500;
/** With more invocations under way than this, an end is not said to those who listen. */
const CROWD = 5;
/** The shortest time that a clock shows, in milliseconds. */
const SHORTEST = 0.5;

export class Board {
  /** `does` has what a user can ask for: `repeat(lane)`, `elsewhere(lane)`, and what details offer. */
  constructor(does) {
    this.does = does;
    this.tip = new Tip();
    this.rows = new Map();
    this.bursts = new Map();
    this.list = byId("bursts");
    this.own = false;
    this.current = null;
    this.asked = 0;
    this.drawnAt = 0;
    this.figuresAt = 0;
    this.wordsAt = 0;
    this.intersections = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        this.rows.get(target.dataset.id)?.show(isIntersecting);
      }
      this.wake();
    }, { root: null, rootMargin: "200px" });
    this.sizes = new ResizeObserver((entries) => {
      for (const { target, contentRect } of entries) {
        const owner = this.owners.get(target);
        if (!owner) continue;
        owner.width = contentRect.width;
        owner.dirty = true;
      }
      this.wake();
    });
    this.owners = new WeakMap();
    byId("board").addEventListener("scroll", () => this.tip.hide(), { passive: true });
  }

  /** Shows a session; `now()` is its moment, and `moves` says whether that goes on. */
  show(session, now, moves) {
    this.session = session;
    this.now = now;
    this.moves = moves;
    for (const row of this.rows.values()) this.forget(row);
    this.rows.clear();
    this.list.replaceChildren();
    this.bursts.clear();
    this.current = null;
    session.changed.clear();
    for (const lane of session.lanes.values()) session.changed.add(lane);
    this.wake();
  }

  /** On one clock per burst, or each lane from its own start. */
  setOwn(own) {
    this.own = own;
    for (const burst of this.bursts.values()) burst.manual = null;
    this.redraw();
  }

  redraw() {
    for (const row of this.rows.values()) row.dirty = true;
    for (const burst of this.bursts.values()) burst.dirty = true;
    this.wake();
  }

  /** Something changed: a frame is due. */
  wake() {
    this.asked ||= requestAnimationFrame(() => this.frame());
  }

  frame() {
    this.asked = 0;
    const time = performance.now();
    if (time - this.drawnAt < FRAME) {
      this.wake();
      return;
    }
    this.drawnAt = time;
    const figures = time - this.figuresAt > FIGURES;
    if (figures) this.figuresAt = time;
    this.takeChanges();
    let goesOn = false;
    for (const burst of this.bursts.values()) goesOn = this.drawBurst(burst, figures) || goesOn;
    if (goesOn) this.wake();
  }

  takeChanges() {
    const { session } = this;
    for (const [id, row] of this.rows) {
      if (session.lanes.has(id)) continue;
      this.forget(row);
      row.node.remove();
      this.rows.delete(id);
    }
    for (const lane of session.changed) {
      const row = this.rows.get(lane.id);
      if (row) this.change(row);
    }
    session.changed.clear();
    const time = performance.now();
    if (time - this.wordsAt > UNSEEN) {
      this.wordsAt = time;
      for (const row of this.rows.values()) if (row.stale) row.words();
    }
    this.takeBursts();
    byId("empty").hidden = this.rows.size > 0;
    byId("dropped").hidden = session.dropped === 0;
    setText(byId("dropped"), `${count(session.dropped, "older invocation")} not kept here; "Save session" has those that are kept.`);
  }

  change(row) {
    const { lane } = row;
    const state = stateOf(lane);
    const isSame = state === row.node.dataset.state;
    if (row.visible || !isSame || row.detail) row.words();
    else row.stale = true;
    // Of many at once, each would be said over the other.
    if (isSame || state === "running" || this.session.running > CROWD) return;
    const how = {
      good: "ended well",
      unseen: "failed, and its client was not told",
      mistake: `refused, ${clientSaw(lane).short}`,
      bad: `failed, ${clientSaw(lane).short}`,
    }[state];
    say(`${doorName(lane.door)}, ${lane.title}: ${how}`);
  }

  /** Makes what is new: bursts and rows. Takes away what is empty. */
  takeBursts() {
    const follows = this.follows();
    let newest;
    for (const [model, burst] of this.bursts) {
      if (model.lanes.length && this.session.bursts.includes(model)) continue;
      burst.node.remove();
      this.bursts.delete(model);
    }
    this.session.bursts.forEach((model, i) => {
      let burst = this.bursts.get(model);
      if (!burst) {
        burst = this.makeBurst(model, this.session.bursts[i - 1]);
        this.bursts.set(model, burst);
        this.list.prepend(burst.node);
      }
      for (const lane of model.lanes) {
        if (this.rows.has(lane.id)) continue;
        const row = new Row(lane, this);
        row.burst = burst;
        this.rows.set(lane.id, row);
        this.owners.set(row.canvas, row);
        this.sizes.observe(row.canvas);
        this.intersections.observe(row.node);
        this.listen(row.canvas, row);
        burst.lanes.append(row.node);
        burst.dirty = true;
        newest = row;
        if (!this.current) this.focused(row);
      }
    });
    if (!newest) return;
    this.newest = newest;
    if (follows) newest.node.scrollIntoView({ block: "nearest" });
  }

  /** Whether the newest lane is kept in view: as long as it is, and nobody reads the details of another one. */
  follows() {
    if (!this.newest?.node.isConnected) return true;
    if ([...this.rows.values()].some(({ detail }) => detail)) return false;
    const lane = this.newest.node.getBoundingClientRect();
    const board = byId("board").getBoundingClientRect();
    return lane.bottom > board.top && lane.top < board.bottom;
  }

  forget(row) {
    this.intersections.unobserve(row.node);
    this.sizes.unobserve(row.canvas);
    if (this.current === row) this.current = null;
  }

  makeBurst(model, before) {
    const axis = element("canvas", { className: "axis", ariaHidden: "true" });
    const lanes = element("ol", { className: "lanes" });
    const ends = before?.lanes.map((lane) => lane.startedAt + lane.lastT) ?? [];
    const after = before ? ` · ${duration(model.at - Math.max(...ends))} later` : "";
    const button = (text, label, factor) => {
      const made = element("button", { type: "button", textContent: text, ariaLabel: label, title: label });
      made.addEventListener("click", () => this.zoom({ burst }, factor));
      return made;
    };
    const buttons = [button("−", "zoom out", 2), button("+", "zoom in", 0.5), button("all", "show all of it", 0)];
    const zoom = element("div", { className: "zoom" }, ...buttons);
    const header = element("header", {}, element("h2", { textContent: `${clock(model.at).slice(0, 8)}${after}` }), axis, zoom);
    const node = element("section", { className: "burst" }, header, lanes);
    const burst = { model, node, lanes, canvas: axis, width: 0, dirty: true, manual: null, view: { from: 0, to: 1000 } };
    this.owners.set(axis, burst);
    this.sizes.observe(axis);
    this.listen(axis, { burst });
    return burst;
  }

  /** Draws what is due of a burst. Returns whether something in it goes on. */
  drawBurst(burst, figures) {
    const { model } = burst;
    const zero = model.lanes[0]?.startedAt ?? model.at;
    const now = this.now();
    let from = 0;
    let to = 1;
    let goesOn = false;
    for (const lane of model.lanes) {
      const offset = this.own ? 0 : lane.startedAt - zero;
      from = Math.min(from, offset + (lane.init?.from ?? 0));
      to = Math.max(to, offset + (lane.running ? Math.max(lane.lastT, now - lane.startedAt) : lane.lastT));
      goesOn ||= this.moves && (lane.running || this.rows.get(lane.id)?.stale === true);
    }
    const view = burst.manual ?? { from: from * 1.05, to: roundedUp(to * 1.02) };
    const moved = view.from !== burst.view.from || view.to !== burst.view.to || zero !== burst.zero;
    Object.assign(burst, { view, zero });
    if (moved || burst.dirty) this.drawBurstAxis(burst);
    for (const lane of model.lanes) {
      const row = this.rows.get(lane.id);
      if (!row) continue;
      if (figures && lane.running && lane.firstByte === undefined) row.figure();
      if (moved || row.dirty || lane.running) row.draw();
    }
    return goesOn;
  }

  drawBurstAxis(burst) {
    if (burst.width === 0) return;
    burst.dirty = false;
    const ratio = devicePixelRatio;
    const height = 26;
    burst.canvas.width = Math.round(burst.width * ratio);
    burst.canvas.height = Math.round(height * ratio);
    const context = burst.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawAxis(context, { ...burst.view, width: burst.width, height }, theme);
  }

  offsetOf(row) {
    return this.own ? 0 : row.lane.startedAt - row.burst.zero;
  }

  /** What a row shows, in its own time. */
  viewOf(row, height) {
    const offset = this.offsetOf(row);
    const { from, to } = row.burst.view;
    return { from: from - offset, to: to - offset, width: row.width, height, now: this.now() - row.lane.startedAt };
  }

  xOf(row, t) {
    return scale(this.viewOf(row, 0)).x(t);
  }

  /** Zooms a burst by a factor about a moment of it, or, by 0, to all of it. */
  zoom({ burst }, factor, about) {
    const { from, to } = burst.view;
    const middle = about ?? (from + to) / 2;
    const length = Math.max(SHORTEST, (to - from) * factor);
    const share = (middle - from) / (to - from);
    burst.manual = factor === 0 ? null : { from: middle - share * length, to: middle + (1 - share) * length };
    this.wake();
  }

  /** Moves what a burst shows by a share of it. */
  pan({ burst }, share) {
    const { from, to } = burst.view;
    const by = (to - from) * share;
    burst.manual = { from: from + by, to: to + by };
    this.wake();
  }

  /** Lets a pointer zoom and pan on a canvas. */
  listen(canvas, owner) {
    const at = (event) => {
      const bounds = canvas.getBoundingClientRect();
      const { view } = owner.burst;
      return scale({ ...view, width: bounds.width }).t(event.clientX - bounds.left);
    };
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoom(owner, Math.exp(event.deltaY / 300), at(event));
    }, { passive: false });
    canvas.addEventListener("dblclick", () => this.zoom(owner, 0));
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      canvas.setPointerCapture(event.pointerId);
      this.tip.hide();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId) || event.movementX === 0) return;
      this.pan(owner, -event.movementX / Math.max(1, canvas.clientWidth - 2 * PAD));
    });
  }

  /** One lane is reached by Tab, the others from it by arrows. */
  focused(row) {
    if (this.current) this.current.open.tabIndex = -1;
    if (this.current && this.current !== row) this.current.step(0);
    this.current = row;
    row.open.tabIndex = 0;
  }

  /** To the lane below or above. */
  move(row, by) {
    const all = [...this.list.querySelectorAll(".lane")];
    const next = all[all.indexOf(row.node) + by];
    if (next) this.rows.get(next.dataset.id).open.focus();
  }

  repeat(lane) {
    this.does.repeat(lane);
  }

  elsewhere(lane) {
    this.does.elsewhere(lane);
  }
}
