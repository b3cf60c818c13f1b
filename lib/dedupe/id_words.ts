/**
 * An event's id as eight words: read once from its hex digits, then compared and hashed without a text.
 * Runs on any thread; no state.
 *
 * @module
 */

/** Words of an id. */
export const ID_WORDS = 8;

/**
 * Reads the 64 lowercase hex digits of an id into words.
 *
 * @example Usage
 * ```ts
 * import { readIdWords } from "./id_words.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const words = new Uint32Array(8);
 * readIdWords("0123abcd".repeat(8), words);
 * assertEquals(words[7], 0x0123abcd);
 * ```
 */
export function readIdWords(hex64: string, words: Uint32Array): void {
  let at = 0;
  for (let word = 0; word < ID_WORDS; word++) {
    let value = 0;
    for (const end = at + 8; at < end; at++) {
      const code = hex64.charCodeAt(at);
      // "0" to "9" have bit 6 clear, "a" to "f" have it set.
      value = (value << 4) | ((code & 15) + 9 * (code >> 6));
    }
    words[word] = value;
  }
}

/** The 52 bits of an id that are hashed with chance (`lib/nostr/key_hash.ts`); the id begins at word `at`. */
export function hashedBits(words: Uint32Array, at = 0): number {
  return (words[at + 1]! & 0xf_ffff) * 0x1_0000_0000 + words[at]!;
}
