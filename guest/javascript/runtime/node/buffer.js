import buffer from "../buffer.js";

export default buffer;
