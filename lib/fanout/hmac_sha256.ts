/**
 * HMAC-SHA256 (RFC 2104, FIPS 180-4) whose key is absorbed once, for messages that are short and many: an encrypted payload
 * needs four of them, and a call of `node:crypto` costs more than the hash of a short message does.
 * Runs on any thread; no state but scratch memory for one call.
 *
 * DESIGN. The hash state after the key's block, inner and outer, is what a {@linkcode HmacKey} holds: sixteen words. A
 * message continues from the inner state, and its digest from the outer one. No branch or address depends on a secret.
 *
 * @module
 */
const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const INNER_PAD = 0x36363636;
const OUTER_PAD = 0x5c5c5c5c;

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const ROUND = Int32Array.from(primes(64), (prime) => fraction(Math.cbrt(prime)));
/** The same of the square roots of the first eight. */
const START = Int32Array.from(primes(8), (prime) => fraction(Math.sqrt(prime)));

const schedule = new Int32Array(64);
const state = new Int32Array(8);
const tail = new Uint8Array(2 * BLOCK_BYTES);

/** A key that was absorbed: the inner state, then the outer one. */
export type HmacKey = Int32Array;

/** Absorbs a key of at most 64 bytes. */
export function hmacKey(key: Uint8Array, into: HmacKey = new Int32Array(16)): HmacKey {
  for (const [at, pad] of [[0, INNER_PAD], [8, OUTER_PAD]] as const) {
    for (let i = 0; i < 16; i++) schedule[i] = wordAt(key, 4 * i) ^ pad;
    state.set(START);
    compress();
    into.set(state, at);
  }
  return into;
}

/** Writes the HMAC of `message[0, length)` to `digest`. */
export function hmac(key: HmacKey, message: Uint8Array, length: number, digest: Uint8Array): void {
  for (let i = 0; i < 8; i++) state[i] = key[i]!;
  absorb(message, length);
  // The digest is the whole message of the outer hash: one block with its padding.
  for (let i = 0; i < 8; i++) schedule[i] = state[i]!;
  schedule[8] = 0x80000000 | 0;
  schedule.fill(0, 9, 15);
  schedule[15] = 8 * (BLOCK_BYTES + DIGEST_BYTES);
  for (let i = 0; i < 8; i++) state[i] = key[8 + i]!;
  compress();
  for (let i = 0; i < 8; i++) writeWord(digest, 4 * i, state[i]!);
}

/** Goes on by a message and its padding; one block, the key's, came before. */
function absorb(message: Uint8Array, length: number): void {
  const whole = length - length % BLOCK_BYTES;
  for (let at = 0; at < whole; at += BLOCK_BYTES) compressAt(message, at);
  const left = length - whole;
  const padded = left + 9 <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
  tail.fill(0, 0, padded);
  for (let i = 0; i < left; i++) tail[i] = message[whole + i]!;
  tail[left] = 0x80;
  writeWord(tail, padded - 4, 8 * (BLOCK_BYTES + length));
  for (let at = 0; at < padded; at += BLOCK_BYTES) compressAt(tail, at);
}

function compressAt(bytes: Uint8Array, at: number): void {
  for (let i = 0, from = at; i < 16; i++, from += 4) {
    schedule[i] = bytes[from]! << 24 | bytes[from + 1]! << 16 | bytes[from + 2]! << 8 | bytes[from + 3]!;
  }
  compress();
}

/** One round function over the sixteen words in `schedule`. */
function compress(): void {
  const w = schedule;
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15]!;
    const y = w[i - 2]!;
    const s0 = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
    const s1 = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
    w[i] = w[i - 16]! + s0 + w[i - 7]! + s1 | 0;
  }
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!;
  let e = state[4]!, f = state[5]!, g = state[6]!, h = state[7]!;
  for (let i = 0; i < 64; i++) {
    const s1 = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
    const t1 = h + s1 + (g ^ e & (f ^ g)) + ROUND[i]! + w[i]! | 0;
    const s0 = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
    const t2 = s0 + (a & b | c & (a | b)) | 0;
    h = g;
    g = f;
    f = e;
    e = d + t1 | 0;
    d = c;
    c = b;
    b = a;
    a = t1 + t2 | 0;
  }
  state[0] = state[0]! + a | 0;
  state[1] = state[1]! + b | 0;
  state[2] = state[2]! + c | 0;
  state[3] = state[3]! + d | 0;
  state[4] = state[4]! + e | 0;
  state[5] = state[5]! + f | 0;
  state[6] = state[6]! + g | 0;
  state[7] = state[7]! + h | 0;
}

/** Bytes behind the end are 0. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) << 24 | (bytes[at + 1] ?? 0) << 16 | (bytes[at + 2] ?? 0) << 8 |
    (bytes[at + 3] ?? 0);
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

function primes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}

function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
}
