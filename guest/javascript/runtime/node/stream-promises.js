import stream from "readable-stream";

export default stream.promises;
