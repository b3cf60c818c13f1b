/**
 * Standard input as lines of JSON: unpacked where it is packed by gzip, without a mark of byte order.
 * Runs in the process of a command.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

/** The first bytes of what is no text, with what it is and what unpacks it. */
const PACKED: readonly (readonly [magic: string, name: string, unpack: string])[] = [
  ["28b52ffd", "zstd", "zstd -dc"],
  ["fd377a585a00", "xz", "xz -dc"],
  ["425a68", "bzip2", "bzip2 -dc"],
  ["04224d18", "lz4", "lz4 -dc"],
];
const GZIP = "1f8b";
const BYTE_ORDER_MARK = "efbbbf";
const MAGIC_BYTES_MAX = 6;

/**
 * The pieces of a stream of JSONL, unpacked.
 *
 * @param stream Bytes, as they come; they may be packed by gzip, in several members too.
 * @throws {Error} if they are packed by something else; the message names what unpacks it.
 */
export async function* eventLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = stream[Symbol.asyncIterator]();
  const head = await headOf(iterator);
  const magic = head.subarray(0, MAGIC_BYTES_MAX).toHex();
  for (const [start, name, unpack] of PACKED) {
    if (!magic.startsWith(start)) continue;
    throw new Error(
      `Cannot read standard input: it is packed by ${name}; try: ${unpack} FILE | deno task import`,
    );
  }
  const whole = following(head, iterator);
  if (!magic.startsWith(GZIP)) return yield* whole;
  try {
    yield* Readable.from(whole, { objectMode: false }).pipe(createGunzip());
  } catch (error) {
    throw new Error(`Cannot unpack standard input: ${(error as Error).message}`);
  }
}

/** The first pieces, as many as tell what it is; a short stream may have fewer bytes. */
async function headOf(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let head = new Uint8Array(0);
  // JSON does not begin with a byte of 0x80 or above, nor with a letter: one byte tells that nothing is packed.
  while (head.length === 0 || (head.length < MAGIC_BYTES_MAX && mayBePacked(head))) {
    const { done, value } = await iterator.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  return head;
}

function mayBePacked(head: Uint8Array): boolean {
  const start = head.toHex();
  return [...PACKED.map(([magic]) => magic), GZIP, BYTE_ORDER_MARK].some((magic) => magic.startsWith(start));
}

async function* following(
  head: Uint8Array,
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const isMarked = head.subarray(0, BYTE_ORDER_MARK.length / 2).toHex() === BYTE_ORDER_MARK;
  yield isMarked ? head.subarray(BYTE_ORDER_MARK.length / 2) : head;
  while (true) {
    const { done, value } = await iterator.next();
    if (done) return;
    yield value;
  }
}
