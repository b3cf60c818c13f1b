/** Types of `@std/streams/text-line-stream` 1.0, for the copy on npm, which has none. */

/** Cuts a stream of text into lines. */
export class TextLineStream extends TransformStream<string, string> {
  constructor(options?: { allowCR?: boolean });
}
