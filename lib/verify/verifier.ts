/**
 * What every verification tier offers: BIP-340 signatures of many events in one call.
 * A tier runs on the thread that opened it (a verifier worker) and owns its scratch memory; nothing is shared.
 *
 * @module
 */

import type { FrameReader } from "./frame_reader.ts";

/** The tiers, fastest first. `lanes`, `batch` and `native` are the project's own library. */
export const VERIFY_TIERS = ["lanes", "batch", "native", "system", "wasm"] as const;
export type VerifyTier = typeof VERIFY_TIERS[number];

/** Bytes of one item of a batch: message (event id) 32, x-only public key 32, signature 64. */
export const ITEM_BYTES = 128;

/** What a verifier has done since it was opened; every number only grows. */
export interface VerifyCounters {
  /** Signatures decided. */
  readonly verified: number;
  /** Signatures that a fast path did not accept and that libsecp256k1 decided again. */
  readonly secondDecisions: number;
  /** Of these, the valid ones: exceptional cases of the fast path, or a batch that held an invalid one. */
  readonly secondDecisionsValid: number;
  /** Signatures decided by libsecp256k1 at once, because most of the latest were invalid. */
  readonly fastPathSkipped: number;
}

/** Verifies packed batches; see BIP-340. */
export interface SignatureVerifier {
  readonly tier: VerifyTier;
  /** What serves, for the log and `/health`, e.g. `native (libsecp256k1 by FFI, gcc 12 -O3)`. */
  readonly description: string;
  /**
   * Verifies `count` items that lie one after another in `items` ({@linkcode ITEM_BYTES} each).
   * Writes 1 (valid) or 0 into `verdicts[0..count)`. Never throws for any content of the items.
   */
  verify(items: Uint8Array, count: number, verdicts: Uint8Array): void;
  /** Writes the SHA-256 of `bytes[offsets[i], offsets[i+1])` to `digests[32 * i]` for i < count. */
  hash(bytes: Uint8Array, offsets: Uint32Array, count: number, digests: Uint8Array): void;
  /** Reads frames in one call; null: this tier has nothing that would, and JavaScript does. */
  readonly reader: FrameReader | null;
  /** What it has done so far, for the metrics. */
  counters(): VerifyCounters;
  /** Frees what it holds. */
  close(): void;
}
