import buffer from "buffer";

export default { ...buffer, Blob, File, atob, btoa };
