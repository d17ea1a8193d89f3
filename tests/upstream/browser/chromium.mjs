// A headless Chromium of this machine, with a profile that is gone afterwards.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const flags = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
];

/** Whether there is one. */
export const isInstalled = existsSync(executablePath);

/** Opens it with one page, `{page, close}`. The options are those of playwright's contexts. */
export async function open(options) {
  const profile = await mkdtemp(join(tmpdir(), "firstbyte-chromium-"));
  const remove = () => rm(profile, { recursive: true, force: true, maxRetries: 5 });
  try {
    const browser = await chromium.launchPersistentContext(profile, { executablePath, args: flags, ...options });
    const page = browser.pages()[0] ?? (await browser.newPage());
    const close = async () => {
      await browser.close();
      await remove();
    };
    return { page, close };
  } catch (error) {
    await remove();
    throw error;
  }
}
