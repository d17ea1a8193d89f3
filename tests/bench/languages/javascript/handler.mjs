// What is measured: a greeting without a pause, as the article has it behind a Function URL. The same file runs on Node.js.

export const handler = awslambda.streamifyResponse(async (event, responseStream) => {
  const { name } = JSON.parse(event.body);
  responseStream = awslambda.HttpResponseStream.from(responseStream, { statusCode: 200, headers: { "Content-Type": "text/plain" } });
  responseStream.write(`Hello, ${name}!\n`);
  responseStream.write("This is streamed.\n");
  responseStream.end();
});
