/**
 * What comes to an origin (a gateway, or control) in its outcome lanes, from verifiers and from the store.
 *
 * ```
 *   OUTCOME_OK:    0 epoch u32 | 4 connection u32 | 8 received at, ms f64 | 16 accepted u32 | 20 message bytes u32
 *                 24 id, 32 bytes | 56 message, UTF-8
 *   OUTCOME_TEXT:  0 epoch u32 | 4 connection u32 | 8 received at, ms f64 | 16 - | 20 text bytes u32 | 24 text, UTF-8
 * ```
 *
 * An origin never has more unanswered events than its outcome lanes can hold (`EVENTS_UNANSWERED_ORIGIN_MAX`), so that a
 * lane that is full is our own mistake.
 *
 * Written on verifiers' threads and the store's, read on the origin's.
 *
 * @module
 */
import { invariant } from "../lib/invariant.ts";
import { OUTCOME_MESSAGE_BYTES_MAX } from "../lib/limits.ts";
import type { LaneProducer } from "../lib/queue/lane.ts";

/** An OK for a well-formed id. */
export const OUTCOME_OK = 1;
/** A whole answer: a NOTICE, or an OK for an id that is none. */
export const OUTCOME_TEXT = 2;
/** Where the id of an OK begins. */
export const OUTCOME_ID_AT = 24;
/** Where the message of an OK begins. */
export const OUTCOME_MESSAGE_AT = 56;

/** Who is to be answered. */
export interface Recipient {
  readonly epoch: number;
  readonly connection: number;
  readonly receivedAtMs: number;
}

const encoder = new TextEncoder();

/** Writes an OK. `id` is 32 bytes. */
export function sendOk(
  lane: LaneProducer,
  to: Recipient,
  id: Uint8Array,
  accepted: boolean,
  message: string,
): void {
  const at = begin(lane, to, OUTCOME_MESSAGE_AT);
  lane.words[(at >>> 2) + 4] = accepted ? 1 : 0;
  lane.bytes.set(id, at + OUTCOME_ID_AT);
  const written = writeText(lane, at + OUTCOME_MESSAGE_AT, message);
  lane.words[(at >>> 2) + 5] = written;
  lane.commit(OUTCOME_OK, OUTCOME_MESSAGE_AT + written);
}

/** Writes an answer that is sent as it is; at most `OUTCOME_MESSAGE_BYTES_MAX` of UTF-8. */
export function sendText(lane: LaneProducer, to: Recipient, text: string): void {
  const at = begin(lane, to, OUTCOME_ID_AT);
  const written = writeText(lane, at + OUTCOME_ID_AT, text);
  lane.words[(at >>> 2) + 5] = written;
  lane.commit(OUTCOME_TEXT, OUTCOME_ID_AT + written);
}

function begin(lane: LaneProducer, to: Recipient, headerBytes: number): number {
  const at = lane.reserve(headerBytes + OUTCOME_MESSAGE_BYTES_MAX);
  invariant(at >= 0, "an outcome lane has room for every unanswered event");
  lane.words[at >>> 2] = to.epoch;
  lane.words[(at >>> 2) + 1] = to.connection;
  lane.doubles[(at >>> 3) + 1] = to.receivedAtMs;
  return at;
}

function writeText(lane: LaneProducer, at: number, text: string): number {
  if (text.length === 0) return 0;
  const { read, written } = encoder.encodeInto(text, lane.bytes.subarray(at, at + OUTCOME_MESSAGE_BYTES_MAX));
  invariant(read === text.length, "an outcome's text is within its bound");
  return written;
}
