/**
 * A key as a number that nobody outside can foresee: what clients choose is filed under it in tables that threads share.
 * Runs on any thread; no state.
 *
 * @module
 */

/**
 * 62 bits of hash, never 0.
 *
 * @param seeds Two numbers of chance, the same on all threads.
 * @param name Keeps the keys of one thing apart from those of another.
 */
export function seededTag(seeds: Uint32Array, name: string, key: string): bigint {
  let [a, b] = seeds as unknown as [number, number];
  for (const text of [name, key]) {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      a = Math.imul(a ^ code, 0x9e37_79b1);
      a ^= a >>> 15;
      b = Math.imul(b ^ code, 0x85eb_ca77);
      b ^= b >>> 13;
    }
    a = Math.imul(a ^ 0x1f, 0xc2b2_ae3d);
    b = Math.imul(b ^ 0x1f, 0x27d4_eb2f);
  }
  return (BigInt((a ^ a >>> 16) >>> 2) << 32n) | BigInt((b ^ b >>> 16) >>> 0) | 1n;
}
