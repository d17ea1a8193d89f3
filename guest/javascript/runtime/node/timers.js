import { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from "../timers.js";
import promises from "./timers-promises.js";

export default { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout, promises };
