/**
 * Token buckets that all threads share, so that a client's rate is the relay's and not each thread's: a hash table in
 * shared memory, without locks.
 * Any thread may make a {@linkcode RateTable} over the memory; none owns it.
 *
 * DESIGN: a slot is a tag, the hash of a key, and the time at which its bucket is full again, as in `token_buckets.ts`. A
 * key has `PROBES` slots in a row. A slot whose bucket is full is as good as an empty one, so that nothing is ever
 * removed; where none is free, the one that is full soonest is taken. Both words change by compare-and-swap. Two threads
 * that file one key at the same instant may take two slots: one spending is lost then, and no more.
 *
 * ```
 *  0 seeds u32, u32 | then slots: tag i64 (0: never used) | full at, µs i64
 * ```
 *
 * Hashes depend on seeds of chance, so that nobody can choose keys that meet.
 *
 * @module
 */
import { RATE_SLOTS } from "../limits.ts";
import { seededTag } from "./seeded_tag.ts";
import { type Buckets, type Rate, waitOf } from "./token_buckets.ts";

const HEADER_BYTES = 16;
const PROBES = 8;
/** Attempts to file a key while others do the same. */
const ATTEMPTS = 4;

/** Makes the memory; `seeds` are two numbers of chance. */
export function createRateMemory(seeds: Uint32Array): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(HEADER_BYTES + RATE_SLOTS * 16);
  new Uint32Array(memory, 0, 2).set(seeds.subarray(0, 2));
  return memory;
}

/** See the module's text. */
export class RateTable {
  readonly #seeds: Uint32Array;
  readonly #words: BigInt64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#seeds = new Uint32Array(memory, 0, 2);
    this.#words = new BigInt64Array(memory, HEADER_BYTES);
  }

  /** The buckets of one thing, such as events by address: `name` keeps its keys apart from others'. */
  buckets(name: string, rate: Rate): Buckets {
    const msPerToken = 1000 / rate.perSecond;
    return {
      waitMs: (key, cost, nowMs) => {
        const slot = this.#find(seededTag(this.#seeds, name, key));
        const fullAtMs = slot < 0 ? 0 : Number(Atomics.load(this.#words, slot + 1)) / 1000;
        return waitOf({ burst: rate.burst, msPerToken }, fullAtMs, cost, nowMs);
      },
      spend: (key, cost, nowMs) => {
        const now = micros(nowMs);
        const slot = this.#file(seededTag(this.#seeds, name, key), now) + 1;
        const debt = micros(cost * msPerToken);
        for (let seen = Atomics.load(this.#words, slot);;) {
          const next = (seen > now ? seen : now) + debt;
          const found = Atomics.compareExchange(this.#words, slot, seen, next);
          if (found === seen) return;
          seen = found;
        }
      },
    };
  }

  /** The place of a key's slot, or -1. */
  #find(tag: bigint): number {
    for (let n = 0; n < PROBES; n++) {
      const slot = slotAt(tag, n);
      if (Atomics.load(this.#words, slot) === tag) return slot;
    }
    return -1;
  }

  /** The place of a key's slot, taking one if it has none. */
  #file(tag: bigint, now: bigint): number {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const present = this.#find(tag);
      if (present >= 0) return present;
      const slot = this.#fullest(tag, now);
      const other = Atomics.load(this.#words, slot);
      if (Atomics.compareExchange(this.#words, slot, other, tag) !== other) continue;
      Atomics.store(this.#words, slot + 1, 0n);
      return slot;
    }
    return slotAt(tag, 0);
  }

  /** Of a key's slots, the first that is free, or else the one that will be first. */
  #fullest(tag: bigint, now: bigint): number {
    let best = slotAt(tag, 0);
    let bestAt = Atomics.load(this.#words, best + 1);
    for (let n = 1; n < PROBES && bestAt > now; n++) {
      const slot = slotAt(tag, n);
      const fullAt = Atomics.load(this.#words, slot + 1);
      if (fullAt < bestAt) [best, bestAt] = [slot, fullAt];
    }
    return best;
  }
}

/** Where a key's `n`th slot lies, in words. */
function slotAt(tag: bigint, n: number): number {
  return ((Number(tag >> 1n & 0xff_ffffn) + n) % RATE_SLOTS) * 2;
}

function micros(ms: number): bigint {
  return BigInt(Math.round(ms * 1000));
}
