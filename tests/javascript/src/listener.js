// A handler of the web in its older form: a listener, and no export.

const lines = async function* () {
  yield "first\n";
  await new Promise((done) => setTimeout(done, 1000));
  yield "second\n";
};

async function answer(request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/lines") return new Response(ReadableStream.from(lines()).pipeThrough(new TextEncoderStream()), { headers: { "content-type": "text/plain" } });
  if (pathname === "/echo") return Response.json({ method: request.method, body: await request.json(), said: request.headers.get("x-said") }, { status: 201 });
  if (pathname === "/fails") throw new TypeError("in a listener");
  return new Response("nothing here", { status: 404 });
}

addEventListener("fetch", (event) => {
  if (new URL(event.request.url).pathname === "/at-once") throw new TypeError("at once");
  event.respondWith(answer(event.request));
});
