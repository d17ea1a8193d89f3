import { setTimeout } from "node:timers/promises";
import { handler, HttpError } from "firstbyte";

// The same at each of Lambda's three doors: what a caller sends is `request.json()`, wherever it came in.
export default handler(async (request, response) => {
  const { count } = request.json();
  if (!Number.isInteger(count) || count < 1) throw new HttpError(400, "count is a whole number of at least 1");

  const body = response.sse();
  for (let tick = 1; tick <= count; tick++) {
    if (tick > 1) await setTimeout(1000);
    body.sse({ event: "tick", data: { tick } });
  }
});
