/**
 * What the two threads of an import without a relay tell each other. By `postMessage`: lines go to the worker, and packed
 * events come back; the buffers of both change their owner. Types only; no state.
 *
 * ```
 *   the command's thread                     the worker
 *   IntakeStart            ──────────────▶
 *                          ◀──────────────   "ready" or "failed"
 *   IntakeLines, each      ──────────────▶
 *                          ◀──────────────   DecidedLines, in the order of the lines
 * ```
 *
 * @module
 */
import type { Config } from "../lib/config/config.ts";
import type { ManagementChange } from "../lib/management/management_state.ts";
import type { PolicyFileVersion } from "../lib/policy/policy_file.ts";

/** The first message to the worker. */
export interface IntakeStart {
  readonly config: Config;
  readonly libraryPath: string | null;
  /** False takes signatures for granted; ids are checked all the same. */
  readonly verify: boolean;
  /** False takes events of any size. */
  readonly limits: boolean;
  readonly files: readonly PolicyFileVersion[];
  /** The operator's decisions: who has joined, or is allowed otherwise, may be nowhere else. */
  readonly decisions: readonly ManagementChange[];
}

/** To the worker: whole lines, as UTF-8, which it owns from then on. */
export type IntakeLines = Uint8Array<ArrayBuffer>;

/** Events that the worker has found right, packed one behind the other. */
export interface PackedBatch {
  readonly buffer: ArrayBuffer;
  /** Where each begins, bytes. */
  readonly offsets: readonly number[];
}

/** What became of the lines of one message. */
export interface DecidedLines {
  readonly type: "decided";
  readonly lines: number;
  readonly batches: readonly PackedBatch[];
  /** Why each of the others was refused. */
  readonly refusals: readonly string[];
}

/** From the worker. */
export type IntakeReply =
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly message: string }
  | DecidedLines;
