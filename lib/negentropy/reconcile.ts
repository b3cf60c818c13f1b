/**
 * One message of negentropy in, one out: range-based set reconciliation, protocol version 1.
 * Source: NIP-77 with its appendix; where that is silent (how ranges are split, what happens when a message
 * is full), the behaviour of rust-nostr's negentropy 0.5.3, whose messages these are byte for byte.
 * Runs on any thread; no state: what a message says depends on the storage and on the message before, on
 * nothing else. So the storage may change between two messages.
 *
 * A range is answered by what the other party said of it. A fingerprint equal to ours: skip it. Another
 * fingerprint: our ids, if they are few, else fingerprints of 16 parts. A list of ids: our list, or, on the
 * side that asked, have and need.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import { NEGENTROPY_FRAME_BYTES_MIN } from "../limits.ts";
import { FINGERPRINT_BYTES } from "./fingerprint.ts";
import { MessageReader } from "./message_reader.ts";
import { MessageWriter } from "./message_writer.ts";
import { NegentropyError } from "./negentropy_error.ts";
import {
  type Bound,
  compareBounds,
  ID_BYTES,
  INFINITY_BOUND,
  type ItemStorage,
  minimalBound,
  timestampBound,
} from "./storage.ts";

/** The first byte of every message: version 1. */
const PROTOCOL_VERSION = 0x61;
/** Bytes that are left free in a limited message for the ranges that close it. */
const FRAME_BYTES_RESERVED = 200;
/** Parts that a range is split into. */
const BUCKETS = 16;
/** From so many items on a range is split; fewer are listed. */
const SPLIT_ITEMS_MIN = BUCKETS * 2;

const SKIP = 0;
const FINGERPRINT = 1;
const ID_LIST = 2;

/** What the initiating side learns of each listed range. */
export interface ListedRange {
  /** Indexes of our items in the range. */
  readonly lower: number;
  readonly upper: number;
  /** The other party's ids of the range, one after another: a view into the message. */
  readonly ids: Uint8Array;
}

/** Called with each list of ids, on the side that asked. */
type OnList = (range: ListedRange) => void;

/** The first message: what the initiating side has, as ids or as fingerprints. */
export function initialMessage(storage: ItemStorage): Uint8Array<ArrayBuffer> {
  const writer = new MessageWriter();
  writer.byte(PROTOCOL_VERSION);
  writeSplit(storage, writer, 0, storage.size, INFINITY_BOUND);
  return writer.finish();
}

/**
 * The answer to a message: the whole work of the side that was asked.
 *
 * @param frameBytesMax Bytes of the answer, at least `NEGENTROPY_FRAME_BYTES_MIN`; 0 for no limit. What does
 * not fit follows in later rounds.
 * @throws {NegentropyError} if the message breaks the protocol.
 */
export function reconcile(
  storage: ItemStorage,
  message: Uint8Array,
  frameBytesMax: number,
): Uint8Array<ArrayBuffer> {
  const reader = new MessageReader(message);
  if (readVersion(reader) !== PROTOCOL_VERSION) return new Uint8Array([PROTOCOL_VERSION]);
  return new Reconciliation(storage, reader, frameBytesMax).run();
}

/**
 * The initiating side's next message. One of a single byte means that nothing is left to ask.
 *
 * @param onList Called for each range that the other party listed. Where messages are limited, a range may
 * come again.
 * @throws {NegentropyError} if the answer breaks the protocol, or is of a version other than ours.
 */
export function reconcileAnswer(
  storage: ItemStorage,
  answer: Uint8Array,
  frameBytesMax: number,
  onList: OnList,
): Uint8Array<ArrayBuffer> {
  const reader = new MessageReader(answer);
  const version = readVersion(reader);
  if (version !== PROTOCOL_VERSION) {
    throw new NegentropyError(`Cannot reconcile: the other party speaks protocol version ${version - 0x60}`);
  }
  return new Reconciliation(storage, reader, frameBytesMax, onList).run();
}

function readVersion(reader: MessageReader): number {
  const version = reader.byte();
  if (version < 0x60 || version > 0x6f) {
    throw new NegentropyError(`Cannot read message: byte ${version} is no protocol version`);
  }
  return version;
}

/** The work on one message. */
class Reconciliation {
  readonly #storage: ItemStorage;
  readonly #reader: MessageReader;
  readonly #writer = new MessageWriter();
  /** Bytes beyond which a message takes no further range. */
  readonly #fullBytes: number;
  readonly #onList: OnList | undefined;
  /** The end of the range before. */
  #previous: Bound = timestampBound(0);
  /** Whether ranges before `#previous` are settled, but no Skip says so yet. */
  #skipping = false;
  /** The first item behind the last bound that was written. */
  #told = 0;

