/**
 * HyperLogLog as NIP-45 has it: a count of distinct authors that clients merge over relays.
 * Runs on any thread; a counter belongs to whoever made it.
 *
 * @module
 */
import { hash } from "node:crypto";
import { isHex64 } from "./event.ts";
import type { Filter } from "./filter.ts";

/** Registers, a byte each. */
const HLL_REGISTERS = 256;

/** The bytes behind the register's that are looked at, as fiatjaf's nostrlib does: a value is 57 at most. */
const HASH_BYTES = 7;
/** Where offsets begin (NIP-45, "`offset` computation"). */
const OFFSET_MIN = 8;
/** The bias of 256 registers: 0.7213 / (1 + 1.079 / 256), Flajolet et al. 2007. */
const ALPHA = 0.7213 / (1 + 1.079 / HLL_REGISTERS);
/**
 * Estimates up to these are made from the registers that are still zero, which is exacter for few authors.
 */
const LINEAR_COUNT_MAX = 220;
const LINEAR_ESTIMATE_MAX = 3 * HLL_REGISTERS;

const ADDRESS = /^[0-9]+:([0-9a-f]{64}):/;

/** The one tag and the kinds of each query that NIP-45 lists under "Common filters". */
const CANONICAL_COUNTS: readonly (readonly [letter: string, kinds: readonly number[]])[] = [
  ["e", [7]],
  ["e", [6]],
  ["q", [1, 1111]],
  ["e", [1]],
  ["E", [1111]],
  ["p", [3]],
];

/**
 * The position in a pubkey, bytes, from which the filter's authors are counted (8 to 23); null if the filter
 * has no tag attribute, for which NIP-45 defines none.
 *
 * @example Usage
 * ```ts
 * import { hyperLogLogOffset } from "./hyperloglog.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const id = "0".repeat(32) + "c" + "0".repeat(31);
 * assertEquals(hyperLogLogOffset({ tags: [{ letter: "e", values: [id] }], kinds: [7], limit: 0 }), 8 + 12);
 * ```
 */
export function hyperLogLogOffset(filter: Filter): number | null {
  const value = filter.tags[0]?.values[0];
  if (value === undefined) return null;
  return OFFSET_MIN + parseInt(hexOf(value)[32]!, 16);
}

/**
 * Whether a filter is one of those that NIP-45 names: one value of one tag, the kinds that go with it,
 * nothing else.
 */
export function isCanonicalCount(filter: Filter): boolean {
  const [tag, ...otherTags] = filter.tags;
  if (tag?.values.length !== 1 || otherTags.length > 0 || filter.kinds === undefined) return false;
  if (filter.ids !== undefined || filter.authors !== undefined || filter.search !== undefined) return false;
  if (filter.since !== undefined || filter.until !== undefined) return false;
  const given = filter.kinds.toSorted((a, b) => a - b).join();
  return CANONICAL_COUNTS.some(([letter, kinds]) => letter === tag.letter && kinds.join() === given);
}

/** A set of authors that only tells how many they are, about: 6.5 % is the standard error. */
export class HyperLogLog {
  /** The highest value that each register has seen. */
  readonly registers = new Uint8Array(HLL_REGISTERS);

  /**
   * Counters from an answer to COUNT.
   *
   * @throws {RangeError} if the text is not 512 hex characters.
   */
  static fromHex(hll: string): HyperLogLog {
    const counter = new HyperLogLog();
    if (!/^[0-9a-fA-F]{512}$/.test(hll)) {
      throw new RangeError(`Cannot read hll "${hll.slice(0, 16)}": it is not 512 hex characters`);
    }
    counter.registers.setFromHex(hll);
    return counter;
  }

  /** Counts an author. @param pubkey 64 hex characters. @param offset From {@linkcode hyperLogLogOffset}. */
  add(pubkey: string, offset: number): void {
    const register = parseInt(pubkey.slice(offset * 2, offset * 2 + 2), 16);
    const value = leadingZeros(pubkey, offset + 1) + 1;
    if (value > this.registers[register]!) this.registers[register] = value;
  }

  /** Counts the authors of `other` too. */
  merge(other: HyperLogLog): void {
    for (let i = 0; i < HLL_REGISTERS; i++) {
      if (other.registers[i]! > this.registers[i]!) this.registers[i] = other.registers[i]!;
    }
  }

  /** The registers as 512 hex characters, for the answer's `hll`. */
  toHex(): string {
    return this.registers.toHex();
  }

  /** About how many authors were counted. */
  estimate(): number {
    let zeros = 0;
    let sum = 0;
    for (const value of this.registers) {
      if (value === 0) zeros++;
      sum += 2 ** -value;
    }
    const linear = zeros === 0 ? Infinity : HLL_REGISTERS * Math.log(HLL_REGISTERS / zeros);
    const estimate = ALPHA * HLL_REGISTERS ** 2 / sum;
    const few = linear <= LINEAR_COUNT_MAX || (zeros > 0 && estimate <= LINEAR_ESTIMATE_MAX);
    return Math.floor(few ? linear : estimate);
  }
}

/** The 64 hex characters that stand for a tag's value. */
function hexOf(value: string): string {
  if (isHex64(value)) return value;
  return ADDRESS.exec(value)?.[1] ?? hash("sha256", value, "hex");
}

/** Zero bits at the front of the bytes that a pubkey has from `first` on. */
function leadingZeros(pubkey: string, first: number): number {
  let zeros = 0;
  for (let i = first; i < first + HASH_BYTES; i++) {
    const byte = parseInt(pubkey.slice(i * 2, i * 2 + 2), 16);
    if (byte !== 0) return zeros + Math.clz32(byte) - 24;
    zeros += 8;
  }
  return zeros;
}
