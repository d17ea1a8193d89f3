/// <reference path="./lambda.d.ts" />

/** Headers of a response: a name may have several values. */
export type HeadersInit = Record<string, string | number | boolean | readonly string[]> | readonly (readonly [string, string])[] | Headers;

/** What precedes a body. */
export interface Head {
  /** 200 to 599; 200 if absent. */
  status?: number;
  headers?: HeadersInit;
  /** `name=value; Path=/`, one each. */
  cookies?: readonly string[];
}

/** The HTTP request behind an invocation. */
export interface HttpRequest {
  readonly method: string;
  /** Percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly cookies: Record<string, string>;
}

/** What the caller sent, and what Lambda says of it. */
export interface HandlerRequest {
  /** Absent for a direct invocation. */
  readonly http: HttpRequest | undefined;
  /** What was sent, as JSON: the event of a direct invocation, the body of an HTTP request. If it is not JSON, the caller gets a 400. */
  json<T = unknown>(): T;
  text(): string;
  bytes(): Uint8Array;
  /** The event as Lambda delivered it. */
  readonly event: unknown;
  readonly door: "direct" | "function-url" | "api-gateway" | (string & {});
  readonly requestId: string;
  readonly functionArn: string;
  /** Milliseconds until the host ends this invocation. */
  readonly remainingMs: number;
  readonly traceId: string | undefined;
  readonly tenantId: string | undefined;
  readonly clientContext: unknown;
  readonly cognitoIdentity: unknown;
}

/** A server-sent event. */
export interface SseEvent {
  event?: string;
  id?: string;
  /** Milliseconds. */
  retry?: number;
  /** A string as it is, everything else as JSON. */
  data: unknown;
}

/** A response that was started. */
export interface ResponseBody {
  /** Sends a string or bytes, which are on their way when this returns. Waits while the caller reads more slowly. */
  write(chunk: string | ArrayBufferView | ArrayBuffer): void;
  /** Sends what an iterable or a stream brings, as it comes. */
  pipe(source: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array> | ReadableStream<string | Uint8Array>): Promise<void>;
  sse(event: SseEvent): void;
  /** Ends the response before the handler returns. */
  end(): void;
}

/** The right to respond, once. */
export interface HandlerResponse {
  readonly isStarted: boolean;
  /** Sends the head at once. */
  start(head?: Head): ResponseBody;
  /** Starts a response of server-sent events. */
  sse(head?: Head): ResponseBody;
  json(value: unknown, head?: Head): void;
  text(text: string, head?: Head): void;
  html(text: string, head?: Head): void;
}

type Returned = void | string | Uint8Array | Response | AsyncIterable<string | Uint8Array> | ReadableStream<Uint8Array> | object;

/** Makes a function this module's handler: `export default handler(async (request, response) => { … })`. */
export function handler(answer: (request: HandlerRequest, response: HandlerResponse) => Returned | Promise<Returned>): typeof answer;

/** An error with the HTTP status that it is answered with, if the response was not started. With a 4xx the caller is shown the message. */
export class HttpError extends Error {
  constructor(status: number, message: string, options?: ErrorOptions & { kind?: string });
  readonly status: number;
}
