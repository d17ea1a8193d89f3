// In place of the npm package abort-controller: the engine's own.

module.exports = { AbortController: globalThis.AbortController, AbortSignal: globalThis.AbortSignal };
