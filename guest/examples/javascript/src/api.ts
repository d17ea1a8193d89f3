// Behind a REST API of API Gateway whose integration streams (ResponseTransferMode STREAM).

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout } from "node:timers/promises";
import * as v from "valibot";
import { requestSchema } from "./schema/request";

interface RestEvent {
  body: string | null;
}

async function* lines(name: string) {
  yield "Hello, this is a streamed response!\n";
  await setTimeout(2000);
  yield `Hello, ${name}! This is a delayed message.\n`;
}

export const handler = awslambda.streamifyResponse<RestEvent>(async (event, responseStream) => {
  const { name } = v.parse(requestSchema, JSON.parse(event.body ?? "{}"));
  const http = awslambda.HttpResponseStream.from(responseStream, {
    statusCode: 200,
    headers: { "Content-Type": "text/plain", "Access-Control-Allow-Origin": "*" },
  });
  await pipeline(Readable.from(lines(name)), http);
});
