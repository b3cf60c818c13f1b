/**
 * Test keys and signed events, fast enough for tests of tens of thousands of events.
 * Keys and signatures are deterministic. Each isolate owns its keys and nonces.
 *
 * DESIGN. A BIP-340 signature costs two multiplications of a point, one for the key and one for the nonce. Here both
 * points are made once, by nostr-wasm: a key's when the key is first used, and 64 nonces' that all signatures share.
 * What remains is arithmetic of scalars: `s = k + e·d mod n`. Whoever sees two signatures of one nonce can compute the
 * secret key; these keys are no secret. The library returns x-coordinates only, and BIP-340 wants the scalar whose
 * point has an even y. So a trial decides: sign, verify, and take `n - scalar` if that fails. The key 1 starts the
 * chain, since the generator's own y is even.
 *
 * @module
 */
import { hash } from "node:crypto";
import { initNostrWasm } from "nostr-wasm";
import type { NostrEvent as TestEvent } from "nostr-tools/core";

/** A signed event (NIP-01). */
export type { TestEvent };

/** What a test decides about an event. `created_at` is now, in seconds, unless given. */
export interface EventTemplate {
  kind?: number;
  content?: string;
  tags?: string[][];
  created_at?: number;
}

/** A key pair for tests. */
export interface TestKey {
  readonly secret: Uint8Array;
  /** x-only, lower-case hex. */
  readonly pubkey: string;
  /** The secret, or its negation, whose point has an even y (BIP-340). */
  readonly scalar: bigint;
}

interface Nonce {
  readonly scalar: bigint;
  /** The x-coordinate of the nonce's point, 32 bytes as hex. */
  readonly x: string;
}

/** The order of secp256k1's group. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const NONCES = 64;
/** BIP-340 starts the hash of a challenge with the tag's own hash, twice. */
const CHALLENGE_PREFIX = hash("sha256", "BIP0340/challenge", "hex").repeat(2);

const wasm = await initNostrWasm();
const keys = new Map<number, TestKey>();
let nonces: readonly Nonce[] | undefined;

/** The test key number `n`: the same in every run. */
export function testKey(n: number): TestKey {
  let key = keys.get(n);
  if (key === undefined) {
    key = makeKey(hash("sha256", `sluice test key ${n}`, "hex"));
    keys.set(n, key);
  }
  return key;
}

/** Signs what `template` says; the same template gives the same event. */
export function signEvent(key: TestKey, template: EventTemplate = {}): TestEvent {
  const { kind = 1, content = "", tags = [], created_at = Math.floor(Date.now() / 1000) } = template;
  const id = eventId({ pubkey: key.pubkey, created_at, kind, tags, content });
  return { id, pubkey: key.pubkey, created_at, kind, tags, content, sig: signId(key, id) };
}

/** The id that NIP-01 gives to an event: the SHA-256 of its serialization, as hex. */
export function eventId(event: Omit<TestEvent, "id" | "sig">): string {
  const { pubkey, created_at, kind, tags, content } = event;
  return hash("sha256", JSON.stringify([0, pubkey, created_at, kind, tags, content]), "hex");
}

/** The BIP-340 signature of an id, both as hex; for events that are wrong elsewhere but rightly signed. */
export function signId(key: TestKey, id: string): string {
  nonces ??= makeNonces();
  return sign(key.pubkey, key.scalar, nonces[parseInt(id.slice(0, 2), 16) % NONCES]!, id);
}

function sign(pubkey: string, scalar: bigint, nonce: Nonce, id: string): string {
  const challenge = hash("sha256", Uint8Array.fromHex(CHALLENGE_PREFIX + nonce.x + pubkey + id), "hex");
  const s = (nonce.scalar + BigInt(`0x${challenge}`) * scalar) % ORDER;
  return nonce.x + s.toString(16).padStart(64, "0");
}

function makeKey(secretHex: string): TestKey {
  nonces ??= makeNonces();
  const secret = Uint8Array.fromHex(secretHex);
  const pubkey = wasm.getPublicKey(secret).toHex();
  const scalar = BigInt(`0x${secretHex}`);
  const even = verifies(pubkey, scalar, nonces[0]!);
  return { secret, pubkey, scalar: even ? scalar : ORDER - scalar };
}

function makeNonces(): Nonce[] {
  const generator = wasm.getPublicKey(Uint8Array.fromHex("1".padStart(64, "0"))).toHex();
  const result: Nonce[] = [];
  for (let i = 0; i < NONCES; i++) {
    const secretHex = hash("sha256", `sluice test nonce ${i}`, "hex");
    const x = wasm.getPublicKey(Uint8Array.fromHex(secretHex)).toHex();
    const scalar = BigInt(`0x${secretHex}`);
    const even = verifies(generator, 1n, { scalar, x });
    result.push({ scalar: even ? scalar : ORDER - scalar, x });
  }
  return result;
}

function verifies(pubkey: string, scalar: bigint, nonce: Nonce): boolean {
  const event = { pubkey, created_at: 0, kind: 1, tags: [], content: "" };
  const id = eventId(event);
  try {
    wasm.verifyEvent({ ...event, id, sig: sign(pubkey, scalar, nonce, id) });
    return true;
  } catch {
    return false;
  }
}
