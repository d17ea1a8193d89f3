/** How a handler is invoked in a test. */
export interface Invocation {
  /** The door; `direct` if absent. */
  via?: "direct" | "url" | "api";
  /** What is sent, as JSON. */
  json?: unknown;
  /** What is sent, as it is. */
  body?: string | Uint8Array;
  /** `POST` if absent. */
  method?: string;
  /** Path and query, percent-encoded; `/` if absent. */
  path?: string;
  headers?: Record<string, string | readonly string[]>;
  /** `name=value`, one each. */
  cookies?: readonly string[];
  /** The function's timeout in milliseconds; a minute if absent. */
  timeout?: number;
  /** Whether waiting takes no time; true if absent. */
  paused?: boolean;
  tenantId?: string;
  traceId?: string;
  clientContext?: unknown;
  identity?: unknown;
}

/** A request of the handler's to another server. */
export interface UpstreamRequest {
  method: string;
  /** Scheme, host and port. */
  origin: string;
  /** Path and query. */
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** What another server answers. */
export interface UpstreamAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** Pieces in their order: bytes, a number of milliseconds to wait, or null to break the connection off. */
  body?: string | Uint8Array | readonly (string | Uint8Array | number | null)[];
  /** Milliseconds before the head. */
  after?: number;
  /** The connection is refused. */
  refused?: boolean;
}

/** By origin, what other servers answer. */
export type Upstreams = Record<string, UpstreamAnswer | ((request: UpstreamRequest) => UpstreamAnswer | Promise<UpstreamAnswer>)>;

/** The function's settings. */
export interface Settings {
  /** Environment variables, `FIRSTBYTE_ALLOW_HTTP` among them. */
  env?: Record<string, string>;
  upstreams?: Upstreams;
}

/** What a handler answered. */
export interface Answer {
  /** What an HTTP caller sees. Absent if no response was started. */
  readonly status: number | undefined;
  readonly headers: readonly (readonly [string, string])[];
  header(name: string): string | undefined;
  /** The body, write by write; `at` is in milliseconds since the invocation's beginning. */
  readonly chunks: readonly { readonly at: number; readonly bytes: Buffer; readonly text: string }[];
  bytes(): Buffer;
  text(): string;
  json(): any;
  /** What Lambda was told of a failure. */
  readonly failure: { errorType: string; errorMessage: string; stackTrace: string[] } | undefined;
  readonly log: readonly ({ level: string; message: string } & Record<string, unknown>)[];
}

/** A handler that is loaded. */
export class Handler {
  static load(wasm: string, settings?: Settings): Promise<Handler>;
  invoke(invocation?: Invocation): Promise<Answer>;
  close(): void;
}

/** Invokes a component, which is loaded once in a process. */
export function invoke(wasm: string, options?: Invocation & Settings): Promise<Answer>;
