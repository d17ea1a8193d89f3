// Where each line of a bundle comes from, in the few bytes that runtime/stack.js reads.

import path from "node:path";
import { decode } from "@jridgewell/sourcemap-codec";

/** The table of a source map whose first line is line `first` of the whole file. */
export function table(map, project, first) {
  const folder = path.join(project, "dist");
  const sources = map.sources.map((source) => path.relative(project, path.resolve(folder, source)));
  let [source, line] = [0, 0];
  const lines = decode(map.mappings).map((segments) => {
    const origin = segments.find((segment) => segment.length > 1);
    if (!origin) return "";
    const [, from, at] = origin;
    const entry = from === source ? `${at + 1 - line}` : `${from}:${at + 1}`;
    [source, line] = [from, at + 1];
    return entry;
  });
  return { first, sources, lines: lines.join(",") };
}
