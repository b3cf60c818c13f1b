/**
 * A set of kinds written as an operator writes it: `0,1,3-7,30000-39999`.
 * Runs on any thread; never changes.
 *
 * @module
 */
import { KIND_MAX } from "../limits.ts";
import type { ValueSet } from "../value_set.ts";

/** Kinds, one bit each. */
export class KindRanges implements ValueSet<number> {
  readonly #bits = new Uint32Array((KIND_MAX + 1) / 32);

  /** Makes the set of the given kinds and ranges, both ends included. */
  constructor(ranges: Iterable<number | readonly [first: number, last: number]>) {
    for (const range of ranges) {
      const [first, last] = typeof range === "number" ? [range, range] : range;
      for (let kind = first; kind <= last; kind++) this.#bits[kind >>> 5]! |= 1 << (kind & 31);
    }
  }

  has(kind: number): boolean {
    return (this.#bits[kind >>> 5]! >>> (kind & 31) & 1) === 1;
  }
}

/**
 * Reads kinds and ranges with commas between.
 *
 * @returns undefined where the text is something else, or a kind is above 65535.
 *
 * @example Usage
 * ```ts
 * import { readKindRanges } from "./kind_ranges.ts";
 * import { assert, assertEquals } from "@std/assert";
 *
 * assert(readKindRanges("0, 30000-39999")?.has(30_023));
 * assertEquals(readKindRanges("7-3"), undefined);
 * ```
 */
export function readKindRanges(text: string): KindRanges | undefined {
  const ranges: [number, number][] = [];
  for (const item of text.split(",")) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(item.trim());
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (first > last || last > KIND_MAX) return undefined;
    ranges.push([first, last]);
  }
  return new KindRanges(ranges);
}
