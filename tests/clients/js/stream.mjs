// AWS's JavaScript SDK as a client of the Lambda API: one line of JSON for each thing that arrives, with its time.
//
// Usage: stream.mjs ENDPOINT FUNCTION PAYLOAD [stream|invoke]

import { InvokeCommand, InvokeWithResponseStreamCommand, LambdaClient } from "@aws-sdk/client-lambda";

const [endpoint, FunctionName, Payload, how = "stream"] = process.argv.slice(2);
if (endpoint === "--version") process.exit(0);

const client = new LambdaClient({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
  maxAttempts: 1,
});
const begun = performance.now();
const tell = (what) => console.log(JSON.stringify({ at: (performance.now() - begun) / 1000, ...what }));
const text = (bytes) => new TextDecoder().decode(bytes);

try {
  if (how === "invoke") {
    const response = await client.send(new InvokeCommand({ FunctionName, Payload, LogType: "Tail" }));
    tell({ status: response.StatusCode, error: response.FunctionError });
    tell({ chunk: text(response.Payload) });
  } else {
    const response = await client.send(new InvokeWithResponseStreamCommand({ FunctionName, Payload, LogType: "Tail" }));
    tell({ status: response.StatusCode, version: response.ExecutedVersion });
    for await (const event of response.EventStream) {
      if (event.PayloadChunk) tell({ chunk: text(event.PayloadChunk.Payload) });
      else tell({ complete: event.InvokeComplete });
    }
  }
} catch (error) {
  tell({ error: error.name, message: error.message });
}
