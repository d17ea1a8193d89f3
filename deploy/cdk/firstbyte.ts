// Constructs for Firstbyte: the host as a layer, and a function whose code is one WebAssembly component. This file needs nothing
// beside it but aws-cdk-lib and the command line: copy it into an app of your own.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { Duration, RemovalPolicy } from "aws-cdk-lib";
import * as apigateway from "aws-cdk-lib/aws-apigateway";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import * as iam from "aws-cdk-lib/aws-iam";
import * as lambda from "aws-cdk-lib/aws-lambda";
import * as logs from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";

/** A layer that holds Lambda's `bootstrap`, for one architecture. */
export interface IFirstbyteHost extends lambda.ILayerVersion {
  readonly architecture: lambda.Architecture;
}

/** The host as a layer of this stack, made by the command line. It changes with Firstbyte's version, not with your handlers. */
export class FirstbyteHost extends lambda.LayerVersion implements IFirstbyteHost {
  /** A version of the layer that is there already. */
  static fromArn(scope: Construct, id: string, layerVersionArn: string, architecture: lambda.Architecture): IFirstbyteHost {
    return Object.assign(lambda.LayerVersion.fromLayerVersionArn(scope, id, layerVersionArn), { architecture });
  }

  constructor(
    scope: Construct,
    id: string,
    readonly architecture: lambda.Architecture,
  ) {
    super(scope, id, {
      description: "Firstbyte's bootstrap",
      code: firstbyte("layer", "--arch", architecture.name),
      compatibleRuntimes: [lambda.Runtime.PROVIDED_AL2023],
      compatibleArchitectures: [architecture],
      license: "Apache-2.0",
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }
}

/** What a handler's `#[firstbyte::init]` may do while it is built, as `firstbyte package --snapshot` takes it. */
export interface FirstbyteSnapshot {
  /** Environment variables that it may read (`--snapshot-env`): their values of now become part of the function's code. */
  readonly env?: string[];
  /** Lets it make `HashMap`s, whose seed all instances then share (`--snapshot-hash-seed`). */
  readonly hashSeed?: boolean;
}

export interface FirstbyteFunctionProps extends Omit<lambda.FunctionOptions, "architecture" | "layers" | "role" | "logGroup" | "tracing"> {
  /** The folder of a Rust handler, or a .wasm. Its name is the function's `Handler`. */
  readonly handler: string;
  /** The layer that runs it; its architecture is the function's. */
  readonly host: IFirstbyteHost;
  /** Hosts that the handler may call, as `FIRSTBYTE_ALLOW_HTTP` takes them; none by default. */
  readonly allowHttp?: string[];
  /** Prepares a Rust handler while it is built (`firstbyte package --snapshot`): every instance begins with the memory as it is then. */
  readonly snapshot?: boolean | FirstbyteSnapshot;
}

/** A streaming function: JSON logs in a group of its own, traces, and no right beyond these until you grant one. */
export class FirstbyteFunction extends lambda.Function {
  constructor(scope: Construct, id: string, { handler, host, allowHttp, snapshot, ...options }: FirstbyteFunctionProps) {
    const code = firstbyte("package", resolve(handler), "--arch", host.architecture.name, ...snapshotOptions(snapshot));
    const logGroup = new logs.LogGroup(scope, `${id}Logs`, {
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new iam.Role(scope, `${id}Role`, {
      assumedBy: new iam.ServicePrincipal("lambda.amazonaws.com"),
      // X-Ray knows no resources to name, so AWS's own policy is taken for it.
      managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName("AWSXRayDaemonWriteAccess")],
    });
    logGroup.grantWrite(role);
    super(scope, id, {
      memorySize: 128,
      loggingFormat: lambda.LoggingFormat.JSON,
      applicationLogLevelV2: lambda.ApplicationLogLevel.INFO,
      systemLogLevelV2: lambda.SystemLogLevel.INFO,
      ...options,
      environment: { ...(allowHttp ? { FIRSTBYTE_ALLOW_HTTP: allowHttp.join(",") } : {}), ...options.environment },
      runtime: lambda.Runtime.PROVIDED_AL2023,
      architecture: host.architecture,
      layers: [host],
      handler: code.handler,
      code,
      role,
      logGroup,
    });
    // Not `tracing`: that would write a policy for any resource.
    (this.node.defaultChild as lambda.CfnFunction).tracingConfig = { mode: "Active" };
  }

  /** What `grantInvoke` covers: this function, and not whatever versions it will have. An alias grants its own. */
  override get resourceArnsForGrantInvoke(): string[] {
    return [this.functionArn];
  }

  /** A Function URL that streams. */
  addStreamingUrl(authType = lambda.FunctionUrlAuthType.AWS_IAM): lambda.FunctionUrl {
    return this.addFunctionUrl({ authType, invokeMode: lambda.InvokeMode.RESPONSE_STREAM });
  }

  /** Lets someone call the Function URL with signed requests: both permissions that this needs since October 2025. */
  grantInvokeStreamingUrl(grantee: iam.IGrantable): void {
    const grant = (action: string, conditions: Record<string, Record<string, string>>) =>
      iam.Grant.addToPrincipal({ grantee, actions: [action], resourceArns: [this.functionArn], conditions });
    grant("lambda:InvokeFunctionUrl", { StringEquals: { "lambda:FunctionUrlAuthType": "AWS_IAM" } });
    grant("lambda:InvokeFunction", { Bool: { "lambda:InvokedViaFunctionUrl": "true" } });
  }

  /** An integration that streams, for a method of a REST API. */
  streamingIntegration(options: apigateway.LambdaIntegrationOptions = {}): apigateway.LambdaIntegration {
    return new apigateway.LambdaIntegration(this, {
      responseTransferMode: apigateway.ResponseTransferMode.STREAM,
      allowTestInvoke: false,
      timeout: this.timeout,
      ...options,
    });
  }
}

export interface FirstbyteTelemetryProps {
  /** Milliseconds that 99 of 100 first bytes may take; 1000 by default. */
  readonly firstByteMs?: number;
  /** Percent of the streams that may fail by the function's own fault; 1 by default. */
  readonly failedPercent?: number;
  /** CloudWatch's namespace; `Firstbyte` by default. */
  readonly namespace?: string;
}

/** Metrics of a function's streams, with a dashboard, and alarms for late first bytes and for failed streams. */
export class FirstbyteTelemetry extends Construct {
  readonly dashboard: cloudwatch.Dashboard;
  /** Give them actions: `lateFirstBytes.addAlarmAction(…)`. */
  readonly lateFirstBytes: cloudwatch.Alarm;
  readonly failedStreams: cloudwatch.Alarm;

  constructor(scope: Construct, id: string, streams: FirstbyteFunction, props: FirstbyteTelemetryProps = {}) {
    super(scope, id);
    const { firstByteMs = 1000, failedPercent = 1, namespace = "Firstbyte" } = props;
    streams.addEnvironment("FIRSTBYTE_METRICS", "emf");
    if (namespace !== "Firstbyte") streams.addEnvironment("FIRSTBYTE_METRICS_NAMESPACE", namespace);
    const dimensionsMap = { FunctionName: streams.functionName };
    const metric = (metricName: string, statistic: string, minutes = 1) =>
      new cloudwatch.Metric({ namespace, metricName, dimensionsMap, statistic, period: Duration.minutes(minutes), label: `${metricName}, ${statistic}` });

    this.lateFirstBytes = metric("FirstByteTime", "p99", 5).createAlarm(this, "LateFirstBytes", {
      alarmDescription: "The first bytes of responses come late",
      threshold: firstByteMs,
      evaluationPeriods: 3,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    const endings = ["Succeeded", "ClientErrors", "FunctionErrors", "Traps", "Deadlines", "LimitsMet"];
    const usingMetrics = Object.fromEntries(endings.map((name) => [name.toLowerCase(), metric(name, "Sum", 5)]));
    const share = new cloudwatch.MathExpression({
      expression: "100 * (functionerrors + traps + deadlines + limitsmet) / (succeeded + clienterrors + functionerrors + traps + deadlines + limitsmet)",
      label: "Failed streams, in percent",
      usingMetrics,
      period: Duration.minutes(5),
    });
    this.failedStreams = share.createAlarm(this, "FailedStreams", {
      alarmDescription: "More streams than may failed by the function's own fault, whether a caller could see it or not",
      threshold: failedPercent,
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    const graph = (title: string, left: cloudwatch.IMetric[], more: Partial<cloudwatch.GraphWidgetProps> = {}) =>
      new cloudwatch.GraphWidget({ title, left, width: 12, height: 6, ...more });
    const milliseconds = { leftYAxis: { label: "ms", showUnits: false, min: 0 } };
    const waits = ["BlockedTime", "LongestSilence", "UpstreamFirstByteTime"].map((name) => metric(name, "p99"));
    this.dashboard = new cloudwatch.Dashboard(this, "Dashboard", {
      widgets: [
        [
          graph("First byte", [metric("FirstByteTime", "p50"), metric("FirstByteTime", "p99")], milliseconds),
          graph("How streams ended", endings.map((name) => metric(name, "Sum")), { stacked: true }),
        ],
        [
          graph("Waiting: for the reader, and in silence", waits, milliseconds),
          graph("What a stream takes", [metric("CpuTime", "p50")], { right: [metric("MemoryUsed", "p50")] }),
        ],
      ],
    });
  }
}

function snapshotOptions(snapshot: boolean | FirstbyteSnapshot = false): string[] {
  if (snapshot === false) return [];
  const { env = [], hashSeed = false } = snapshot === true ? {} : snapshot;
  return ["--snapshot", ...env.map((name) => `--snapshot-env=${name}`), ...(hashSeed ? ["--snapshot-hash-seed"] : [])];
}

/** What `firstbyte package` or `firstbyte layer` writes. FIRSTBYTE names the program, if it is not on the path. */
function firstbyte(...words: string[]): lambda.AssetCode & { handler: string } {
  const output = mkdtempSync(join(tmpdir(), "firstbyte-"));
  const program = process.env.FIRSTBYTE || "firstbyte";
  try {
    // Standard output is for the template.
    execFileSync(program, [...words, "--unpacked", "--output", output], { stdio: ["ignore", 2, 2] });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error(`${program} is not there: install Firstbyte's command line, or name it in the variable FIRSTBYTE`);
  }
  const component = readdirSync(output).find((name) => name.endsWith(".cwasm")) ?? "";
  return Object.assign(lambda.Code.fromAsset(output), { handler: basename(component, ".cwasm") });
}
