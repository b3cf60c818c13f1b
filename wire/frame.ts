/**
 * The verifier's inbox: EVENT messages, as an origin (a gateway, or control) writes them into its lane.
 *
 * ```
 *   0 header (wire/header.ts); its own number: flags
 *  24 proved keys u32 (n) | 28 address bytes u32
 *  32 n keys, 32 bytes each | address, ASCII | the message's text, UTF-8, to the record's end
 * ```
 *
 * Written on the origin's thread, read on the verifier's.
 *
 * @module
 */
import type { LaneProducer } from "../lib/queue/lane.ts";
import { AddressedRecord, HEADER_BYTES, writeHeader } from "./header.ts";
import { relayMs } from "./relay_clock.ts";
import type { Source } from "./source.ts";

/** The one record type of these lanes. */
const FRAME = 1;
const KEYS_AT = HEADER_BYTES + 8;
/** Bytes of one proved key. */
const KEY_BYTES = 32;
const NO_KEYS: ReadonlySet<string> = new Set();

/** Set for events whose signature is not to be verified (import with `--no-verify`). */
export const FRAME_TRUSTED = 1;
/** Set for events that may have any length and any number of tags (import with `--no-limits`). */
export const FRAME_ANY_SIZE = 2;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Whoever sends events and is to be answered: a client's connection, an import. */
export interface Sender {
  /** Unique within this life of the origin. */
  readonly number: number;
  readonly source: Source;
  /** Events passed on and not yet answered. */
  unanswered: number;
  /** The keys that it has proved (NIP-42), 32 bytes each. */
  readonly keys: Uint8Array;
  /** The client's address, or the URL of the relay that sends; ASCII; empty: it has none. */
  readonly address: string;
}

/** The writing end of one lane, for one life of its origin. */
export class FrameWriter {
  readonly #lane: LaneProducer;
  /** Filled for each frame anew. */
  readonly #header: { epoch: number; connection: number; receivedAtMs: number; source: Source };
  /** Whether anybody wants to know the address. */
  withAddress: boolean;

  constructor(lane: LaneProducer, epoch: number, withAddress: boolean) {
    this.#lane = lane;
    this.#header = { epoch, connection: 0, receivedAtMs: 0, source: "client" };
    this.withAddress = withAddress;
  }

  /** Bytes that wait in the lane. */
  get usedBytes(): number {
    return this.#lane.usedBytes;
  }

  /** Writes the text of an EVENT message. Returns false if the lane is full. */
  write(sender: Sender, text: string, flags: number): boolean {
    const lane = this.#lane;
    const { keys } = sender;
    const address = this.withAddress ? sender.address : "";
    const addressAt = KEYS_AT + keys.length;
    const textAt = addressAt + address.length;
    const at = lane.reserve(textAt + text.length * 3);
    if (at < 0) return false;
    const header = this.#header;
    header.connection = sender.number;
    header.receivedAtMs = relayMs();
    header.source = sender.source;
    writeHeader(lane, at, header, flags);
    const word = (at + HEADER_BYTES) >>> 2;
    lane.words[word] = keys.length / KEY_BYTES;
    lane.words[word + 1] = address.length;
    lane.bytes.set(keys, at + KEYS_AT);
    if (address !== "") encoder.encodeInto(address, lane.bytes.subarray(at + addressAt, at + textAt));
    const room = lane.bytes.subarray(at + textAt, at + textAt + text.length * 3);
    const { written } = encoder.encodeInto(text, room);
    lane.commit(FRAME, textAt + written);
    return true;
  }
}

/** Reads the frame at which it stands. */
export class FrameRecord extends AddressedRecord {
  /** Whether its signature is taken for granted. */
  get isTrusted(): boolean {
    return (this.own & FRAME_TRUSTED) !== 0;
  }

  get isAnySize(): boolean {
    return (this.own & FRAME_ANY_SIZE) !== 0;
  }

  /** The keys that its sender has proved, hex. */
  get keys(): ReadonlySet<string> {
    if (this.#addressAt === this.#keysAt) return NO_KEYS;
    const keys = new Set<string>();
    for (let at = this.#keysAt; at < this.#addressAt; at += KEY_BYTES) {
      keys.add(this.memory.bytes.subarray(at, at + KEY_BYTES).toHex());
    }
    return keys;
  }

  /** Where it comes from, where anybody wants to know; or empty. */
  get address(): string {
    const { textAt } = this;
    if (textAt === this.#addressAt) return "";
    return decoder.decode(this.memory.bytes.slice(this.#addressAt, textAt));
  }

  /** Where its text begins in the lane, bytes. */
  get textAt(): number {
    return this.#addressAt + this.memory.words[(this.start + HEADER_BYTES + 4) >>> 2]!;
  }

  /** Where its text ends. */
  get textEnd(): number {
    return this.end;
  }

  get #keysAt(): number {
    return this.start + KEYS_AT;
  }

  get #addressAt(): number {
    return this.#keysAt + this.memory.words[(this.start + HEADER_BYTES) >>> 2]! * KEY_BYTES;
  }
}
