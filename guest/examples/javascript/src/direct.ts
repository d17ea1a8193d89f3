// Called by an SDK's InvokeWithResponseStream: the event is the payload.

import { setTimeout } from "node:timers/promises";
import * as v from "valibot";

const Event = v.object({ name: v.string() });

export const handler = awslambda.streamifyResponse(async (event: unknown, responseStream) => {
  const { name } = v.parse(Event, event);

  responseStream.setContentType("text/plain");
  responseStream.write("Hello, this is a streamed response!\n");
  await setTimeout(2000);
  responseStream.write(`Hello, ${name}! This is a delayed message.\n`);
  responseStream.end();
});
