// Passes a model's answer on, token by token, as server-sent events; a GET gets the page that shows them.
//
// A POST of {"messages": [{"role": "user", "content": "…"}]} is answered with one event per token, {"token": "…"}, and at last with the
// event `done`, or with the event `error` and a message. `CHAT_BASE_URL` and `CHAT_MODEL` say which model, `CHAT_API_KEY` is its key if
// it wants one, and `FIRSTBYTE_ALLOW_HTTP` has to name its server.

import { handler, HttpError } from "firstbyte";
import page from "../../chat/src/page.html";

interface Message { role: string; content: string }

// What lies between here and the caller may end a connection on which nothing comes for 30 seconds.
const PING_EVERY = 15_000;
const PATIENCE = 60_000;

export default handler(async (request, response) => {
  const method = request.http?.method ?? "POST";
  if (method === "GET" || method === "HEAD") return response.html(page);
  if (method !== "POST") throw new HttpError(405, "POST messages, or GET the page");
  const { messages } = request.json<{ messages?: Message[] }>();
  if (!messages?.length) throw new HttpError(400, 'no messages: send {"messages": [{"role": "user", "content": "…"}]}');

  const body = response.sse();
  const pings = setInterval(() => body.write(": ping\n\n"), PING_EVERY);
  let count = 0;
  try {
    for await (const token of answer(messages)) {
      body.sse({ data: { token } });
      count += 1;
    }
    body.sse({ event: "done", data: { tokens: count } });
  } catch (error) {
    console.error("the model failed", error);
    body.sse({ event: "error", data: { message: (error as Error).message } });
  } finally {
    clearInterval(pings);
  }
});

/** What the model says, token by token. A model that says nothing for a minute is given up. */
async function* answer(messages: Message[]) {
  const { CHAT_BASE_URL, CHAT_MODEL = "default", CHAT_API_KEY } = process.env;
  if (!CHAT_BASE_URL) throw new Error("CHAT_BASE_URL does not say where the model is");
  const asked = fetch(`${CHAT_BASE_URL.replace(/\/$/, "")}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(CHAT_API_KEY && { authorization: `Bearer ${CHAT_API_KEY}` }) },
    body: JSON.stringify({ model: CHAT_MODEL, stream: true, messages }),
  });
  const said = await within(PATIENCE, asked);
  if (!said.ok) throw new Error(`the model answered ${said.status}`);
  for await (const data of events(said.body!)) {
    if (data === "[DONE]") return;
    const token: string | undefined = JSON.parse(data).choices?.[0]?.delta?.content;
    if (token) yield token;
  }
  throw new Error("the model's answer has no end");
}

/** The data of server-sent events, each of which is one line, as OpenAI's interface has it. */
async function* events(stream: ReadableStream<Uint8Array>) {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await within(PATIENCE, reader.read());
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) if (line.startsWith("data: ")) yield line.slice(6).trimEnd();
  }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(`the model said nothing for ${ms / 1000} seconds`)), ms)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
