/**
 * Turns frames into verified events, many at a time: parse, shape, policies, id, signature.
 * A verifier's thread owns it and its scratch memory.
 *
 * The steps run over the whole batch one after another, so that each is one call of the tier. Where the tier reads
 * frames by itself, JavaScript sees of a usual event only what policies ask for; whatever is unusual goes the way of
 * `text_intake.ts`, and every refusal is written there or here.
 *
 * @module
 */
import { INTAKE_BYTES_MAX, VERIFY_BATCH_MAX } from "../limits.ts";
import { packedBytesMax, packEvent, type PackTarget } from "../nostr/packed_event.ts";
import type { EventPolicy, PolicyContext, PolicyEvent } from "../policy/policy.ts";
import { FrameBatch } from "./frame_batch.ts";
import { type Refusal, type TextEntry, TextIntake } from "./text_intake.ts";
import { ITEM_BYTES, type SignatureVerifier } from "./verifier.ts";

export type { Refusal };

/** What became of one frame: after `decide()` it has a refusal, or can be packed. */
export interface IntakeEntry extends TextEntry {
  /** The tier's number of the frame, or -1: JavaScript has read it. */
  frame: number;
  readonly context: PolicyContext;
  /** Signature and policies were checked before (`--no-verify`); the id is checked all the same. */
  readonly trusted: boolean;
}

/** Where a frame lies. */
export interface FramePlace {
  /** The number of an attached memory. */
  readonly source: number;
  readonly start: number;
  readonly end: number;
}

/** Where the id lies in a packed event. */
const PACKED_ID_AT = 56;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** One batch at a time; see the module's text. */
export class EventIntake {
  readonly #verifier: SignatureVerifier;
  readonly #check: EventPolicy;
  readonly #frames: FrameBatch | null;
  readonly #texts: TextIntake<IntakeEntry>;
  readonly #items: Uint8Array;
  readonly #verdicts = new Uint8Array(VERIFY_BATCH_MAX);
  readonly #sources: Uint8Array[] = [];
  /** Where frames that the tier may read lie, each with its entry. */
  #places: FramePlace[] = [];
  #readable: IntakeEntry[] = [];
  #frameBytes = 0;
  #toVerify: IntakeEntry[] = [];
  #copy = new Uint8Array(64 * 1024);
  #id = new Uint8Array(32);
  /** Frames of this batch that the tier could have read, and left to JavaScript. */
  left = 0;
  /** The frames of this batch, in the order in which they were added. */
  entries: IntakeEntry[] = [];

  /** @param check Asked before signatures, which are dearer. */
  constructor(verifier: SignatureVerifier, check: EventPolicy) {
    this.#verifier = verifier;
    this.#check = check;
    this.#frames = verifier.reader && new FrameBatch(verifier.reader);
    this.#texts = new TextIntake(verifier, check);
    this.#items = this.#frames?.items ?? new Uint8Array(VERIFY_BATCH_MAX * ITEM_BYTES);
  }

  /** Gives a memory the number by which frames name it. It must not move, and stays for good. */
  attach(source: number, bytes: Uint8Array): void {
    this.#sources[source] = bytes;
    this.#verifier.reader?.attach(source, bytes);
  }

  /** Whether another frame fits this batch. */
  get hasRoom(): boolean {
    return this.entries.length < VERIFY_BATCH_MAX && this.#texts.bytes + this.#frameBytes < INTAKE_BYTES_MAX;
  }

  /** Begins a batch. */
  clear(): void {
    this.entries = [];
    this.#frames?.clear();
    this.#texts.clear();
    this.#places = [];
    this.#readable = [];
    this.#frameBytes = 0;
    this.left = 0;
  }

