// An app of a user's own: the README's handler, once with a layer that is made here, and once, prepared while it is built, with one that
// is there already.

import { App, Stack } from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { FirstbyteFunction, FirstbyteHost } from "./firstbyte";

const architecture = process.env.ARCH === "arm64" ? lambda.Architecture.ARM_64 : lambda.Architecture.X86_64;
const stack = new Stack(new App(), "Own");
const made = new FirstbyteHost(stack, "Host", architecture);
const given = FirstbyteHost.fromArn(stack, "Given", "arn:aws:lambda:us-east-1:123456789012:layer:firstbyte:7", architecture);
const handler = "../prepared";
new FirstbyteFunction(stack, "WithMade", { handler, host: made }).addStreamingUrl();
new FirstbyteFunction(stack, "WithGiven", { handler, host: given, snapshot: { env: ["TABLE"], hashSeed: true } }).addStreamingUrl();
