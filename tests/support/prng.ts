/**
 * The random numbers of tests: xoshiro128**, seeded, so that a failure can be run again.
 * Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2021); seeding by splitmix32.
 * A generator belongs to the test that made it.
 *
 * @module
 */

/** A repeatable stream of random choices. */
export class Prng {
  /** What repeats this stream: `SEED=<seed>`. */
  readonly seed: number;
  readonly #state = new Uint32Array(4);

  /** @param seed Its low 32 bits count. */
  constructor(seed: number) {
    this.seed = seed >>> 0;
    let s = this.seed;
    for (let i = 0; i < 4; i++) {
      s = (s + 0x9e3779b9) | 0;
      let z = s ^ (s >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z ^= z >>> 15;
      z = Math.imul(z, 0x735a2d97);
      this.#state[i] = z ^ (z >>> 15);
    }
  }

  /** A uniform integer in 0..2^32 - 1. */
  uint32(): number {
    const state = this.#state;
    const [a, b, c, d] = state as unknown as [number, number, number, number];
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    state[2] = c ^ a;
    state[3] = d ^ b;
    state[1] = b ^ state[2]!;
    state[0] = a ^ state[3]!;
    state[2] ^= b << 9;
    state[3] = rotateLeft(state[3]!, 11);
    return result;
  }

  /** A number in 0..1, 1 excluded. */
  float(): number {
    return this.uint32() / 2 ** 32;
  }

  /** An integer in `min..max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.float() * (max - min + 1));
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** One of `items`, of which there is at least one. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("Cannot pick item: list is empty");
    return items[this.int(0, items.length - 1)]!;
  }

  /** `items` in a new order, in a new array. */
  shuffle<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [result[i], result[j]] = [result[j]!, result[i]!];
    }
    return result;
  }

  /** `length` random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const result = new Uint8Array(length);
    for (let i = 0; i < length; i++) result[i] = this.uint32() >>> 24;
    return result;
  }

  /** `length` random bytes as lower-case hex. */
  hex(length: number): string {
    return this.bytes(length).toHex();
  }
}

/**
 * The generator of a fuzz test: seeded by the environment's `SEED`, else by chance; the seed is printed.
 *
 * @param purpose Printed before the seed, e.g. `filters against the oracle`.
 * @throws {RangeError} if `SEED` is not an unsigned integer of 32 bits.
 */
export function seededPrng(purpose: string): Prng {
  const text = Deno.env.get("SEED");
  const seed = text === undefined ? crypto.getRandomValues(new Uint32Array(1))[0]! : Number(text);
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new RangeError(`Cannot use SEED "${text}": it is not an integer in 0..${2 ** 32 - 1}`);
  }
  // deno-lint-ignore no-console -- the seed is what repeats a failure
  console.log(`${purpose}: SEED=${seed}`);
  return new Prng(seed);
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
