// The interface between host and handler, as a folder that componentize-js reads. Run by npm before the package is packed: then it
// copies the repository's interface into the package, which has none of its own in a checkout.

import { cp, mkdir, readdir, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const PACKED = path.join(PACKAGE, "wit");
const REPOSITORY = path.join(PACKAGE, "../../wit");

const WORLDS = `package firstbyte:javascript;

world handler {
  import wasi:cli/environment@0.2.10;
  import firstbyte:lambda/invocation@0.2.0;
  export firstbyte:lambda/handler@0.2.0;
}

world fetch {
  import wasi:cli/environment@0.2.10;
  export wasi:http/incoming-handler@0.2.10;
}
`;

/** Writes the interface and the worlds of JavaScript into a folder. */
export async function writeInterface(folder) {
  const from = existsSync(PACKED) ? PACKED : REPOSITORY;
  const deps = path.join(folder, "deps");
  await mkdir(deps, { recursive: true });
  await writeFile(path.join(folder, "world.wit"), WORLDS);
  await cp(path.join(from, "firstbyte.wit"), path.join(deps, "firstbyte.wit"));
  const wits = (await readdir(path.join(from, "deps"))).filter((file) => file.endsWith(".wit"));
  await Promise.all(wits.map((file) => cp(path.join(from, "deps", file), path.join(deps, file))));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await cp(REPOSITORY, PACKED, { recursive: true });
