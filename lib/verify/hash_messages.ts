/**
 * SHA-256 of a batch of messages by Deno's own crypto, for the tiers that bring no faster one.
 * Runs on any thread; holds no state.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { checkMessages } from "./batch_bounds.ts";

/** See {@linkcode SignatureVerifier.hash}. */
export function hashMessages(
  bytes: Uint8Array,
  offsets: Uint32Array,
  count: number,
  digests: Uint8Array,
): void {
  checkMessages(bytes, offsets, count, digests);
  for (let i = 0; i < count; i++) {
    const message = bytes.subarray(offsets[i], offsets[i + 1]);
    digests.set(createHash("sha256").update(message).digest(), 32 * i);
  }
}
