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

/** What each name of a context is, asked of a request. */
const ASKED = {
  functionName: () => process.env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: () => process.env.AWS_LAMBDA_FUNCTION_VERSION,
  memoryLimitInMB: () => process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  logGroupName: () => process.env.AWS_LAMBDA_LOG_GROUP_NAME,
  logStreamName: () => process.env.AWS_LAMBDA_LOG_STREAM_NAME,
  invokedFunctionArn: (request) => request.functionArn(),
  awsRequestId: (request) => request.requestId(),
  tenantId: (request) => request.tenantId(),
  clientContext: (request) => parsed(request.clientContext()),
  identity: (request) => parsed(request.cognitoIdentity()),
};

/** A context that is not yet connected to a request, and what connects it. */
function prepare() {
  let request;
  const context = { callbackWaitsForEmptyEventLoop: true };
  for (const [name, ask] of Object.entries(ASKED)) {
    const set = (value) => Object.defineProperty(context, name, { value, writable: true, enumerable: true, configurable: true });
    // The host is asked when somebody looks: most handlers do not, and each answer has to be carried over.
    const get = () => set(ask(request))[name];
    Object.defineProperty(context, name, { get, set, enumerable: true, configurable: true });
  }
  context.getRemainingTimeInMillis = () => Number(request.remainingMs());
  return { context, connect(to) { request = to; } };
}

// Made in the build for the first invocation of each instance, which is mostly the only one.
let prepared = prepare();

export function contextOf(request) {
  const { context, connect } = prepared ?? prepare();
  prepared = undefined;
  connect(request);
  return context;
}
