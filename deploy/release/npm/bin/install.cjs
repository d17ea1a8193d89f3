// Puts the program in the place of the script that would start it, which saves Node's own start at each call. Nothing is lost where
// this is not run or fails: the script does the same.

const fs = require("node:fs");
const path = require("node:path");
const { program } = require("./program.cjs");

// Other package managers start what they have seen as a script as a script.
if ((process.env.npm_config_user_agent ?? "").startsWith("npm/")) {
  const place = path.join(__dirname, "firstbyte.cjs");
  const beside = `${place}.new`;
  try {
    const file = program();
    try {
      fs.linkSync(file, beside);
    } catch {
      fs.copyFileSync(file, beside);
    }
    fs.chmodSync(beside, 0o755);
    fs.renameSync(beside, place);
  } catch {
    fs.rmSync(beside, { force: true });
  }
}
