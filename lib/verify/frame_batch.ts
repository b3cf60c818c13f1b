/**
 * A batch of frames for a tier that reads frames itself, and what it says about them: packed events, and events of which
 * JavaScript sees only what it asks for.
 * Belongs to the intake of one verifier's thread, with its memory.
 *
 * @module
 */
import { VERIFY_BATCH_MAX } from "../limits.ts";
import { type NostrEvent, TEXT_PUBKEY_AT } from "../nostr/event.ts";
import { createPackTarget, PackedEvent, type PackTarget } from "../nostr/packed_event.ts";
import type { EventFindings, PolicyEvent } from "../policy/policy.ts";
import {
  FRAME_WORDS,
  type FrameReader,
  READ_WORDS,
  TRAIT_MAY_EMBED_PROTECTED,
  TRAIT_PROTECTED,
} from "./frame_reader.ts";
import { ITEM_BYTES } from "./verifier.ts";

/** A packed event has a key for eight bytes of its frame at most; its text is no longer, and there twice for a while. */
const PACKED_PER_FRAME_BYTE = 3;
const PACKED_FIXED_BYTES = 512;
const FIRST_BYTES = 256 * 1024;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** See the module's text. */
export class FrameBatch {
  readonly #reader: FrameReader;
  readonly #frames = new Uint32Array(VERIFY_BATCH_MAX * FRAME_WORDS);
  readonly #read = new Uint32Array(VERIFY_BATCH_MAX * READ_WORDS);
  #packed = createPackTarget(FIRST_BYTES);
  /** Bytes that the frames may take when they are packed. */
  #packedBytesMax = 0;
  /** Frames that were added. */
  count = 0;
  /** What signatures need, one item a packed event, in the order of their frames. */
  readonly items = new Uint8Array(VERIFY_BATCH_MAX * ITEM_BYTES);

  constructor(reader: FrameReader) {
    this.#reader = reader;
  }

  clear(): void {
    this.count = 0;
    this.#packedBytesMax = 0;
  }

  /** Adds a frame that lies in an attached memory. Returns its number in this batch. */
  add(source: number, offset: number, bytes: number): number {
    const word = this.count * FRAME_WORDS;
    this.#frames[word] = source;
    this.#frames[word + 1] = offset;
    this.#frames[word + 2] = bytes;
    this.#packedBytesMax += bytes * PACKED_PER_FRAME_BYTE + PACKED_FIXED_BYTES;
    return this.count++;
  }

  /** Reads all frames. Returns the number of items. */
  read(): number {
    if (this.#packedBytesMax > this.#packed.bytes.length) {
      this.#packed = createPackTarget(2 ** Math.ceil(Math.log2(this.#packedBytesMax)));
    }
    return this.#reader.read(this.#frames, this.count, this.#packed.bytes, this.#read, this.items);
  }

  /** Bytes of the packed event of frame `n`, or 0: JavaScript has to look itself. */
  packedBytes(n: number): number {
    return this.#read[n * READ_WORDS + 1]!;
  }

  /** The packed event of frame `n`, in place, until the next batch is read. */
  packed(n: number): Uint8Array {
    const at = this.#read[n * READ_WORDS]!;
    return this.#packed.bytes.subarray(at, at + this.packedBytes(n));
  }

  /** A view of packed events for policies; point it with `at()`. */
  get view(): ReadEvent {
    return new ReadEvent(this.#packed, this.#read);
  }
}

/** A packed event as policies see it. One instance serves many events. */
class ReadEvent implements PolicyEvent, EventFindings {
  readonly #target: PackTarget;
  readonly #read: Uint32Array;
  readonly #packed: PackedEvent;
  #word = 0;
  #id: string | null = null;
  #pubkey: string | null = null;
  #event: NostrEvent | null = null;

  constructor(target: PackTarget, read: Uint32Array) {
    this.#target = target;
    this.#read = read;
    this.#packed = new PackedEvent(target);
  }

  /** Points at the event of frame `n`. */
  at(n: number): this {
    this.#word = n * READ_WORDS;
    this.#packed.at(this.#read[this.#word]!);
    this.#id = this.#pubkey = this.#event = null;
    return this;
  }

  get found(): EventFindings {
    return this;
  }
  get tagCount(): number {
    return this.#read[this.#word + 2]!;
  }
  get contentCharacters(): number {
    return this.#read[this.#word + 3]!;
  }
  get expiresAt(): number {
    return this.#packed.expiresAt;
  }
  get isProtected(): boolean {
    return (this.#read[this.#word + 4]! & TRAIT_PROTECTED) !== 0;
  }
  get mayEmbedProtected(): boolean {
    return (this.#read[this.#word + 4]! & TRAIT_MAY_EMBED_PROTECTED) !== 0;
  }

  get id(): string {
    return this.#id ??= this.#packed.id.toHex();
  }
  get pubkey(): string {
    return this.#pubkey ??= decoder.decode(this.#packed.text.subarray(TEXT_PUBKEY_AT, TEXT_PUBKEY_AT + 64));
  }
  get created_at(): number {
    return this.#packed.createdAt;
  }
  get kind(): number {
    return this.#packed.kind;
  }
  get tags(): readonly (readonly string[])[] {
    return this.#whole.tags;
  }
  get content(): string {
    return this.#whole.content;
  }
  get sig(): string {
    return this.#whole.sig;
  }

  /** Parsed when somebody asks for what the packed form does not say. */
  get #whole(): NostrEvent {
    return this.#event ??= JSON.parse(decoder.decode(this.#packed.text)) as NostrEvent;
  }
}
