import { setTimeout } from "node:timers/promises";

export const handler = awslambda.streamifyResponse(async (event, responseStream) => {
  responseStream.setContentType("text/plain");
  responseStream.write("Hello, this is a streamed response!\n");
  await setTimeout(2000);
  responseStream.write(`Hello, ${event.name}! This is a delayed message.\n`);
  responseStream.end();
});
