// Invokes a function with InvokeWithResponseStream and prints each chunk when it arrives, then how it ended and its log.
//
// node invoke.mjs [--endpoint-url URL] [--region REGION] FUNCTION [PAYLOAD]

import { parseArgs } from "node:util";
import { InvokeWithResponseStreamCommand, LambdaClient } from "@aws-sdk/client-lambda";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "endpoint-url": { type: "string" }, region: { type: "string" } },
});
const [FunctionName, Payload = "{}"] = positionals;
if (!FunctionName) {
  console.error("usage: node invoke.mjs [--endpoint-url URL] [--region REGION] FUNCTION [PAYLOAD]");
  process.exit(2);
}

const endpoint = values["endpoint-url"];
const client = new LambdaClient({
  region: values.region ?? process.env.AWS_REGION ?? "us-east-1",
  // The emulator takes any credentials.
  ...(endpoint && { endpoint, credentials: { accessKeyId: "local", secretAccessKey: "local" } }),
});

const begun = performance.now();
const tell = (text) => process.stdout.write(`${((performance.now() - begun) / 1000).toFixed(3).padStart(8)} s  ${text}\n`);

const { EventStream } = await client.send(new InvokeWithResponseStreamCommand({ FunctionName, Payload, LogType: "Tail" }));

// A character may lie in two chunks: one decoder for all of them.
const decoder = new TextDecoder();
let complete;
for await (const event of EventStream) {
  if (event.PayloadChunk) {
    tell(JSON.stringify(decoder.decode(event.PayloadChunk.Payload, { stream: true })));
  } else if (event.InvokeComplete) {
    complete = event.InvokeComplete;
  }
}

if (!complete) {
  tell("the response broke off");
} else if (complete.ErrorCode) {
  tell(`InvokeComplete: ${complete.ErrorCode} ${complete.ErrorDetails}`);
} else {
  tell("InvokeComplete");
}
if (complete?.LogResult) {
  console.log(`\n${Buffer.from(complete.LogResult, "base64").toString().trimEnd()}`);
}
process.exit(complete && !complete.ErrorCode ? 0 : 1);
