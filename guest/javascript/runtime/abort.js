// In place of the npm package abort-controller: the engine's own.

export const AbortController = globalThis.AbortController;
export const AbortSignal = globalThis.AbortSignal;
export default AbortController;
