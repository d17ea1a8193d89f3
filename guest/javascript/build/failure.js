// What is wrong with an author's sources, in words for the author.

/** Ends the build; its message is all that is shown. */
export class BuildFailure extends Error {}
