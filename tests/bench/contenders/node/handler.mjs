// The bench handler as a streaming function on AWS's Node runtime client.

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const now = () => performance.timeOrigin + performance.now();

const write = async (stream, data) => {
  if (!stream.write(data)) await once(stream, 'drain');
};

const works = {
  greet: (stream, { name }) => write(stream, `Hello, ${name}!\n`),
  async bulk(stream, { bytes, chunk }) {
    const data = Buffer.alloc(chunk, 'x');
    for (let n = Math.floor(bytes / chunk); n > 0; n--) {
      if (!stream.write(data)) await once(stream, 'drain');
    }
  },
  // Each token is the time when it was due.
  async tokens(stream, { count, ms }) {
    const begun = now();
    for (let n = 0; n < count; n++) {
      const due = begun + n * ms;
      if (due > now()) await sleep(due - now());
      await write(stream, `${BigInt(Math.round(due * 1000)) * 1000n}\n`);
    }
  },
  async compute(stream, { ms }) {
    await write(stream, 'before\n');
    const begun = performance.now();
    while (performance.now() - begun < ms);
    await write(stream, 'after\n');
  },
};

export const handler = awslambda.streamifyResponse(async (event, response) => {
  const work = JSON.parse(event.body);
  const stream = awslambda.HttpResponseStream.from(response, {
    statusCode: 200,
    headers: { 'content-type': 'text/plain' },
  });
  await works[work.work](stream, work);
  stream.end();
});
