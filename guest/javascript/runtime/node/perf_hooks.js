export default { performance, constants: {} };
