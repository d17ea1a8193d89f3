// For packages that require it: the global, which is there before any of them is evaluated.

module.exports = globalThis.process;
