// Node's Buffer: the npm package, and the encoding that it does not know. The package goes through text and bytes one by one in JavaScript,
// which is interpreted here: what handlers do most is left to the engine.

import buffer from "buffer";

const { Buffer } = buffer;
const is64url = (encoding) => typeof encoding === "string" && encoding.toLowerCase() === "base64url";
const isUtf8 = (encoding) => encoding === undefined || encoding === null || encoding === "utf8" || encoding === "utf-8";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const toString = Buffer.prototype.toString;
Buffer.prototype.toString = function (encoding, ...range) {
  if (isUtf8(encoding)) return decoder.decode(range.length === 0 ? this : this.subarray(clamp(range[0], this.length, 0), clamp(range[1], this.length, this.length)));
  if (!is64url(encoding)) return Reflect.apply(toString, this, [encoding, ...range]);
  return Reflect.apply(toString, this, ["base64", ...range]).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
};

/** An end of a range as Node takes it: beyond the bytes is at their end. */
const clamp = (at, length, absent) => (at === undefined ? absent : Math.min(Math.max(Math.trunc(at) || 0, 0), length));

const from = Buffer.from;
Buffer.from = (value, encoding, ...rest) => {
  if (typeof value === "string" && isUtf8(encoding)) {
    const bytes = encoder.encode(value);
    return from(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  // The package reads both alphabets as base64.
  return from(value, is64url(encoding) ? "base64" : encoding, ...rest);
};
const byteLength = Buffer.byteLength;
Buffer.byteLength = (value, encoding) => (typeof value === "string" && isUtf8(encoding) ? encoder.encode(value).length : byteLength(value, encoding));
const isEncoding = Buffer.isEncoding;
Buffer.isEncoding = (encoding) => is64url(encoding) || isEncoding(encoding);

const fill = Buffer.prototype.fill;
Buffer.prototype.fill = function (value, start, end, encoding) {
  const isByte = typeof value === "number" || (typeof value === "string" && value.length === 1 && value.charCodeAt(0) < 128);
  // Ranges that are invalid, and encodings, are the package's to judge.
  if (!isByte || start !== undefined || encoding !== undefined) return Reflect.apply(fill, this, [value, start, end, encoding]);
  return Uint8Array.prototype.fill.call(this, typeof value === "number" ? value & 255 : value.charCodeAt(0));
};

export { Buffer };
export default { ...buffer, Buffer, Blob, File, atob, btoa };
