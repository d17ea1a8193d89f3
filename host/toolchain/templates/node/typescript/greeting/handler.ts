import { setTimeout } from "node:timers/promises";

interface Event {
  name: string;
}

export const handler = awslambda.streamifyResponse<Event>(async (event, responseStream) => {
  responseStream.setContentType("text/plain");
  responseStream.write("Hello, this is a streamed response!\n");
  await setTimeout(2000);
  responseStream.write(`Hello, ${event.name}! This is a delayed message.\n`);
  responseStream.end();
});
