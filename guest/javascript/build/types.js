// The author's types, checked by the project's own TypeScript.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { BuildFailure } from "./failure.js";

/** Checks a project that has a tsconfig.json. What is wrong goes to standard error, as TypeScript says it. */
export async function checkTypes(project, entry) {
  const isTypeScript = /\.[cm]?tsx?$/.test(entry);
  const config = path.join(project, "tsconfig.json");
  if (!existsSync(config)) {
    if (isTypeScript) process.stderr.write("types are not checked: there is no tsconfig.json (`npx tsc --init` makes one)\n");
    return;
  }
  let tsc;
  try {
    tsc = createRequire(path.join(project, "package.json")).resolve("typescript/lib/tsc.js");
  } catch {
    process.stderr.write("types are not checked: run `npm install --save-dev typescript`\n");
    return;
  }
  const child = spawn(process.execPath, [tsc, "--noEmit", "--pretty", String(process.stderr.isTTY === true), "-p", config], { stdio: ["ignore", 2, 2] });
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("exit", resolve));
  if (code !== 0) throw new BuildFailure("the types do not fit; see above");
}