  constructor(storage: ItemStorage, reader: MessageReader, frameBytesMax: number, onList?: OnList) {
    invariant(frameBytesMax === 0 || frameBytesMax >= NEGENTROPY_FRAME_BYTES_MIN, "a frame holds a split");
    this.#storage = storage;
    this.#reader = reader;
    this.#fullBytes = frameBytesMax === 0 ? Infinity : frameBytesMax - FRAME_BYTES_RESERVED;
    this.#onList = onList;
    this.#writer.byte(PROTOCOL_VERSION);
  }

  run(): Uint8Array<ArrayBuffer> {
    let lower = 0;
    while (!this.#reader.done) {
      const bound = this.#reader.bound();
      if (compareBounds(bound, this.#previous) < 0) {
        throw new NegentropyError("Cannot read message: a range ends before it begins");
      }
      const upper = this.#storage.findLowerBound(lower, this.#storage.size, bound);
      if (!this.#answerRange(lower, upper, bound)) {
        this.#writeRemainder();
        break;
      }
      this.#previous = bound;
      lower = upper;
    }
    return this.#writer.finish();
  }

  /** Answers one range; false if the message is full, and what is behind `#told` must wait. */
  #answerRange(lower: number, upper: number, bound: Bound): boolean {
    const before = this.#writer.length;
    const mode = this.#reader.varint();
    if (mode === SKIP) {
      this.#skipping = true;
    } else if (mode === FINGERPRINT) {
      this.#answerFingerprint(lower, upper, bound);
    } else if (mode === ID_LIST) {
      const ids = this.#reader.ids();
      if (this.#onList === undefined) return this.#list(lower, upper, bound);
      this.#onList({ lower, upper, ids });
      this.#skipping = true;
    } else {
      throw new NegentropyError(`Cannot read message: mode ${mode} is unknown`);
    }
    if (this.#writer.length > this.#fullBytes) {
      this.#writer.cut(before);
      return false;
    }
    if (this.#writer.length > before) this.#told = upper;
    return true;
  }

  #answerFingerprint(lower: number, upper: number, bound: Bound): void {
    const theirs = this.#reader.bytes(FINGERPRINT_BYTES);
    if (equalBytes(theirs, this.#storage.fingerprint(lower, upper))) {
      this.#skipping = true;
      return;
    }
    this.#writeSkip();
    writeSplit(this.#storage, this.#writer, lower, upper, bound);
  }

  /** Lists our ids of a range, as many as fit; false if the message is full then. */
  #list(lower: number, upper: number, bound: Bound): boolean {
    // Counted from before the Skip, as the other implementations do; the reserved bytes hold what comes on
    // top.
    const room = this.#fullBytes - this.#writer.length;
    const end = Math.min(upper, lower + Math.floor(room / ID_BYTES) + 1);
    this.#writeSkip();
    const listed = end === upper ? bound : itemBound(this.#storage, end);
    writeIdList(this.#storage, this.#writer, lower, end, listed);
    this.#told = end;
    return this.#writer.length <= this.#fullBytes;
  }

  #writeSkip(): void {
    if (!this.#skipping) return;
    this.#skipping = false;
    this.#writer.bound(this.#previous);
    this.#writer.varint(SKIP);
  }

  /**
   * Closes a full message: the other party compares all that is behind the last bound, and answers what
   * differs.
   */
  #writeRemainder(): void {
    this.#writer.bound(INFINITY_BOUND);
    this.#writer.varint(FINGERPRINT);
    this.#writer.bytes(this.#storage.fingerprint(this.#told, this.#storage.size));
  }
}

/** Tells what we have in a range: the ids, if they are few, else the fingerprints of its parts. */
function writeSplit(
  storage: ItemStorage,
  writer: MessageWriter,
  lower: number,
  upper: number,
  bound: Bound,
): void {
  const count = upper - lower;
  if (count < SPLIT_ITEMS_MIN) {
    writeIdList(storage, writer, lower, upper, bound);
    return;
  }
  const whole = Math.floor(count / BUCKETS);
  const larger = count % BUCKETS;
  let begin = lower;
  for (let i = 0; i < BUCKETS; i++) {
    const end = begin + whole + (i < larger ? 1 : 0);
    writer.bound(end === upper ? bound : minimalBound(storage.item(end - 1), storage.item(end)));
    writer.varint(FINGERPRINT);
    writer.bytes(storage.fingerprint(begin, end));
    begin = end;
  }
}

function writeIdList(
  storage: ItemStorage,
  writer: MessageWriter,
  lower: number,
  upper: number,
  bound: Bound,
): void {
  const count = upper - lower;
  writer.bound(bound);
  writer.varint(ID_LIST);
  writer.varint(count);
  const target = writer.room(count * ID_BYTES);
  storage.copyIds(lower, upper, target, writer.length - count * ID_BYTES);
}

function itemBound(storage: ItemStorage, index: number): Bound {
  const { timestamp, id } = storage.item(index);
  return { timestamp, prefix: id };
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
