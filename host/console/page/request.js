// A request that can be sent: from the event of an invocation, for another door, and as a command to copy.
//
// A request is `{door, method, path, headers: [[name, value]], body}`, or with `data` (base64) in place of a body that is no text.

import { isHttp } from "./door.js";
import { bytesOf, textOf } from "./format.js";

/** What the console writes in the place of a credential. */
const REDACTED = "(redacted)";

/** Headers that the way to a function adds or sets. */
const OF_THE_WAY = /^(host|content-length|connection|transfer-encoding|via|forwarded|x-forwarded-.*|x-amzn-.*|x-amz-cf-id|cloudfront-.*)$/i;

/**
 * The request behind an invocation, `{request, left}`: `left` names what was redacted and cannot be sent again. Null if the event
 * is not known.
 */
export function requestOf(lane) {
  if (lane.event === null || lane.event === undefined) return null;
  if (!isHttp(lane.door)) return { request: { door: lane.door, method: "POST", path: "/", headers: [], body: lane.event }, left: [] };
  let event;
  try {
    event = JSON.parse(lane.event);
  } catch {
    return null;
  }
  const version2 = event.requestContext?.http !== undefined;
  const pairs = version2 ? Object.entries(event.headers ?? {}) : pairsOf(event.multiValueHeaders ?? event.headers);
  if (event.cookies?.length) pairs.push(["cookie", event.cookies.join("; ")]);
  const headers = pairs.filter(([name]) => !OF_THE_WAY.test(name));
  const isRedacted = ([, value]) => String(value).includes(REDACTED);
  const query = version2 ? event.rawQueryString : queryOf(event.multiValueQueryStringParameters ?? event.queryStringParameters);
  const request = {
    door: lane.door,
    method: version2 ? event.requestContext.http.method : event.httpMethod,
    path: (version2 ? event.rawPath : event.path) + (query ? `?${query}` : ""),
    headers: headers.filter((header) => !isRedacted(header)),
  };
  const body = event.body ?? "";
  const text = event.isBase64Encoded ? textOf(bytesOf(body)) : body;
  if (text === null) request.data = body;
  else request.body = text;
  return { request, left: headers.filter(isRedacted).map(([name]) => name) };
}

function pairsOf(fields) {
  return Object.entries(fields ?? {}).flatMap(([name, values]) => [values].flat().map((value) => [name, value]));
}

function queryOf(parameters) {
  return pairsOf(parameters).map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
}

/** The same request for another door: what `firstbyte invoke --via all` sends there. */
export function atDoor(request, door) {
  if (isHttp(request.door) === isHttp(door)) return { ...request, door };
  if (isHttp(door)) {
    return { door, method: "POST", path: "/", headers: [["content-type", "application/json"]], body: request.body };
  }
  const body = request.body ?? "";
  return { door, method: "POST", path: "/", headers: [], body: isJson(body) ? body : JSON.stringify(body === "" ? {} : body) };
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** For a shell: between single quotes. */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A command for a shell. `about` is what the console says of the doors. */
export function curl(request, about) {
  const base = about.doors[request.door].replace(/\/$/, "");
  const lines = [];
  if (isHttp(request.door)) {
    const http2 = request.door === "api_gateway" ? (base.startsWith("https:") ? " -k" : " --http2-prior-knowledge") : "";
    lines.push(`curl -N${http2} -X ${request.method} ${quoted(base + request.path)}`);
    lines.push(...request.headers.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`));
  } else {
    lines.push(`curl -N --output - ${quoted(`${base}/2021-11-15/functions/${about.function}/response-streaming-invocations`)}`);
  }
  if (request.data !== undefined) return `base64 -d <<< ${quoted(request.data)} | ${[...lines, "--data-binary @-"].join(" \\\n  ")}\n`;
  if (request.body) lines.push(`--data-raw ${quoted(request.body)}`);
  return `${lines.join(" \\\n  ")}\n`;
}

/** A program for Python. `payload` is what the function is handed. */
export function boto3(payload, about) {
  return `import boto3

client = boto3.client(
    "lambda",
    endpoint_url=${JSON.stringify(about.doors.lambda)},
    region_name="us-east-1",
    aws_access_key_id="local",
    aws_secret_access_key="local",
)
response = client.invoke_with_response_stream(
    FunctionName=${JSON.stringify(about.function)},
    Payload=${JSON.stringify(payload)},
)
for event in response["EventStream"]:
    if "PayloadChunk" in event:
        print(event["PayloadChunk"]["Payload"].decode(errors="replace"), end="", flush=True)
    else:
        print(event["InvokeComplete"])
`;
}

/** A program for Node.js. */
export function javascript(payload, about) {
  return `import { InvokeWithResponseStreamCommand, LambdaClient } from "@aws-sdk/client-lambda";

const client = new LambdaClient({
  endpoint: ${JSON.stringify(about.doors.lambda)},
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
});
const response = await client.send(new InvokeWithResponseStreamCommand({
  FunctionName: ${JSON.stringify(about.function)},
  Payload: ${JSON.stringify(payload)},
}));
for await (const event of response.EventStream) {
  if (event.PayloadChunk) process.stdout.write(event.PayloadChunk.Payload);
  else console.log(event.InvokeComplete);
}
`;
}
