// Stacks that name the author's own files and lines. The builder appends a table that says where each line of the bundle comes
// from; it is read when the first stack is asked for.

let table;

/** For each line of the bundle, counted from `first`, its `file:line`; undefined where it has none. In `lines` stands the difference
 *  to the line before in its source, or `source:line` where the source changes, or nothing. */
export function originsOf({ sources, lines }) {
  let [source, line] = [0, 0];
  return lines.split(",").map((entry) => {
    if (entry === "") return undefined;
    const [head, tail] = entry.split(":");
    if (tail === undefined) line += Number(head);
    else [source, line] = [Number(head), Number(tail)];
    return `${sources[source]}:${line}`;
  });
}

function read() {
  const written = typeof __firstbyte_lines === "undefined" ? { first: 0, sources: [], lines: "" } : __firstbyte_lines();
  return { first: written.first, origins: originsOf(written) };
}

/** The frames of an error, innermost first: `at name (file:line)`. Frames of the runtime itself are left out. */
export function stackOf(error) {
  if (typeof error?.stack !== "string") return [];
  table ??= read();
  const frames = error.stack.split("\n").map((frame) => {
    const found = /^(.*?)@(.*):(\d+):(\d+)$/.exec(frame);
    if (!found) return undefined;
    if (!found[2].endsWith("handler.bundle.js")) return undefined;
    const origin = table.origins[Number(found[3]) - table.first];
    if (origin === undefined) return undefined;
    const name = found[1].replace(/^(?:async\*|[^/]*\/)*/, "").replace(/<$/, "");
    return name === "" ? `at ${origin}` : `at ${name} (${origin})`;
  });
  return frames.filter((frame) => frame !== undefined);
}
