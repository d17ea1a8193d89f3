// How figures and bytes are shown. Knows nothing of invocations.

/** A duration in milliseconds, with three digits that mean something. */
export function duration(ms) {
  if (!Number.isFinite(ms)) return "–";
  const size = Math.abs(ms);
  if (size < 9.95) return `${ms.toFixed(size < 0.095 ? 2 : 1)} ms`;
  if (size < 999.5) return `${ms.toFixed(0)} ms`;
  if (size < 9995) return `${(ms / 1000).toFixed(2)} s`;
  if (size < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A number of bytes. */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999_500) return `${(bytes / 1000).toFixed(bytes < 9995 ? 1 : 0)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The time of day of a moment, to the millisecond. */
export function clock(at) {
  const date = new Date(at);
  const two = (number) => String(number).padStart(2, "0");
  const millis = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${millis}`;
}

/** `1 chunk`, `2 chunks`. */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Text up to a length, with a mark where more was left out. */
export function shortened(text, length) {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** The bytes that base64 stands for; no bytes if it is not base64. */
export function bytesOf(base64) {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

/** The bytes as text, or null if they are none. A character that the end cuts in two counts as text. */
export function textOf(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    // Control characters other than white space: somebody's binary format.
    return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** The bytes as text if they are text, else as a hex dump of 16 in a line. */
export function shown(bytes, limit = 4096) {
  const part = bytes.subarray(0, limit);
  const more = bytes.length > limit ? `\n… ${size(bytes.length - limit)} more` : "";
  const text = textOf(part);
  if (text !== null) return text + more;
  const lines = [];
  for (let start = 0; start < part.length; start += 16) {
    const row = [...part.subarray(start, start + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const ascii = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${start.toString(16).padStart(4, "0")}  ${hex.padEnd(47)}  ${ascii}`);
  }
  return lines.join("\n") + more;
}

/** JSON with a line per member, or the text as it is. */
export function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
