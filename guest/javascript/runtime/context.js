// The `context` of a Lambda handler.

import { process } from "./process.js";

const parsed = (text) => {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** What each name of a context is, asked of a request. After its invocation there is none. */
const ASKED = {
  functionName: () => process.env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: () => process.env.AWS_LAMBDA_FUNCTION_VERSION,
  memoryLimitInMB: () => process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  logGroupName: () => process.env.AWS_LAMBDA_LOG_GROUP_NAME,
  logStreamName: () => process.env.AWS_LAMBDA_LOG_STREAM_NAME,
  invokedFunctionArn: (request) => request?.functionArn(),
  awsRequestId: (request) => request?.requestId(),
  tenantId: (request) => request?.tenantId(),
  clientContext: (request) => parsed(request?.clientContext()),
  identity: (request) => parsed(request?.cognitoIdentity()),
};

/** A context that is not yet connected to a request, and what connects it. */
function prepare() {
  let request;
  const known = new Map();
  const context = { callbackWaitsForEmptyEventLoop: true };
  for (const [name, ask] of Object.entries(ASKED)) {
    // The host is asked when somebody looks: most handlers do not, and each answer has to be carried over.
    const get = () => {
      if (!known.has(name)) known.set(name, ask(request));
      return known.get(name);
    };
    const set = function (value) {
      if (this === context) known.set(name, value);
      else Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
    };
    Object.defineProperty(context, name, { get, set, enumerable: true, configurable: true });
  }
  context.getRemainingTimeInMillis = () => Number(request?.remainingMs() ?? 0);
  // A log shows values, and no accessors.
  Object.defineProperty(context, Symbol.for("nodejs.util.inspect.custom"), { value: () => ({ ...context }) });
  return { context, connect(to) { request = to; } };
}

// Made in the build for the first invocation of each instance, which is mostly the only one.
let prepared = prepare();
let connected;
let isReused = false;

export function contextOf(request) {
  connected = prepared ?? prepare();
  prepared = undefined;
  connected.connect(request);
  const { context } = connected;
  // A handler that is called again and again may keep a context for longer than its invocation.
  return isReused ? Object.assign(context, context) : context;
}

/** The invocation is over: from now on the host would answer for another one. */
export function disconnect() {
  connected?.connect(undefined);
  connected = undefined;
  isReused = true;
}
