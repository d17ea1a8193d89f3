import url from "url";
import path from "path-browserify";

const fileURLToPath = (given) => {
  const { protocol, pathname } = typeof given === "string" ? new URL(given) : given;
  if (protocol !== "file:") throw Object.assign(new TypeError("The URL must be of scheme file"), { code: "ERR_INVALID_URL_SCHEME" });
  return decodeURIComponent(pathname);
};

export default {
  ...url,
  URL,
  URLSearchParams,
  fileURLToPath,
  pathToFileURL: (given) => new URL(`file://${path.resolve(given).split("/").map(encodeURIComponent).join("/")}`),
  domainToASCII: (domain) => new URL(`http://${domain}`).hostname,
};
