export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const name = /^\/hello\/([^/]+)$/.exec(pathname)?.[1];
    if (name === undefined) return new Response("There is nothing here.\n", { status: 404 });

    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(encoder.encode("Hello, this is a streamed response!\n"));
        await new Promise((resolve) => setTimeout(resolve, 1000));
        controller.enqueue(encoder.encode(`Hello, ${decodeURIComponent(name)}!\n`));
        controller.close();
      },
    });
    return new Response(body, { headers: { "content-type": "text/plain; charset=utf-8" } });
  },
};
