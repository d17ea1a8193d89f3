// DynamoDB and Bedrock, played by the test, which signs each request once more, with AWS's own signer, and compares.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import { EventStreamCodec } from "@smithy/core/event-streams";
import { fromUtf8, toUtf8 } from "@smithy/core/serde";
import { SignatureV4 } from "@smithy/signature-v4";
import { invoke } from "firstbyte/testing";

const REGION = "eu-central-1";
const [DYNAMODB, BEDROCK] = ["dynamodb", "bedrock-runtime"].map((name) => `https://${name}.${REGION}.amazonaws.com`);
const [KEY, SECRET, SESSION] = ["AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a session"];
const env = {
  AWS_REGION: REGION, TABLE: "orders", MODEL: "some.model-v1:0",
  FIRSTBYTE_SIGN_AWS: "dynamodb,bedrock", FIRSTBYTE_ALLOW_HTTP: `${DYNAMODB},${BEDROCK}`,
  AWS_ACCESS_KEY_ID: KEY, AWS_SECRET_ACCESS_KEY: SECRET, AWS_SESSION_TOKEN: SESSION,
};

/** SHA-256, as the signer takes it. */
class Sha256 {
  #hash;
  constructor(key) { this.#hash = key ? createHmac("sha256", key) : createHash("sha256"); }
  update(data) { this.#hash.update(data); }
  async digest() { return this.#hash.digest(); }
}

/** Fails unless the request carries the signature of the function's role. */
async function assertSigned(request, service) {
  const [, scope, names] = request.headers.authorization.match(/^AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=[0-9a-f]{64}$/);
  assert.match(scope, new RegExp(`^${KEY}/\\d{8}/${REGION}/${service}/aws4_request$`));
  assert.ok(names.split(";").includes("host") && names.split(";").includes("x-amz-security-token"), names);
  const at = request.headers["x-amz-date"].replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  const signer = new SignatureV4({ credentials: { accessKeyId: KEY, secretAccessKey: SECRET, sessionToken: SESSION }, region: REGION, service, sha256: Sha256, applyChecksum: false });
  const headers = Object.fromEntries(names.split(";").filter((name) => !/^x-amz-(date|security-token)$/.test(name)).map((name) => [name, request.headers[name]]));
  const [path, query = ""] = request.path.split("?");
  const again = await signer.sign({ method: request.method, protocol: "https:", hostname: new URL(request.origin).hostname, path, query: Object.fromEntries(new URLSearchParams(query)), headers, body: request.body }, { signingDate: new Date(at) });
  assert.equal(request.headers.authorization, again.headers.authorization);
}

const codec = new EventStreamCodec(toUtf8, fromUtf8);
const string = (value) => ({ type: "string", value });
const event = (type, value) =>
  Buffer.from(codec.encode({ headers: { ":message-type": string("event"), ":event-type": string(type), ":content-type": string("application/json") }, body: Buffer.from(JSON.stringify(value)) }));
const said = (text) => event("contentBlockDelta", { contentBlockIndex: 0, delta: { text } });

async function ask(found, settings = env) {
  const asked = { dynamodb: [], bedrock: [] };
  const upstreams = {
    [DYNAMODB]: (request) => {
      asked.dynamodb.push(request);
      return { headers: { "content-type": "application/x-amz-json-1.0" }, body: JSON.stringify(found) };
    },
    [BEDROCK]: (request) => {
      asked.bedrock.push(request);
      return { headers: { "content-type": "application/vnd.amazon.eventstream" }, body: [event("messageStart", { role: "assistant" }), said("Thank "), 1000, said("you!"), event("messageStop", { stopReason: "end_turn" })] };
    },
  };
  return { response: await invoke("dist/aws.wasm", { via: "url", env: settings, upstreams, json: { order: "7" } }), asked };
}

test("AWS's SDK asks DynamoDB and Bedrock, whose answer streams, and the host signs", async () => {
  const { response, asked } = await ask({ Item: { order: { S: "7" }, total: { N: "12.5" } } });
  assert.equal(response.text(), "Order 7: 12.5\nThank you!", JSON.stringify([response.failure, response.log]));
  const [, first, second] = response.chunks;
  assert.ok(Math.round(second.at - first.at) >= 500, "the model's words are passed on as they come");
  const [[get], [converse]] = [asked.dynamodb, asked.bedrock];
  assert.deepEqual([get.headers["x-amz-target"], JSON.parse(get.body)], ["DynamoDB_20120810.GetItem", { TableName: "orders", Key: { order: { S: "7" } } }]);
  assert.equal(converse.path, "/model/some.model-v1%3A0/converse-stream");
  await assertSigned(get, "dynamodb");
  await assertSigned(converse, "bedrock");
});

test("a signature of another secret is told from the host's", async () => {
  const { asked } = await ask({}, { ...env, AWS_SECRET_ACCESS_KEY: "another" });
  await assert.rejects(assertSigned(asked.dynamodb[0], "dynamodb"), assert.AssertionError);
});

test("what is not found is the caller's mistake", async () => {
  const { response, asked } = await ask({});
  assert.deepEqual([response.status, response.json(), asked.bedrock.length], [404, { message: "there is no order 7" }, 0]);
});
