/**
 * The texts of events that were asked for again and again, in the form that is sent: to read a text from SQLite and to
 * make a string of it costs more than all else of sending it. An event never changes, so a copy is right for as long as
 * its entry stands in the log; a follower of removals (`event_reader.ts`) drops it then, and no bell rings for that: each
 * query looks first.
 * Belongs to the thread whose connection it goes with.
 *
 * DESIGN: texts lie behind each other in chunks. When there are as many chunks as are allowed, the oldest goes with all
 * that lies in it; memory of a chunk is never written again, so that a frame that waits may point into it. Where the
 * socket engine takes strings only, texts stay the strings that SQLite gave, and a chunk is a list of them. What is asked
 * for once is only noted, in a table that forgets: somebody who reads through the whole store drives nothing out.
 *
 * ```
 *   #bySeq, #byId ─▶ CachedText ─▶ [ text | text | text |   ...room ]   #chunks: oldest, ..., newest
 * ```
 *
 * @module
 */
import {
  CACHED_TEXT_BYTES_MAX,
  TEXT_CACHE_CANDIDATES,
  TEXT_CACHE_CHUNK_BYTES,
  TEXT_CACHE_PLACES,
} from "../../limits.ts";
import { TEXT_ID_AT } from "../../nostr/event.ts";
import { idKey } from "../../nostr/keys.ts";
import { hasId } from "../../nostr/exact.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const NO_BYTES = new Uint8Array(0);
/** What a string with one character of takes two bytes for each. */
const WIDE = /[\u0100-\uffff]/;

/** One event's text. */
export class CachedText {
  constructor(
    /** Its place in the log. */
    readonly seq: number,
    readonly idKey: number,
    /** Seconds since 1970; 0: it never expires. */
    readonly expiresAt: number,
    /** The text, where it is kept as a string; else it lies in the chunk. */
    readonly string: string | null,
    readonly chunk: Uint8Array,
    readonly start: number,
    readonly end: number,
  ) {}

  /** What can be sent. */
  get message(): string | CachedText {
    return this.string ?? this;
  }

  /** Its bytes of UTF-8, or about as many. */
  get length(): number {
    return this.string === null ? this.end - this.start : this.string.length;
  }

  /** The text in UTF-8, where it is not kept as a string; not to be changed. */
  get bytes(): Uint8Array {
    return this.chunk.subarray(this.start, this.end);
  }

  toString(): string {
    return this.string ?? decoder.decode(this.bytes);
  }

  /** Whether it is that of the event with this id. */
  hasId(id: string): boolean {
    if (this.string !== null) return hasId(this.string, id);
    const at = this.start + TEXT_ID_AT;
    for (let n = 0; n < id.length; n++) if (this.chunk[at + n] !== id.charCodeAt(n)) return false;
    return true;
  }
}

/** A stretch of memory, and what lies in it. */
interface Chunk {
  readonly bytes: Uint8Array;
  readonly texts: CachedText[];
}

/** How texts are kept: as what the socket engine takes. */
export type CachedForm = "bytes" | "strings";

/** See the module's text. */
export class TextCache {
  readonly #chunksMax: number;
  readonly #form: CachedForm;
  /** Each text has one place that it can be at, by its seq and by its key: a map costs three times as many misses. */
  #bySeq: (CachedText | null)[] = [];
  #byId: (CachedText | null)[] = [];
  readonly #chunks: Chunk[] = [];
  /** Bytes used of the newest chunk. */
  #used = 0;
  /** Whether something had to go. */
  #wasFull = false;
  /** Texts that might have been kept since. */
  #candidates = 0;
  /** Seqs that were asked for lately, each at the one place that it can have. */
  readonly #noted = new Float64Array(TEXT_CACHE_PLACES);

  /** @param bytesMax Bytes that the texts may take. */
  constructor(bytesMax: number, form: CachedForm) {
    this.#chunksMax = Math.max(1, Math.floor(bytesMax / TEXT_CACHE_CHUNK_BYTES));
    this.#form = form;
  }

  /** The text of the event that the log has at `seq`, if it is here. */
  at(seq: number): CachedText | null {
    const text = this.#bySeq[placeOf(seq)] ?? null;
    return text !== null && text.seq === seq ? text : null;
  }

  /** The text of the event with this id, if it is here. */
  of(id: string): CachedText | null {
    const text = this.#byId[placeOf(idKey(id))] ?? null;
    return text !== null && text.hasId(id) ? text : null;
  }

  /** A text was read. It is kept if that was so a short while ago as well. */
  read(idKey: number, seq: number, expiresAt: number, text: string): void {
    const place = placeOf(seq);
    if (this.#noted[place] !== seq) this.#noted[place] = seq;
    else if (text.length * 3 <= CACHED_TEXT_BYTES_MAX && this.at(seq) === null && this.#mayKeep()) {
      this.#keep(idKey, seq, expiresAt, text);
    }
  }

  /** Where there is room for all but a few, to give each of those its turn would cost more than it gains. */
  #mayKeep(): boolean {
    return !this.#wasFull || ++this.#candidates % TEXT_CACHE_CANDIDATES === 0;
  }

  /** The event at this place of the log has left it. */
  remove(seq: number): void {
    const text = this.at(seq);
    if (text !== null) this.#drop(text);
  }

  /** Forgets all texts. */
  clear(): void {
    this.#bySeq.fill(null);
    this.#byId.fill(null);
    this.#chunks.length = 0;
    this.#wasFull = false;
  }

  /** Another text may have taken either of its places. */
  #drop(text: CachedText): void {
    const [bySeq, byId] = [placeOf(text.seq), placeOf(text.idKey)];
    if (this.#bySeq[bySeq] === text) this.#bySeq[bySeq] = null;
    if (this.#byId[byId] === text) this.#byId[byId] = null;
  }

  #keep(idKey: number, seq: number, expiresAt: number, text: string): void {
    const room = text.length * (this.#form === "bytes" ? 3 : WIDE.test(text) ? 2 : 1);
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || TEXT_CACHE_CHUNK_BYTES - this.#used < room) chunk = this.#newChunk();
    const start = this.#used;
    const isString = this.#form === "strings";
    this.#used += isString ? room : encoder.encodeInto(text, chunk.bytes.subarray(start)).written;
    const string = isString ? text : null;
    const hot = new CachedText(seq, idKey, expiresAt, string, chunk.bytes, start, this.#used);
    chunk.texts.push(hot);
    const displaced = this.#bySeq[placeOf(seq)];
    // Else its removal would not find it.
    if (displaced) this.#drop(displaced);
    this.#bySeq[placeOf(seq)] = hot;
    this.#byId[placeOf(idKey)] = hot;
  }

  #newChunk(): Chunk {
    if (this.#bySeq.length === 0) {
      this.#bySeq = new Array(TEXT_CACHE_PLACES).fill(null);
      this.#byId = new Array(TEXT_CACHE_PLACES).fill(null);
    }
    if (this.#chunks.length === this.#chunksMax) {
      this.#wasFull = true;
      for (const text of this.#chunks.shift()!.texts) this.#drop(text);
    }
    const bytes = this.#form === "strings" ? NO_BYTES : new Uint8Array(TEXT_CACHE_CHUNK_BYTES);
    const chunk = { bytes, texts: [] };
    this.#chunks.push(chunk);
    this.#used = 0;
    return chunk;
  }
}

function placeOf(key: number): number {
  return key & (TEXT_CACHE_PLACES - 1);
}
