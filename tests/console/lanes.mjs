// What is to be seen on the console's page: read from its pixels and words, not from its code's variables.

/** The height at which only chunks are drawn in their door's colour, in pixels of the page. */
const BARS = 39;
/** The space left and right of a lane's time. */
const PAD = 10;

/** All lanes from top to bottom: `{id, state, door, words, ends, marks}`; `marks` are the times of what stands on the line, in ms. */
export function lanes(page) {
  return page.$$eval(".lane", (nodes, { BARS, PAD }) => {
    const color = (name) => {
      const probe = document.createElement("canvas").getContext("2d");
      probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
      probe.fillRect(0, 0, 1, 1);
      return [...probe.getImageData(0, 0, 1, 1).data];
    };
    return nodes.map((node) => {
      const canvas = node.querySelector("canvas");
      const door = ["lambda", "function_url", "api_gateway"].find((door) => node.classList.contains(door));
      const columns = (wanted, y) => {
        if (canvas.width === 0) return [];
        const ratio = canvas.width / canvas.clientWidth;
        const row = canvas.getContext("2d").getImageData(0, Math.round(y * ratio), canvas.width, 1).data;
        const found = [];
        for (let x = 0; x < canvas.width; x += 1) {
          if (wanted.every((part, i) => Math.abs(part - row[4 * x + i]) < 12)) found.push(x / ratio);
        }
        return found;
      };
      const [from, to] = [Number(canvas.dataset.from), Number(canvas.dataset.to)];
      const time = (x) => from + ((x - PAD) / (canvas.clientWidth - 2 * PAD)) * (to - from);
      const runs = [];
      for (const x of columns(color(door), BARS)) {
        const last = runs.at(-1);
        if (last && x - last.until <= 1) last.until = x;
        else runs.push({ from: x, until: x });
      }
      // A bar is three pixels wide, around its moment.
      const marks = runs.map((run) => time((run.from + run.until + 1) / 2 - 0.5));
      const rows = [...Array(canvas.clientHeight).keys()];
      const seen = (name) => rows.some((y) => columns(color(name), y).length > 0);
      return {
        id: node.dataset.id,
        state: node.dataset.state,
        door,
        words: node.querySelector(".open").ariaLabel,
        first: node.querySelector(".first").textContent,
        ends: [...node.querySelectorAll(".ends dd")].map((end) => end.textContent),
        marks,
        torn: seen("bad"),
        throttled: seen("throttled"),
        upstream: columns(color("call"), 64 + 9).length > 0,
      };
    });
  }, { BARS, PAD });
}

/** The lanes, as soon as something is true of them. */
export async function lanesWhen(page, what, condition) {
  const begun = Date.now();
  for (;;) {
    const now = await lanes(page);
    if (condition(now)) return now;
    if (Date.now() - begun > 20_000) throw new Error(`never seen: ${what}: ${JSON.stringify(now, null, 1)}`);
    await page.evaluate(() => new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve), 20)));
  }
}
