/**
 * The rows of a scan's streams that were fetched and not yet merged, and the heap that merges them: newest first, ties by
 * the lowest key of an id.
 * Belongs to the scan, on its thread.
 *
 * @module
 */
import type { Body } from "./bodies.ts";
import { ANY_AGE } from "./newest_times.ts";
import { rangesOf, type Stream } from "./plan.ts";

/**
 * A row as the statements return it: age, id key, seq, then expires_at and text, or kind and pubkey key; of several ranges
 * the place of the key in the stream's first list. The text is null where it is too long to come along. Of a row that came
 * without its text, the text follows when it is wanted; null: there is none any more.
 */
export type Row = [
  age: number,
  idKey: number,
  seq: number,
  number,
  string | number | null,
  at?: number,
  body?: Body | null,
];

/** A place between rows: after the one with these. Ids may share a key, so that only the seq makes it one place. */
interface RowPlace {
  readonly age: number;
  readonly idKey: number;
  readonly seq: number;
}

/** One stream's rows that were fetched and not yet merged. */
export class StreamRows {
  rows: Row[] = [];
  at = 0;
  /** Nothing is left in the index behind `rows`. */
  drained = false;
  /** Whether `rows` came with their texts. */
  hasTexts = true;
  /** Whether anything was fetched. */
  isOpen = false;
  chunk: number;
  /** Where the next fetch begins: all rows of the stream that were not fetched come after it. */
  age: number;
  idKey: number;
  seq: number;
  /** Whether it begins where its stream begins, not where the scan does. */
  readonly isWhole: boolean;
  readonly ranges: number;
  /** The statement's first parameters. */
  readonly keys: readonly (number | string)[];

  constructor(readonly stream: Stream, from: RowPlace, chunk: number) {
    this.ranges = rangesOf(stream);
    this.keys = stream.lists.map((list) => list.length === 1 ? list[0]! : JSON.stringify(list));
    this.isWhole = stream.ageMin > ANY_AGE && stream.ageMin > from.age;
    this.age = this.isWhole ? stream.ageMin : from.age;
    this.idKey = this.isWhole ? -1 : from.idKey;
    this.seq = this.isWhole ? -1 : from.seq;
    this.chunk = chunk;
  }
}

/** Cursors, the one whose next row comes first on top. */
export class MergeHeap {
  /** In the order of a binary heap. */
  readonly cursors: StreamRows[] = [];

  /** The cursor whose next row, fetched or not, comes first; undefined: nothing is left. */
  get top(): StreamRows | undefined {
    return this.cursors[0];
  }

  push(cursor: StreamRows): void {
    const heap = this.cursors;
    let at = heap.push(cursor) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(cursor, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = cursor;
  }

  /** Restores the order after the top moved on; drops it where nothing is left of it. */
  sift(): void {
    const heap = this.cursors;
    const top = heap[0]!;
    // One whose rows ran out stays where the last of them was: nothing that it brings comes before that.
    if (top.drained && top.at === top.rows.length) {
      const last = heap.pop()!;
      if (heap.length === 0) return;
      heap[0] = last;
    }
    if (heap.length > 1) siftDown(heap);
  }
}

/** Where the cursor's next row is, or where the rows begin that it would fetch. */
export function ageOf(cursor: StreamRows): number {
  const row = cursor.rows[cursor.at];
  return row === undefined ? cursor.age : row[0];
}

/** The same of the id's key. */
export function idKeyOf(cursor: StreamRows): number {
  const row = cursor.rows[cursor.at];
  return row === undefined ? cursor.idKey : row[1];
}

/** Whether `a`'s next row comes before `b`'s. */
function isBefore(a: StreamRows, b: StreamRows): boolean {
  const ageA = ageOf(a);
  const ageB = ageOf(b);
  return ageA !== ageB ? ageA < ageB : idKeyOf(a) < idKeyOf(b);
}

function siftDown(heap: StreamRows[]): void {
  const cursor = heap[0]!;
  let at = 0;
  while (true) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, cursor)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = cursor;
}
