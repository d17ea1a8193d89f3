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

export function contextOf(request) {
  const { env } = process;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: request.functionArn(),
    awsRequestId: request.requestId(),
    tenantId: request.tenantId(),
    clientContext: parsed(request.clientContext()),
    identity: parsed(request.cognitoIdentity()),
    getRemainingTimeInMillis: () => Number(request.remainingMs()),
  };
}
