// The global `awslambda` of Lambda's Node runtimes.

export {};

declare global {
  namespace awslambda {
    interface ResponseStream extends NodeJS.WritableStream {
      setContentType(contentType: string): void;
      write(chunk: unknown, callback?: (error?: Error | null) => void): boolean;
      write(chunk: unknown, encoding?: BufferEncoding, callback?: (error?: Error | null) => void): boolean;
      readonly writableFinished: boolean;
      readonly writableEnded: boolean;
      destroy(error?: Error): this;
    }

    interface HttpResponsePrelude {
      statusCode?: number;
      headers?: Record<string, string | number | boolean | readonly string[]>;
      multiValueHeaders?: Record<string, readonly string[]>;
      cookies?: readonly string[];
    }

    class HttpResponseStream {
      static from(stream: ResponseStream, prelude: HttpResponsePrelude): ResponseStream;
    }

    interface Context {
      callbackWaitsForEmptyEventLoop: boolean;
      readonly functionName: string;
      readonly functionVersion: string;
      readonly invokedFunctionArn: string;
      readonly memoryLimitInMB: string;
      readonly awsRequestId: string;
      readonly logGroupName: string;
      readonly logStreamName: string;
      readonly tenantId?: string;
      readonly identity?: { cognitoIdentityId: string; cognitoIdentityPoolId: string };
      readonly clientContext?: any;
      getRemainingTimeInMillis(): number;
    }

    type StreamingHandler<Event = any> = (event: Event, responseStream: ResponseStream, context: Context) => unknown;

    function streamifyResponse<Event = any>(
      handler: StreamingHandler<Event>,
      options?: { highWaterMark?: number },
    ): StreamingHandler<Event>;
  }
}
