// Called by an SDK's InvokeWithResponseStream: the event is the payload. The greetings of this folder follow the article "Lambda
// でレスポンスストリーミングをする" (Kanaru, 2026-06-11, https://dev.classmethod.jp/articles/lambda-response-streaming/), a handler for each door.

import * as v from "valibot";
import { requestSchema } from "./schema/request";

export const handler = awslambda.streamifyResponse(async (event, responseStream, _context) => {
  const body = v.parse(requestSchema, event);

  responseStream.write("Hello, this is a streamed response!\n");
  // The first line is at the caller's meanwhile.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  responseStream.write(`Hello, ${body.name}! This is a delayed message.\n`);
  responseStream.end();
});
