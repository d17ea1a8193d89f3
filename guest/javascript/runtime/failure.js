// Errors as the host is told of them.

import { stackOf } from "./stack.js";

/** The `failure` of wit/firstbyte.wit for whatever was thrown. */
export function failureOf(thrown) {
  if (!(thrown instanceof Error)) {
    const kind = thrown === null ? "Null" : typeof thrown;
    let message;
    try {
      message = typeof thrown === "object" ? JSON.stringify(thrown) : String(thrown);
    } catch {
      message = "an object";
    }
    return { kind: kind[0].toUpperCase() + kind.slice(1), message: message ?? "undefined", status: undefined, stack: [] };
  }
  const kind = String(thrown.name || thrown.constructor?.name || "").replace(/[^A-Za-z0-9]/g, "") || "Error";
  const status = thrown instanceof HttpError ? thrown.status : undefined;
  const stack = stackOf(thrown);
  for (let cause = thrown.cause; cause !== undefined && stack.length < 64; cause = cause?.cause) {
    stack.push(`caused by ${cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)}`, ...(cause instanceof Error ? stackOf(cause) : []));
  }
  return { kind, message: String(thrown.message), status, stack };
}

/** An error with the HTTP status that it is answered with, if the response was not started. */
export class HttpError extends Error {
  constructor(status, message, options) {
    if (!Number.isInteger(status) || status < 400 || status > 599) throw new RangeError(`${status} is not a status from 400 to 599`);
    super(message, options);
    this.name = options?.kind ?? (status === 400 ? "BadRequest" : status === 404 ? "NotFound" : "HttpError");
    this.status = status;
  }
}
