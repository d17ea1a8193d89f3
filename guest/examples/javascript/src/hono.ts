// A Hono application, at all three doors.

import { Hono } from "hono";
import { stream, streamSSE } from "hono/streaming";

const app = new Hono();

app.get("/", (c) => c.text("Hello, Hono!"));
app.get("/hello/:name", (c) => c.json({ hello: c.req.param("name") }, 200, { "x-powered-by": "Hono" }));
app.get("/lines", (c) =>
  stream(c, async (body) => {
    await body.write("first\n");
    await body.sleep(1000);
    await body.write("second\n");
  }),
);
app.get("/events", (c) =>
  streamSSE(c, async (events) => {
    for (let tick = 1; tick <= 3; tick++) {
      await events.writeSSE({ event: "tick", data: String(tick) });
      await events.sleep(1000);
    }
  }),
);
app.post("/echo", async (c) => c.json(await c.req.json()));

export default app;
