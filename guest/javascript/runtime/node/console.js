import { console } from "../console.js";

export default console;
