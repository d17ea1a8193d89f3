// Where the program for this platform is: in the one package among the optional dependencies that npm has installed.

const PACKAGE = `@firstbyte/${process.platform}-${process.arch}`;

/** The program's file. Throws with what to do if there is none. */
exports.program = () => {
  try {
    return require.resolve(`${PACKAGE}/bin/firstbyte`);
  } catch {
    throw new Error(
      `firstbyte: the package ${PACKAGE} is not installed.\n` +
        "If it exists for this platform (Linux and macOS, x64 and arm64), install again without --omit=optional and --no-optional;\n" +
        "a node_modules folder that was made on another platform has to be made anew.",
    );
  }
};
