/**
 * 52-bit integer keys for the indexes: of ids, pubkeys, tag values and addresses.
 * Integers of this size are exact in JavaScript and half as dear to SQLite as blobs. They are not unique: whoever
 * looks something up by a key checks the event that it finds (`lib/nostr/exact.ts`).
 * Runs on any thread; no state but scratch memory for one call, and the last list's keys.
 *
 * @module
 */

const KEY_HIGH = 0x1_0000_0000;
const scratch = new Uint8Array(4096);
const encoder = new TextEncoder();

/** The key of an id: its first 52 bits, so that keys sort as ids do (NIP-01 breaks ties by the lowest id). */
export function idKey(hex64: string): number {
  return hex52(hex64, 0);
}

/** The key of a pubkey: its last 52 bits. (Miners of vanity keys choose the first.) */
export function pubkeyKey(hex64: string): number {
  return hex52(hex64, hex64.length - 13);
}

/** The keys of a list of pubkeys, in its order. Those of the last list are remembered: a REQ is both filed and planned. */
export function pubkeyKeys(list: readonly string[]): readonly number[] {
  if (list !== lastList) {
    lastKeys = list.map(pubkeyKey);
    lastList = list;
  }
  return lastKeys;
}

let lastList: readonly string[] | null = null;
let lastKeys: readonly number[] = [];

/** What 13 lowercase hex digits say, digit by digit: `parseInt` with a base takes four times as long. */
function hex52(hex: string, from: number): number {
  let high = 0;
  let low = 0;
  for (let at = from; at < from + 6; at++) high = high * 16 + digitOf(hex.charCodeAt(at));
  for (let at = from + 6; at < from + 13; at++) low = low * 16 + digitOf(hex.charCodeAt(at));
  return high * 0x1000_0000 + low;
}

function digitOf(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}

/** The key of the first value of a single-letter tag. */
export function tagKey(letter: string, value: string): number {
  return hashKey(letter.charCodeAt(0), value);
}

/** The key of a replaceable or addressable event's place: kind, author, and `d` value (NIP-01). */
export function addressKey(kind: number, pubkey: string, d: string): number {
  return hashKey(kind, pubkey + d);
}

/**
 * A hash of `text`'s UTF-8 bytes to 52 bits: two multiplicative hashes of 32 bits side by side and a finaliser, the
 * public-domain construction known as cyrb53. Quick where texts are short; not secure, and need not be.
 * The seed is multiplied before the first byte comes: else seed and byte would cancel out, and `T` `A…` have the key of
 * `t` `a…`.
 */
function hashKey(seed: number, text: string): number {
  let h1 = Math.imul(0xdeadbeef ^ seed, 2654435761);
  let h2 = Math.imul(0x41c6ce57 ^ seed, 1597334677);
  const length = text.length;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return hashBytes(seed, text);
    h1 = Math.imul(h1 ^ code, 2654435761);
    h2 = Math.imul(h2 ^ code, 1597334677);
  }
  return finish(h1, h2);
}

function hashBytes(seed: number, text: string): number {
  const room = text.length * 3 <= scratch.length ? scratch : new Uint8Array(text.length * 3);
  const { written } = encoder.encodeInto(text, room);
  let h1 = Math.imul(0xdeadbeef ^ seed, 2654435761);
  let h2 = Math.imul(0x41c6ce57 ^ seed, 1597334677);
  for (let i = 0; i < written; i++) {
    h1 = Math.imul(h1 ^ room[i]!, 2654435761);
    h2 = Math.imul(h2 ^ room[i]!, 1597334677);
  }
  return finish(h1, h2);
}

function finish(a: number, b: number): number {
  let h1 = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  h1 = h1 >>> 0;
  const h2 = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909);
  return (h2 & 0xf_ffff) * KEY_HIGH + h1;
}
