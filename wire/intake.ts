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
  /** Which line of the message each was. */
  readonly lines: readonly number[];
}

/** A line that was refused. */
export interface RefusedLine {
  /** Its number among all lines of the message, blank ones included; the first is 0. */
  readonly line: number;
  /** The event's, hex, or what stands in its place; empty where it has none. */
  readonly id: string;
  readonly reason: string;
}

/** What became of the lines of one message. */
export interface DecidedLines {
  readonly type: "decided";
  /** Lines that are not blank. */
  readonly lines: number;
  readonly batches: readonly PackedBatch[];
  readonly refusals: readonly RefusedLine[];
}

/** From the worker. */
export type IntakeReply =
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly message: string }
  | DecidedLines;
