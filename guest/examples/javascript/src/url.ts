// Behind a Function URL with InvokeMode RESPONSE_STREAM.

import { setTimeout } from "node:timers/promises";
import * as v from "valibot";
import { requestSchema } from "./schema/request";

interface FunctionUrlEvent {
  body?: string;
  isBase64Encoded: boolean;
}

export const handler = awslambda.streamifyResponse<FunctionUrlEvent>(async (event, responseStream) => {
  const body = event.isBase64Encoded ? Buffer.from(event.body ?? "", "base64").toString() : (event.body ?? "");
  const input = v.safeParse(v.pipe(v.string(), v.parseJson(), requestSchema), body);
  if (!input.success) {
    responseStream = awslambda.HttpResponseStream.from(responseStream, { statusCode: 400, headers: { "Content-Type": "application/json" } });
    responseStream.write(JSON.stringify({ message: "Invalid input" }));
    responseStream.end();
    return;
  }

  responseStream = awslambda.HttpResponseStream.from(responseStream, {
    statusCode: 200,
    headers: { "Content-Type": "text/plain", "Access-Control-Allow-Origin": "*" },
  });
  responseStream.write("Hello, this is a streamed response!\n");
  await setTimeout(2000);
  responseStream.write(`Hello, ${input.output.name}! This is a delayed message.\n`);
  responseStream.end();
});
