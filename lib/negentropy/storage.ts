/**
 * What reconciliation asks of a set of items: their order, their places, their fingerprints.
 * Types and the order itself; runs on any thread; no state.
 *
 * @module
 */

/** Bytes of an id. */
export const ID_BYTES = 32;

/** An event as negentropy sees it. */
export interface Item {
  /** `created_at`, seconds; at most `Number.MAX_SAFE_INTEGER`. */
  readonly timestamp: number;
  /** 32 bytes. A view into the storage: read it before the storage changes. */
  readonly id: Uint8Array;
}

/**
 * The exclusive end of a range, which is also the inclusive start of the next one.
 * Bytes that the prefix leaves out count as zero.
 */
export interface Bound {
  /** Seconds; `Infinity` lies behind every item. */
  readonly timestamp: number;
  /** 0 to 32 bytes of an id. */
  readonly prefix: Uint8Array;
}

/**
 * A set of items in ascending order of timestamp, then of id. An index is an item's place in that order.
 * Ranges are half open, `begin <= end <= size`; that they are is the caller's promise.
 */
export interface ItemStorage {
  readonly size: number;
  /** The item at `index`, which is below `size`. */
  item(index: number): Item;
  /** The index of the first item in `begin..end` that is not below `bound`; `end` if all are. */
  findLowerBound(begin: number, end: number, bound: Bound): number;
  /** The 16 bytes that stand for the items of `begin..end` (NIP-77, "Fingerprint Algorithm"). */
  fingerprint(begin: number, end: number): Uint8Array;
  /** Writes the ids of `begin..end` one after another into `target` from `offset` on. */
  copyIds(begin: number, end: number, target: Uint8Array, offset: number): void;
}

const NO_PREFIX = new Uint8Array(0);

/** The bound behind every item. */
export const INFINITY_BOUND: Bound = { timestamp: Infinity, prefix: NO_PREFIX };

/** The bound before every item with this timestamp, seconds. */
export function timestampBound(timestamp: number): Bound {
  return { timestamp, prefix: NO_PREFIX };
}

/** The shortest bound between two neighbours: not above `item`, above `previous` (NIP-77, "Bound"). */
export function minimalBound(previous: Item, item: Item): Bound {
  if (item.timestamp !== previous.timestamp) return timestampBound(item.timestamp);
  let shared = 0;
  while (shared < ID_BYTES - 1 && item.id[shared] === previous.id[shared]) shared++;
  return { timestamp: item.timestamp, prefix: item.id.slice(0, shared + 1) };
}

/** Negative, zero or positive as `a` lies before, at or behind `b`. */
export function compareBounds(a: Bound, b: Bound): number {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? -1 : 1;
  const length = Math.max(a.prefix.length, b.prefix.length);
  for (let i = 0; i < length; i++) {
    const difference = (a.prefix[i] ?? 0) - (b.prefix[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
