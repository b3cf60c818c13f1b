/**
 * The packed event: a verified event as the store takes it, with every key it will be found by already computed,
 * so that the one writing thread only copies.
 * Written by verifiers into their lane to the store; read by the store; sent on, unchanged, in the tail.
 *
 * ```
 *   0 created_at f64 | 8 expires_at f64 (0: never) | 16 id key f64 | 24 pubkey key f64 | 32 address key f64
 *  40 kind u32 | 44 flags u32 | 48 tag keys u32 (n) | 52 text bytes u32 | 56 id, 32 bytes
 *  88 n tag keys, f64 each | text, UTF-8
 * ```
 *
 * All offsets are multiples of 8 where doubles lie, provided the event starts at one.
 *
 * @module
 */
import { dValue, type EventParts, eventParts, eventText, expiresAt, type NostrEvent } from "./event.ts";
import { addressKey, idKey, pubkeyKey, tagKey } from "./keys.ts";
import { KIND_DELETION, kindClass } from "./kinds.ts";
import { distinctKeys } from "./sorted_keys.ts";

/** Set where the event replaces others of its address: replaceable and addressable kinds. */
export const FLAG_ADDRESS = 1;
/** Set for ephemeral kinds: passed on, never stored. */
export const FLAG_EPHEMERAL = 2;
/** Set for requests to delete (kind 5). */
export const FLAG_DELETION = 4;

const FIXED_BYTES = 88;
const encoder = new TextEncoder();

/** What is computed once about an event and decides how it is stored. */
export interface EventFacts {
  readonly event: NostrEvent;
  readonly parts: EventParts;
  readonly text: string;
  readonly tagKeys: readonly number[];
  readonly flags: number;
  readonly addressKey: number;
  readonly expiresAt: number;
}

/** Computes an event's facts. `parts` saves the work where they are known. */
export function eventFacts(event: NostrEvent, parts: EventParts = eventParts(event)): EventFacts {
  const storage = kindClass(event.kind);
  const hasAddress = storage === "replaceable" || storage === "addressable";
  const d = storage === "addressable" ? dValue(event) : "";
  return {
    event,
    parts,
    text: eventText(event, parts),
    tagKeys: indexedTagKeys(event),
    flags: (hasAddress ? FLAG_ADDRESS : 0) | (storage === "ephemeral" ? FLAG_EPHEMERAL : 0) |
      (event.kind === KIND_DELETION ? FLAG_DELETION : 0),
    addressKey: hasAddress ? addressKey(event.kind, event.pubkey, d) : 0,
    expiresAt: expiresAt(event),
  };
}

/** The keys under which tags are found: first values of single-letter tags (NIP-01), each key once. */
function indexedTagKeys(event: NostrEvent): readonly number[] {
  const keys: number[] = [];
  for (const tag of event.tags) {
    const letter = tag[0];
    const value = tag[1];
    if (letter === undefined || value === undefined || !isIndexedLetter(letter)) continue;
    keys.push(tagKey(letter, value));
  }
  return distinctKeys(keys);
}

/** Whether tags of this name are indexed: one letter, a to z or A to Z (NIP-01). */
export function isIndexedLetter(name: string): boolean {
  if (name.length !== 1) return false;
  const code = name.charCodeAt(0) | 32;
  return code >= 97 && code <= 122;
}

/** The most bytes an event may take packed. */
export function packedBytesMax(facts: EventFacts): number {
  return FIXED_BYTES + facts.tagKeys.length * 8 + facts.text.length * 3;
}

/** The memory a packed event is written to: three views of one buffer. */
export interface PackTarget {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
}

/** Memory for packed events, of at least so many bytes. */
export function createPackTarget(bytes: number): PackTarget {
  const buffer = new ArrayBuffer(Math.ceil(bytes / 8) * 8);
  return {
    bytes: new Uint8Array(buffer),
    words: new Uint32Array(buffer),
    doubles: new Float64Array(buffer),
  };
}

/**
 * Packs an event at byte offset `at` (a multiple of 8).
 *
 * @returns the bytes written.
 */
export function packEvent(facts: EventFacts, id: Uint8Array, target: PackTarget, at: number): number {
  const { event } = facts;
  const double = at >>> 3;
  const word = at >>> 2;
  target.doubles[double] = event.created_at;
  target.doubles[double + 1] = facts.expiresAt;
  target.doubles[double + 2] = idKey(event.id);
  target.doubles[double + 3] = pubkeyKey(event.pubkey);
  target.doubles[double + 4] = facts.addressKey;
  target.words[word + 10] = event.kind;
  target.words[word + 11] = facts.flags;
  target.words[word + 12] = facts.tagKeys.length;
  target.bytes.set(id, at + 56);
  let cursor = at + FIXED_BYTES;
  for (const key of facts.tagKeys) {
    target.doubles[cursor >>> 3] = key;
    cursor += 8;
  }
  const { written } = encoder.encodeInto(facts.text, target.bytes.subarray(cursor));
  target.words[word + 13] = written;
  return cursor - at + written;
}

/** Reads packed events in place. One instance serves many events: point it with `at()`. */
export class PackedEvent {
  #source: PackTarget;
  #at = 0;

  constructor(source: PackTarget) {
    this.#source = source;
  }

  /** Points at the event that starts at byte `at` of `source`. */
  at(at: number, source: PackTarget = this.#source): this {
    this.#source = source;
    this.#at = at;
    return this;
  }
  get createdAt(): number {
    return this.#source.doubles[this.#at >>> 3]!;
  }
  get expiresAt(): number {
    return this.#source.doubles[(this.#at >>> 3) + 1]!;
  }
  get idKey(): number {
    return this.#source.doubles[(this.#at >>> 3) + 2]!;
  }
  get pubkeyKey(): number {
    return this.#source.doubles[(this.#at >>> 3) + 3]!;
  }
  get addressKey(): number {
    return this.#source.doubles[(this.#at >>> 3) + 4]!;
  }
  get kind(): number {
    return this.#source.words[(this.#at >>> 2) + 10]!;
  }
  get flags(): number {
    return this.#source.words[(this.#at >>> 2) + 11]!;
  }
  get tagCount(): number {
    return this.#source.words[(this.#at >>> 2) + 12]!;
  }
  tagKey(index: number): number {
    return this.#source.doubles[((this.#at + FIXED_BYTES) >>> 3) + index]!;
  }
  /** The id's 32 bytes, in place. */
  get id(): Uint8Array {
    return this.#source.bytes.subarray(this.#at + 56, this.#at + 88);
  }
  /** The text's bytes, in place. */
  get text(): Uint8Array {
    const start = this.#at + FIXED_BYTES + this.tagCount * 8;
    return this.#source.bytes.subarray(start, start + this.#source.words[(this.#at >>> 2) + 13]!);
  }
  /** The whole packed event, in place. */
  get packed(): Uint8Array {
    const start = this.#at + FIXED_BYTES + this.tagCount * 8;
    return this.#source.bytes.subarray(this.#at, start + this.#source.words[(this.#at >>> 2) + 13]!);
  }
}
