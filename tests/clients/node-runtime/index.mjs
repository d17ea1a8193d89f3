// The greeting as a streaming function for Node, run by AWS's own runtime client.

import { setTimeout } from "node:timers/promises";

export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const { name } = event.body ? JSON.parse(event.body) : event;
  stream = awslambda.HttpResponseStream.from(stream, {
    statusCode: 200,
    headers: { "Content-Type": "text/plain", "Access-Control-Allow-Origin": "*" },
  });
  stream.write("Hello, this is a streamed response!\n");
  await setTimeout(2000);
  stream.write(`Hello, ${name}! This is a delayed message.\n`);
  stream.end();
});
