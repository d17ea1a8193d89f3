#!/usr/bin/env node
// Starts the program for this platform. Where scripts are allowed at installation, install.cjs has put the program itself here.

const { spawn } = require("node:child_process");
const { program } = require("./program.cjs");

let file;
try {
  file = program();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
const child = spawn(file, process.argv.slice(2), { stdio: "inherit" });
// A terminal sends Ctrl-C to both processes: this one waits for what the other makes of it. The rest is passed on.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`firstbyte: cannot start ${file}: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
