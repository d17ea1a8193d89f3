import { setTimeout } from "node:timers/promises";

interface Greeting {
  name: string;
}

// A Function URL and an API bring the caller's JSON as a body; a direct caller's is the event itself.
export const handler = awslambda.streamifyResponse<Greeting & { body?: string }>(async (event, responseStream) => {
  const { name }: Greeting = event.body ? JSON.parse(event.body) : event;
  responseStream.setContentType("text/plain");
  responseStream.write("Hello, this is a streamed response!\n");
  await setTimeout(2000);
  responseStream.write(`Hello, ${name}! This is a delayed message.\n`);
  responseStream.end();
});
