/**
 * A set of numbers that clients choose, as a sorted array: whether one is in it costs as many comparisons as its size has
 * bits, whatever numbers they are. A `Set` of numbers has no such bound: V8 hashes them without a seed, so that whoever
 * chooses them chooses the bucket.
 * Runs on any thread; belongs to whoever made it, and never changes.
 *
 * @module
 */

/** So many keys may share a bucket. */
const FEW = 32;

/** See the module's text. */
export class SortedKeys {
  readonly #keys: Float64Array;

  constructor(keys: ArrayLike<number>) {
    this.#keys = Float64Array.from(keys).sort();
  }

  /** Whether the number is in it. */
  has(key: number): boolean {
    return this.placeOf(key) >= 0;
  }

  /** The place of the number, or of the first of its kind; -1: it is not there. */
  placeOf(key: number): number {
    const keys = this.#keys;
    let from = 0;
    let to = keys.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (keys[middle]! < key) from = middle + 1;
      else to = middle;
    }
    return keys[from] === key ? from : -1;
  }
}

/** The numbers without repeats, in the order in which each first came. */
export function distinctKeys(keys: readonly number[]): readonly number[] {
  if (keys.length < 2) return keys;
  if (keys.length <= FEW) return [...new Set(keys)];
  const sorted = new SortedKeys(keys);
  const seen = new Uint8Array(keys.length);
  return keys.filter((key) => {
    const place = sorted.placeOf(key);
    return seen[place] === 0 && (seen[place] = 1);
  });
}
