// An order from DynamoDB, and what a model on Bedrock writes about it, as it writes: by AWS's own SDK, and without a key. The host signs
// these requests with the function's role, for the services that FIRSTBYTE_SIGN_AWS names, and replaces what the SDK says of credentials.

import { BedrockRuntimeClient, ConverseStreamCommand } from "@aws-sdk/client-bedrock-runtime";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { handler, HttpError } from "firstbyte";

const settings = () => ({
  region: process.env.AWS_REGION,
  credentials: { accessKeyId: "the host's", secretAccessKey: "the host's" },
  signer: { sign: async <T>(request: T) => request },
});

export default handler(async (request, response) => {
  const { order } = request.json<{ order: string }>();
  const { Item: item } = await new DynamoDBClient(settings()).send(new GetItemCommand({ TableName: process.env.TABLE, Key: { order: { S: order } } }));
  if (!item) throw new HttpError(404, `there is no order ${order}`);

  const body = response.start({ headers: { "content-type": "text/plain" } });
  body.write(`Order ${order}: ${item.total?.N}\n`);
  const text = `Thank for the order of ${item.total?.N} in one sentence.`;
  const { stream } = await new BedrockRuntimeClient(settings()).send(new ConverseStreamCommand({ modelId: process.env.MODEL, messages: [{ role: "user", content: [{ text }] }] }));
  for await (const { contentBlockDelta } of stream ?? []) if (contentBlockDelta?.delta?.text) body.write(contentBlockDelta.delta.text);
});
