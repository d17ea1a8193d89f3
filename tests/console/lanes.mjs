// What is to be seen on the console's page: read from its pixels and words, not from its code's variables.

/** The height at which only chunks are drawn in their door's colour, in pixels of the page. */
const BARS = 39;
/** The space left and right of a lane's time. */
const PAD = 10;

/**
 * All lanes from top to bottom, as they are to be seen at the moment `at`: `{at, id, state, door, words, first, ends, marks, drawn,
 * torn, throttled, upstream}`. `marks` are the times of the bars in their door's colour, in ms since the invocation's start; `drawn`
 * is true of what is in view; the last three say whether something of that kind is drawn.
 */
export function lanes(page) {
  return page.$$eval(".lane", (nodes, { BARS, PAD }) => {
    const at = Date.now();
    const color = (name) => {
      const probe = document.createElement("canvas").getContext("2d");
      probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
      probe.fillRect(0, 0, 1, 1);
      return [...probe.getImageData(0, 0, 1, 1).data];
    };
    return nodes.map((node) => {
      const canvas = node.querySelector("canvas");
      const door = ["lambda", "function_url", "api_gateway"].find((door) => node.classList.contains(door));
      const { width, height } = canvas;
      const ratio = width / canvas.clientWidth;
      const pixels = width ? canvas.getContext("2d").getImageData(0, 0, width, height).data : [];
      const isAt = (wanted, place) => wanted.every((part, i) => Math.abs(part - pixels[4 * place + i]) < 12);
      const columns = (wanted, y) => {
        const found = [];
        const start = Math.round(y * ratio) * width;
        for (let x = 0; x < width; x += 1) if (isAt(wanted, start + x)) found.push(x / ratio);
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
      const seen = (name) => {
        const wanted = color(name);
        for (let place = 0; place < width * height; place += 1) if (isAt(wanted, place)) return true;
        return false;
      };
      return {
        at,
        id: node.dataset.id,
        state: node.dataset.state,
        door,
        words: node.querySelector(".open").ariaLabel,
        first: node.querySelector(".first").textContent,
        ends: [...node.querySelectorAll(".ends dd")].map((end) => end.textContent),
        marks,
        torn: seen("bad"),
        drawn: width > 0,
        throttled: seen("throttled"),
        upstream: columns(color("call"), 64 + 20).length > 0,
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
