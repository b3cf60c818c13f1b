/**
 * Random bytes in advance: one call for many nonces costs a tenth of a call for each.
 * Belongs to the thread that makes it; no byte is given twice.
 *
 * @module
 */
import { RANDOM_POOL_BYTES } from "../limits.ts";
import { invariant } from "../invariant.ts";

/** Gives so many bytes that nobody was given before, valid until the next call. */
export function randomPool(fill: (bytes: Uint8Array<ArrayBuffer>) => void): (count: number) => Uint8Array {
  const pool = new Uint8Array(RANDOM_POOL_BYTES);
  let at = pool.length;
  return (count) => {
    invariant(count <= pool.length, "the pool holds what is asked for at once");
    if (at + count > pool.length) {
      fill(pool);
      at = 0;
    }
    at += count;
    return pool.subarray(at - count, at);
  };
}
