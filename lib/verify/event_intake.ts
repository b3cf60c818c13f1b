/**
 * Turns frames into verified events, many at a time: parse, shape, policies, id, signature.
 * A verifier's thread owns it and its scratch memory.
 *
 * The steps run over the whole batch one after another, so that hashing and signatures are one call each.
 *
 * @module
 */
import { INTAKE_BYTES_MAX, VERIFY_BATCH_MAX } from "../limits.ts";
import { eventParts, idText, idTextVerbatim, type NostrEvent, shapeFault } from "../nostr/event.ts";
import { type EventFacts, eventFacts } from "../nostr/packed_event.ts";
import type { EventPolicy, PolicyContext } from "../policy/policy.ts";
import { ITEM_BYTES, type SignatureVerifier } from "./verifier.ts";

/** Why a frame became no event: an `OK false` where the event has an id, otherwise a NOTICE. */
export interface Refusal {
  /** The id as the client wrote it, or null: there is none to answer to. */
  readonly id: string | null;
  /** Prefix and reason. */
  readonly message: string;
}

/** What became of one frame: exactly one of `facts` and `refusal` is not null after `decide()`. */
export interface IntakeEntry {
  facts: EventFacts | null;
  refusal: Refusal | null;
}

/** Characters of a client's own id that an answer repeats, where that id is not one. */
const ODD_ID_CHARS_MAX = 64;
const encoder = new TextEncoder();

/** One batch at a time; see the module's text. */
export class EventIntake {
  readonly #verifier: SignatureVerifier;
  readonly #check: EventPolicy;
  readonly #items = new Uint8Array(VERIFY_BATCH_MAX * ITEM_BYTES);
  readonly #digests = new Uint8Array(VERIFY_BATCH_MAX * 32);
  readonly #offsets = new Uint32Array(VERIFY_BATCH_MAX + 1);
  readonly #verdicts = new Uint8Array(VERIFY_BATCH_MAX);
  /** Positions in `entries` of what is to be hashed, then of what is to be verified. */
  #waiting: number[] = [];
  #texts: string[] = [];
  #trusted: boolean[] = [];
  #idBytes = new Uint8Array(256 * 1024);
  #idBytesUsed = 0;
  /** The frames of this batch, in the order in which they were added. */
  entries: IntakeEntry[] = [];

  /** @param check Asked before signatures, which are dearer. */
  constructor(verifier: SignatureVerifier, check: EventPolicy) {
    this.#verifier = verifier;
    this.#check = check;
  }

  /** Whether another frame fits this batch. */
  get hasRoom(): boolean {
    return this.entries.length < VERIFY_BATCH_MAX && this.#idBytesUsed < INTAKE_BYTES_MAX;
  }

  /** Begins a batch. */
  clear(): void {
    this.entries = [];
    this.#waiting = [];
    this.#texts = [];
    this.#trusted = [];
    this.#idBytesUsed = 0;
  }

  /**
   * Adds the text of an EVENT message.
   *
   * @param trusted Signature and policies were checked before (`--no-verify`); the id is checked all the same.
   */
  add(text: string, context: PolicyContext, trusted = false): void {
    const parsed = parseMessage(text);
    if ("message" in parsed) {
      this.entries.push({ facts: null, refusal: parsed });
      return;
    }
    const { event } = parsed;
    const fault = trusted ? null : this.#check(event, context);
    if (fault !== null) {
      this.entries.push({ facts: null, refusal: { id: event.id, message: fault } });
      return;
    }
    const parts = eventParts(event);
    const whole = idText(event, parts);
    this.#reserve(whole.length * 3);
    const { written } = encoder.encodeInto(whole, this.#idBytes.subarray(this.#idBytesUsed));
    const at = this.#waiting.length;
    this.#offsets[at] = this.#idBytesUsed;
    this.#idBytesUsed += written;
    this.#offsets[at + 1] = this.#idBytesUsed;
    this.#waiting.push(this.entries.length);
    this.#texts.push(whole);
    this.#trusted.push(trusted);
    this.entries.push({ facts: eventFacts(event, parts), refusal: null });
  }

  /** Decides every entry of the batch. Returns the number of signatures that were verified. */
  decide(): number {
    if (this.#waiting.length === 0) return 0;
    this.#verifier.hash(this.#idBytes, this.#offsets, this.#waiting.length, this.#digests);
    const toVerify: number[] = [];
    for (let at = 0; at < this.#waiting.length; at++) {
      const position = this.#waiting[at]!;
      const entry = this.entries[position]!;
      const { event } = entry.facts!;
      if (!this.#hasId(event, at)) {
        this.#refuse(entry, "invalid: the id is not the hash of the event");
        continue;
      }
      if (this.#trusted[at]) continue;
      const item = toVerify.length * ITEM_BYTES;
      this.#items.subarray(item, item + 32).setFromHex(event.id);
      this.#items.subarray(item + 32, item + 64).setFromHex(event.pubkey);
      this.#items.subarray(item + 64, item + 128).setFromHex(event.sig);
      toVerify.push(position);
    }
    if (toVerify.length > 0) this.#verifier.verify(this.#items, toVerify.length, this.#verdicts);
    for (let at = 0; at < toVerify.length; at++) {
      if (this.#verdicts[at] !== 1) {
        this.#refuse(this.entries[toVerify[at]!]!, "invalid: the signature does not verify");
      }
    }
    return toVerify.length;
  }

  #hasId(event: NostrEvent, at: number): boolean {
    if (this.#digests.subarray(at * 32, at * 32 + 32).toHex() === event.id) return true;
    const verbatim = idTextVerbatim(this.#texts[at]!);
    if (verbatim === null) return false;
    const bytes = encoder.encode(verbatim);
    const digest = new Uint8Array(32);
    this.#verifier.hash(bytes, Uint32Array.of(0, bytes.length), 1, digest);
    return digest.toHex() === event.id;
  }

  #refuse(entry: IntakeEntry, message: string): void {
    entry.refusal = { id: entry.facts!.event.id, message };
    entry.facts = null;
  }

  #reserve(bytes: number): void {
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
