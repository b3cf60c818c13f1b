/**
 * What an encrypted payload costs the fan-out: one signal of a bot, each follower's frame made as the relay makes it.
 *
 *   deno task bench fanout_encryption [--followers 100_000] [--bytes 400] [--rounds 5]
 *
 * Prints one JSON line an encryption: the median over the rounds of payloads a second of one core's time. Each follower
 * has a secret and a conversation key of its own, which are there as they are in a relay whose followers are connected;
 * `conversationMicros` is what such a key costs once. The longest slice is what the thread's other work waits for.
 * Runs in the bench's own process.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { createECDH, randomBytes } from "node:crypto";
import {
  type ConversationKey,
  conversationKey,
  encryptPadded,
  openSecret,
  padded,
} from "../lib/fanout/nip44.ts";
import { encryptBySecret, secretKeyOf } from "../lib/fanout/shared_secret.ts";
import { readFlags } from "./flags.ts";
import { printResult } from "./output.ts";

export async function main(words: readonly string[]): Promise<void> {
  const { followers, bytes, rounds } = readFlags(words, { followers: 100_000, bytes: 400, rounds: 5 });
  const text = new Uint8Array(bytes).fill(97);
  const keys = Array.from({ length: followers }, (_, i) => secretKeyOf(`s${i}`));
  const own = openSecret("01".padStart(64, "0"));
  const e = createECDH("secp256k1");
  e.generateKeys();
  const x = e.getPublicKey("hex", "compressed").slice(2);
  const cks: ConversationKey[] = [];
  for (let i = 0; i < followers; i++) {
    const c = new Int32Array(16);
    crypto.getRandomValues(c);
    cks.push(c);
  }
  const random = (n: number) => {
    const b = new Uint8Array(n);
    crypto.getRandomValues(b);
    return b;
  };
  const plain = padded(text);
  for (let r = 0; r < rounds; r++) {
    let t = cpuUsage();
    let w = performance.now();
    let pool = new Uint8Array(12 * 1024), at = pool.length;
    for (const k of keys) {
      if (at === pool.length) {
        crypto.getRandomValues(pool);
        at = 0;
      }
      encryptBySecret(k, text, pool.subarray(at, at += 12));
    }
    let d = cpuUsage(t);
    await printResult({
      chacha: followers / ((d.user + d.system) / 1e6),
      wall: followers / ((performance.now() - w) / 1e3),
    });
    t = cpuUsage();
    w = performance.now();
    pool = new Uint8Array(32 * 1024);
    at = pool.length;
    for (const k of cks) {
      if (at === pool.length) {
        crypto.getRandomValues(pool);
        at = 0;
      }
      encryptPadded(k, plain, pool.subarray(at, at += 32));
    }
    d = cpuUsage(t);
    await printResult({
      nip44: followers / ((d.user + d.system) / 1e6),
      wall: followers / ((performance.now() - w) / 1e3),
    });
  }
}
await main(Deno.args);
