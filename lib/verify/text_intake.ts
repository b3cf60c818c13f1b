/**
 * Turns texts into events whose shape, policies and id are checked: what no tier reads by itself, and what is unusual.
 * What an event is found by is computed when all else is decided (`settle`): nobody has it done for an event of no worth.
 * This is the truth about which events are right, and the one that says what is wrong with the others.
 * Belongs to the intake of one verifier's thread, with its memory.
 *
 * @module
 */
import {
  type EventParts,
  eventParts,
  idText,
  idTextVerbatim,
  type NostrEvent,
  shapeFault,
} from "../nostr/event.ts";
import { hasDeepFields, TOO_DEEP } from "../nostr/nesting.ts";
import { type EventFacts, eventFacts } from "../nostr/packed_event.ts";
import type { EventPolicy, PolicyContext } from "../policy/policy.ts";
import type { SignatureVerifier } from "./verifier.ts";

/** Why a frame became no event: an `OK false` where the event has an id, otherwise a NOTICE. */
export interface Refusal {
  /** The id as the client wrote it, or null: there is none to answer to. */
  readonly id: string | null;
  /** Prefix and reason. */
  readonly message: string;
}

/** An event that was read from a text, and what both of its texts hold. */
interface ParsedEvent {
  readonly event: NostrEvent;
  readonly parts: EventParts;
}

/** What has become of a text so far. */
export interface TextEntry {
  /** What was read, until it is refused or settled. */
  parsed: ParsedEvent | null;
  /** Set when it is settled. */
  facts: EventFacts | null;
  refusal: Refusal | null;
}

/** What is asked of an event before its id is computed. */
interface TextCheck {
  readonly policy: EventPolicy;
  readonly context: PolicyContext;
}

/** An event that waits for its id to be checked. */
interface Waiting<Entry> {
  readonly entry: Entry;
  /** The text that is hashed. */
  readonly text: string;
}

/** Characters of a client's own id that an answer repeats, where that id is not one. */
const ODD_ID_CHARS_MAX = 64;
const encoder = new TextEncoder();

/** One batch at a time; see the module's text. */
export class TextIntake<Entry extends TextEntry> {
  readonly #verifier: SignatureVerifier;
  #digests = new Uint8Array(0);
  #offsets = new Uint32Array(1);
  #waiting: Waiting<Entry>[] = [];
  #idBytes = new Uint8Array(256 * 1024);
  #idBytesUsed = 0;

  constructor(verifier: SignatureVerifier) {
    this.#verifier = verifier;
  }

  /** Bytes of the texts that are to be hashed. */
  get bytes(): number {
    return this.#idBytesUsed;
  }

  clear(): void {
    this.#waiting = [];
    this.#idBytesUsed = 0;
  }

  /** Reads the text of an EVENT message: `entry` gets its facts, or a refusal. The check comes before an id is computed. */
  add(entry: Entry, text: string, { policy, context }: TextCheck): void {
    const parsed = parseMessage(text);
    if ("message" in parsed) {
      entry.refusal = parsed;
      return;
    }
    const { event } = parsed;
    const fault = policy(event, context);
    if (fault !== null) {
      entry.refusal = { id: event.id, message: fault };
      return;
    }
    const parts = eventParts(event);
    const whole = idText(event, parts);
    this.#reserve(whole.length * 3);
    const { written } = encoder.encodeInto(whole, this.#idBytes.subarray(this.#idBytesUsed));
    this.#waiting.push({ entry, text: whole });
    this.#idBytesUsed += written;
    this.#offsets[this.#waiting.length] = this.#idBytesUsed;
    entry.parsed = { event, parts };
  }

  /** Refuses what has not the id of its text. Returns the entries that have. */
  checkIds(): Entry[] {
    const count = this.#waiting.length;
    if (count === 0) return [];
    if (this.#digests.length < count * 32) this.#digests = new Uint8Array(count * 64);
    this.#verifier.hash(this.#idBytes, this.#offsets, count, this.#digests);
    const right: Entry[] = [];
    for (const [at, { entry, text }] of this.#waiting.entries()) {
      const { event } = entry.parsed!;
      if (this.#hasId(event, text, at)) {
        right.push(entry);
        continue;
      }
      entry.parsed = null;
      entry.refusal = { id: event.id, message: "invalid: the id is not the hash of the event" };
    }
    return right;
  }

  /** Computes what an event is found by that is right. */
  settle(entry: Entry): void {
    const { event, parts } = entry.parsed!;
    entry.facts = eventFacts(event, parts);
    entry.parsed = null;
  }

  #hasId(event: NostrEvent, text: string, at: number): boolean {
    if (this.#digests.subarray(at * 32, at * 32 + 32).toHex() === event.id) return true;
    const verbatim = idTextVerbatim(text);
    if (verbatim === null) return false;
    const bytes = encoder.encode(verbatim);
    const digest = new Uint8Array(32);
    this.#verifier.hash(bytes, Uint32Array.of(0, bytes.length), 1, digest);
    return digest.toHex() === event.id;
  }

  #reserve(bytes: number): void {
    const count = this.#waiting.length + 2;
    if (count > this.#offsets.length) {
      const longer = new Uint32Array(2 * count);
      longer.set(this.#offsets);
      this.#offsets = longer;
    }
    if (this.#idBytesUsed + bytes <= this.#idBytes.length) return;
    const larger = new Uint8Array(2 ** Math.ceil(Math.log2(this.#idBytesUsed + bytes)));
    larger.set(this.#idBytes.subarray(0, this.#idBytesUsed));
    this.#idBytes = larger;
  }
}

/** Reads `["EVENT", event]`. What is wrong with it becomes the refusal. */
function parseMessage(text: string): { readonly event: NostrEvent } | Refusal {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return { id: null, message: "invalid: the message is not JSON" };
  }
  if (!Array.isArray(message) || message[0] !== "EVENT" || message.length < 2) {
    return { id: null, message: 'invalid: an EVENT message has the form ["EVENT", event]' };
  }
  const event: unknown = message[1];
  const fault = shapeFault(event) ?? surrogateFault(text, event as NostrEvent);
  if (fault === null && hasDeepFields(event as NostrEvent)) return { id: oddId(event), message: TOO_DEEP };
  return fault === null ? { event: event as NostrEvent } : { id: oddId(event), message: `invalid: ${fault}` };
}

/** Half a surrogate pair has no UTF-8, so that no two programs agree on such an event's id. */
function surrogateFault(text: string, event: NostrEvent): string | null {
  if (!text.includes("\\u")) return null;
  const wellFormed = event.content.isWellFormed() &&
    event.tags.every((tag) => tag.every((item) => item.isWellFormed()));
  return wellFormed ? null : "the event holds half a surrogate pair";
}

function oddId(event: unknown): string | null {
  const id = (event as { id?: unknown } | null)?.id;
  return typeof id === "string" ? id.slice(0, ODD_ID_CHARS_MAX) : null;
}
