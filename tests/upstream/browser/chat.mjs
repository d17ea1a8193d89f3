// Opens the chat's page in a headless Chromium, sends a message, and tells what appears, one line of JSON each:
//   node chat.mjs URL MESSAGE SCREENSHOT
// With `--version` it only tells whether there is a browser.

import { isInstalled, open } from "./chromium.mjs";

const [url, message, screenshot] = process.argv.slice(2);
if (url === "--version") process.exit(isInstalled ? 0 : 1);

const tell = (what) => console.log(JSON.stringify(what));
const { page, close } = await open({ viewport: { width: 800, height: 500 } });
let failed = false;
try {
  page.on("pageerror", (error) => tell({ pageError: String(error) }));
  page.on("request", (request) => {
    if (!request.url().startsWith("data:")) tell({ request: `${request.method()} ${request.url()}` });
  });

  await page.goto(url);
  tell({ title: await page.title() });
  // Every state that the answer is ever shown in, whether or not anybody looks at that moment.
  await page.evaluate(() => {
    window.states = [];
    const look = () => {
      const text = document.querySelector(".assistant span")?.textContent;
      if (text && text !== window.states.at(-1)?.text) window.states.push({ text, at: performance.now() });
    };
    new MutationObserver(look).observe(document.getElementById("conversation"), { childList: true, subtree: true });
  });
  await page.fill("#input", message);
  await page.click("#send");
  await page.waitForFunction(() => window.states.length > 0, null, { timeout: 30_000 });
  await page.waitForFunction(() => !document.querySelector(".streaming"), null, { timeout: 30_000 });
  for (const state of await page.evaluate(() => window.states)) tell(state);
  tell({ figures: await page.textContent(".assistant small") });
  tell({ error: await page.evaluate(() => document.querySelector(".error")?.textContent ?? null) });
  await page.screenshot({ path: screenshot });
} catch (error) {
  console.error(error);
  failed = true;
} finally {
  await close();
}
process.exit(failed ? 1 : 0);