  /** Adds an EVENT message that lies in an attached memory, as UTF-8. The bytes stay until the next `clear()`. */
  add(place: FramePlace, context: PolicyContext, trusted = false): void {
    const entry: IntakeEntry = { parsed: null, facts: null, refusal: null, frame: -1, context, trusted };
    this.entries.push(entry);
    const bytes = place.end - place.start;
    if (this.#frames === null) return this.#addText(entry, place);
    this.#frameBytes += bytes;
    this.#frames.add(place.source, place.start, bytes);
    this.#places.push(place);
    this.#readable.push(entry);
  }

  /** Adds the text of an EVENT message that lies in no attached memory. */
  addText(text: string, context: PolicyContext, trusted = false): void {
    const entry: IntakeEntry = { parsed: null, facts: null, refusal: null, frame: -1, context, trusted };
    this.entries.push(entry);
    this.#texts.add(entry, text, trusted ? null : context);
  }

  /** Decides every entry of the batch. Returns the number of signatures that were verified. */
  decide(): number {
    this.#toVerify = [];
    this.#readFrames();
    const read = this.#texts.checkIds();
    for (const entry of read) if (!entry.trusted) this.#addItem(entry);
    const count = this.#toVerify.length;
    if (count > 0) this.#verifier.verify(this.#items, count, this.#verdicts);
    for (let n = 0; n < count; n++) {
      if (this.#verdicts[n] === 1) continue;
      const entry = this.#toVerify[n]!;
      entry.refusal = { id: this.#idOf(entry), message: "invalid: the signature does not verify" };
      entry.parsed = null;
    }
    for (const entry of read) if (entry.refusal === null) this.#texts.settle(entry);
    return count;
  }

  /** An accepted event, as policies see it. */
  eventOf({ facts, frame }: IntakeEntry): PolicyEvent {
    return facts === null ? this.#frames!.view.at(frame) : facts.event;
  }

  /** The most bytes that an accepted event takes packed. */
  packedBytesMax({ facts, frame }: IntakeEntry): number {
    return facts === null ? this.#frames!.packedBytes(frame) : packedBytesMax(facts);
  }

  /** Packs an accepted event at byte offset `at` (a multiple of 8). Returns the bytes written. */
  pack({ facts, frame }: IntakeEntry, target: PackTarget, at: number): number {
    if (facts !== null) {
      this.#id.setFromHex(facts.event.id);
      return packEvent(facts, this.#id, target, at);
    }
    const packed = this.#frames!.packed(frame);
    target.bytes.set(packed, at);
    return packed.length;
  }

  /** Has the tier read what it can, asks policies about that, and reads the rest. */
  #readFrames(): void {
    const frames = this.#frames;
    if (frames === null || frames.count === 0) return;
    frames.read();
    const event = frames.view;
    let item = 0;
    for (let n = 0; n < frames.count; n++) {
      const entry = this.#readable[n]!;
      if (frames.packedBytes(n) === 0) {
        this.#addText(entry, this.#places[n]!);
        this.left++;
        continue;
      }
      entry.frame = n;
      const itemAt = ITEM_BYTES * item++;
      if (entry.trusted) continue;
      const fault = this.#check(event.at(n), entry.context);
      if (fault !== null) {
        entry.refusal = { id: event.id, message: fault };
        continue;
      }
      const at = ITEM_BYTES * this.#toVerify.length;
      if (at !== itemAt) this.#items.copyWithin(at, itemAt, itemAt + ITEM_BYTES);
      this.#toVerify.push(entry);
    }
  }

  #addText(entry: IntakeEntry, { source, start, end }: FramePlace): void {
    this.#texts.add(
      entry,
      this.#decode(this.#sources[source]!, start, end),
      entry.trusted ? null : entry.context,
    );
  }

  #addItem(entry: IntakeEntry): void {
    const { id, pubkey, sig } = entry.parsed!.event;
    const at = ITEM_BYTES * this.#toVerify.length;
    this.#items.subarray(at, at + 32).setFromHex(id);
    this.#items.subarray(at + 32, at + 64).setFromHex(pubkey);
    this.#items.subarray(at + 64, at + 128).setFromHex(sig);
    this.#toVerify.push(entry);
  }

  #idOf({ parsed, frame }: IntakeEntry): string {
    if (parsed !== null) return parsed.event.id;
    return this.#frames!.packed(frame).subarray(PACKED_ID_AT, PACKED_ID_AT + 32).toHex();
  }

  /** Decoding straight from shared memory is five times as dear as from a copy. */
  #decode(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start;
    if (length > this.#copy.length) this.#copy = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
    this.#copy.set(bytes.subarray(start, end));
    return decoder.decode(this.#copy.subarray(0, length));
  }
}
