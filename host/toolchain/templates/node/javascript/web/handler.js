export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const name = /^\/hello\/([^/]+)$/.exec(pathname)?.[1];
    if (name === undefined) return new Response("There is nothing here.\n", { status: 404 });

    async function* lines() {
      yield "Hello, this is a streamed response!\n";
      await new Promise((resolve) => setTimeout(resolve, 1000));
      yield `Hello, ${decodeURIComponent(name)}!\n`;
    }
    const body = ReadableStream.from(lines()).pipeThrough(new TextEncoderStream());
    return new Response(body, { headers: { "content-type": "text/plain; charset=utf-8" } });
  },
};
