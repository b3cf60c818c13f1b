/**
 * Cuts what is imported into pieces of whole lines.
 * Runs on the thread of the command; no state beyond a call.
 *
 * @module
 */
import { IMPORT_CHUNK_BYTES, IMPORT_LINE_BYTES_MAX } from "../../lib/limits.ts";

const LINE_FEED = 10;

/**
 * The same bytes in pieces of whole lines, of about `IMPORT_CHUNK_BYTES`; only a longer line makes a longer piece. One
 * beyond `IMPORT_LINE_BYTES_MAX` is left out, so that a file which is no JSONL does not fill the memory.
 *
 * @param tooLong Called for each line that is left out.
 */
export async function* linesOf(
  bytes: AsyncIterable<Uint8Array>,
  tooLong: () => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let gathered = new Uint8Array(2 * IMPORT_CHUNK_BYTES);
  let used = 0;
  /** Up to here there is no line feed: each byte is looked at once. */
  let searched = 0;
  let isSkipping = false;
  for await (const given of bytes) {
    let piece = given;
    if (isSkipping) {
      const end = piece.indexOf(LINE_FEED);
      if (end < 0) continue;
      isSkipping = false;
      piece = piece.subarray(end + 1);
    }
    gathered = withRoom(gathered, used, piece.length);
    gathered.set(piece, used);
    used += piece.length;
    if (used < IMPORT_CHUNK_BYTES) continue;
    const end = gathered.subarray(searched, used).lastIndexOf(LINE_FEED) + 1;
    if (end > 0) {
      yield gathered.slice(0, searched + end);
      gathered.copyWithin(0, searched + end, used);
      used -= searched + end;
    }
    searched = used;
    if (used <= IMPORT_LINE_BYTES_MAX) continue;
    tooLong();
    used = searched = 0;
    isSkipping = true;
  }
  if (used > 0) yield gathered.slice(0, used);
}

function withRoom(gathered: Uint8Array<ArrayBuffer>, used: number, more: number): Uint8Array<ArrayBuffer> {
  if (used + more <= gathered.length) return gathered;
  const larger = new Uint8Array(Math.max(2 * gathered.length, used + more));
  larger.set(gathered.subarray(0, used));
  return larger;
}
