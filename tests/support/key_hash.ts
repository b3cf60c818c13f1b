/**
 * Hashes of keys for tests, which draw their chance from a seed.
 * Runs on a test's thread; no state.
 *
 * @module
 */
import { KEY_HASH_WORDS, KeyHash } from "../../lib/nostr/key_hash.ts";
import { Prng } from "./prng.ts";

/** A hash as somebody has it whose chance is this generator's. */
export function keyHash(prng: Prng = new Prng(1)): KeyHash {
  return new KeyHash(Uint32Array.from({ length: KEY_HASH_WORDS }, () => prng.uint32()));
}
