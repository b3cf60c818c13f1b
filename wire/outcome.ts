/**
 * What comes to an origin (a gateway, or control) in its outcome lanes, from verifiers, the plugin and the store.
 *
 * ```
 *   OK:    0 header (wire/header.ts); its own number: 1 if accepted | 24 id, 32 bytes | 56 message, UTF-8, to the end
 *   TEXT:  0 header                                                 | 24 text, UTF-8, to the record's end
 * ```
 *
 * An origin never has more unanswered events than its outcome lanes can hold (`EVENTS_UNANSWERED_ORIGIN_MAX`), so that a
 * lane that is full is our own mistake.
 *
 * Written on verifiers' threads, the plugin's and the store's, read on the origin's.
 *
 * @module
 */
import { invariant } from "../lib/invariant.ts";
import { OUTCOME_MESSAGE_BYTES_MAX } from "../lib/limits.ts";
import type { LaneProducer } from "../lib/queue/lane.ts";
import { AddressedRecord, type Header, HEADER_BYTES, writeHeader } from "./header.ts";

/** An OK for a well-formed id. */
const OK = 1;
/** A whole answer: a NOTICE, or an OK for an id that is none. */
const TEXT = 2;
const ID_BYTES = 32;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Writes an OK. `id` is 32 bytes; the message at most `OUTCOME_MESSAGE_BYTES_MAX` of UTF-8. */
export function sendOk(
  lane: LaneProducer,
  to: Header,
  id: Uint8Array,
  accepted: boolean,
  message: string,
): void {
  const at = reserve(lane, ID_BYTES);
  writeHeader(lane, at, to, accepted ? 1 : 0);
  lane.bytes.set(id, at + HEADER_BYTES);
  const written = writeText(lane, at + HEADER_BYTES + ID_BYTES, message);
  lane.commit(OK, HEADER_BYTES + ID_BYTES + written);
}

/** Writes an answer that is sent as it is; at most `OUTCOME_MESSAGE_BYTES_MAX` of UTF-8. */
export function sendText(lane: LaneProducer, to: Header, text: string): void {
  const at = reserve(lane, 0);
  writeHeader(lane, at, to);
  lane.commit(TEXT, HEADER_BYTES + writeText(lane, at + HEADER_BYTES, text));
}

function reserve(lane: LaneProducer, idBytes: number): number {
  const at = lane.reserve(HEADER_BYTES + idBytes + OUTCOME_MESSAGE_BYTES_MAX);
  invariant(at >= 0, "an outcome lane has room for every unanswered event");
  return at;
}

function writeText(lane: LaneProducer, at: number, text: string): number {
  if (text.length === 0) return 0;
  const { read, written } = encoder.encodeInto(text, lane.bytes.subarray(at, at + OUTCOME_MESSAGE_BYTES_MAX));
  invariant(read === text.length, "an outcome's text is within its bound");
  return written;
}

/** Reads the outcome at which it stands. */
export class OutcomeRecord extends AddressedRecord {
  /** Whether it is about an event with an id, and so an OK; if not, its message is the whole answer. */
  get hasId(): boolean {
    return this.type === OK;
  }

  get accepted(): boolean {
    return this.type === OK && this.own === 1;
  }

  /** The event's, hex. Only where it has one. */
  get id(): string {
    const at = this.start + HEADER_BYTES;
    return this.memory.bytes.subarray(at, at + ID_BYTES).toHex();
  }

  /** The message of the OK; or the answer that is sent as it is. */
  get message(): string {
    const at = this.start + HEADER_BYTES + (this.type === OK ? ID_BYTES : 0);
    return at === this.end ? "" : decoder.decode(this.memory.bytes.slice(at, this.end));
  }
}
