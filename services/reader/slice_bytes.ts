/**
 * How much room a slice's texts take in their lane, before they are encoded.
 * Runs on the reader's thread; no state.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { SLICE_TEXT_COUNTED_CHARS } from "../../lib/limits.ts";
import { ROW_HEADER_BYTES } from "../../wire/query.ts";

/** What rounds a text up to 8 bytes. */
const PADDING_BYTES = 8;

/**
 * The most bytes that the rows of these texts take. To count the bytes of a text costs more than a short one is worth; of
 * a long one three bytes a character would be more than a lane has.
 */
export function rowsBytesMax(texts: readonly string[]): number {
  let bytes = 0;
  for (const text of texts) {
    bytes += text.length < SLICE_TEXT_COUNTED_CHARS ? text.length * 3 : Buffer.byteLength(text);
  }
  return bytes + texts.length * (ROW_HEADER_BYTES + PADDING_BYTES);
}
