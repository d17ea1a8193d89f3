// The greeting behind each of Lambda's three ways in.

import { join } from "node:path";
import { App, CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import * as apigateway from "aws-cdk-lib/aws-apigateway";
import * as iam from "aws-cdk-lib/aws-iam";
import * as lambda from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { FirstbyteFunction, FirstbyteHost, FirstbyteTelemetry } from "./firstbyte";

// This file runs from build/.
const greeting = join(__dirname, "../../../guest/examples/greeting");

class Greetings extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    const host = new FirstbyteHost(this, "Host", lambda.Architecture.ARM_64);
    const timeout = Duration.seconds(30);

    // Way 1: a Function URL. Without NONE, only signed requests: see grantInvokeStreamingUrl.
    const byUrl = new FirstbyteFunction(this, "UrlGreeting", { handler: greeting, host, timeout });
    const url = byUrl.addStreamingUrl(lambda.FunctionUrlAuthType.NONE);
    // How late its first bytes are, and how its streams end: see "Metrics and traces" in ../README.md.
    new FirstbyteTelemetry(this, "UrlTelemetry", byUrl);

    // Way 2: a REST API. Regional: a stream may pause for five minutes.
    const byApi = new FirstbyteFunction(this, "ApiGreeting", { handler: greeting, host, timeout });
    const api = new apigateway.RestApi(this, "Api", {
      endpointTypes: [apigateway.EndpointType.REGIONAL],
      deployOptions: { stageName: "dev", tracingEnabled: true, throttlingRateLimit: 50, throttlingBurstLimit: 100 },
    });
    api.root.addResource("greeting").addMethod("POST", byApi.streamingIntegration());

    // Way 3: direct, for whoever may.
    const direct = new FirstbyteFunction(this, "DirectGreeting", { handler: greeting, host, timeout });
    const caller = new iam.Role(this, "Caller", { assumedBy: new iam.ServicePrincipal("ecs-tasks.amazonaws.com") });
    direct.grantInvoke(caller);
    byUrl.grantInvokeStreamingUrl(caller);

    const body = `-d '{"name":"hoge"}'`;
    new CfnOutput(this, "CallUrl", { value: `curl -N '${url.url}' ${body}` });
    new CfnOutput(this, "CallApi", { value: `curl -N '${api.urlForPath("/greeting")}' ${body}` });
    new CfnOutput(this, "CallDirect", {
      value: `node ../clients/javascript/invoke.mjs --region ${this.region} ${direct.functionName} '{"name":"hoge"}'`,
    });
  }
}

new Greetings(new App(), "FirstbyteGreetings");
