// Node's `crypto`, as far as hashes, HMAC, key derivation and randomness go. The rest is the web's: `crypto.subtle`.

import stream from "readable-stream";
import { hmac } from "@noble/hashes/hmac";
import { md5, ripemd160, sha1 } from "@noble/hashes/legacy";
import { pbkdf2 } from "@noble/hashes/pbkdf2";
import { scrypt } from "@noble/hashes/scrypt";
import { sha224, sha256, sha384, sha512, sha512_256 } from "@noble/hashes/sha2";
import { sha3_256, sha3_384, sha3_512 } from "@noble/hashes/sha3";
import { hkdf } from "@noble/hashes/hkdf";
import { Buffer } from "../buffer.js";
import { nextTick } from "../timers.js";

const HASHES = {
  md5, ripemd160, sha1, sha224, sha256, sha384, sha512,
  "sha512-256": sha512_256, "sha3-256": sha3_256, "sha3-384": sha3_384, "sha3-512": sha3_512,
};

const hashOf = (name) => {
  const found = HASHES[String(name).toLowerCase().replace(/^rsa-/, "")];
  if (!found) throw Object.assign(new Error(`Digest method not supported: ${name}`), { code: "ERR_CRYPTO_INVALID_DIGEST" });
  return found;
};

const bytesOf = (data, encoding) => {
  if (typeof data === "string") return Buffer.from(data, encoding);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw Object.assign(new TypeError("The data must be a string or bytes"), { code: "ERR_INVALID_ARG_TYPE" });
};

const encoded = (bytes, encoding) => {
  const buffer = Buffer.from(bytes);
  return encoding === undefined || encoding === "buffer" ? buffer : buffer.toString(encoding);
};

class Hash extends stream.Transform {
  #state;

  constructor(state) {
    super();
    this.#state = state;
  }

  update(data, encoding) {
    if (!this.#state) throw Object.assign(new Error("Digest already called"), { code: "ERR_CRYPTO_HASH_FINALIZED" });
    this.#state.update(bytesOf(data, encoding));
    return this;
  }

  digest(encoding) {
    if (!this.#state) throw Object.assign(new Error("Digest already called"), { code: "ERR_CRYPTO_HASH_FINALIZED" });
    const digest = this.#state.digest();
    this.#state = undefined;
    return encoded(digest, encoding);
  }

  copy() {
    return new Hash(this.#state.clone());
  }

  _transform(chunk, encoding, callback) {
    this.update(chunk, encoding);
    callback();
  }

  _flush(callback) {
    this.push(this.digest());
    callback();
  }
}

const later = (compute) => (...args) => {
  const callback = args.pop();
  nextTick(() => {
    let derived;
    try {
      derived = compute(...args);
    } catch (error) {
      return callback(error);
    }
    callback(null, derived);
  });
};

const randomBytes = (size, callback) => {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  if (!callback) return bytes;
  nextTick(callback, null, bytes);
};

const pbkdf2Sync = (password, salt, c, dkLen, digest) => encoded(pbkdf2(hashOf(digest), bytesOf(password), bytesOf(salt), { c, dkLen }));
const scryptSync = (password, salt, dkLen, { N, cost, r, blockSize, p, parallelization } = {}) =>
  encoded(scrypt(bytesOf(password), bytesOf(salt), { N: N ?? cost ?? 16384, r: r ?? blockSize ?? 8, p: p ?? parallelization ?? 1, dkLen }));
const hkdfSync = (digest, key, salt, info, length) => {
  const { buffer, byteOffset } = hkdf(hashOf(digest), bytesOf(key), bytesOf(salt), bytesOf(info), length);
  return buffer.slice(byteOffset, byteOffset + length);
};
const randomInt = (min, max, callback) => {
  if (max === undefined || typeof max === "function") return randomInt(0, min, max);
  const value = min + Number(randomBytes(8).readBigUInt64LE() % BigInt(max - min));
  if (!callback) return value;
  nextTick(callback, null, value);
};

export default {
  createHash: (name) => new Hash(hashOf(name).create()),
  createHmac: (name, key) => new Hash(hmac.create(hashOf(name), bytesOf(key))),
  hash: (name, data, encoding = "hex") => encoded(hashOf(name)(bytesOf(data)), encoding),
  getHashes: () => Object.keys(HASHES),
  randomBytes,
  pseudoRandomBytes: randomBytes,
  randomFillSync: (target) => { new Uint8Array(target.buffer ?? target, target.byteOffset ?? 0, target.byteLength).set(randomBytes(target.byteLength)); return target; },
  randomInt,
  randomUUID: () => crypto.randomUUID(),
  getRandomValues: (array) => crypto.getRandomValues(array),
  timingSafeEqual(a, b) {
    const [ours, theirs] = [bytesOf(a), bytesOf(b)];
    if (ours.length !== theirs.length) throw Object.assign(new RangeError("Input buffers must have the same byte length"), { code: "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH" });
    let difference = 0;
    for (let at = 0; at < ours.length; at++) difference |= ours[at] ^ theirs[at];
    return difference === 0;
  },
  pbkdf2Sync,
  pbkdf2: later(pbkdf2Sync),
  scryptSync,
  scrypt: (password, salt, length, ...rest) => later(scryptSync)(password, salt, length, ...rest),
  hkdfSync,
  hkdf: later(hkdfSync),
  webcrypto: globalThis.crypto,
  subtle: globalThis.crypto.subtle,
  constants: {},
};
