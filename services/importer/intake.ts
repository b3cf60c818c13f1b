/**
 * The first half of an import without a relay: lines become packed events, or reasons of refusal.
 * The import's worker owns it.
 *
 * @module
 */
import { VERIFY_BATCH_MAX } from "../../lib/limits.ts";
import { createPackTarget } from "../../lib/nostr/packed_event.ts";
import { type EventPolicy, fromNobody } from "../../lib/policy/policy.ts";
import { EventIntake } from "../../lib/verify/event_intake.ts";
import type { SignatureVerifier } from "../../lib/verify/verifier.ts";
import { tooLongFor } from "../../runtime/import_tally.ts";
import type { DecidedLines, PackedBatch, RefusedLine } from "../../wire/intake.ts";

const LINE_FEED = 10;
const SPACE = 32;
const PREFIX = new TextEncoder().encode('["EVENT",');
const SUFFIX = "]".charCodeAt(0);
const decoder = new TextDecoder();

/** How lines are decided about. */
interface IntakeOptions {
  /** Asked before signatures. */
  readonly check: EventPolicy;
  /** Signatures are taken for granted. */
  readonly trusted: boolean;
  /** Bytes of the longest event as a message; null: events may have any size. */
  readonly messageBytesMax: number | null;
  /** Of a batch; a longer line goes alone. */
  readonly frameBytesMax: number;
}

/** See the module's text. */
export class ImportIntake {
  readonly #intake: EventIntake;
  readonly #trusted: boolean;
  readonly #messageBytesMax: number | null;
  /** The lines of a batch, as messages. */
  readonly #frames: Uint8Array;
  #framesUsed = 0;
  /** Which line each entry of the batch is. */
  #entryLines: number[] = [];
  #batches: PackedBatch[] = [];
  #refusals: RefusedLine[] = [];

  constructor(
    verifier: SignatureVerifier,
    { check, trusted, messageBytesMax, frameBytesMax }: IntakeOptions,
  ) {
    this.#intake = new EventIntake(verifier, check, check);
    this.#frames = new Uint8Array(frameBytesMax);
    this.#intake.attach(0, this.#frames);
    this.#trusted = trusted;
    this.#messageBytesMax = messageBytesMax;
  }

  /** Decides about every line that is not blank. */
  decide(text: Uint8Array, nowSeconds: number): DecidedLines {
    this.#batches = [];
    this.#refusals = [];
    let lines = 0;
    let number = 0;
    for (let start = 0; start < text.length; number++) {
      const feed = text.indexOf(LINE_FEED, start);
      const end = feed < 0 ? text.length : feed;
      if (!isBlank(text, start, end)) {
        lines++;
        this.#add(text.subarray(start, end), number, nowSeconds);
      }
      start = end + 1;
    }
    this.#decideBatch();
    return { type: "decided", lines, batches: this.#batches, refusals: this.#refusals };
  }

  #add(line: Uint8Array, number: number, nowSeconds: number): void {
    const bytes = PREFIX.length + line.length + 1;
    const most = this.#messageBytesMax;
    if (most !== null && bytes > most) {
      return void this.#refusals.push({ line: number, id: "", reason: tooLongFor(most) });
    }
    const isFull = !this.#intake.hasRoom || this.#intake.entries.length === VERIFY_BATCH_MAX;
    if (isFull || this.#framesUsed + bytes > this.#frames.length) this.#decideBatch();
    const context = fromNobody(nowSeconds, most === null);
    this.#entryLines.push(number);
    if (bytes > this.#frames.length) {
      return this.#intake.addText(`["EVENT",${decoder.decode(line)}]`, context, this.#trusted);
    }
    const start = this.#framesUsed;
    this.#frames.set(PREFIX, start);
    this.#frames.set(line, start + PREFIX.length);
    this.#framesUsed += bytes;
    this.#frames[this.#framesUsed - 1] = SUFFIX;
    this.#intake.add({ source: 0, start, end: this.#framesUsed }, context, this.#trusted);
  }

  #decideBatch(): void {
    const intake = this.#intake;
    if (intake.entries.length === 0) return;
    intake.decide();
    const lines: number[] = [];
    const accepted = intake.entries.filter(({ refusal }, n) => {
      const line = this.#entryLines[n]!;
      if (refusal === null) lines.push(line);
      else this.#refusals.push({ line, id: refusal.id ?? "", reason: refusal.message });
      return refusal === null;
    });
    const offsets: number[] = [];
    let bytes = 0;
    for (const entry of accepted) {
      offsets.push(bytes);
      bytes += Math.ceil(intake.packedBytesMax(entry) / 8) * 8;
    }
    const target = createPackTarget(bytes);
    for (const [n, entry] of accepted.entries()) intake.pack(entry, target, offsets[n]!);
    this.#batches.push({ buffer: target.bytes.buffer as ArrayBuffer, offsets, lines });
    intake.clear();
    this.#entryLines = [];
    this.#framesUsed = 0;
  }
}

function isBlank(text: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (text[at]! > SPACE) return false;
  return true;
}
