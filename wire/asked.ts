/**
 * The plugin's inbox: the events that the write plugin decides about, as a verifier writes them into its lane. What is
 * accepted goes on into the verifier's lane to the store, in the store's own form.
 *
 * ```
 *   as in the store's lane (wire/packed.ts): header, packed event
 *   then: JSON of a SenderNote, UTF-8, to the record's end
 * ```
 *
 * Written on verifiers' threads, read on the plugin's.
 *
 * @module
 */
import type { LaneProducer } from "../lib/queue/lane.ts";
import { HEADER_BYTES } from "./header.ts";
import { PackedRecord } from "./packed.ts";

/** The one record type of these lanes. */
const ASKED = 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What a plugin is told of the sender. */
export interface SenderNote {
  /** The client's address, or the URL of the relay that sends; empty: it has none. */
  readonly address: string;
  /** The keys that it has proved (NIP-42). */
  readonly keys: readonly string[];
}

/** The most bytes that a note takes behind its event. */
export function noteBytesMax({ keys }: SenderNote): number {
  return 128 + keys.length * 67;
}

/** Adds the note to a record that was begun with `reservePacked` and room for it, and makes the record visible. */
export function commitAsked(lane: LaneProducer, eventAt: number, eventBytes: number, note: SenderNote): void {
  const { written } = encoder.encodeInto(JSON.stringify(note), lane.bytes.subarray(eventAt + eventBytes));
  lane.commit(ASKED, HEADER_BYTES + eventBytes + written);
}

/** Reads the record at which it stands. */
export class AskedRecord extends PackedRecord {
  get note(): SenderNote {
    const at = this.start + HEADER_BYTES + this.event.packed.length;
    return JSON.parse(decoder.decode(this.memory.bytes.slice(at, this.end)));
  }
}
