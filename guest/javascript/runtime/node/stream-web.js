export default {
  ReadableStream, ReadableStreamDefaultReader, ReadableStreamBYOBReader, WritableStream, TransformStream,
  ByteLengthQueuingStrategy, CountQueuingStrategy, TextEncoderStream, TextDecoderStream, CompressionStream, DecompressionStream,
};
