// Node's Buffer: the npm package, and the encoding that it does not know.

import buffer from "buffer";

const { Buffer } = buffer;
const is64url = (encoding) => typeof encoding === "string" && encoding.toLowerCase() === "base64url";

const toString = Buffer.prototype.toString;
Buffer.prototype.toString = function (encoding, ...range) {
  if (!is64url(encoding)) return Reflect.apply(toString, this, [encoding, ...range]);
  return Reflect.apply(toString, this, ["base64", ...range]).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
};

const from = Buffer.from;
// The package reads both alphabets as base64.
Buffer.from = (value, encoding, ...rest) => from(value, is64url(encoding) ? "base64" : encoding, ...rest);
const isEncoding = Buffer.isEncoding;
Buffer.isEncoding = (encoding) => is64url(encoding) || isEncoding(encoding);

export { Buffer };
export default { ...buffer, Buffer, Blob, File, atob, btoa };
